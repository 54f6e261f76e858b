//===- FloatBits.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/FloatBits.h"

using namespace llvm;
using namespace ingot::graph;

/// IEEE half to single; exact.
static uint32_t extendHalf(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f, fraction = half & 0x3ff;
  if (exponent == 0x1f) // infinities and quiet NaNs
    return sign | 0x7f800000 | (fraction << 13) | (fraction ? 0x400000 : 0);
  if (exponent != 0)
    return sign | ((exponent + 112) << 23) | (fraction << 13);
  return sign | uint32_t(toBits(float(fraction) * 0x1p-24f));
}

/// Single to half, ties to even.
static uint16_t truncateToHalf(uint32_t single) {
  uint32_t sign = (single >> 16) & 0x8000, magnitude = single & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return sign | 0x7e00 | ((magnitude >> 13) & 0x3ff);
  if (magnitude >= 0x477ff000) // rounds to 2^16 or more
    return sign | 0x7c00;
  if (magnitude < 0x38800000) { // subnormal: let the addition round
    float sum = fromBits<float>(magnitude) + 0.5f;
    return sign | uint16_t(toBits(sum) - toBits(0.5f));
  }
  uint32_t odd = (magnitude >> 13) & 1;
  return sign | uint16_t((magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

/// Single to bfloat, ties to even.
static uint16_t truncateToBfloat(uint32_t single) {
  if ((single & 0x7fffffff) > 0x7f800000)
    return (single >> 16) | 0x40;
  return (single + 0x7fff + ((single >> 16) & 1)) >> 16;
}

uint64_t ingot::graph::convertFloat(uint64_t bits, const fltSemantics &from,
                                    const fltSemantics &to) {
  const fltSemantics &half = APFloat::IEEEhalf(), &brain = APFloat::BFloat(),
                     &single = APFloat::IEEEsingle(),
                     &wide = APFloat::IEEEdouble();
  if (&from == &to)
    return bits;
  if (&to == &single) {
    if (&from == &half)
      return extendHalf(bits);
    if (&from == &brain)
      return bits << 16;
    if (&from == &wide)
      return toBits(float(fromBits<double>(bits)));
  }
  if (&from == &single) {
    if (&to == &half)
      return truncateToHalf(bits);
    if (&to == &brain)
      return truncateToBfloat(bits);
    if (&to == &wide)
      return toBits(double(fromBits<float>(bits)));
  }
  APFloat value(from, APInt(APFloat::semanticsSizeInBits(from), bits,
                            /*isSigned=*/false, /*implicitTrunc=*/true));
  bool lost;
  value.convert(to, APFloat::rmNearestTiesToEven, &lost);
  return value.bitcastToAPInt().getZExtValue();
}
