//===- HalfFloat.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_HALFFLOAT_H
#define INGOT_LIB_QUANTIZE_HALFFLOAT_H

#include <cstdint>

namespace ingot::quantize {

/// The largest number that float16 holds.
inline constexpr double largestHalf = 65504;

/// The bits of the nearest float16, ties to even; infinity from 65520 on.
uint16_t halfBits(float value);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_HALFFLOAT_H
