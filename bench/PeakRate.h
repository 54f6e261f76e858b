//===- PeakRate.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What this core can do right now, for kernels to be compared with.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_BENCH_PEAKRATE_H
#define INGOT_BENCH_PEAKRATE_H

#include <cstdint>

namespace ingot::bench {

/// Seconds of processor time that the calling thread has used.
double threadSeconds();

/// True if this processor has multiply-adds of that many bits.
bool hasFmaOf(int bits);

/// Single-precision operations per second of thread time (an addition and a
/// multiplication each count) in a loop that does nothing but multiply and add
/// in registers, over about `seconds`.
double fmaRate(int bits, double seconds);

/// Bytes per second of thread time in a loop that only reads `bytes` bytes
/// once, in order, in vectors of that many bits.
double readRate(int bits, const void *data, int64_t bytes);

} // namespace ingot::bench

#endif // INGOT_BENCH_PEAKRATE_H
