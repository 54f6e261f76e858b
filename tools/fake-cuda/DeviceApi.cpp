//===- DeviceApi.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Devices, contexts, errors, and finding functions by name.
//
//===----------------------------------------------------------------------===//
#include "tools/fake-cuda/Driver.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

FAKE_CUDA_API cuInit(unsigned flags) {
  FAKE_CUDA_ENTER(Nothing);
  if (flags)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  if (!call.driver.deviceCount)
    return call.done(CUDA_ERROR_NO_DEVICE);
  call.driver.initialized = true;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDriverGetVersion(int *version) {
  FAKE_CUDA_ENTER(Nothing);
  if (!version)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  *version = call.driver.version;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDeviceGetCount(int *count) {
  FAKE_CUDA_ENTER(Initialized);
  *count = call.driver.deviceCount;
  return call.done(CUDA_SUCCESS);
}

static bool isDevice(const Driver &driver, CUdevice device) {
  return device >= 0 && device < driver.deviceCount;
}

FAKE_CUDA_API cuDeviceGet(CUdevice *device, int ordinal) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, ordinal))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  *device = ordinal;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDeviceGetName(char *name, int length, CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  snprintf(name, size_t(length), "Ingot emulated device %u.%u",
           call.driver.device.arch / 10, call.driver.device.arch % 10);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  memset(uuid, 0, sizeof(*uuid));
  memcpy(uuid->bytes, "IngotFakeCuda", 13);
  uuid->bytes[15] = char(device);
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  return cuDeviceGetUuid_v2(uuid, device);
}

FAKE_CUDA_API cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  *bytes = call.driver.memoryLimit;
  return call.done(CUDA_SUCCESS);
}

namespace {
/// Numbers of CUdevice_attribute.
struct AttributeValue {
  int attribute;
  int value;
};
} // namespace

static constexpr AttributeValue kAttributes[] = {
    {1, 1024},       // MAX_THREADS_PER_BLOCK
    {2, 1024},       // MAX_BLOCK_DIM_X
    {3, 1024},       // MAX_BLOCK_DIM_Y
    {4, 64},         // MAX_BLOCK_DIM_Z
    {5, 2147483647}, // MAX_GRID_DIM_X
    {6, 65535},      // MAX_GRID_DIM_Y
    {7, 65535},      // MAX_GRID_DIM_Z
    {8, 49152},      // MAX_SHARED_MEMORY_PER_BLOCK
    {9, 65536},      // TOTAL_CONSTANT_MEMORY
    {10, 32},        // WARP_SIZE
    {12, 65536},     // MAX_REGISTERS_PER_BLOCK
    {13, 1500000},   // CLOCK_RATE
    {14, 512},       // TEXTURE_ALIGNMENT
    {15, 1},         // GPU_OVERLAP
    {17, 0},         // KERNEL_EXEC_TIMEOUT
    {18, 0},         // INTEGRATED
    {19, 1},         // CAN_MAP_HOST_MEMORY
    {20, 0},         // COMPUTE_MODE
    {31, 1},         // CONCURRENT_KERNELS
    {33, 1},         // PCI_BUS_ID
    {36, 2000000},   // MEMORY_CLOCK_RATE
    {37, 4096},      // GLOBAL_MEMORY_BUS_WIDTH
    {38, 50331648},  // L2_CACHE_SIZE
    {39, 2048},      // MAX_THREADS_PER_MULTIPROCESSOR
    {40, 2},         // ASYNC_ENGINE_COUNT
    {41, 1},         // UNIFIED_ADDRESSING
    {78, 1},         // STREAM_PRIORITIES_SUPPORTED
    {82, 65536},     // MAX_REGISTERS_PER_MULTIPROCESSOR
    {83, 1},         // MANAGED_MEMORY
    {106, 32},       // MAX_BLOCKS_PER_MULTIPROCESSOR
    {111, 1024},     // RESERVED_SHARED_MEMORY_PER_BLOCK
    {115, 1},        // MEMORY_POOLS_SUPPORTED
};

FAKE_CUDA_API cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  if (!value || attribute < 1 || attribute > 200)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  const DeviceInfo &info = call.driver.device;
  *value = 0;
  for (const AttributeValue &entry : kAttributes)
    if (entry.attribute == attribute)
      *value = entry.value;
  switch (attribute) {
  case 16:
    *value = info.multiprocessors;
    break;
  case 75: // COMPUTE_CAPABILITY_MAJOR
    *value = int(info.arch / 10);
    break;
  case 76:
    *value = int(info.arch % 10);
    break;
  case 81: // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    *value = info.sharedPerMultiprocessor;
    break;
  case 97: // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    *value = info.sharedPerBlockOptin;
    break;
  case 120: // CLUSTER_LAUNCH
  case 127: // TENSOR_MAP_ACCESS_SUPPORTED
    *value = info.arch >= 90;
    break;
  default:
    break;
  }
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDeviceCanAccessPeer(int *can, CUdevice, CUdevice) {
  FAKE_CUDA_ENTER(Initialized);
  *can = 0;
  return call.done(CUDA_SUCCESS);
}

//===----------------------------------------------------------------------===//
// Contexts.
//===----------------------------------------------------------------------===//

FAKE_CUDA_API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  *context = call.driver.contexts[device].get();
  ++(*context)->retained;
  return call.done(CUDA_SUCCESS);
}

/// Forgets everything that belongs to a context.
static void destroyContents(Driver &driver, FakeContext *context) {
  driver.drainContext(context);
  for (FakeStream *stream : context->streams) {
    driver.handles.erase(stream);
    delete stream;
  }
  context->streams.clear();
  context->defaultStream = nullptr;
  std::vector<FakeMemory> blocks;
  for (auto &[base, block] : driver.allocations)
    if (block.context == context)
      blocks.push_back(block);
  for (const FakeMemory &block : blocks)
    driver.release(block.base, block.kind);
  context->sticky = CUDA_SUCCESS;
}

FAKE_CUDA_API cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  FakeContext *context = call.driver.contexts[device].get();
  if (!context->retained)
    return call.done(CUDA_ERROR_INVALID_CONTEXT);
  if (--context->retained == 0)
    destroyContents(call.driver, context);
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuDevicePrimaryCtxRelease(CUdevice device) {
  return cuDevicePrimaryCtxRelease_v2(device);
}

FAKE_CUDA_API cuDevicePrimaryCtxReset_v2(CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isDevice(call.driver, device))
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  destroyContents(call.driver, call.driver.contexts[device].get());
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) {
  FAKE_CUDA_ENTER(Initialized);
  return call.done(CUDA_SUCCESS);
}

static bool isContext(const Driver &driver, CUcontext context) {
  for (const auto &known : driver.contexts)
    if (known.get() == context)
      return known->retained > 0;
  return false;
}

FAKE_CUDA_API cuCtxSetCurrent(CUcontext context) {
  FAKE_CUDA_ENTER(Initialized);
  if (context && !isContext(call.driver, context))
    return call.done(CUDA_ERROR_INVALID_CONTEXT);
  std::vector<FakeContext *> &stack = contextStack();
  if (!stack.empty())
    stack.pop_back();
  if (context)
    stack.push_back(context);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuCtxGetCurrent(CUcontext *context) {
  FAKE_CUDA_ENTER(Initialized);
  *context = currentContext();
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuCtxPushCurrent_v2(CUcontext context) {
  FAKE_CUDA_ENTER(Initialized);
  if (!isContext(call.driver, context))
    return call.done(CUDA_ERROR_INVALID_CONTEXT);
  contextStack().push_back(context);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuCtxPopCurrent_v2(CUcontext *context) {
  FAKE_CUDA_ENTER(Initialized);
  if (contextStack().empty())
    return call.done(CUDA_ERROR_INVALID_CONTEXT);
  if (context)
    *context = contextStack().back();
  contextStack().pop_back();
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuCtxGetDevice(CUdevice *device) {
  FAKE_CUDA_ENTER(Initialized);
  if (!currentContext())
    return call.done(CUDA_ERROR_INVALID_CONTEXT);
  *device = currentContext()->device;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuCtxSynchronize() {
  FAKE_CUDA_ENTER(Context);
  return call.done(call.driver.drainContext(call.context));
}

//===----------------------------------------------------------------------===//
// Errors.
//===----------------------------------------------------------------------===//

namespace {
struct ErrorEntry {
  CUresult code;
  const char *name, *text;
};
} // namespace

#define FAKE_CUDA_ERROR(NAME, TEXT) {CUDA_##NAME, "CUDA_" #NAME, TEXT}
static constexpr ErrorEntry kErrors[] = {
    FAKE_CUDA_ERROR(SUCCESS, "no error"),
    FAKE_CUDA_ERROR(ERROR_INVALID_VALUE, "invalid argument"),
    FAKE_CUDA_ERROR(ERROR_OUT_OF_MEMORY, "out of memory"),
    FAKE_CUDA_ERROR(ERROR_NOT_INITIALIZED, "initialization error"),
    FAKE_CUDA_ERROR(ERROR_NO_DEVICE, "no CUDA-capable device is detected"),
    FAKE_CUDA_ERROR(ERROR_INVALID_DEVICE, "invalid device ordinal"),
    FAKE_CUDA_ERROR(ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    FAKE_CUDA_ERROR(ERROR_INVALID_CONTEXT, "invalid device context"),
    FAKE_CUDA_ERROR(ERROR_NO_BINARY_FOR_GPU,
                    "no kernel image is available for execution on the device"),
    FAKE_CUDA_ERROR(ERROR_INVALID_PTX, "a PTX JIT compilation failed"),
    FAKE_CUDA_ERROR(ERROR_UNSUPPORTED_PTX_VERSION,
                    "the provided PTX was compiled with an unsupported "
                    "toolchain"),
    FAKE_CUDA_ERROR(ERROR_INVALID_HANDLE, "invalid resource handle"),
    FAKE_CUDA_ERROR(ERROR_NOT_FOUND, "named symbol not found"),
    FAKE_CUDA_ERROR(ERROR_NOT_READY, "device not ready"),
    FAKE_CUDA_ERROR(ERROR_ILLEGAL_ADDRESS,
                    "an illegal memory access was encountered"),
    FAKE_CUDA_ERROR(ERROR_LAUNCH_OUT_OF_RESOURCES,
                    "too many resources requested for launch"),
    FAKE_CUDA_ERROR(ERROR_LAUNCH_TIMEOUT,
                    "the launch timed out and was terminated"),
    FAKE_CUDA_ERROR(ERROR_HOST_MEMORY_ALREADY_REGISTERED,
                    "part or all of the requested memory range is already "
                    "mapped"),
    FAKE_CUDA_ERROR(ERROR_HOST_MEMORY_NOT_REGISTERED,
                    "pointer does not correspond to a registered memory "
                    "region"),
    FAKE_CUDA_ERROR(ERROR_ILLEGAL_INSTRUCTION,
                    "an illegal instruction was encountered"),
    FAKE_CUDA_ERROR(ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    FAKE_CUDA_ERROR(ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    FAKE_CUDA_ERROR(ERROR_NOT_SUPPORTED, "operation not supported"),
    FAKE_CUDA_ERROR(ERROR_STREAM_CAPTURE_UNSUPPORTED,
                    "operation not permitted when stream is capturing"),
    FAKE_CUDA_ERROR(ERROR_STREAM_CAPTURE_INVALIDATED,
                    "operation failed due to a previous error during capture"),
    FAKE_CUDA_ERROR(ERROR_STREAM_CAPTURE_UNMATCHED,
                    "capture was not ended in the same stream as it began"),
    FAKE_CUDA_ERROR(ERROR_GRAPH_EXEC_UPDATE_FAILURE,
                    "the graph update was not performed because it included "
                    "changes which violated constraints specific to "
                    "instantiated graph update"),
    FAKE_CUDA_ERROR(ERROR_UNKNOWN, "unknown error"),
};

static const ErrorEntry *errorOf(CUresult code) {
  for (const ErrorEntry &entry : kErrors)
    if (entry.code == code)
      return &entry;
  return nullptr;
}

FAKE_CUDA_API cuGetErrorName(CUresult code, const char **name) {
  const ErrorEntry *entry = errorOf(code);
  *name = entry ? entry->name : nullptr;
  return entry ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

FAKE_CUDA_API cuGetErrorString(CUresult code, const char **text) {
  const ErrorEntry *entry = errorOf(code);
  *text = entry ? entry->text : nullptr;
  return entry ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// What the interpreter said about the last fault. Not part of CUDA.
extern "C" __attribute__((visibility("default"))) const char *
ingotFakeCudaLastMessage() {
  return Driver::get().lastMessage.c_str();
}

//===----------------------------------------------------------------------===//
// Finding functions.
//===----------------------------------------------------------------------===//

FAKE_CUDA_API cuGetProcAddress_v2(const char *name, void **function,
                                  int version, uint64_t, int *status) {
  FAKE_CUDA_ENTER(Nothing);
  Dl_info self;
  *function = nullptr;
  if (dladdr(reinterpret_cast<void *>(&ingotFakeCudaLastMessage), &self)) {
    // The newest version of a function that has several.
    void *library = dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    for (const char *suffix : {"_v3", "_v2", ""})
      if (library && !*function)
        *function = dlsym(library, (std::string(name) + suffix).c_str());
    if (library)
      dlclose(library);
  }
  bool tooOld = version > call.driver.version;
  if (tooOld)
    *function = nullptr;
  if (status)
    *status = *function ? 0 : tooOld ? 2 : 1;
  return call.done(*function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND);
}
FAKE_CUDA_API cuGetProcAddress(const char *name, void **function, int version,
                               uint64_t flags) {
  return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
