//===- ModuleApi.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Modules, functions and launches.
//
//===----------------------------------------------------------------------===//
#include "tools/fake-cuda/Driver.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace ingot::ptx;

//===----------------------------------------------------------------------===//
// Modules.
//===----------------------------------------------------------------------===//

/// The newest PTX version, as 10 * major + minor, that a driver knows.
static unsigned newestPtx(int driver) {
  int major = driver / 1000, minor = driver % 1000 / 10;
  if (major <= 11)
    return 70 + unsigned(minor);
  if (major == 12) {
    static constexpr unsigned kMinors[] = {80, 81, 82, 83, 84,
                                           85, 85, 86, 87, 88};
    return kMinors[std::min(minor, 9)];
  }
  return 90 + unsigned(minor);
}

/// Buffers of cuModuleLoadDataEx, whose options are numbers in pointers.
namespace {
struct JitLog {
  char *info = nullptr, *error = nullptr;
  size_t infoSize = 0, errorSize = 0;
  void **infoSlot = nullptr, **errorSlot = nullptr;

  JitLog(unsigned count, const int *options, void **values) {
    for (unsigned i = 0; i < count; ++i) {
      size_t number = reinterpret_cast<size_t>(values[i]);
      switch (options[i]) {
      case 3: // INFO_LOG_BUFFER
        info = static_cast<char *>(values[i]);
        break;
      case 4:
        infoSize = number;
        infoSlot = &values[i];
        break;
      case 5: // ERROR_LOG_BUFFER
        error = static_cast<char *>(values[i]);
        break;
      case 6:
        errorSize = number;
        errorSlot = &values[i];
        break;
      default:
        break;
      }
    }
  }

  void write(const std::string &text) {
    if (error && errorSize)
      snprintf(error, errorSize, "%s", text.c_str());
    if (errorSlot)
      *errorSlot =
          reinterpret_cast<void *>(std::min(errorSize, text.size() + 1));
    if (infoSlot)
      *infoSlot = nullptr;
  }
};
} // namespace

/// Whether a device runs PTX for a target.
static bool runsOn(const DeviceInfo &device, const Module &module) {
  if (module.targetSuffix == 'a')
    return module.target == device.arch;
  if (module.targetSuffix == 'f')
    return module.target / 10 == device.arch / 10 &&
           module.target <= device.arch;
  return module.target <= device.arch;
}

static CUresult loadModule(Call &call, CUmodule *result, const void *image,
                           JitLog &log) {
  Driver &driver = call.driver;
  if (!image || !result)
    return CUDA_ERROR_INVALID_VALUE;
  auto refuse = [&](CUresult code, const std::string &message) {
    log.write("ptxas application ptx input, " + message);
    driver.lastMessage = message;
    return code;
  };
  // Machine code, alone or in a fat binary, is for real devices only.
  if (!memcmp(image,
              "\x7f"
              "ELF",
              4) ||
      !memcmp(image, "\x50\xed\x55\xba", 4))
    return refuse(CUDA_ERROR_NO_BINARY_FOR_GPU,
                  "machine code is not for this device");
  const char *text = static_cast<const char *>(image);
  std::string error;
  std::unique_ptr<Module> parsed = parseModule(text, error);
  if (!parsed)
    return refuse(CUDA_ERROR_INVALID_PTX, error);
  if (parsed->versionMajor * 10 + parsed->versionMinor >
      newestPtx(driver.version))
    return refuse(CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
                  "unsupported .version " +
                      std::to_string(parsed->versionMajor) + "." +
                      std::to_string(parsed->versionMinor));
  if (!runsOn(driver.device, *parsed)) {
    std::string target = std::to_string(parsed->target);
    if (parsed->targetSuffix)
      target += parsed->targetSuffix;
    return refuse(CUDA_ERROR_NO_BINARY_FOR_GPU,
                  "target " + target + " does not run on device " +
                      std::to_string(driver.device.arch));
  }
  auto module = std::make_unique<FakeModule>();
  module->context = call.context;
  module->module = LoadedModule::load(text, driver.memory, error);
  if (!module->module)
    return refuse(CUDA_ERROR_INVALID_PTX, error);
  *result = module.release();
  driver.handles.insert(*result);
  return CUDA_SUCCESS;
}

FAKE_CUDA_API cuModuleLoadDataEx(CUmodule *module, const void *image,
                                 unsigned count, int *options, void **values) {
  FAKE_CUDA_ENTER(Context);
  JitLog log(count, options, values);
  return call.done(loadModule(call, module, image, log));
}
FAKE_CUDA_API cuModuleLoadData(CUmodule *module, const void *image) {
  FAKE_CUDA_ENTER(Context);
  JitLog log(0, nullptr, nullptr);
  return call.done(loadModule(call, module, image, log));
}

FAKE_CUDA_API cuModuleUnload(CUmodule module) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(module))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  CUresult error = call.driver.drainContext(call.context);
  for (const auto &function : module->functions)
    call.driver.handles.erase(function.get());
  call.driver.handles.erase(module);
  delete module;
  return call.done(error);
}

FAKE_CUDA_API cuModuleGetFunction(CUfunction *function, CUmodule module,
                                  const char *name) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(module))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  const Program *program = module->module->kernel(name);
  if (!program)
    return call.done(CUDA_ERROR_NOT_FOUND);
  for (const auto &known : module->functions)
    if (known->program == program) {
      *function = known.get();
      return call.done(CUDA_SUCCESS);
    }
  module->functions.push_back(std::make_unique<FakeFunction>());
  FakeFunction &added = *module->functions.back();
  added.module = module;
  added.program = program;
  added.maxDynamicShared = std::max(0, 49152 - int(program->staticShared));
  call.driver.handles.insert(&added);
  *function = &added;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes,
                                   CUmodule module, const char *name) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(module))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  uint64_t where = 0, size = 0;
  if (!module->module->variable(name, where, size))
    return call.done(CUDA_ERROR_NOT_FOUND);
  if (address)
    *address = where;
  if (bytes)
    *bytes = size;
  return call.done(CUDA_SUCCESS);
}

//===----------------------------------------------------------------------===//
// Attributes of functions.
//===----------------------------------------------------------------------===//

FAKE_CUDA_API cuFuncSetAttribute(CUfunction function, int attribute,
                                 int value) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(function))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  switch (attribute) {
  case 8: { // MAX_DYNAMIC_SHARED_SIZE_BYTES
    int room = call.driver.device.sharedPerBlockOptin -
               int(function->program->staticShared);
    if (value < 0 || value > room)
      return call.done(CUDA_ERROR_INVALID_VALUE);
    function->maxDynamicShared = value;
    return call.done(CUDA_SUCCESS);
  }
  case 9:  // PREFERRED_SHARED_MEMORY_CARVEOUT
  case 14: // NON_PORTABLE_CLUSTER_SIZE_ALLOWED
    return call.done(CUDA_SUCCESS);
  default:
    return call.done(CUDA_ERROR_INVALID_VALUE);
  }
}

FAKE_CUDA_API cuFuncGetAttribute(int *value, int attribute,
                                 CUfunction function) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(function))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  const Program &program = *function->program;
  switch (attribute) {
  case 0: // MAX_THREADS_PER_BLOCK
    *value = program.maxThreads ? int(program.maxThreads) : 1024;
    break;
  case 1: // SHARED_SIZE_BYTES
    *value = int(program.staticShared);
    break;
  case 3: // LOCAL_SIZE_BYTES
    *value = int(program.localBytes);
    break;
  case 4: // NUM_REGS: not known without an assembler
    *value = 32;
    break;
  case 5: // PTX_VERSION
  case 6: // BINARY_VERSION
    *value = int(program.target);
    break;
  case 8:
    *value = function->maxDynamicShared;
    break;
  default:
    *value = 0;
    break;
  }
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuFuncSetCacheConfig(CUfunction function, int) {
  FAKE_CUDA_ENTER(Context);
  bool known = call.driver.handles.count(function);
  return call.done(known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE);
}

FAKE_CUDA_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                          CUfunction function,
                                                          int blockSize,
                                                          size_t dynamic) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(function) || blockSize < 1)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  int byThreads = 2048 / std::max(32, (blockSize + 31) / 32 * 32);
  size_t shared = function->program->staticShared + dynamic + 1024;
  int byShared =
      int(size_t(call.driver.device.sharedPerMultiprocessor) / shared);
  *blocks = std::min({byThreads, byShared, 32});
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, CUfunction function, int blockSize, size_t dynamic, unsigned) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function,
                                                     blockSize, dynamic);
}

//===----------------------------------------------------------------------===//
// Launches.
//===----------------------------------------------------------------------===//

/// The driver's code for what the interpreter found.
static CUresult codeOf(Fault::Kind kind) {
  switch (kind) {
  case Fault::None:
    return CUDA_SUCCESS;
  case Fault::IllegalAddress:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case Fault::Misaligned:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case Fault::IllegalInstruction:
    return CUDA_ERROR_ILLEGAL_INSTRUCTION;
  case Fault::Timeout:
  case Fault::Deadlock:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  case Fault::InvalidLaunch:
    return CUDA_ERROR_INVALID_VALUE;
  default:
    return CUDA_ERROR_LAUNCH_FAILED;
  }
}

static std::string dimsText(const uint32_t (&dims)[3]) {
  return "[" + std::to_string(dims[0]) + ", " + std::to_string(dims[1]) + ", " +
         std::to_string(dims[2]) + "]";
}

static CUresult runKernel(Driver &driver, const Program &program,
                          const LaunchConfig &config, uint64_t number) {
  Fault fault;
  LaunchStats stats;
  LaunchOptions options = driver.options;
  options.seed = options.seed * 1000003 + number;
  launch(program, config, driver.memory, options, fault, stats);
  if (driver.tracing())
    driver.trace(
        "{\"kernel\": \"" + program.name + "\", \"grid\": " +
        dimsText(config.grid) + ", \"block\": " + dimsText(config.block) +
        ", \"cluster\": " + dimsText(config.cluster) +
        ", \"dynamicShared\": " + std::to_string(config.dynamicShared) +
        ", \"staticShared\": " + std::to_string(program.staticShared) +
        ", \"warpInstructions\": " + std::to_string(stats.warpInstructions) +
        ", \"laneInstructions\": " + std::to_string(stats.laneInstructions) +
        ", \"tensorInstructions\": " +
        std::to_string(stats.tensorInstructions) +
        ", \"fault\": " + std::to_string(int(fault.kind)) + "}");
  CUresult code = codeOf(fault.kind);
  return code ? driver.fail(code, fault.message) : code;
}

/// Lays out the values of parameters, given one by one or as one buffer.
static bool gatherParams(const Program &program, void **params, void **extra,
                         std::vector<uint8_t> &bytes) {
  bytes.assign(program.paramBytes, 0);
  if (params) {
    for (size_t i = 0; i < program.params.size(); ++i)
      memcpy(&bytes[program.params[i].offset], params[i],
             program.params[i].bytes);
    return true;
  }
  if (!extra)
    return program.params.empty();
  const void *buffer = nullptr;
  size_t size = 0;
  for (size_t i = 0; extra[i]; i += 2) {
    size_t key = reinterpret_cast<size_t>(extra[i]);
    if (key == 1) // CU_LAUNCH_PARAM_BUFFER_POINTER
      buffer = extra[i + 1];
    else if (key == 2) // CU_LAUNCH_PARAM_BUFFER_SIZE
      size = *static_cast<size_t *>(extra[i + 1]);
  }
  if (!buffer || size < program.paramBytes)
    return false;
  memcpy(bytes.data(), buffer, program.paramBytes);
  return true;
}

static CUresult checkLaunch(const Driver &driver, const FakeFunction &function,
                            const LaunchConfig &config) {
  const Program &program = *function.program;
  uint64_t threads = 1, cluster = 1;
  static constexpr uint32_t kMaxGrid[3] = {2147483647, 65535, 65535};
  static constexpr uint32_t kMaxBlock[3] = {1024, 1024, 64};
  for (int i = 0; i < 3; ++i) {
    if (!config.grid[i] || config.grid[i] > kMaxGrid[i] || !config.block[i] ||
        config.block[i] > kMaxBlock[i])
      return CUDA_ERROR_INVALID_VALUE;
    if (program.requiredThreads[i] &&
        program.requiredThreads[i] != config.block[i])
      return CUDA_ERROR_INVALID_VALUE;
    uint32_t size = config.cluster[i]            ? config.cluster[i]
                    : program.requiredCluster[i] ? program.requiredCluster[i]
                                                 : 1;
    if (config.grid[i] % size)
      return CUDA_ERROR_INVALID_VALUE;
    threads *= config.block[i];
    cluster *= size;
  }
  if (threads > 1024 || (program.maxThreads && threads > program.maxThreads))
    return CUDA_ERROR_INVALID_VALUE;
  if (config.dynamicShared > uint32_t(function.maxDynamicShared))
    return CUDA_ERROR_INVALID_VALUE;
  if (cluster > 1 && (driver.device.arch < 90 || cluster > 16))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

static CUresult launchLater(Call &call, CUfunction function,
                            std::shared_ptr<LaunchConfig> config,
                            CUstream handle, void **params, void **extra) {
  Driver *driver = &call.driver;
  if (!driver->handles.count(function))
    return CUDA_ERROR_INVALID_HANDLE;
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = driver->streamOf(handle, error);
  if (!stream)
    return error;
  if ((error = checkLaunch(*driver, *function, *config)))
    return error;
  const Program *program = function->program;
  if (!gatherParams(*program, params, extra, config->params))
    return CUDA_ERROR_INVALID_VALUE;
  return driver->enqueue(stream, "kernel", [=] {
    return runKernel(*driver, *program, *config, driver->nextSequence);
  });
}

FAKE_CUDA_API cuLaunchKernel(CUfunction function, unsigned gridX,
                             unsigned gridY, unsigned gridZ, unsigned blockX,
                             unsigned blockY, unsigned blockZ, unsigned shared,
                             CUstream stream, void **params, void **extra) {
  FAKE_CUDA_ENTER(Context);
  auto config = std::make_shared<LaunchConfig>();
  uint32_t grid[3] = {gridX, gridY, gridZ};
  uint32_t block[3] = {blockX, blockY, blockZ};
  memcpy(config->grid, grid, sizeof(grid));
  memcpy(config->block, block, sizeof(block));
  config->dynamicShared = shared;
  return call.done(launchLater(call, function, config, stream, params, extra));
}

FAKE_CUDA_API cuLaunchKernelEx(const CUlaunchConfig *given, CUfunction function,
                               void **params, void **extra) {
  FAKE_CUDA_ENTER(Context);
  if (!given)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  auto config = std::make_shared<LaunchConfig>();
  uint32_t grid[3] = {given->gridDimX, given->gridDimY, given->gridDimZ};
  uint32_t block[3] = {given->blockDimX, given->blockDimY, given->blockDimZ};
  memcpy(config->grid, grid, sizeof(grid));
  memcpy(config->block, block, sizeof(block));
  config->dynamicShared = given->sharedMemBytes;
  for (unsigned i = 0; i < given->numAttrs; ++i) {
    const CUlaunchAttribute &attribute = given->attrs[i];
    if (attribute.id != 4) // CLUSTER_DIMENSION
      continue;
    config->cluster[0] = attribute.value.clusterDim.x;
    config->cluster[1] = attribute.value.clusterDim.y;
    config->cluster[2] = attribute.value.clusterDim.z;
  }
  return call.done(
      launchLater(call, function, config, given->hStream, params, extra));
}
