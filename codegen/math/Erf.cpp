//===- Erf.cpp - erf and erfc ---------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

#include <cmath>

namespace ingot::vecmath {

Expr erfF32(const Expr &x) {
  // erf(x) / x - 1 in x^2, for |x| <= 31/32
  static constexpr double smallTail[] = {
      0x1.06eba8p-3, -0x1.812740p-2,  0x1.ce2d64p-4, -0x1.b80124p-6,
      0x1.544b0ap-8, -0x1.a61844p-11, 0x1.4faa66p-14};
  // -log(erfc(x)) / x - 1, for 0.9 <= x <= 4
  static constexpr double largeTail[] = {
      0x1.074298p-3, 0x1.4574b8p-1,   0x1.aeea16p-4,   -0x1.727d3ep-6,
      0x1.7b2bb2p-9, -0x1.30376cp-15, -0x1.940318p-15, 0x1.59718ap-18};
  Expr magnitude = abs(x);
  Expr small = fma(horner(x * x, smallTail), x, x);
  // Beyond 4 it is 1 in f32.
  Expr t = atMost(magnitude, 4.0);
  Expr logErfc = fma(horner(t, largeTail), -t, -t);
  Expr large = copySign(1.0 - expInRangeF32(logErfc), x);
  return select(magnitude < 0.96875, small, large);
}

//===----------------------------------------------------------------------===//
// f64
//===----------------------------------------------------------------------===//

/// erf(x) for |x| <= 1.
static Expr erfSmall(const Expr &x) {
  // erf(x) / x - 1 in x^2
  static constexpr double tail[] = {
      0x1.06eba8214db69p-3,   -0x1.812746b037a25p-2,  0x1.ce2f21a04590ep-4,
      -0x1.b82ce31356d5fp-6,  0x1.565bcd2cd7d3ap-8,   -0x1.c02db94e7b0dcp-11,
      0x1.f9a3bd22d7511p-14,  -0x1.f4dd475186d08p-17, 0x1.ba6e001781a3fp-20,
      -0x1.63bf71c7befafp-23, 0x1.143520460cdf4p-26,  -0x1.cbfc584b2f294p-30,
      0x1.46317bec45dcdp-33};
  return fma(horner(x * x, tail), x, x);
}

/// erfc(a) for a >= 1/2, as exp(-a^2) times a function without sharp turns.
static Expr erfcLarge(const Expr &a, Precision p) {
  // exp(a^2) erfc(a) (1 + 2 a) in q = (a - 4) / (a + 4)
  static constexpr double full[] = {
      0x1.3ba5916e9fd7fp+0,   -0x1.1df1ad154a290p-3,  0x1.f7f5df66fad97p-7,
      0x1.16ecefcfa55b2p-4,   -0x1.9ddb23c3d3065p-4,  0x1.7fee004e0ca3ap-4,
      -0x1.0fb06e0087db5p-4,  0x1.3079edf75a0b6p-5,   -0x1.0962380cf96fep-6,
      0x1.49c6724238d02p-8,   -0x1.8d4b0f18650c9p-11, -0x1.a1def368eaff8p-13,
      0x1.3be927e76c837p-13,  -0x1.995ecc7810b1bp-16, -0x1.7a432966f7750p-17,
      0x1.7f567b389d694p-18,  0x1.a9df7cc042f8cp-22,  -0x1.bc8c8985027b5p-21,
      -0x1.d0a4b6875170cp-25, 0x1.da28b4055841dp-24,  0x1.3ace0049d2d2ep-24,
      -0x1.a382166bb1225p-27, -0x1.c0ad2c1c108a1p-26};
  static constexpr double single[] = {
      0x1.3ba5916f96da3p+0,  -0x1.1df1acf507a90p-3,  0x1.f7f57ef4a8586p-7,
      0x1.16ecdaab5470cp-4,  -0x1.9dd9a6dc52a6dp-4,  0x1.7ff0678aae1cep-4,
      -0x1.0fc0a3de3c8b6p-4, 0x1.303e9c824c67cp-5,   -0x1.08547467058f9p-6,
      0x1.539bc26a823f4p-8,  -0x1.aa5c33808b5b5p-11, -0x1.fd40db0badcd6p-12};
  Expr t = atMost(a, 28.0);
  Expr q = (t - 4.0) / (t + 4.0);
  Expr numerator = p == Precision::Single ? horner(q, single) : horner(q, full);
  Expr denominator = fma(t, 2.0, 1.0);
  Expr smooth = numerator / denominator;
  // The exponential is scaled up, so that only the last product is denormal.
  constexpr int shift = 200;
  Pair square = twoProduct(t, t);
  Expr lo = -square.lo;
  Expr e = scaledExp(-square.hi, &lo, shift, p);
  Expr product = e * smooth;
  if (p == Precision::Double) {
    // What the quotient, its denominator and the product lost.
    Expr denominatorLo = fma(t, 2.0, 1.0 - denominator);
    Expr lost =
        fma(-smooth, denominatorLo, fma(-smooth, denominator, numerator));
    Expr productLo = fma(e, smooth, -product);
    product = product + fma(e, lost / denominator, productLo);
  }
  return product * 0x1p-200;
}

Expr erfF64(const Expr &x, Precision p) {
  Expr magnitude = abs(x);
  Expr large = copySign(1.0 - erfcLarge(magnitude, p), x);
  return select(magnitude < 1.0, erfSmall(x), large);
}

Expr erfcF64(const Expr &x, Precision p) {
  Expr magnitude = abs(x);
  Expr large = erfcLarge(magnitude, p);
  large = select(x < 0.0, 2.0 - large, large);
  return select(magnitude < 0.5, 1.0 - erfSmall(x), large);
}

} // namespace ingot::vecmath
