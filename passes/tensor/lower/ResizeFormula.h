//===- ResizeFormula.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arithmetic of Resize, written once for two worlds: doubles at compile
// time where sizes and scales are known, and emitted f64 operations where they
// are not.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_RESIZEFORMULA_H
#define INGOT_PASSES_TENSOR_LOWER_RESIZEFORMULA_H

#include "passes/tensor/lower/Interpolation.h"

#include <algorithm>
#include <cmath>

namespace ingot {

/// Arithmetic on numbers of this compiler.
struct HostArithmetic {
  using Number = double;
  using Condition = bool;
  double constant(double v) const { return v; }
  double add(double x, double y) const { return x + y; }
  double sub(double x, double y) const { return x - y; }
  double mul(double x, double y) const { return x * y; }
  double div(double x, double y) const { return x / y; }
  double floor(double x) const { return std::floor(x); }
  double min(double x, double y) const { return std::min(x, y); }
  bool less(double x, double y) const { return x < y; }
  bool equal(double x, double y) const { return x == y; }
  bool either(bool x, bool y) const { return x || y; }
  double select(bool c, double x, double y) const { return c ? x : y; }
  double linearWeight(double d) const { return std::max(0.0, 1 - std::abs(d)); }
  double cubicWeight(double d, double a) const {
    double x = std::abs(d);
    if (x <= 1)
      return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  }
};

/// Arithmetic that is emitted into a body.
struct EmittedArithmetic : Scalars {
  using Number = mlir::Value;
  using Condition = mlir::Value;
  explicit EmittedArithmetic(const Scalars &s) : Scalars(s) {}
  mlir::Value constant(double v) const {
    return Scalars::constant(b.getF64Type(), v);
  }
  mlir::Value linearWeight(mlir::Value d) const {
    return ingot::linearWeight(*this, d);
  }
  mlir::Value cubicWeight(mlir::Value d, double a) const {
    return ingot::cubicWeight(*this, d, a);
  }
};

/// What a Resize does, but for sizes.
struct ResizeRule {
  enum Mode { Nearest, Linear, Cubic } mode;
  enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    CropAndResize
  } coordinates;
  enum Rounding { PreferFloor, PreferCeil, Floor, Ceil } rounding;
  bool antialias, excludeOutside;
  double cubicA;

  /// True if weights must be divided by their sum.
  bool isNormalized() const { return antialias || excludeOutside; }
};

/// The formulas for one axis; all sizes are numbers of `Arithmetic`.
template <typename Arithmetic> struct ResizeFormula {
  using Number = typename Arithmetic::Number;
  using Condition = typename Arithmetic::Condition;

  const ResizeRule &rule;
  Arithmetic a;
  /// Of the operand and of the result; `width` is size * scale unrounded.
  Number size, resultSize, width, scale;
  /// The region of CropAndResize.
  Number start, end;
  /// The first tap's distance from the place rounded down.
  double firstTap = 0;

  /// The place in the operand that result index `x` samples.
  Number place(Number x) const {
    Number one = a.constant(1), half = a.constant(0.5), zero = a.constant(0);
    Number centered = a.sub(a.div(a.add(x, half), scale), half); // half_pixel
    switch (rule.coordinates) {
    case ResizeRule::HalfPixel:
      return centered;
    case ResizeRule::PytorchHalfPixel:
      return a.select(a.less(one, resultSize), centered, zero);
    case ResizeRule::HalfPixelSymmetric: {
      Number adjustment = a.div(resultSize, width);
      Number center = a.mul(size, half);
      return a.add(a.mul(center, a.sub(one, adjustment)), centered);
    }
    case ResizeRule::Asymmetric:
      return a.div(x, scale);
    case ResizeRule::AlignCorners:
    case ResizeRule::CropAndResize:
      break;
    }
    Condition isSingle = a.equal(width, one);
    Number steps = a.select(isSingle, one, a.sub(width, one));
    Number last = a.sub(size, one);
    if (rule.coordinates == ResizeRule::AlignCorners)
      return a.select(isSingle, zero, a.div(a.mul(x, last), steps));
    Number length = a.mul(a.sub(end, start), last);
    Number along =
        a.select(isSingle, a.mul(length, half), a.div(a.mul(x, length), steps));
    return a.add(along, a.mul(start, last));
  }

  /// The whole number that tap `k` of a place reads, maybe out of bounds.
  Number tap(Number place, Number k) const {
    if (rule.mode != ResizeRule::Nearest)
      return a.add(a.floor(place), a.add(k, a.constant(firstTap)));
    Number zero = a.constant(0), half = a.constant(0.5);
    auto ceil = [&](Number x) { return a.sub(zero, a.floor(a.sub(zero, x))); };
    switch (rule.rounding) {
    case ResizeRule::PreferFloor:
      return ceil(a.sub(place, half));
    case ResizeRule::PreferCeil:
      return a.floor(a.add(place, half));
    case ResizeRule::Floor:
      return a.floor(place);
    case ResizeRule::Ceil:
      return ceil(place);
    }
    return place;
  }

  Condition isOutside(Number tap) const {
    return a.either(a.less(tap, a.constant(0)),
                    a.less(a.sub(size, a.constant(1)), tap));
  }

  /// The weight of a tap, before it is divided by the sum of weights.
  Number weight(Number place, Number tap) const {
    Number distance = a.sub(tap, place);
    if (rule.antialias)
      distance = a.mul(distance, a.min(scale, a.constant(1)));
    Number w = rule.mode == ResizeRule::Linear
                   ? a.linearWeight(distance)
                   : a.cubicWeight(distance, rule.cubicA);
    if (rule.excludeOutside)
      w = a.select(isOutside(tap), a.constant(0), w);
    return w;
  }
};

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_RESIZEFORMULA_H
