//===- Measure.h - samples, and errors in ulp ------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_MATH_CHECK_MEASURE_H
#define INGOT_TOOLS_MATH_CHECK_MEASURE_H

#include "tools/math-check/Functions.h"

#include <cstdint>
#include <vector>

namespace mathcheck {

/// Arguments as arrays of f32 or f64.
template <typename T> struct Samples {
  std::vector<T> x, y;
  size_t size() const { return x.size(); }
};

/// About `count` arguments spread over all bit patterns and, in equal number,
/// over the values where functions change fastest, and all neighbours of the
/// special values. The same for the same count. A multiple of 64.
template <typename T> Samples<T> makeSamples(const Function &f, size_t count);

/// The worst error so far and where it was.
struct Worst {
  double ulp = 0, sum = 0;
  double x = 0, y = 0, got = 0, want = 0;
  uint64_t count = 0;
  /// Of the results in order, all NaNs taken for one.
  uint64_t digest = 0;

  void add(const Worst &other);
};

/// Compares results with the reference. A wrong NaN, infinity or sign of zero
/// counts as an infinite error.
template <typename T>
Worst measure(const Function &f, const T *x, const T *y, const T *got,
              size_t count);

} // namespace mathcheck

#endif // INGOT_TOOLS_MATH_CHECK_MEASURE_H
