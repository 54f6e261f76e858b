//===- FloatBits.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Floating-point numbers as raw bits, and conversions between their formats
// that round to nearest even, as arith.extf and arith.truncf do.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_FLOATBITS_H
#define INGOT_PASSES_GRAPH_FLOATBITS_H

#include "llvm/ADT/APFloat.h"

#include <cstdint>
#include <cstring>

namespace ingot::graph {

/// The bits of a number, and back.
inline uint64_t toBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline uint64_t toBits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
template <typename T> T fromBits(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The number with bits of format `from`, in the bits of format `to`.
uint64_t convertFloat(uint64_t bits, const llvm::fltSemantics &from,
                      const llvm::fltSemantics &to);

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_FLOATBITS_H
