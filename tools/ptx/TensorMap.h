//===- TensorMap.h - descriptors of tensors for bulk copies -----*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_TENSOR_MAP_H
#define INGOT_TOOLS_PTX_TENSOR_MAP_H

#include <cstdint>

namespace ingot::ptx {

/// What is in the 128 opaque bytes of a tensor map. The layout is our own: only
/// fake drivers write it and only the interpreter reads it.
struct TensorMap {
  static constexpr uint32_t kMagic = 0x50414d54;

  enum Swizzle : uint8_t { None, Bytes32, Bytes64, Bytes128 };

  uint32_t magic;
  uint8_t rank;
  uint8_t elementBytes;
  Swizzle swizzle;
  /// Elements out of bounds are NaN, not zero.
  uint8_t fillNan;
  /// 1 for floats of 16 bits, 2 bfloat16, 4 f32, 8 f64: which NaN.
  uint8_t floatKind;
  /// For im2col mode, not for tiles: `box` is channels and pixels.
  uint8_t isIm2col;
  uint8_t elementStrides[5];
  uint16_t box[5];
  /// Sizes less one.
  uint32_t lastIndex[5];
  /// Of im2col mode: corners of the bounding box along W, H and D, from the
  /// first and from the last pixel.
  int16_t lower[3], upper[3];
  uint64_t address;
  /// In bytes, of all dimensions but the first.
  uint64_t strides[4];
};
static_assert(sizeof(TensorMap) <= 128, "a tensor map has 128 bytes");

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_TENSOR_MAP_H
