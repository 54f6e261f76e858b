//===- MatrixMath.h - products of small matrices ----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_OPS_MATRIX_MATH_H
#define INGOT_TOOLS_PTX_OPS_MATRIX_MATH_H

#include "tools/ptx/Numbers.h"
#include "tools/ptx/Types.h"

namespace ingot::ptx {

/// An element of a matrix operand from its bits.
inline double elementOf(uint32_t bits, Type type) {
  switch (type) {
  case Type::F16:
    return halfToFloat(bits);
  case Type::BF16:
    return bfloatToFloat(bits);
  case Type::TF32:
    // The low 13 bits are not looked at.
    return asFloat(bits & 0xffffe000);
  case Type::E4M3:
    return decode(bits & 0xff, kE4M3);
  case Type::E5M2:
    return decode(bits & 0xff, kE5M2);
  case Type::S8:
    return int8_t(bits);
  case Type::U8:
    return uint8_t(bits);
  default:
    return 0;
  }
}

/// c + the sum of products, as the accumulator's type holds it. Tensor cores
/// leave the order and the rounding of the sum open; here it is a sum in double
/// that is rounded once, so it is at least as accurate.
inline uint32_t accumulate(uint32_t c, double sum, Type type, bool saturate) {
  if (type == Type::S32) {
    int64_t value = int64_t(int32_t(c)) + int64_t(sum);
    if (saturate)
      value = value > 2147483647    ? 2147483647
              : value < -2147483648 ? -2147483648
                                    : value;
    return uint32_t(value);
  }
  if (type == Type::F16)
    return encode(double(halfToFloat(c)) + sum, kF16);
  float result = float(double(asFloat(c)) + sum);
  return result != result ? 0x7fffffff : uint32_t(bitsOfFloat(result));
}

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_OPS_MATRIX_MATH_H
