//===- Functions.h - the functions whose accuracy is measured --*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_MATH_CHECK_FUNCTIONS_H
#define INGOT_TOOLS_MATH_CHECK_FUNCTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mathcheck {

/// Which arguments make sense as samples.
enum class Domain {
  Reals,    // every bit pattern
  IntPower, // an integer exponent
  Integers  // two integers of 32 bits
};

/// One function: MLIR that computes it, and references of higher precision.
struct Function {
  const char *name;
  int arity;
  /// Ops that compute %r from %x and %y, with $T for the type of both, $I for
  /// the i32 of its shape, $B for the bf16 and $H for the f16.
  /// Constants are written as for vectors.
  const char *body;
  double (*inDouble)(double, double);
  long double (*inLongDouble)(long double, long double);
  /// Largest error allowed, in ulp; negative where the type is not offered.
  double maxUlpF32, maxUlpF64;
  Domain domain = Domain::Reals;
};

llvm::ArrayRef<Function> allFunctions();

} // namespace mathcheck

#endif // INGOT_TOOLS_MATH_CHECK_FUNCTIONS_H
