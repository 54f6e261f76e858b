//===- GpuTensorMap.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Descriptors for the engine that copies boxes of tensors into shared memory.
// They are parameters of kernels, so a graph keeps those it was recorded with.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuTensorMap.h"

#include <string.h>

using namespace ingot::rt;

static int64_t resolve(int64_t number, void *const *args) {
  return number < 0 ? int64_t(reinterpret_cast<intptr_t>(args[-number]))
                    : number;
}

static bool isWindow(const IngotGpuTensorMap &recipe) {
  return recipe.steps[0] != 0;
}

bool ingot::rt::hasTensorMaps(const GpuDriver &driver,
                              const IngotGpuKernel &kernel) {
  for (uint32_t i = 0; i < kernel.num_maps; ++i)
    if (isWindow(kernel.maps[i]) ? !driver.tensorMapEncodeWindow
                                 : !driver.tensorMapEncode)
      return false;
  return true;
}

static cuda::Result encode(const GpuDriver &driver,
                           const IngotGpuTensorMap &recipe, void *const *args,
                           cuda::TensorMap &map) {
  constexpr uint32_t mostRank = 5;
  uint64_t dims[mostRank], strides[mostRank];
  uint32_t steps[mostRank];
  if (recipe.rank == 0 || recipe.rank > mostRank)
    return cuda::invalidValue;
  for (uint32_t i = 0; i < recipe.rank; ++i) {
    dims[i] = uint64_t(resolve(recipe.dims[i], args));
    // The first and the last are the channels and the images of a window.
    bool isInWindow = i > 0 && i + 1 < recipe.rank && isWindow(recipe);
    steps[i] = isInWindow ? recipe.steps[i - 1] : 1;
    if (dims[i] == 0)
      return cuda::success;
    if (i)
      strides[i - 1] = uint64_t(resolve(recipe.strides[i - 1], args));
  }
  auto *address =
      static_cast<uint8_t *>(args[recipe.slot]) + resolve(recipe.offset, args);
  if (isWindow(recipe))
    return driver.tensorMapEncodeWindow(
        &map, int(recipe.type), recipe.rank, address, dims, strides,
        recipe.lower, recipe.upper, recipe.box[0], recipe.box[1], steps,
        cuda::tensorMapPlain, int(recipe.swizzle), cuda::tensorMapPromotion256,
        cuda::tensorMapPlain);
  return driver.tensorMapEncode(
      &map, int(recipe.type), recipe.rank, address, dims, strides, recipe.box,
      steps, cuda::tensorMapPlain, int(recipe.swizzle),
      cuda::tensorMapPromotion256, cuda::tensorMapPlain);
}

cuda::Result ingot::rt::encodeTensorMaps(
    const GpuDriver &driver, const IngotGpuKernel &kernel, void *const *args,
    cuda::TensorMap (&maps)[INGOT_GPU_MAPS], const char *&function) {
  function = "cuTensorMapEncodeTiled";
  if (kernel.num_maps > INGOT_GPU_MAPS)
    return cuda::invalidValue;
  memset(maps, 0, kernel.num_maps * sizeof(maps[0]));
  for (uint32_t i = 0; i < kernel.num_maps; ++i) {
    function = isWindow(kernel.maps[i]) ? "cuTensorMapEncodeIm2col"
                                        : "cuTensorMapEncodeTiled";
    cuda::Result result = encode(driver, kernel.maps[i], args, maps[i]);
    if (result != cuda::success)
      return result;
  }
  return cuda::success;
}
