//===- Power.cpp - pow, cbrt, rsqrt, fmod ---------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

#include <cmath>

namespace ingot::vecmath {

//===----------------------------------------------------------------------===//
// pow
//===----------------------------------------------------------------------===//

/// exp(y log(a)) for a >= 0 by a logarithm of twice the precision, since the
/// exponential multiplies its error by up to 745.
static Expr powMagnitude(const Expr &a, const Expr &y, const Expr *yLo,
                         Precision p) {
  Pair log = logPair(a, p);
  Pair product = p == Precision::Single ? Pair{y * log.hi, y * log.lo}
                                        : twoProduct(y, log.hi);
  if (p == Precision::Double)
    product.lo = fma(y, log.lo, product.lo);
  if (yLo)
    product.lo = fma(*yLo, log.hi, product.lo);
  // The low part is NaN where the product overflows.
  Expr lo = select(abs(product.hi) < 1000.0, product.lo, 0.0);
  Expr power = scaledExp(product.hi, &lo, 0, p);
  // Also where y is infinite.
  return select((a == 1.0) & !isNan(y), 1.0, power);
}

Expr powIntF64(const Expr &x, const Expr &y, const Expr &yLo, const Expr &odd,
               Precision p) {
  Expr power = powMagnitude(abs(x), y, &yLo, p);
  Expr result = select(odd, copySign(power, x), power);
  return select(y == 0.0, 1.0, result);
}

Expr powF64(const Expr &x, const Expr &y, Precision p) {
  Expr power = powMagnitude(abs(x), y, nullptr, p);
  Expr integer = truncate(y) == y;
  Expr half = y * 0.5;
  Expr odd = integer & (truncate(half) != half);
  Expr undefined = (x < 0.0) & (x != -double(INFINITY)) & !integer;
  power = select(undefined, double(NAN), power);
  Expr result = select(odd, copySign(power, x), power);
  return select((y == 0.0) | (x == 1.0), 1.0, result);
}

//===----------------------------------------------------------------------===//
// Constant powers
//===----------------------------------------------------------------------===//

bool isCheapPower(double y, bool isF64) {
  if (y == 0.5)
    return true;
  // Products of f64 add up their errors, unless the result is an f32.
  double limit = isF64 ? 2 : 32;
  return y == std::trunc(y) &&
         (y == -1 || (y >= (isF64 ? 0 : -32) && y <= limit));
}

/// x^n by squaring, n > 0.
static Expr product(const Expr &x, unsigned n) {
  if (n == 1)
    return x;
  Expr square = product(x * x, n / 2);
  return n % 2 ? square * x : square;
}

Expr powConstant(const Expr &x, double y) {
  if (y == 0)
    return x.constant(1.0);
  // Unlike sqrt, pow takes -0 to 0 and -inf to inf.
  if (y == 0.5)
    return select(x == -double(INFINITY), double(INFINITY), sqrt(x + 0.0));
  if (y == 1)
    return x;
  if (y == 2)
    return x * x;
  if (y == -1)
    return 1.0 / x;
  Expr power = product(toF64(x), unsigned(std::abs(y)));
  return toF32(y < 0 ? 1.0 / power : power);
}

//===----------------------------------------------------------------------===//
// Roots
//===----------------------------------------------------------------------===//

Expr rsqrt(const Expr &x) {
  // Small arguments are scaled up, or the residual of the root would be
  // denormal.
  bool isDouble = x.width() == 64;
  Expr small = x < (isDouble ? 0x1p-900 : 0x1p-100);
  Expr a = x * select(small, isDouble ? 0x1p200 : 0x1p48, x.constant(1.0));
  Expr root = sqrt(a);
  Expr inverse = 1.0 / root;
  // With what the root and the reciprocal lost: a = root^2 + rootRest and
  // 1 = root inverse + inverseRest, both exactly.
  Expr rootRest = fma(-root, root, a);
  Expr inverseRest = fma(-root, inverse, 1.0);
  Expr correction =
      fma(rootRest * -0.5, inverse * inverse, inverseRest) * inverse;
  Expr ordinary = (x > 0.0) & (x < double(INFINITY));
  Expr result = select(ordinary, inverse + correction, inverse);
  return result * select(small, isDouble ? 0x1p100 : 0x1p24, x.constant(1.0));
}

Expr cbrtF64(const Expr &x, Precision p) {
  // 1 / cbrt(m) to 2^-7 for 1 <= m <= 8
  static constexpr double estimate[] = {
      0x1.567069075c20cp+0, -0x1.c35c7723ffb1cp-2, 0x1.bc6521573b0b2p-4,
      -0x1.a98ccad8015aep-7, 0x1.32e7c302533d3p-11};
  constexpr double rounder = 0x1.8p52 + 1023;
  Expr a = abs(x);
  Expr denormal = a < 0x1p-1022;
  Expr bits = bitsOf(select(denormal, a * 0x1p54, a));
  Expr exponent =
      floatOf((bits >> 52) | int64_t(0x4330000000000000)) - (0x1p52 + 1023);
  // a = 8^q m with 1 <= m < 8
  Expr qSum = fma(exponent - 1.0, 1.0 / 3, rounder);
  Expr q = qSum - rounder;
  Expr mantissa =
      (bits & int64_t(0x000fffffffffffff)) | int64_t(0x3ff0000000000000);
  Expr rest = fma(q, -3.0, exponent);
  Expr m = floatOf(mantissa + (bitsOf(rest + 0x1.8p52) << 52));
  // Newton's method for 1 / cbrt(m), of the fourth order; no division.
  Expr r = horner(m, estimate);
  int steps = p == Precision::Single ? 1 : 2;
  for (int i = 0; i < steps; ++i) {
    static constexpr double series[] = {1.0 / 3, 2.0 / 9, 14.0 / 81,
                                        35.0 / 243};
    Expr h = fma(-(r * r) * r, m, 1.0);
    r = fma(r * h, horner(h, series), r);
  }
  Expr square = r * r;
  Expr root = m * square;
  if (p == Precision::Double) {
    // One step on the root itself, with its cube as a pair.
    Pair rootSquare = twoProduct(root, root);
    Pair cube = twoProduct(rootSquare.hi, root);
    Expr excess = (cube.hi - m) + fma(rootSquare.lo, root, cube.lo);
    root = fma(excess * square, -1.0 / 3, root);
  }
  Expr scaled = root * floatOf(bitsOf(qSum) << 52);
  scaled = select(denormal, scaled * 0x1p-18, scaled);
  Expr ordinary = (a > 0.0) & (a < double(INFINITY));
  return select(ordinary, copySign(scaled, x), x);
}

//===----------------------------------------------------------------------===//
// fmod
//===----------------------------------------------------------------------===//

/// x modulo y, with as many steps of 50 bits as the quotient may need.
static Expr remainderF64(const Expr &x, const Expr &y, int steps) {
  Expr divisor = abs(y);
  Expr rest = abs(x);
  for (int k = steps - 1; k >= 0; --k) {
    // y 2^(50 k), by factors that are representable; it may become infinite.
    Expr multiple = divisor;
    for (int exponent = 50 * k; exponent > 0; exponent -= 1000)
      multiple = multiple * std::ldexp(1.0, std::min(exponent, 1000));
    // The quotient is an integer of at most 51 bits, right or 1 too large, and
    // what is left of the product is exact.
    Expr quotient = truncate(rest / multiple);
    Expr left = fma(-quotient, multiple, rest);
    left = select(left < 0.0, left + multiple, left);
    rest = select(rest < multiple, rest, left);
  }
  Expr result = copySign(rest, x);
  return select(isNan(y), y, result);
}

Expr remainder(const Expr &x, const Expr &y) {
  if (x.width() == 64)
    return remainderF64(x, y, 42);
  return toF32(remainderF64(toF64(x), toF64(y), 6));
}

} // namespace ingot::vecmath
