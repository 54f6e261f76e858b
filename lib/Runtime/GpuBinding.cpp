//===- GpuBinding.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the tensors of a run are, and the staging memory of those that the
// device cannot use as they are.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuContext.h"

using namespace ingot::rt;

/// Device and pinned memory have larger ones; kernels read 16 bytes at once.
static constexpr uint64_t stagingAlignment = 256, tensorAlignment = 16;

static uint64_t alignUp(uint64_t offset) {
  return (offset + stagingAlignment - 1) / stagingAlignment * stagingAlignment;
}

/// The number of the device whose memory `data` is; -1 for memory that the
/// device can use though it belongs to none, -2 for the processor's.
static int32_t ownerOf(const GpuDriver &driver, const uint8_t *data) {
  auto address = reinterpret_cast<uintptr_t>(data);
  unsigned type = 0, managed = 0;
  int device = -1;
  // The driver knows nothing of ordinary memory of the processor.
  if (driver.pointerGet(&type, cuda::pointerMemoryType, address) !=
      cuda::success)
    return -2;
  if (driver.pointerGet(&managed, cuda::pointerIsManaged, address) ==
          cuda::success &&
      managed)
    return -1;
  if (type != cuda::memoryDevice)
    return -2;
  return driver.pointerGet(&device, cuda::pointerDevice, address) ==
                 cuda::success
             ? device
             : -1;
}

static ingot_status locate(ingot_context &context, const IngotTensorDesc &desc,
                           Span span, GpuBuffer &buffer) {
  const GpuContext &gpu = *context.gpu;
  buffer.bytes = span.bytes;
  buffer.users = const_cast<uint8_t *>(span.data);
  buffer.place = GpuBuffer::Host;
  if (!span.bytes)
    return INGOT_OK;
  int32_t owner = ownerOf(*gpu.driver, span.data);
  if (owner == -2)
    return INGOT_OK;
  bool aligned = reinterpret_cast<uintptr_t>(span.data) % tensorAlignment == 0;
  buffer.place = aligned ? GpuBuffer::Device : GpuBuffer::Shifted;
  if (owner == -1 || owner == gpu.loaded->device)
    return INGOT_OK;
  return Failure(INGOT_ERROR_BUFFER, &context.error)
         << "the buffer of " << Quoted{desc.name} << " is memory of device "
         << owner << ", the context runs on device " << gpu.loaded->device;
}

/// Places for the tensors that are at `place` now.
static void layOut(GpuBuffer *buffers, int32_t count, GpuBuffer::Place place,
                   uint64_t &offset) {
  for (int32_t i = 0; i < count; ++i) {
    if (buffers[i].place != place)
      continue;
    buffers[i].offset = offset;
    offset = alignUp(offset + buffers[i].bytes);
  }
}

void ingot::rt::gpuFreeStaging(GpuContext &gpu) {
  GpuStaging &staging = gpu.staging;
  if (staging.device)
    gpu.driver->release(staging.device);
  if (staging.host)
    gpu.driver->releaseHost(staging.host);
  staging.device = 0;
  staging.host = nullptr;
  staging.hostBytes = staging.bytes = 0;
  gpu.isLive = false;
}

static ingot_status growStaging(ingot_context &context,
                                const GpuStaging &layout) {
  GpuContext &gpu = *context.gpu;
  GpuStaging &staging = gpu.staging;
  if (layout.bytes <= staging.bytes && layout.hostBytes <= staging.hostBytes)
    return INGOT_OK;
  if (gpuIsCapturing(gpu))
    return Failure(INGOT_ERROR_BUSY, &context.error)
           << "the run needs memory, which cannot be had while the stream is "
              "recorded into a graph; run once before";
  ingot_status status = gpuWait(context);
  if (status != INGOT_OK)
    return status;
  gpuFreeStaging(gpu);
  void *host = nullptr;
  const char *call = "cuMemHostAlloc";
  cuda::Result result = gpu.driver->allocateHost(&host, layout.hostBytes, 0);
  staging.host = static_cast<uint8_t *>(host);
  if (result == cuda::success) {
    call = "cuMemAlloc";
    result = gpu.driver->allocate(&staging.device, layout.bytes);
  }
  if (result == cuda::success) {
    staging.hostBytes = layout.hostBytes;
    staging.bytes = layout.bytes;
    return INGOT_OK;
  }
  gpuFreeStaging(gpu);
  Failure failure = gpuFail(context, result, call);
  return gpuAddMemory(context, failure, "inputs and outputs", layout.bytes);
}

/// Where the device finds a tensor.
static void *deviceAddress(const GpuStaging &staging, const GpuBuffer &buffer) {
  return buffer.place == GpuBuffer::Device
             ? buffer.users
             : reinterpret_cast<void *>(staging.device + buffer.offset);
}

ingot_status ingot::rt::gpuLocate(ingot_context &context) {
  const IngotModelDesc &desc = *context.desc;
  GpuContext &gpu = *context.gpu;
  ingot_status status = INGOT_OK;
  for (int32_t i = 0; i < desc.num_inputs && status == INGOT_OK; ++i)
    status =
        locate(context, desc.inputs[i], context.inputSpans[i], gpu.inputs[i]);
  for (int32_t i = 0; i < desc.num_outputs && status == INGOT_OK; ++i)
    status = locate(context, desc.outputs[i], context.outputSpans[i],
                    gpu.outputs[i]);
  return status;
}

/// Lays out located tensors, and what kernels need beside them.
static GpuStaging planStaging(ingot_context &context) {
  const IngotModelDesc &desc = *context.desc;
  GpuContext &gpu = *context.gpu;
  GpuStaging layout = {};
  layOut(gpu.inputs, desc.num_inputs, GpuBuffer::Host, layout.counterOffset);
  // Launches of a context follow each other: they share this.
  uint64_t counters = 0, sums = 0;
  for (int32_t i = 0; i < desc.gpu->num_kernels; ++i) {
    const IngotGpuKernel &kernel = *desc.gpu->kernels[i];
    counters = counters > kernel.counters ? counters : kernel.counters;
    sums = sums > kernel.sums ? sums : kernel.sums;
  }
  layout.statusOffset =
      alignUp(layout.counterOffset + counters * sizeof(uint32_t));
  uint64_t words = uint64_t(desc.num_launches) * sizeof(int64_t);
  layout.outputOffset = alignUp(layout.statusOffset + (words ? words : 1));
  layout.sumOffset = layout.outputOffset;
  layOut(gpu.outputs, desc.num_outputs, GpuBuffer::Host, layout.sumOffset);
  layout.hostBytes = layout.sumOffset;
  layout.bytes = alignUp(layout.sumOffset + sums);
  // Inputs and outputs are one array.
  layOut(gpu.inputs, desc.num_inputs + desc.num_outputs, GpuBuffer::Shifted,
         layout.bytes);
  return layout;
}

bool ingot::rt::gpuMustGrow(ingot_context &context) {
  const GpuStaging &staging = context.gpu->staging;
  GpuStaging layout = planStaging(context);
  return layout.bytes > staging.bytes || layout.hostBytes > staging.hostBytes;
}

ingot_status ingot::rt::gpuPlace(ingot_context &context) {
  const IngotModelDesc &desc = *context.desc;
  GpuContext &gpu = *context.gpu;
  GpuStaging layout = planStaging(context);
  ingot_status status = growStaging(context, layout);
  if (status != INGOT_OK)
    return status;
  GpuStaging &staging = gpu.staging;
  staging.counterOffset = layout.counterOffset;
  staging.statusOffset = layout.statusOffset;
  staging.outputOffset = layout.outputOffset;
  staging.sumOffset = layout.sumOffset;
  for (int32_t i = 0; i < desc.num_inputs; ++i)
    context.inputs[i] = deviceAddress(staging, gpu.inputs[i]);
  for (int32_t i = 0; i < desc.num_outputs; ++i)
    context.outputs[i] = deviceAddress(staging, gpu.outputs[i]);
  return INGOT_OK;
}

bool ingot::rt::gpuHasHostTensors(const ingot_context &context) {
  const GpuContext &gpu = *context.gpu;
  int32_t count = context.desc->num_inputs + context.desc->num_outputs;
  // Inputs and outputs are one array.
  for (int32_t i = 0; i < count; ++i)
    if (gpu.inputs[i].place == GpuBuffer::Host && gpu.inputs[i].bytes)
      return true;
  return false;
}
