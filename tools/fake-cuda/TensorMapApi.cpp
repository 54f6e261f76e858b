//===- TensorMapApi.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cuTensorMapEncodeTiled, with the checks that the driver makes ("Tensor Map
// Object Management" in the driver's manual).
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

static bool encode(TensorMap &map, int type, unsigned rank, uint64_t address,
                   const uint64_t *dims, const uint64_t *strides,
                   const uint32_t *box, const uint32_t *elementStrides,
                   int interleave, int swizzle, int fill) {
  if (type < 0 || type > 12 || rank < 1 || rank > 5 || !address ||
      address % 16 || interleave != 0 || swizzle < 0 || swizzle > 3)
    return false;
  unsigned bytes = kElementBytes[type];
  map.magic = TensorMap::kMagic;
  map.rank = uint8_t(rank);
  map.elementBytes = uint8_t(bytes);
  map.swizzle = TensorMap::Swizzle(swizzle);
  map.floatKind = kFloatKinds[type];
  map.fillNan = fill == 1;
  map.address = address;
  // Only floats can be filled with NaN.
  if (fill < 0 || fill > 1 || (fill == 1 && !map.floatKind))
    return false;
  for (unsigned i = 0; i < rank; ++i) {
    if (!dims[i] || dims[i] > (uint64_t(1) << 32) || !box[i] || box[i] > 256 ||
        !elementStrides[i] || elementStrides[i] > 8)
      return false;
    map.lastIndex[i] = uint32_t(dims[i] - 1);
    map.box[i] = uint16_t(box[i]);
    map.elementStrides[i] = uint8_t(elementStrides[i]);
    if (i + 1 < rank) {
      if (strides[i] % 16 || strides[i] >= (uint64_t(1) << 40))
        return false;
      map.strides[i] = strides[i];
    }
  }
  unsigned inner = box[0] * bytes;
  if (inner % 16)
    return false;
  return swizzle == 0 || inner <= (16u << swizzle);
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
      !encode(map, type, rank, reinterpret_cast<uint64_t>(address), dims,
              strides, box, elementStrides, interleave, swizzle, fill))
    return call.done(CUDA_ERROR_INVALID_VALUE);
  memset(result, 0, 128);
  memcpy(result, &map, sizeof(map));
  return call.done(CUDA_SUCCESS);
}
