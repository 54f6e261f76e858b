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

} // namespace

static ingot_status loadImage(const GpuDriver &driver,
                              const IngotGpuImage &image,
                              cuda::Module &module) {
  bool isText = image.kind == INGOT_GPU_PTX;
  JitLog log;
  cuda::Result result =
      driver.moduleLoad(&module, image.data, 2, log.options, log.values);
  if (result == cuda::success)
    return INGOT_OK;
  module = nullptr;
  Failure failure = gpuFailure(driver, result, "cuModuleLoadDataEx");
  failure << (isText ? " for PTX" : " for machine code");
  log.addTo(failure);
  return failure;
}

ingot_status ingot::rt::loadGpuCode(const GpuDriver &driver,
                                    const IngotGpuDesc &desc,
                                    int32_t capability, cuda::Module &module) {
  ingot_status status = Failure(INGOT_ERROR_NO_GPU)
                        << "the model has no code for this device";
  for (int32_t i = 0; i < desc.num_images; ++i) {
    const IngotGpuImage &image = desc.images[i];
    if (!fitsImage(desc, image, capability) || image.driver > driver.version)
      continue;
    status = loadImage(driver, image, module);
    if (status == INGOT_OK || status == INGOT_ERROR_MEMORY ||
        status == INGOT_ERROR_GPU_LOST)
      break;
  }
  return status;
}
