//===- Hyperbolic.cpp - sinh, cosh, tanh and their inverses ---------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

#include <cmath>

namespace ingot::vecmath {

//===----------------------------------------------------------------------===//
// tanh of f32
//===----------------------------------------------------------------------===//

Expr tanhF32(const Expr &x) {
  // (tanh(x) - x) / x^3 in x^2, for |x| <= 17/16
  static constexpr double tail[] = {
      -0x1.555550p-2, 0x1.110fcap-3, -0x1.b9e692p-5,  0x1.6436bcp-6,
      -0x1.167772p-7, 0x1.83f3ccp-9, -0x1.91bb80p-11, 0x1.ad9e7ap-14};
  Expr magnitude = abs(x);
  Expr square = x * x;
  Expr small = fma(horner(square, tail), square * magnitude, magnitude);
  // 1 - 2 / (exp(2 |x|) + 1); beyond 10 it is 1 in f32.
  Expr e = expInRangeF32(atMost(magnitude, 10.0) * 2.0);
  Expr large = 1.0 - 2.0 / (e + 1.0);
  return copySign(select(magnitude < 1.0, small, large), x);
}

//===----------------------------------------------------------------------===//
// f64
//===----------------------------------------------------------------------===//

Expr sinhF64(const Expr &x, Precision p) {
  // (sinh(x) - x) / x^3 in x^2, for |x| <= 1
  static constexpr double full[] = {
      0x1.5555555555555p-3,  0x1.111111111119bp-7,  0x1.a01a01a00734fp-13,
      0x1.71de3a68d39cdp-19, 0x1.ae644119e3918p-26, 0x1.6131568529de8p-33,
      0x1.a65cab8b16db9p-41, 0x1.d41e1c993923ap-48};
  Expr magnitude = abs(x);
  Expr square = magnitude * magnitude;
  Expr small = fma(horner(square, full), square * magnitude, magnitude);
  Expr half = scaledExp(magnitude, nullptr, -1, p); // exp(|x|) / 2
  Expr large = half - 0.25 / half;
  return copySign(select(magnitude < 1.0, small, large), x);
}

Expr coshF64(const Expr &x, Precision p) {
  Expr half = scaledExp(abs(x), nullptr, -1, p);
  return half + 0.25 / half;
}

Expr tanhF64(const Expr &x, Precision p) {
  // Beyond 22 it is 1 in f64.
  Expr e = expm1F64(atMost(abs(x), 22.0) * 2.0, p);
  return copySign(e / (e + 2.0), x);
}

/// log(2 x) for x > 2^28 or so.
static Expr logOfTwice(const Expr &x, Precision p) {
  return logF64(x, p) + 0x1.62e42fefa39efp-1;
}

Expr asinhF64(const Expr &x, Precision p) {
  Expr a = abs(x);
  Expr huge = a > 0x1p30;
  // log(a + sqrt(a^2 + 1)) = log1p(a + a^2 / (1 + sqrt(a^2 + 1)))
  Expr square = a * a;
  Expr u = a + square / (sqrt(square + 1.0) + 1.0);
  Expr result = select(huge, logOfTwice(a, p), log1pF64(u, p));
  return copySign(result, x);
}

Expr acoshF64(const Expr &x, Precision p) {
  Expr huge = x > 0x1p30;
  // log(x + sqrt(x^2 - 1)) = log1p(t + sqrt(2 t + t^2)), t = x - 1
  Expr t = x - 1.0;
  Expr u = t + sqrt(fma(t, t, t + t));
  Expr result = select(huge, logOfTwice(x, p), log1pF64(u, p));
  return select(x >= 1.0, result, double(NAN));
}

Expr atanhF64(const Expr &x, Precision p) {
  Expr a = abs(x);
  Expr u = (a + a) / (1.0 - a);
  return copySign(log1pF64(u, p) * 0.5, x);
}

} // namespace ingot::vecmath
