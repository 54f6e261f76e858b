//===- StubDriver.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/StubDriver.h"

#include "lib/Runtime/GpuApi.h"
#include "lib/Runtime/ModelAbi.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>

using namespace ingot::test;
using namespace ingot::rt::cuda;

namespace ingot::rt::cuda {
struct ContextOpaque {
  int device;
};
struct ModuleOpaque {
  std::string text;
};
struct FunctionOpaque {
  std::string name;
};
struct GraphOpaque {
  std::vector<std::function<void()>> steps;
};
struct GraphExecOpaque {
  GraphOpaque graph;
};
struct StreamOpaque {
  int device;
  GraphOpaque *capture = nullptr;
};
struct EventOpaque {
  int unused;
};
struct LinkStateOpaque {
  std::string text;
};
} // namespace ingot::rt::cuda

// Of LeakSanitizer, if the tests are built with it.
extern "C" __attribute__((weak)) void __lsan_ignore_object(const void *);

namespace {
/// An object whose loss the stub counts itself: a lost device loses all.
template <typename T, typename... Args> T *make(Args &&...args) {
  auto *object = new T{std::forward<Args>(args)...};
  if (__lsan_ignore_object)
    __lsan_ignore_object(object);
  return object;
}

constexpr Result invalidPtx = 218, notFound = 500, launchOutOfResources = 701;

struct Block {
  size_t bytes;
  int device; // -1: pinned memory of the processor
};

StubDriver stub;
std::recursive_mutex mutex;
std::map<uintptr_t, Block> blocks;
ContextOpaque contexts[16];
thread_local std::vector<Context> current;

/// Counts a call; the result it has to fail with, or 0.
Result enter(const char *function) {
  stub.calls.push_back(function);
  if (stub.sticky)
    return stub.sticky;
  auto found = stub.failures.find(function);
  if (found == stub.failures.end() || --found->second.nth != 0)
    return success;
  Result result = found->second.result;
  if (result >= 700 && result < 720 && result != launchOutOfResources)
    stub.sticky = result;
  return result;
}

#define ENTER()                                                                \
  std::lock_guard<std::recursive_mutex> guard(mutex);                          \
  if (Result injected = enter(__func__))                                       \
  return injected

int deviceNow() { return current.empty() ? -1 : current.back()->device; }

const Block *findBlock(uintptr_t address) {
  auto next = blocks.upper_bound(address);
  if (next == blocks.begin())
    return nullptr;
  --next;
  return address < next->first + next->second.bytes ? &next->second : nullptr;
}

Result allocate(uintptr_t &address, size_t bytes, int device) {
  if (device >= 0 && bytes > stub.memory - stub.used)
    return outOfMemory;
  address = reinterpret_cast<uintptr_t>(
      std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  memset(reinterpret_cast<void *>(address), 0xcd, bytes);
  blocks[address] = {bytes, device};
  ++(device < 0 ? stub.pinned : stub.allocations);
  stub.used += device < 0 ? 0 : bytes;
  return success;
}

Result release(uintptr_t address, bool isPinned) {
  auto found = blocks.find(address);
  if (found == blocks.end() || (found->second.device < 0) != isPinned)
    return invalidValue;
  --(isPinned ? stub.pinned : stub.allocations);
  stub.used -= isPinned ? 0 : found->second.bytes;
  std::free(reinterpret_cast<void *>(address));
  blocks.erase(found);
  return success;
}

/// Whether a range is one block of the kind.
bool isInside(uintptr_t address, size_t bytes, bool isDevice) {
  const Block *block = findBlock(address);
  const Block *last = findBlock(address + bytes - 1);
  return block && block == last && (block->device >= 0) == isDevice;
}

Result submit(Stream stream, std::function<void()> step) {
  if (stream != legacyStream() && stream->capture)
    stream->capture->steps.push_back(std::move(step));
  else
    step();
  return success;
}

void *pointer(uint64_t address) { return reinterpret_cast<void *>(address); }

/// What the kernels of fake_gpu_model.c do, for all threads of a grid.
using Kernel = void (*)(const std::vector<uint64_t> &args, uint64_t threads);

void multiply(const std::vector<uint64_t> &args, uint64_t threads) {
  auto *x = static_cast<const float *>(pointer(args[1]));
  auto *weights = static_cast<const float *>(pointer(args[2]));
  auto *to = static_cast<float *>(pointer(args[3]));
  for (uint64_t i = 0; i < threads && i < args[4] * 4; ++i) {
    if (std::isnan(x[i]))
      *static_cast<int64_t *>(pointer(args[0])) = INGOT_FAULT_ARGUMENT;
    to[i] = weights[i % 4] * x[i];
  }
}

void add(const std::vector<uint64_t> &args, uint64_t) {
  auto *a = static_cast<const float *>(pointer(args[1]));
  auto *b = static_cast<const float *>(pointer(args[2]));
  auto *to = static_cast<float *>(pointer(args[3]));
  for (uint64_t i = 0; i < args[4] * 4; ++i)
    to[i] = a[i] + b[i];
}

const std::map<std::string, Kernel> kernels = {{"k0_mul", multiply},
                                               {"k1_add", add}};

Result launchStep(Function function, unsigned grid, unsigned block,
                  Stream stream, void **parameters) {
  std::vector<uint64_t> args;
  for (int i = 0; i < 5; ++i)
    args.push_back(*static_cast<uint64_t *>(parameters[i]));
  Kernel kernel = kernels.at(function->name);
  stub.grid = grid;
  uint64_t counters = 0, room = 0;
  if (stub.counters && function->name == "k0_mul") {
    counters = *static_cast<uint64_t *>(parameters[5]);
    room = *static_cast<uint64_t *>(parameters[6]);
  }
  return submit(stream, [=] {
    kernel(args, uint64_t(grid) * block);
    if (!counters)
      return;
    auto *words = static_cast<uint32_t *>(pointer(counters));
    for (unsigned i = 0; i < stub.counters; ++i) {
      stub.counted.push_back(words[i]);
      words[i] = 7;
    }
    stub.rooms.push_back(room);
    memset(pointer(room), 0xff, stub.room);
  });
}

void putLog(unsigned count, const int *options, void **values,
            const char *text) {
  char *log = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == jitErrorLog)
      log = static_cast<char *>(values[i]);
    if (options[i] == jitErrorLogBytes)
      bytes = reinterpret_cast<size_t>(values[i]);
  }
  if (log && bytes)
    snprintf(log, bytes, "%s", text);
}

const char compiled[] = "STUB";
} // namespace

#define API extern "C" __attribute__((visibility("default")))

API StubDriver *ingot::test::ingotStubDriver() {
  stub.largest = []() -> const void * {
    auto best = blocks.end();
    for (auto it = blocks.begin(); it != blocks.end(); ++it)
      if (it->second.device >= 0 &&
          (best == blocks.end() || it->second.bytes > best->second.bytes))
        best = it;
    return best == blocks.end() ? nullptr : pointer(best->first);
  };
  return &stub;
}

API Result cuInit(unsigned) {
  ENTER();
  return stub.devices.empty() ? noDevice : success;
}
API Result cuDriverGetVersion(int *version) {
  ENTER();
  *version = stub.version;
  return success;
}
API Result cuGetErrorName(Result result, const char **name) {
  static const std::map<Result, const char *> names = {
      {invalidValue, "CUDA_ERROR_INVALID_VALUE"},
      {outOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
      {deviceUnavailable, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
      {eccUncorrectable, "CUDA_ERROR_ECC_UNCORRECTABLE"},
      {invalidPtx, "CUDA_ERROR_INVALID_PTX"},
      {illegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {launchTimeout, "CUDA_ERROR_LAUNCH_TIMEOUT"},
      {notFound, "CUDA_ERROR_NOT_FOUND"},
  };
  auto found = names.find(result);
  *name = found == names.end() ? nullptr : found->second;
  return *name ? success : invalidValue;
}
API Result cuGetErrorString(Result result, const char **text) {
  *text = result == illegalAddress ? "an illegal memory access was encountered"
          : result == outOfMemory  ? "out of memory"
                                   : nullptr;
  return *text ? success : invalidValue;
}
API Result cuDeviceGetCount(int *count) {
  ENTER();
  *count = int(stub.devices.size());
  return success;
}
API Result cuDeviceGet(Device *device, int number) {
  ENTER();
  *device = number;
  return size_t(number) < stub.devices.size() ? success : 101;
}
API Result cuDeviceGetName(char *name, int size, Device device) {
  ENTER();
  snprintf(name, size_t(size), "Stub %d", device);
  return success;
}
API Result cuDeviceGetAttribute(int *value, int attribute, Device device) {
  ENTER();
  int capability = stub.devices.at(size_t(device));
  *value = attribute == attributeMajor             ? capability / 10
           : attribute == attributeMinor           ? capability % 10
           : attribute == attributeMultiprocessors ? stub.multiprocessors
                                                   : 0;
  return success;
}
API Result cuDevicePrimaryCtxRetain(Context *context, Device device) {
  ENTER();
  contexts[device].device = device;
  *context = &contexts[device];
  ++stub.primaries;
  return success;
}
API Result cuDevicePrimaryCtxRelease_v2(Device) {
  ENTER();
  --stub.primaries;
  return success;
}
API Result cuCtxPushCurrent_v2(Context context) {
  ENTER();
  current.push_back(context);
  stub.depth = int(current.size());
  return success;
}
API Result cuCtxPopCurrent_v2(Context *context) {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  *context = current.back();
  current.pop_back();
  stub.depth = int(current.size());
  return success;
}
API Result cuModuleLoadDataEx(Module *module, const void *data, unsigned count,
                              int *options, void **values) {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  if (Result injected = enter(__func__)) {
    if (injected == invalidPtx)
      putLog(count, options, values,
             "ptxas application ptx input, line 7; fatal   : Parsing error\n"
             "ptxas fatal   : Ptx assembly aborted\n");
    return injected;
  }
  *module = make<ModuleOpaque>(static_cast<const char *>(data));
  ++stub.modules;
  return success;
}
API Result cuModuleUnload(Module module) {
  ENTER();
  delete module;
  --stub.modules;
  return success;
}
API Result cuModuleGetFunction(Function *function, Module module,
                               const char *name) {
  ENTER();
  static std::map<std::string, FunctionOpaque> functions;
  if (module->text.find(std::string(".entry ") + name + "(") ==
      std::string::npos)
    return notFound;
  *function = &functions[name];
  (*function)->name = name;
  return success;
}
API Result cuFuncSetAttribute(Function, int, int) {
  ENTER();
  return success;
}
API Result cuMemAlloc_v2(Address *address, size_t bytes) {
  ENTER();
  uintptr_t result = 0;
  Result status = allocate(result, bytes, deviceNow());
  *address = result;
  return status;
}
API Result cuMemFree_v2(Address address) {
  ENTER();
  return release(address, false);
}
API Result cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  ENTER();
  uintptr_t result = 0;
  Result status = allocate(result, bytes, -1);
  *memory = pointer(result);
  return status;
}
API Result cuMemFreeHost(void *memory) {
  ENTER();
  return release(reinterpret_cast<uintptr_t>(memory), true);
}
API Result cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER();
  *free = stub.memory - stub.used;
  *total = stub.memory;
  return success;
}
API Result cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes,
                                Stream stream) {
  ENTER();
  if (!isInside(to, bytes, true))
    return invalidValue;
  return submit(stream, [=] { memcpy(pointer(to), from, bytes); });
}
API Result cuMemcpyDtoHAsync_v2(void *to, Address from, size_t bytes,
                                Stream stream) {
  ENTER();
  if (!isInside(from, bytes, true))
    return invalidValue;
  return submit(stream, [=] { memcpy(to, pointer(from), bytes); });
}
API Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes,
                                Stream stream) {
  ENTER();
  if (!isInside(from, bytes, true) || !isInside(to, bytes, true))
    return invalidValue;
  return submit(stream, [=] { memcpy(pointer(to), pointer(from), bytes); });
}
API Result cuMemsetD8Async(Address to, unsigned char value, size_t bytes,
                           Stream stream) {
  ENTER();
  if (!isInside(to, bytes, true))
    return invalidValue;
  return submit(stream, [=] { memset(pointer(to), value, bytes); });
}
API Result cuPointerGetAttribute(void *value, int attribute, Address address) {
  ENTER();
  const Block *block = findBlock(address);
  if (!block)
    return invalidValue;
  if (attribute == pointerMemoryType)
    *static_cast<unsigned *>(value) = block->device < 0 ? 1 : memoryDevice;
  else if (attribute == pointerIsManaged)
    *static_cast<unsigned *>(value) = 0;
  else if (attribute == pointerDevice)
    *static_cast<int *>(value) = block->device;
  else
    return invalidValue;
  return success;
}
API Result cuStreamCreate(Stream *stream, unsigned) {
  ENTER();
  *stream = make<StreamOpaque>(deviceNow());
  ++stub.streams;
  return success;
}
API Result cuStreamDestroy_v2(Stream stream) {
  ENTER();
  delete stream;
  --stub.streams;
  return success;
}
API Result cuStreamSynchronize(Stream) {
  ENTER();
  return success;
}
API Result cuStreamGetCtx(Stream stream, Context *context) {
  ENTER();
  *context =
      stream == legacyStream() ? current.back() : &contexts[stream->device];
  return success;
}
API Result cuStreamIsCapturing(Stream, int *status) {
  ENTER();
  *status = stub.isCapturing;
  return success;
}
API Result cuStreamBeginCapture_v2(Stream stream, int) {
  ENTER();
  stream->capture = make<GraphOpaque>();
  return success;
}
API Result cuStreamEndCapture(Stream stream, Graph *graph) {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  *graph = stream->capture;
  stream->capture = nullptr;
  if (Result injected = enter(__func__)) {
    delete *graph;
    *graph = nullptr;
    return injected;
  }
  ++stub.graphs;
  return success;
}
API Result cuGraphInstantiateWithFlags(GraphExec *exec, Graph graph,
                                       unsigned long long) {
  ENTER();
  *exec = make<GraphExecOpaque>(*graph);
  ++stub.graphs;
  return success;
}
API Result cuGraphLaunch(GraphExec exec, Stream) {
  ENTER();
  for (auto &step : exec->graph.steps)
    step();
  return success;
}
API Result cuGraphDestroy(Graph graph) {
  ENTER();
  delete graph;
  --stub.graphs;
  return success;
}
API Result cuGraphExecDestroy(GraphExec exec) {
  ENTER();
  delete exec;
  --stub.graphs;
  return success;
}
API Result cuLaunchKernel(Function function, unsigned grid, unsigned, unsigned,
                          unsigned block, unsigned, unsigned, unsigned,
                          Stream stream, void **parameters, void **) {
  ENTER();
  stub.cluster = 1;
  return launchStep(function, grid, block, stream, parameters);
}
API Result cuLaunchKernelEx(const LaunchConfig *config, Function function,
                            void **parameters, void **) {
  ENTER();
  stub.cluster = config->attributes->cluster[0];
  return launchStep(function, config->grid[0], config->block[0], config->stream,
                    parameters);
}
API Result cuEventCreate(Event *event, unsigned) {
  ENTER();
  *event = make<EventOpaque>(0);
  ++stub.events;
  return success;
}
API Result cuEventRecord(Event, Stream) {
  ENTER();
  return success;
}
API Result cuEventSynchronize(Event) {
  ENTER();
  return success;
}
API Result cuEventElapsedTime(float *milliseconds, Event, Event) {
  ENTER();
  *milliseconds = 0.25f;
  return success;
}
API Result cuEventDestroy_v2(Event event) {
  ENTER();
  delete event;
  --stub.events;
  return success;
}
API Result cuLinkCreate_v2(unsigned, int *, void **, LinkState *state) {
  ENTER();
  *state = make<LinkStateOpaque>();
  ++stub.links;
  return success;
}
API Result cuLinkAddData_v2(LinkState state, int, void *data, size_t,
                            const char *, unsigned, int *, void **) {
  ENTER();
  state->text = compiled + std::string(static_cast<const char *>(data));
  return success;
}
API Result cuLinkComplete(LinkState state, void **code, size_t *bytes) {
  ENTER();
  *code = &state->text[0];
  *bytes = state->text.size() + 1;
  return success;
}
API Result cuLinkDestroy(LinkState state) {
  ENTER();
  delete state;
  --stub.links;
  return success;
}
