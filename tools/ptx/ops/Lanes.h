//===- Lanes.h - loops over the lanes of a warp -----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_OPS_LANES_H
#define INGOT_TOOLS_PTX_OPS_LANES_H

#include "tools/ptx/Decoder.h"
#include "tools/ptx/Machine.h"

#include <type_traits>

namespace ingot::ptx {

/// Sets the lanes of a row to `f(lane)`. `f` must be free of effects: it is
/// called for all lanes.
template <typename F> inline void setLanes(uint64_t *d, uint32_t mask, F f) {
  if (mask == kAllLanes) {
#pragma clang loop vectorize(assume_safety)
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      d[lane] = f(lane);
    return;
  }
#pragma clang loop vectorize(assume_safety)
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint64_t value = f(lane);
    d[lane] = (mask >> lane & 1) ? value : d[lane];
  }
}

/// Calls `f(lane)` for the lanes of the mask.
template <typename F> inline void forLanes(uint32_t mask, F f) {
  while (mask) {
    unsigned lane = __builtin_ctz(mask);
    mask &= mask - 1;
    f(lane);
  }
}

/// A mask from a condition of each lane.
template <typename F> inline uint32_t maskOf(F f) {
  uint32_t mask = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    mask |= uint32_t(f(lane) ? 1 : 0) << lane;
  return mask;
}

/// An integer in a row; the bits above its width are zero.
template <typename T> inline uint64_t widen(T value) {
  return uint64_t(std::make_unsigned_t<T>(value));
}

/// d = f(a) of integers.
template <typename T, typename F>
inline void mapLanes1(Warp &warp, const Instr &in, uint32_t mask, F f) {
  const Operand *ops = warp.operands(in);
  const uint64_t *a = warp.src(ops[1]);
  setLanes(warp.dst(ops[0]), mask,
           [=](unsigned lane) { return widen(f(T(a[lane]))); });
}

/// d = f(a, b) of integers.
template <typename T, typename F>
inline void mapLanes2(Warp &warp, const Instr &in, uint32_t mask, F f) {
  const Operand *ops = warp.operands(in);
  const uint64_t *a = warp.src(ops[1]), *b = warp.src(ops[2]);
  setLanes(warp.dst(ops[0]), mask,
           [=](unsigned lane) { return widen(f(T(a[lane]), T(b[lane]))); });
}

/// d = f(a, b, c) of integers.
template <typename T, typename F>
inline void mapLanes3(Warp &warp, const Instr &in, uint32_t mask, F f) {
  const Operand *ops = warp.operands(in);
  const uint64_t *a = warp.src(ops[1]), *b = warp.src(ops[2]),
                 *c = warp.src(ops[3]);
  setLanes(warp.dst(ops[0]), mask, [=](unsigned lane) {
    return widen(f(T(a[lane]), T(b[lane]), T(c[lane])));
  });
}

} // namespace ingot::ptx

/// Chooses the instance of a handler template for an integer type; null for
/// others.
#define INGOT_PTX_FOR_INTEGER(type, HANDLER)                                   \
  ((type) == Type::U16   ? HANDLER<uint16_t>                                   \
   : (type) == Type::S16 ? HANDLER<int16_t>                                    \
   : (type) == Type::U32 ? HANDLER<uint32_t>                                   \
   : (type) == Type::S32 ? HANDLER<int32_t>                                    \
   : (type) == Type::U64 ? HANDLER<uint64_t>                                   \
   : (type) == Type::S64 ? HANDLER<int64_t>                                    \
                         : Handler(nullptr))

/// The same for types whose double width is a type.
#define INGOT_PTX_FOR_NARROW_INTEGER(type, HANDLER)                            \
  ((type) == Type::U16   ? HANDLER<uint16_t>                                   \
   : (type) == Type::S16 ? HANDLER<int16_t>                                    \
   : (type) == Type::U32 ? HANDLER<uint32_t>                                   \
   : (type) == Type::S32 ? HANDLER<int32_t>                                    \
                         : Handler(nullptr))

/// The same for untyped bits.
#define INGOT_PTX_FOR_BITS(type, HANDLER)                                      \
  ((type) == Type::B16   ? HANDLER<uint16_t>                                   \
   : (type) == Type::B32 ? HANDLER<uint32_t>                                   \
   : (type) == Type::B64 ? HANDLER<uint64_t>                                   \
                         : Handler(nullptr))

#endif // INGOT_TOOLS_PTX_OPS_LANES_H
