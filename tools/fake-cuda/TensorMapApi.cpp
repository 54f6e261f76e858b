//===- TensorMapApi.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cuTensorMapEncodeTiled and cuTensorMapEncodeIm2col, with the checks that the
// driver makes ("Tensor Map Object Management" in the driver's manual).
//
//===----------------------------------------------------------------------===//
#include "tools/fake-cuda/Driver.h"
#include "tools/ptx/TensorMap.h"

#include <cstring>

using ingot::ptx::TensorMap;

/// Sizes of CUtensorMapDataType: u8 u16 u32 s32 u64 s64 f16 f32 f64 bf16
/// f32.ftz tf32 tf32.ftz.
static constexpr uint8_t kElementBytes[] = {1, 2, 4, 4, 8, 8, 2,
                                            4, 8, 2, 4, 4, 4};
static constexpr uint8_t kFloatKinds[] = {0, 0, 0, 0, 0, 0, 1,
                                          4, 8, 2, 4, 4, 4};

/// What maps of both modes have.
struct Tensor {
  int type;
  unsigned rank;
  uint64_t address;
  const uint64_t *dims, *strides;
  const uint32_t *elementStrides;
  int interleave, swizzle, fill;
};

static bool encode(TensorMap &map, const Tensor &tensor) {
  if (tensor.type < 0 || tensor.type > 12 || tensor.rank < 1 ||
      tensor.rank > 5 || !tensor.address || tensor.address % 16 ||
      tensor.interleave != 0 || tensor.swizzle < 0 || tensor.swizzle > 3)
    return false;
  map.magic = TensorMap::kMagic;
  map.rank = uint8_t(tensor.rank);
  map.elementBytes = kElementBytes[tensor.type];
  map.swizzle = TensorMap::Swizzle(tensor.swizzle);
  map.floatKind = kFloatKinds[tensor.type];
  map.fillNan = tensor.fill == 1;
  map.address = tensor.address;
  // Only floats can be filled with NaN.
  if (tensor.fill < 0 || tensor.fill > 1 ||
      (tensor.fill == 1 && !map.floatKind))
    return false;
  for (unsigned i = 0; i < tensor.rank; ++i) {
    uint64_t size = tensor.dims[i];
    uint32_t step = tensor.elementStrides[i];
    if (!size || size > (uint64_t(1) << 32) || !step || step > 8)
      return false;
    map.lastIndex[i] = uint32_t(size - 1);
    map.elementStrides[i] = uint8_t(step);
    if (i + 1 < tensor.rank) {
      uint64_t stride = tensor.strides[i];
      if (stride % 16 || stride >= (uint64_t(1) << 40))
        return false;
      map.strides[i] = stride;
    }
  }
  return true;
}

/// Whether rows of so many elements fit the swizzling.
static bool fitsSwizzle(const TensorMap &map, uint64_t elements) {
  uint64_t inner = elements * map.elementBytes;
  return inner % 16 == 0 &&
         (map.swizzle == TensorMap::None || inner <= (16u << map.swizzle));
}

static bool encodeBox(TensorMap &map, const uint32_t *box) {
  for (unsigned i = 0; i < map.rank; ++i) {
    if (!box[i] || box[i] > 256)
      return false;
    map.box[i] = uint16_t(box[i]);
  }
  return fitsSwizzle(map, box[0]);
}

static bool encodePixels(TensorMap &map, const int *lower, const int *upper,
                         uint32_t channels, uint32_t pixels) {
  if (map.rank < 3 || !channels || channels > 256 || !pixels || pixels > 1024)
    return false;
  map.isIm2col = 1;
  map.box[0] = uint16_t(channels);
  map.box[1] = uint16_t(pixels);
  // Corners have 16, 8 or 5 bits for one, two or three dimensions of pixels.
  constexpr int kLimits[] = {1 << 15, 1 << 7, 1 << 4};
  int limit = kLimits[map.rank - 3];
  for (unsigned i = 0; i + 2 < map.rank; ++i) {
    if (lower[i] < -limit || lower[i] >= limit || upper[i] < -limit ||
        upper[i] >= limit ||
        int64_t(map.lastIndex[i + 1]) + upper[i] < int64_t(lower[i]))
      return false;
    map.lower[i] = int16_t(lower[i]);
    map.upper[i] = int16_t(upper[i]);
  }
  return fitsSwizzle(map, channels);
}

FAKE_CUDA_API
cuTensorMapEncodeTiled(void *result, int type, unsigned rank, void *address,
                       const uint64_t *dims, const uint64_t *strides,
                       const uint32_t *box, const uint32_t *elementStrides,
                       int interleave, int swizzle, int, int fill) {
  FAKE_CUDA_ENTER(Nothing);
  TensorMap map = {};
  if (call.driver.device.arch < 90)
    return call.done(CUDA_ERROR_NOT_SUPPORTED);
  if (!result || reinterpret_cast<uint64_t>(result) % 64 ||
      !encode(map, {type, rank, reinterpret_cast<uint64_t>(address), dims,
                    strides, elementStrides, interleave, swizzle, fill}) ||
      !encodeBox(map, box))
    return call.done(CUDA_ERROR_INVALID_VALUE);
  memset(result, 0, 128);
  memcpy(result, &map, sizeof(map));
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API
cuTensorMapEncodeIm2col(void *result, int type, unsigned rank, void *address,
                        const uint64_t *dims, const uint64_t *strides,
                        const int *lower, const int *upper, uint32_t channels,
                        uint32_t pixels, const uint32_t *elementStrides,
                        int interleave, int swizzle, int, int fill) {
  FAKE_CUDA_ENTER(Nothing);
  TensorMap map = {};
  if (call.driver.device.arch < 90)
    return call.done(CUDA_ERROR_NOT_SUPPORTED);
  if (!result || reinterpret_cast<uint64_t>(result) % 64 ||
      !encode(map, {type, rank, reinterpret_cast<uint64_t>(address), dims,
                    strides, elementStrides, interleave, swizzle, fill}) ||
      !encodePixels(map, lower, upper, channels, pixels))
    return call.done(CUDA_ERROR_INVALID_VALUE);
  memset(result, 0, 128);
  memcpy(result, &map, sizeof(map));
  return call.done(CUDA_SUCCESS);
}
