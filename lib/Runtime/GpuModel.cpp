//===- GpuModel.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading and unloading.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuModel.h"
#include "lib/Runtime/GpuTensorMap.h"

#include <stdlib.h>
#include <string.h>

using namespace ingot::rt;

/// Ends a sentence about loading.
static ingot_status addPlace(Failure &failure, const ingot_gpu_model &loaded,
                             const char *doing) {
  failure << ", while " << doing << " model " << Quoted{loaded.desc->name}
          << " (" << loaded.desc->target << ") on ";
  return failure << GpuName{*loaded.driver, loaded.device};
}

static ingot_status findKernels(ingot_gpu_model &loaded) {
  const GpuDriver &driver = *loaded.driver;
  const IngotGpuDesc &desc = *loaded.desc->gpu;
  for (int32_t i = 0; i < desc.num_kernels; ++i) {
    const IngotGpuKernel &kernel = *desc.kernels[i];
    cuda::Function &function = loaded.functions[i];
    const char *call = "cuModuleGetFunction";
    cuda::Result result =
        driver.moduleGetFunction(&function, loaded.module, kernel.name);
    if (result == cuda::success) {
      call = "cuFuncSetAttribute";
      if (kernel.shared)
        result = driver.functionSet(function, cuda::functionMaxDynamicShared,
                                    int(kernel.shared));
      if (result == cuda::success && kernel.cluster > 8)
        result =
            driver.functionSet(function, cuda::functionNonPortableCluster, 1);
    }
    if (result != cuda::success) {
      Failure failure = gpuFailure(driver, result, call);
      failure << " for kernel " << Quoted{kernel.name};
      return addPlace(failure, loaded, "loading");
    }
    const char *needs = nullptr;
    if (kernel.cluster > 1 && !driver.launchEx)
      needs = " runs in clusters, which need a driver for CUDA 11.8 or ";
    if (!hasTensorMaps(driver, kernel))
      needs = " has tensor maps, which need a driver for CUDA 12.0 or ";
    if (needs) {
      Failure failure(INGOT_ERROR_NO_GPU);
      failure << "kernel " << Quoted{kernel.name} << needs
              << "later; this one is for " << CudaVersion{driver.version};
      return addPlace(failure, loaded, "loading");
    }
  }
  return INGOT_OK;
}

namespace {

/// Two pieces of pinned memory, each with a stream: while the device reads one
/// the processor fills the other.
class Uploader {
public:
  explicit Uploader(const GpuDriver &driver) : driver(driver) {}
  ~Uploader() {
    for (cuda::Stream stream : streams)
      if (stream)
        driver.streamDestroy(stream);
    if (memory)
      driver.releaseHost(memory);
  }
  Uploader(const Uploader &) = delete;
  Uploader &operator=(const Uploader &) = delete;

  /// Copies; on failure `call` names the function.
  cuda::Result copy(cuda::Address to, const uint8_t *from, uint64_t bytes,
                    const char *&call) {
    cuda::Result result = prepare(bytes, call);
    for (uint64_t at = 0, k = 0; at < bytes && result == cuda::success; ++k) {
      uint64_t n = bytes - at < piece ? bytes - at : piece;
      result = send(k % 2, to + at, from + at, n, call);
      at += n;
    }
    for (cuda::Stream stream : streams)
      if (stream && result == cuda::success) {
        call = "cuStreamSynchronize";
        result = driver.streamSynchronize(stream);
      }
    return result;
  }

private:
  static constexpr uint64_t most = uint64_t(8) << 20;

  cuda::Result prepare(uint64_t bytes, const char *&call) {
    piece = bytes < most ? bytes : most;
    call = "cuMemHostAlloc";
    cuda::Result result =
        driver.allocateHost(reinterpret_cast<void **>(&memory), 2 * piece, 0);
    call = result == cuda::success ? "cuStreamCreate" : call;
    for (cuda::Stream &stream : streams)
      if (result == cuda::success)
        result = driver.streamCreate(&stream, cuda::streamNonBlocking);
    return result;
  }

  cuda::Result send(uint64_t half, cuda::Address to, const uint8_t *from,
                    uint64_t bytes, const char *&call) {
    call = "cuStreamSynchronize";
    cuda::Result result = driver.streamSynchronize(streams[half]);
    if (result != cuda::success)
      return result;
    uint8_t *buffer = memory + half * piece;
    memcpy(buffer, from, bytes);
    call = "cuMemcpyHtoDAsync";
    return driver.copyIn(to, buffer, bytes, streams[half]);
  }

  const GpuDriver &driver;
  uint8_t *memory = nullptr;
  uint64_t piece = 0;
  cuda::Stream streams[2] = {};
};

} // namespace

static ingot_status uploadWeights(ingot_gpu_model &loaded) {
  const GpuDriver &driver = *loaded.driver;
  uint64_t bytes = loaded.desc->weight_bytes;
  if (!bytes)
    return INGOT_OK;
  const char *call = "cuMemAlloc";
  cuda::Result result = driver.allocate(&loaded.weights, bytes);
  if (result == cuda::success)
    result = Uploader(driver).copy(loaded.weights, loaded.desc->weights, bytes,
                                   call);
  if (result == cuda::success)
    return INGOT_OK;
  Failure failure = gpuFailure(driver, result, call);
  failure << " for " << bytes << " bytes of weights";
  return addPlace(failure, loaded, "loading");
}

static ingot_status load(ingot_gpu_model &loaded) {
  const GpuDriver &driver = *loaded.driver;
  const char *call = "cuDeviceGet";
  cuda::Result result = driver.deviceGet(&loaded.handle, loaded.device);
  if (result == cuda::success) {
    call = "cuDeviceGetAttribute";
    result = driver.deviceGetAttribute(
        &loaded.multiprocessors, cuda::attributeMultiprocessors, loaded.handle);
  }
  if (result == cuda::success) {
    call = "cuDevicePrimaryCtxRetain";
    result = driver.primaryRetain(&loaded.primary, loaded.handle);
  }
  if (result != cuda::success) {
    Failure failure = gpuFailure(driver, result, call);
    if (result == cuda::deviceUnavailable)
      failure << "; another process may hold the device in exclusive mode";
    return addPlace(failure, loaded, "loading");
  }
  GpuCurrent current(driver, loaded.primary);
  ingot_status status = current.check();
  if (status != INGOT_OK)
    return status;
  status = gpuCapability(driver, loaded.device, loaded.capability);
  if (status == INGOT_OK)
    status = loadGpuCode(loaded);
  if (status == INGOT_OK)
    status = findKernels(loaded);
  return status == INGOT_OK ? uploadWeights(loaded) : status;
}

static void unload(ingot_gpu_model *loaded) {
  const GpuDriver &driver = *loaded->driver;
  if (loaded->primary) {
    GpuCurrent current(driver, loaded->primary);
    if (loaded->weights)
      driver.release(loaded->weights);
    if (loaded->module)
      driver.moduleUnload(loaded->module);
  }
  if (loaded->primary)
    driver.primaryRelease(loaded->handle);
  free(loaded);
}

static ingot_gpu_model *create(const GpuDriver &driver,
                               const IngotModelDesc &desc, int32_t device) {
  size_t bytes = sizeof(ingot_gpu_model) +
                 size_t(desc.gpu->num_kernels) * sizeof(cuda::Function);
  void *memory = nullptr;
  if (posix_memalign(&memory, alignof(ingot_gpu_model), bytes) != 0)
    return nullptr;
  memset(memory, 0, bytes);
  auto *loaded = static_cast<ingot_gpu_model *>(memory);
  loaded->desc = &desc;
  loaded->driver = &driver;
  loaded->device = device;
  loaded->functions = reinterpret_cast<cuda::Function *>(loaded + 1);
  return loaded;
}

ingot_status ingot::rt::acquireGpuModel(ingot_model &model,
                                        const IngotModelDesc &desc,
                                        int32_t device,
                                        ingot_gpu_model *&result) {
  ingot_status status;
  const GpuDriver *driver = gpuDriver(status);
  if (!driver)
    return status;
  Locked locked(model.gpuLock);
  for (ingot_gpu_model *l = model.loaded; l; l = l->next)
    if (l->desc == &desc && l->device == device && !l->lost.load()) {
      ++l->users;
      result = l;
      return INGOT_OK;
    }
  ingot_gpu_model *loaded = create(*driver, desc, device);
  if (!loaded)
    return Failure(INGOT_ERROR_MEMORY) << "cannot allocate a model's handles";
  status = load(*loaded);
  if (status != INGOT_OK) {
    unload(loaded);
    return status;
  }
  loaded->users = 1;
  loaded->next = model.loaded;
  model.loaded = loaded;
  result = loaded;
  return INGOT_OK;
}

void ingot::rt::releaseGpuModel(ingot_model &model, ingot_gpu_model *loaded) {
  // A child of fork() has neither the driver nor a lock to trust.
  if (!workingGpuDriver())
    return;
  Locked locked(model.gpuLock);
  if (--loaded->users > 0)
    return;
  ingot_gpu_model **link = &model.loaded;
  while (*link && *link != loaded)
    link = &(*link)->next;
  if (*link)
    *link = loaded->next;
  unload(loaded);
}
