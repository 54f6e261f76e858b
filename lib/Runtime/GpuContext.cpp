//===- GpuContext.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attaching contexts to devices.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuContext.h"

#include "lib/Runtime/GpuBackend.h"
#include "lib/Runtime/Variant.h"

#include <stdlib.h>

using namespace ingot::rt;

extern "C" const IngotGpuBackend ingot_gpu_backend = {
    gpuCheck,   gpuChoose, gpuAttach, gpuDevice,         gpuDetach,
    gpuReserve, gpuRun,    gpuLaunch, gpuIsDeviceMemory,
};

/// Whether some image fits, with a sentence about the driver's version if that
/// is all there is against it.
static ingot_status checkImages(const GpuDriver &driver,
                                const IngotGpuDesc &gpu, int32_t device,
                                int32_t capability) {
  int32_t least = 0;
  for (int32_t i = 0; i < gpu.num_images; ++i) {
    const IngotGpuImage &image = gpu.images[i];
    if (!fitsImage(gpu, image, capability))
      continue;
    if (image.driver <= driver.version)
      return INGOT_OK;
    if (!least || image.driver < least)
      least = image.driver;
  }
  Failure failure(INGOT_ERROR_NO_GPU);
  if (least) {
    failure << "needs a driver for CUDA ";
    failure << CudaVersion{least} << " or later, this one is for ";
    return failure << CudaVersion{driver.version};
  }
  failure << "has only machine code for other devices than ";
  return failure << GpuName{driver, device};
}

ingot_status ingot::rt::gpuCheck(const IngotModelDesc &desc, int32_t device,
                                 bool again) {
  ingot_status status;
  const GpuDriver *driver = gpuDriver(status, again);
  if (!driver)
    return status;
  if (device < 0 || device >= driver->devices)
    return Failure(INGOT_ERROR_NO_GPU)
           << "there is no device " << device << ": the driver lists "
           << driver->devices;
  const IngotGpuDesc &gpu = *desc.gpu;
  int32_t capability = 0;
  status = gpuCapability(*driver, device, capability);
  if (status != INGOT_OK)
    return status;
  if (gpu.exact ? capability == gpu.capability : capability >= gpu.capability)
    return checkImages(*driver, gpu, device, capability);
  Failure failure(INGOT_ERROR_NO_GPU);
  failure << "needs compute capability " << gpu.capability / 10 << "."
          << gpu.capability % 10 << (gpu.exact ? " and no other, " : ", ")
          << GpuName{*driver, device};
  return failure << " has " << capability / 10 << "." << capability % 10;
}

const IngotModelDesc *ingot::rt::gpuChoose(const ingot_model &model,
                                           int32_t device,
                                           ingot_status &status) {
  // The one in use first: INGOT_TARGET may have chosen it.
  status = checkVariant(*model.desc, device, false);
  if (status == INGOT_OK)
    return model.desc;
  for (const IngotModelDesc *desc = model.first; desc; desc = desc->next)
    if (desc->gpu && checkVariant(*desc, device, false) == INGOT_OK) {
      status = INGOT_OK;
      return desc;
    }
  // The sentence of the one in use tells most.
  status = checkVariant(*model.desc, device, false);
  return nullptr;
}

bool ingot::rt::gpuIsDeviceMemory(const void *data) {
  const GpuDriver *driver = workingGpuDriver();
  if (!driver || !data)
    return false;
  auto address = reinterpret_cast<uintptr_t>(data);
  unsigned type = 0, managed = 0;
  // An address that the driver does not know is the processor's.
  if (driver->pointerGet(&type, cuda::pointerMemoryType, address) !=
      cuda::success)
    return false;
  driver->pointerGet(&managed, cuda::pointerIsManaged, address);
  return type == cuda::memoryDevice && !managed;
}

ingot_status ingot::rt::gpuCheckAlive(ingot_context &context) {
  ingot_gpu_model &loaded = *context.gpu->loaded;
  ingot_status status;
  if (!gpuDriver(status)) {
    memcpy(context.error.text, threadError(), sizeof(context.error.text));
    return status;
  }
  int32_t lost = loaded.lost.load();
  if (!lost)
    return INGOT_OK;
  const char *name = nullptr;
  loaded.driver->getErrorName(lost, &name);
  Failure failure(INGOT_ERROR_GPU_LOST, &context.error);
  failure << GpuName{*loaded.driver, loaded.device};
  return failure << " was lost by an earlier failure (" << (name ? name : "?")
                 << "); this process cannot use it any more and has to be "
                    "started again";
}

Failure ingot::rt::gpuFail(ingot_context &context, cuda::Result result,
                           const char *function) {
  ingot_gpu_model &loaded = *context.gpu->loaded;
  if (isSticky(result))
    loaded.lost.store(result);
  return gpuFailure(*loaded.driver, result, function, &context.error);
}

ingot_status ingot::rt::gpuAddMemory(ingot_context &context, Failure &failure,
                                     const char *what, uint64_t bytes) {
  const GpuDriver &driver = *context.gpu->driver;
  failure << " for " << what << " of " << bytes << " bytes on "
          << GpuName{driver, context.gpu->loaded->device};
  size_t free = 0, total = 0;
  if (driver.memoryInfo && driver.memoryInfo(&free, &total) == cuda::success)
    failure << ", which has " << uint64_t(free) << " of " << uint64_t(total)
            << " free";
  return failure;
}

/// The context's part with its arrays, all zero.
static GpuContext *makeGpuContext(const IngotModelDesc &desc) {
  size_t buffers = size_t(desc.num_inputs) + size_t(desc.num_outputs);
  size_t bytes = sizeof(GpuContext) + buffers * sizeof(GpuBuffer) +
                 gpuGraphWords(desc) * sizeof(uint64_t);
  void *memory = nullptr;
  if (posix_memalign(&memory, alignof(GpuContext), bytes) != 0)
    return nullptr;
  memset(memory, 0, bytes);
  auto *gpu = static_cast<GpuContext *>(memory);
  gpu->inputs = reinterpret_cast<GpuBuffer *>(gpu + 1);
  gpu->outputs = gpu->inputs + desc.num_inputs;
  return gpu;
}

/// Whether the caller's stream belongs to the device's primary context.
static ingot_status checkStream(ingot_context &context) {
  GpuContext &gpu = *context.gpu;
  cuda::Context owner = nullptr;
  if (!gpu.driver->streamGetContext)
    return INGOT_OK;
  cuda::Result result = gpu.driver->streamGetContext(gpu.stream, &owner);
  if (result != cuda::success)
    return gpuFail(context, result, "cuStreamGetCtx");
  if (owner == gpu.loaded->primary)
    return INGOT_OK;
  Failure failure(INGOT_ERROR_ARGUMENT, &context.error);
  failure << "the stream in the options does not belong to the primary "
             "context of ";
  return failure << GpuName{*gpu.driver, gpu.loaded->device};
}

/// Whether the caller's arena is memory of the device.
static ingot_status checkArena(ingot_context &context) {
  GpuContext &gpu = *context.gpu;
  if (!context.arena.isCallers() || gpuIsDeviceMemory(context.arena.data()))
    return INGOT_OK;
  Failure failure(INGOT_ERROR_BUFFER, &context.error);
  failure << "the arena in the options is not memory of ";
  return failure << GpuName{*gpu.driver, gpu.loaded->device};
}

ingot_status ingot::rt::gpuAttach(ingot_context &context,
                                  const ingot_context_options &options) {
  if (options.flags & INGOT_CONTEXT_ASYNC && !options.stream)
    return Failure(INGOT_ERROR_ARGUMENT)
           << "INGOT_CONTEXT_ASYNC needs a stream in the options, for the "
              "caller to wait for";
  GpuContext *gpu = makeGpuContext(*context.desc);
  if (!gpu)
    return Failure(INGOT_ERROR_MEMORY) << "cannot allocate a context";
  ingot_status status = acquireGpuModel(*context.model, *context.desc,
                                        options.device, gpu->loaded);
  if (status != INGOT_OK) {
    free(gpu);
    return status;
  }
  gpu->driver = gpu->loaded->driver;
  context.gpu = gpu;
  gpuInitGraphs(
      *gpu, *context.desc,
      reinterpret_cast<uint64_t *>(gpu->outputs + context.desc->num_outputs));
  GpuCurrent current(*gpu->driver, gpu->loaded->primary);
  status = current.check();
  if (status != INGOT_OK)
    return status;
  gpu->isAsync = options.flags & INGOT_CONTEXT_ASYNC;
  cuda::Result result =
      gpu->driver->streamCreate(&gpu->own, cuda::streamNonBlocking);
  if (result != cuda::success)
    return gpuFail(context, result, "cuStreamCreate");
  gpu->stream = gpu->own;
  if (options.stream) {
    gpu->stream = static_cast<cuda::Stream>(options.stream);
    status = checkStream(context);
  }
  return status == INGOT_OK ? checkArena(context) : status;
}

int32_t ingot::rt::gpuDevice(const ingot_context &context) {
  return context.gpu->loaded->device;
}

ingot_status ingot::rt::gpuWait(ingot_context &context) {
  GpuContext &gpu = *context.gpu;
  if (!gpu.isPending)
    return INGOT_OK;
  gpu.isPending = false;
  cuda::Result result = gpu.driver->streamSynchronize(gpu.stream);
  if (result == cuda::success)
    return INGOT_OK;
  return gpuFail(context, result, "cuStreamSynchronize");
}

static void freeArena(ingot_context &context) {
  if (!context.arena.isCallers() && context.arena.data())
    context.gpu->driver->release(
        reinterpret_cast<uintptr_t>(context.arena.data()));
  if (!context.arena.isCallers())
    context.arena.adopt(nullptr, 0);
}

void ingot::rt::gpuDetach(ingot_context &context) {
  GpuContext *gpu = context.gpu;
  // In a child of fork() there is nothing to give back.
  if (workingGpuDriver()) {
    GpuCurrent current(*gpu->driver, gpu->loaded->primary);
    gpuWait(context);
    gpuFreeGraphs(*gpu);
    gpuFreeStaging(*gpu);
    freeArena(context);
    if (gpu->own)
      gpu->driver->streamDestroy(gpu->own);
  }
  releaseGpuModel(*context.model, gpu->loaded);
  context.gpu = nullptr;
  free(gpu);
}

ingot_status ingot::rt::gpuReserve(ingot_context &context, uint64_t needed) {
  GpuContext &gpu = *context.gpu;
  bool missing;
  ingot_status status = context.arena.check(needed, missing, &context.error);
  if (status != INGOT_OK || !missing)
    return status;
  status = gpuCheckAlive(context);
  if (status != INGOT_OK)
    return status;
  GpuCurrent current(*gpu.driver, gpu.loaded->primary);
  status = current.check(&context.error);
  if (status != INGOT_OK)
    return status;
  if (gpuIsCapturing(gpu))
    return Failure(INGOT_ERROR_BUSY, &context.error)
           << "these shapes need a new arena, which cannot be had while the "
              "stream is recorded into a graph; prepare the context before";
  status = gpuWait(context);
  if (status != INGOT_OK)
    return status;
  freeArena(context);
  cuda::Address memory = 0;
  cuda::Result result = gpu.driver->allocate(&memory, needed);
  if (result != cuda::success) {
    Failure failure = gpuFail(context, result, "cuMemAlloc");
    return gpuAddMemory(context, failure, "an arena", needed);
  }
  context.arena.adopt(reinterpret_cast<uint8_t *>(memory), needed);
  return INGOT_OK;
}
