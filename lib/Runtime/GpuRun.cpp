//===- GpuRun.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One run: copies and launches are put into a stream in order, then waited for
// once.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuContext.h"
#include "lib/Runtime/GpuTensorMap.h"
#include "lib/Runtime/GpuTimer.h"

#include <string.h>

using namespace ingot::rt;

bool ingot::rt::gpuIsCapturing(const GpuContext &gpu) {
  int status = cuda::captureNone;
  return gpu.stream != gpu.own && gpu.driver->streamIsCapturing &&
         gpu.driver->streamIsCapturing(gpu.stream, &status) == cuda::success &&
         status != cuda::captureNone;
}

static int64_t *statusWords(const GpuContext &gpu) {
  return reinterpret_cast<int64_t *>(gpu.staging.host +
                                     gpu.staging.statusOffset);
}

/// The first launch that met a fault.
static void readStatus(const ingot_context &context, IngotRunFrame &frame) {
  const volatile int64_t *words = statusWords(*context.gpu);
  for (int64_t i = 0; i < context.desc->num_launches; ++i)
    if (int64_t fault = words[i]) {
      frame.status = fault;
      frame.fault_launch = i;
      return;
    }
}

namespace {

/// Puts calls into a stream one after another; after a failure no more.
class Enqueue {
public:
  explicit Enqueue(ingot_context &context)
      : gpu(*context.gpu), staging(gpu.staging) {}

  bool call(cuda::Result result, const char *function) {
    if (result == cuda::success)
      return true;
    gpu.fault = {result, function, -1};
    return false;
  }

  /// Counters, status words and inputs from the processor's memory.
  void copyIn(bool isHost, bool isLive) {
    uint64_t from = isHost ? 0 : staging.counterOffset;
    uint64_t bytes = staging.outputOffset - from;
    if (isHost)
      call(gpu.driver->copyIn(staging.device, staging.host, bytes, gpu.target),
           "cuMemcpyHtoDAsync");
    else if (!isLive)
      call(gpu.driver->fill(staging.device + from, 0, bytes, gpu.target),
           "cuMemsetD8Async");
  }

  /// Status words and outputs to the processor's memory.
  void copyOut(bool isHost) {
    uint64_t from = staging.statusOffset;
    uint64_t end = isHost ? staging.sumOffset : staging.outputOffset;
    if (!gpu.fault.function)
      call(gpu.driver->copyOut(staging.host + from, staging.device + from,
                               end - from, gpu.target),
           "cuMemcpyDtoHAsync");
  }

  /// Tensors of the device that are not aligned.
  void copyShifted(const GpuBuffer *buffers, int32_t count, bool isOutput) {
    for (int32_t i = 0; i < count && !gpu.fault.function; ++i) {
      const GpuBuffer &buffer = buffers[i];
      if (buffer.place != GpuBuffer::Shifted)
        continue;
      cuda::Address ours = staging.device + buffer.offset;
      auto users = reinterpret_cast<uintptr_t>(buffer.users);
      call(gpu.driver->copyWithin(isOutput ? users : ours,
                                  isOutput ? ours : users, buffer.bytes,
                                  gpu.target),
           "cuMemcpyDtoDAsync");
    }
  }

private:
  GpuContext &gpu;
  const GpuStaging &staging;
};

} // namespace

void ingot::rt::gpuEnqueue(ingot_context &context, IngotRunFrame &frame) {
  const IngotModelDesc &desc = *context.desc;
  GpuContext &gpu = *context.gpu;
  bool isHost = gpuHasHostTensors(context);
  Enqueue enqueue(context);
  enqueue.copyIn(isHost, gpu.isLive);
  enqueue.copyShifted(gpu.inputs, desc.num_inputs, false);
  if (gpu.fault.function)
    return;
  int64_t status = desc.run(&frame);
  frame.status = frame.status ? frame.status : status;
  enqueue.copyShifted(gpu.outputs, desc.num_outputs, true);
  enqueue.copyOut(isHost);
}

/// Grid along x; 0 if there is none that large. Kernels number their threads in
/// 32 bits.
static unsigned gridOf(const ingot_gpu_model &loaded,
                       const IngotGpuKernel &kernel, int64_t n) {
  uint64_t items = kernel.block_items ? kernel.block_items : 1;
  uint64_t grid = uint64_t(n) / items + (uint64_t(n) % items != 0);
  uint64_t cluster = kernel.cluster ? kernel.cluster : 1;
  uint64_t most = INT32_MAX / cluster * cluster;
  if (kernel.persistent) {
    uint64_t resident =
        uint64_t(kernel.persistent) * uint64_t(loaded.multiprocessors);
    most = resident > cluster ? resident / cluster * cluster : cluster;
    grid = grid < most ? grid : most;
  }
  grid = (grid + cluster - 1) / cluster * cluster;
  bool fits = grid <= most && grid * kernel.block <= UINT32_MAX;
  return fits ? unsigned(grid) : 0;
}

static int32_t indexOf(const IngotGpuDesc &desc, const IngotGpuKernel &kernel) {
  if (kernel.index < uint32_t(desc.num_kernels) &&
      desc.kernels[kernel.index] == &kernel)
    return int32_t(kernel.index);
  int32_t i = 0;
  while (i < desc.num_kernels && desc.kernels[i] != &kernel)
    ++i;
  return i;
}

static cuda::Result launch(const GpuContext &gpu, const IngotGpuKernel &kernel,
                           cuda::Function function, unsigned grid,
                           void **parameters) {
  if (kernel.cluster <= 1)
    return gpu.driver->launch(function, grid, 1, 1, kernel.block, 1, 1,
                              kernel.shared, gpu.target, parameters, nullptr);
  cuda::LaunchAttribute attribute = {};
  attribute.id = cuda::launchClusterDimension;
  attribute.cluster[0] = kernel.cluster;
  attribute.cluster[1] = attribute.cluster[2] = 1;
  cuda::LaunchConfig config = {};
  config.grid[0] = grid;
  config.block[0] = kernel.block;
  for (int i = 1; i < 3; ++i)
    config.grid[i] = config.block[i] = 1;
  config.sharedBytes = kernel.shared;
  config.stream = gpu.target;
  config.attributes = &attribute;
  config.numAttributes = 1;
  return gpu.driver->launchEx(&config, function, parameters, nullptr);
}

void ingot::rt::gpuLaunch(ingot_context &context, IngotRunFrame &frame,
                          int64_t index, const IngotGpuKernel &kernel,
                          void *const *args, int64_t n) {
  GpuContext &gpu = *context.gpu;
  if (frame.status != 0 || n <= 0)
    return;
  if (context.cancelled.loadRelaxed()) {
    frame.status = cancelledStatus;
    return;
  }
  // As many as the parameters of a kernel can be.
  constexpr uint32_t most = 512;
  const IngotGpuDesc &desc = *context.desc->gpu;
  int32_t number = indexOf(desc, kernel);
  unsigned grid = gridOf(*gpu.loaded, kernel, n);
  if (number >= desc.num_kernels || kernel.slots + 3 + INGOT_GPU_MAPS > most ||
      !grid || index < 0 || index >= context.desc->num_launches) {
    gpu.fault = {cuda::invalidValue, "cuLaunchKernel", index};
    frame.status = gpuFailedStatus;
    return;
  }
  cuda::TensorMap maps[INGOT_GPU_MAPS];
  const char *function = "";
  cuda::Result result =
      encodeTensorMaps(*gpu.driver, kernel, args, maps, function);
  if (result != cuda::success) {
    gpu.fault = {result, function, index};
    frame.status = gpuFailedStatus;
    return;
  }
  cuda::Address status = gpu.staging.device + gpu.staging.statusOffset +
                         uint64_t(index) * sizeof(int64_t);
  void *parameters[most];
  parameters[0] = &status;
  for (uint32_t i = 1; i < kernel.slots; ++i)
    parameters[i] = const_cast<void **>(&args[i]);
  void **next = parameters + kernel.slots;
  *next++ = &n;
  cuda::Address counters = gpu.staging.device + gpu.staging.counterOffset;
  cuda::Address sums = gpu.staging.device + gpu.staging.sumOffset;
  if (kernel.counters) {
    *next++ = &counters;
    *next++ = &sums;
  }
  for (uint32_t i = 0; i < kernel.num_maps; ++i)
    *next++ = &maps[i];
  GpuTimer timer(context, index);
  result = launch(gpu, kernel, gpu.loaded->functions[number], grid, parameters);
  if (result == cuda::success)
    result = timer.stop();
  if (result == cuda::success)
    return;
  gpu.fault = {result,
               kernel.cluster > 1 ? "cuLaunchKernelEx" : "cuLaunchKernel",
               index};
  frame.status = gpuFailedStatus;
}

/// A call failed: no memory of the run may be in use after this.
static ingot_status refuse(ingot_context &context, const GpuFault &fault) {
  GpuContext &gpu = *context.gpu;
  gpu.isPending = true;
  gpuWait(context);
  Failure failure = gpuFail(context, fault.result, fault.function);
  if (fault.launch >= 0 && fault.launch < context.desc->num_launches) {
    const IngotKernelDesc &launched = context.desc->launches[fault.launch];
    failure << ", kernel " << Quoted{launched.name} << " for ONNX node "
            << Quoted{launched.nodes} << " (launch " << fault.launch << ")";
  }
  failure << ", in model " << Quoted{context.desc->name} << " on ";
  failure << GpuName{*gpu.driver, gpu.loaded->device};
  if (fault.launch < 0 && isSticky(fault.result))
    failure << "; with ingot_profile_enable() the message names the kernel";
  return failure;
}

/// What runs that nobody waited for have come to by now.
static ingot_status readEarlier(ingot_context &context, IngotRunFrame &frame) {
  GpuContext &gpu = *context.gpu;
  if (!gpu.isLive)
    return INGOT_OK;
  readStatus(context, frame);
  if (!frame.status)
    return INGOT_OK;
  gpu.isLive = false;
  return gpuWait(context);
}

/// Ends what runs without a wait have begun, before a run with one.
static ingot_status finishEarlier(ingot_context &context,
                                  IngotRunFrame &frame) {
  ingot_status status = gpuWait(context);
  if (status == INGOT_OK)
    status = readEarlier(context, frame);
  context.gpu->isLive = false;
  return status;
}

static void copyToStaging(ingot_context &context) {
  const GpuContext &gpu = *context.gpu;
  for (int32_t i = 0; i < context.desc->num_inputs; ++i) {
    const GpuBuffer &buffer = gpu.inputs[i];
    if (buffer.place == GpuBuffer::Host && buffer.bytes)
      memcpy(gpu.staging.host + buffer.offset, buffer.users, buffer.bytes);
  }
}

static void copyFromStaging(ingot_context &context) {
  const GpuContext &gpu = *context.gpu;
  for (int32_t i = 0; i < context.desc->num_outputs; ++i) {
    const GpuBuffer &buffer = gpu.outputs[i];
    if (buffer.place == GpuBuffer::Host && buffer.bytes)
      memcpy(buffer.users, gpu.staging.host + buffer.offset, buffer.bytes);
  }
}

static void clearWords(const GpuContext &gpu) {
  const GpuStaging &staging = gpu.staging;
  memset(staging.host + staging.counterOffset, 0,
         staging.outputOffset - staging.counterOffset);
}

/// Puts the run into the caller's stream and leaves it there.
static ingot_status runAsync(ingot_context &context, IngotRunFrame &frame,
                             bool isCapturing) {
  GpuContext &gpu = *context.gpu;
  if (!gpu.isLive)
    clearWords(gpu);
  if (isCapturing)
    gpuEnqueue(context, frame);
  else
    gpuSubmit(context, frame);
  if (gpu.fault.function)
    return isCapturing ? ingot_status(gpuFail(context, gpu.fault.result,
                                              gpu.fault.function))
                       : refuse(context, gpu.fault);
  gpu.isLive = true;
  gpu.isPending = !isCapturing || gpu.isPending;
  return INGOT_OK;
}

/// Runs, and waits for the outputs.
static ingot_status runSync(ingot_context &context, IngotRunFrame &frame) {
  GpuContext &gpu = *context.gpu;
  copyToStaging(context);
  clearWords(gpu);
  gpuSubmit(context, frame);
  if (gpu.fault.function)
    return refuse(context, gpu.fault);
  cuda::Result result = gpu.driver->streamSynchronize(gpu.stream);
  if (result != cuda::success)
    return refuse(context, {result, "cuStreamSynchronize", -1});
  if (!frame.status)
    readStatus(context, frame);
  if (!frame.status)
    copyFromStaging(context);
  return INGOT_OK;
}

ingot_status ingot::rt::gpuRun(ingot_context &context, IngotRunFrame &frame) {
  GpuContext &gpu = *context.gpu;
  ingot_status status = gpuCheckAlive(context);
  if (status != INGOT_OK)
    return status;
  GpuCurrent current(*gpu.driver, gpu.loaded->primary);
  status = current.check(&context.error);
  if (status == INGOT_OK)
    status = gpuLocate(context);
  if (status != INGOT_OK)
    return status;
  bool isCapturing = gpuIsCapturing(gpu);
  bool isAsync = gpu.isAsync && !gpuHasHostTensors(context);
  if (isCapturing && !isAsync)
    return Failure(INGOT_ERROR_BUSY, &context.error)
           << "the stream is being recorded into a graph: that takes "
              "INGOT_CONTEXT_ASYNC and tensors in the device's memory";
  // Waiting would end a recording.
  if (!isCapturing)
    status = isAsync && !gpuMustGrow(context) ? readEarlier(context, frame)
                                              : finishEarlier(context, frame);
  if (status == INGOT_OK && !frame.status)
    status = gpuPlace(context);
  if (status != INGOT_OK || frame.status)
    return status;
  frame.arena = context.arena.data();
  frame.weights = reinterpret_cast<const uint8_t *>(gpu.loaded->weights);
  gpu.fault = {};
  gpu.target = gpu.stream;
  gpu.isTimed = !isCapturing && gpuIsTimed(context);
  return isAsync ? runAsync(context, frame, isCapturing)
                 : runSync(context, frame);
}
