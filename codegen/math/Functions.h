//===- Functions.h - the elementary functions as formulas ------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per elementary function. Each appends branch-free code for an
// f32 or f64 scalar or 1-D vector: no call, no gather, no table in memory,
// right for denormals, infinities, NaNs and signed zeros.
//
// Functions that are common in models are computed in f32 for an f32 argument.
// The others go through f64, where a short formula is enough to be right to
// within 0.501 ulp of f32; `Precision` chooses between that formula and the
// full one. Fitted constants come from scripts/fit-math.py.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_MATH_FUNCTIONS_H
#define INGOT_CODEGEN_MATH_FUNCTIONS_H

#include "codegen/math/Expr.h"

namespace ingot::vecmath {

/// What an f64 formula is for: a result of f64, or one that is rounded to f32
/// and whose argument was an f32.
enum class Precision { Single, Double };

//===----------------------------------------------------------------------===//
// f32 in f32
//===----------------------------------------------------------------------===//

Expr expF32(const Expr &x);
Expr exp2F32(const Expr &x);
Expr expm1F32(const Expr &x);
Expr logF32(const Expr &x);
Expr log1pF32(const Expr &x);
Expr tanhF32(const Expr &x);
Expr erfF32(const Expr &x);
/// 1 / (1 + exp(-x)).
Expr sigmoidF32(const Expr &x);

//===----------------------------------------------------------------------===//
// f64
//===----------------------------------------------------------------------===//

Expr expF64(const Expr &x, Precision p);
Expr exp2F64(const Expr &x, Precision p);
Expr expm1F64(const Expr &x, Precision p);
Expr logF64(const Expr &x, Precision p);
Expr log2F64(const Expr &x, Precision p);
Expr log10F64(const Expr &x, Precision p);
Expr log1pF64(const Expr &x, Precision p);
Expr sigmoidF64(const Expr &x, Precision p);

Expr sinhF64(const Expr &x, Precision p);
Expr coshF64(const Expr &x, Precision p);
Expr tanhF64(const Expr &x, Precision p);
Expr asinhF64(const Expr &x, Precision p);
Expr acoshF64(const Expr &x, Precision p);
Expr atanhF64(const Expr &x, Precision p);

Expr sinF64(const Expr &x, Precision p);
Expr cosF64(const Expr &x, Precision p);
Expr tanF64(const Expr &x, Precision p);
/// {sin x, cos x}
std::pair<Expr, Expr> sinCosF64(const Expr &x, Precision p);

Expr asinF64(const Expr &x, Precision p);
Expr acosF64(const Expr &x, Precision p);
Expr atanF64(const Expr &x, Precision p);
Expr atan2F64(const Expr &y, const Expr &x, Precision p);

Expr erfF64(const Expr &x, Precision p);
Expr erfcF64(const Expr &x, Precision p);

Expr cbrtF64(const Expr &x, Precision p);
Expr powF64(const Expr &x, const Expr &y, Precision p);
/// Whether a few products or a root give that power.
bool isCheapPower(double y, bool isF64);
/// x to such a power.
Expr powConstant(const Expr &x, double y);
/// x to an integer power; `odd` is a mask, and y + yLo is the exponent.
Expr powIntF64(const Expr &x, const Expr &y, const Expr &yLo, const Expr &odd,
               Precision p);

//===----------------------------------------------------------------------===//
// Either type
//===----------------------------------------------------------------------===//

Expr rsqrt(const Expr &x);
/// C's fmod, exact.
Expr remainder(const Expr &x, const Expr &y);
/// Integer power by squaring, wrapping.
Expr intPower(const Expr &x, const Expr &n);

//===----------------------------------------------------------------------===//
// Parts that other functions are made of
//===----------------------------------------------------------------------===//

/// exp(x + xLo) * 2^shift, for one rounding of a result that may be denormal.
Expr scaledExp(const Expr &x, const Expr *xLo, int shift, Precision p);

/// log(x) for 0 <= x as a pair: good to 2^-64 of its value in Double; in Single
/// the low part is 0.
Pair logPair(const Expr &x, Precision p);

/// exp(x) for -87 <= x <= 88: no denormals, no overflow.
Expr expInRangeF32(const Expr &x);

} // namespace ingot::vecmath

#endif // INGOT_CODEGEN_MATH_FUNCTIONS_H
