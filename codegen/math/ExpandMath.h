//===- ExpandMath.h - vector math without a math library -------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rewrites the math dialect on floats and fixed-width vectors of any rank into
// arith ops and LLVM intrinsics that every CPU target has instructions for, so
// that no kernel calls libm. f32 results are within 1 ulp;
// docs/math-accuracy.md has the measured figures.
//
// The code relies on IEEE rounding to nearest, on denormals being kept and on
// FMA hardware; LLVM must run with its default of contracting nothing.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_MATH_EXPANDMATH_H
#define INGOT_CODEGEN_MATH_EXPANDMATH_H

#include "mlir/IR/PatternMatch.h"

namespace ingot {

struct ExpandMathConfig {
  /// Also expand conversions for which a CPU may need a library call: to and
  /// from bf16, and f64 to f16. They round once, to nearest even.
  bool expandBf16 = true;
};

/// Patterns for every op of the math dialect and arith.remf.
void populateExpandMathPatterns(mlir::RewritePatternSet &patterns,
                                const ExpandMathConfig &config = {});

/// The pattern 1 / (1 + exp(-x)) -> emitSigmoid. It must run before those above
/// take the exp away. Without it that form is good to about 2 ulp, and loses
/// the denormal results at x < -88.
void populateFuseSigmoidPatterns(mlir::RewritePatternSet &patterns);

/// All of the above on the ops inside `root`.
void expandMath(mlir::Operation *root, const ExpandMathConfig &config = {});

/// 1 / (1 + exp(-x)) to 1 ulp on an f16, bf16, f32 or f64 scalar or vector.
mlir::Value emitSigmoid(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value x);

} // namespace ingot

#endif // INGOT_CODEGEN_MATH_EXPANDMATH_H
