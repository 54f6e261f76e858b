//===- GpuCode.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Choosing among the images of a model, and loading one.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuCache.h"
#include "lib/Runtime/GpuModel.h"

#include <string.h>

using namespace ingot::rt;

bool ingot::rt::fitsImage(const IngotGpuDesc &desc, const IngotGpuImage &image,
                          int32_t capability) {
  if (desc.exact || capability == desc.capability)
    return capability == desc.capability;
  if (capability < desc.capability)
    return false;
  // Machine code is for one major number; only PTX reaches beyond.
  return image.kind == INGOT_GPU_PTX || capability / 10 == desc.capability / 10;
}

namespace {

/// What the driver has to say about code it compiles.
struct JitLog {
  char text[2048];
  int options[2] = {cuda::jitErrorLog, cuda::jitErrorLogBytes};
  void *values[2] = {text, reinterpret_cast<void *>(sizeof(text))};

  JitLog() { text[0] = 0; }
  JitLog(const JitLog &) = delete;
  JitLog &operator=(const JitLog &) = delete;

  /// Adds the first lines to a sentence.
  void addTo(Failure &failure) {
    text[sizeof(text) - 1] = 0;
    constexpr size_t most = 240;
    size_t length = strlen(text);
    while (length && text[length - 1] <= ' ')
      --length;
    if (!length)
      return;
    failure << "; the driver says: ";
    size_t shown = length < most ? length : most;
    for (size_t i = 0; i < shown; ++i) {
      char c = text[i];
      failure.add(c == '\n' || c == '\r' || c == '\t' ? " " : &c, 1);
    }
    if (shown < length)
      failure << "...";
  }
};

/// Compiles PTX to the device's machine code and keeps that for other
/// processes; false where that cannot be done.
class Compilation {
public:
  explicit Compilation(const GpuDriver &driver) : driver(driver) {}
  ~Compilation() {
    if (state)
      driver.linkDestroy(state);
  }
  Compilation(const Compilation &) = delete;
  Compilation &operator=(const Compilation &) = delete;

  /// The machine code lives as long as this.
  bool compile(const IngotGpuImage &image, const void *&code, size_t &bytes) {
    if (!driver.linkCreate || !driver.linkAddData || !driver.linkComplete ||
        !driver.linkDestroy)
      return false;
    if (driver.linkCreate(2, log.options, log.values, &state) != cuda::success)
      return false;
    void *result = nullptr;
    if (driver.linkAddData(state, cuda::jitInputPtx,
                           const_cast<uint8_t *>(image.data), image.bytes,
                           "model", 0, nullptr, nullptr) != cuda::success ||
        driver.linkComplete(state, &result, &bytes) != cuda::success)
      return false;
    code = result;
    return result && bytes;
  }

private:
  const GpuDriver &driver;
  cuda::LinkState state = nullptr;
  JitLog log;
};

} // namespace

/// A module of machine code that was compiled before, or is now and is kept.
static bool loadCompiled(ingot_gpu_model &loaded, const IngotGpuImage &image) {
  const GpuDriver &driver = *loaded.driver;
  auto load = [&](const void *code) {
    return driver.moduleLoad(&loaded.module, code, 0, nullptr, nullptr) ==
           cuda::success;
  };
  GpuCache cache;
  if (!cache.open(image, driver.version, loaded.capability))
    return false;
  if (const void *code = cache.find())
    if (load(code))
      return true;
  Compilation compilation(driver);
  const void *code = nullptr;
  size_t bytes = 0;
  if (!compilation.compile(image, code, bytes) || !load(code))
    return false;
  cache.keep(code, bytes);
  return true;
}

static ingot_status loadImage(ingot_gpu_model &loaded,
                              const IngotGpuImage &image) {
  const GpuDriver &driver = *loaded.driver;
  bool isText = image.kind == INGOT_GPU_PTX;
  if (isText && loadCompiled(loaded, image))
    return INGOT_OK;
  JitLog log;
  cuda::Result result =
      driver.moduleLoad(&loaded.module, image.data, 2, log.options, log.values);
  if (result == cuda::success)
    return INGOT_OK;
  loaded.module = nullptr;
  Failure failure = gpuFailure(driver, result, "cuModuleLoadDataEx");
  failure << (isText ? " for the PTX" : " for the machine code") << " of model "
          << Quoted{loaded.desc->name} << " (" << loaded.desc->target << ") on "
          << GpuName{driver, loaded.device};
  log.addTo(failure);
  return failure;
}

ingot_status ingot::rt::loadGpuCode(ingot_gpu_model &loaded) {
  const IngotGpuDesc &desc = *loaded.desc->gpu;
  ingot_status status = Failure(INGOT_ERROR_NO_GPU)
                        << "the model has no code for this device";
  for (int32_t i = 0; i < desc.num_images; ++i) {
    const IngotGpuImage &image = desc.images[i];
    if (!fitsImage(desc, image, loaded.capability) ||
        image.driver > loaded.driver->version)
      continue;
    status = loadImage(loaded, image);
    if (status == INGOT_OK || status == INGOT_ERROR_MEMORY ||
        status == INGOT_ERROR_GPU_LOST)
      break;
  }
  return status;
}
