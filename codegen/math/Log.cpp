//===- Log.cpp - log, log2, log10, log1p ----------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// log(2^k m) = k ln2 + log(m), with m near 1. The exponent is taken out by
// integer arithmetic that centres m's interval on 1, so that k = 0 around x = 1
// and nothing cancels there.
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

#include <cmath>

namespace ingot::vecmath {

static constexpr double ln2 = 0x1.62e42fefa39efp-1;
static constexpr double ln2Lo = 0x1.abc9e3b39803fp-56;

/// What a logarithm is outside (0, inf): of zero, of a negative, of inf and
/// NaN.
static Expr withLogSpecials(const Expr &x, const Expr &result) {
  Expr special = select(x < 0.0, double(NAN), x);
  special = select(x == 0.0, -double(INFINITY), special);
  Expr ordinary = (x > 0.0) & (x < double(INFINITY));
  return select(ordinary, result, special);
}

//===----------------------------------------------------------------------===//
// f32
//===----------------------------------------------------------------------===//

Expr logF32(const Expr &x) {
  // (log(1 + f) - f) / f^2
  static constexpr double tail[] = {
      -0x1p-1,        0x1.555506p-2,  -0x1.fffefcp-3,
      0x1.99d068p-3,  -0x1.559c62p-3, 0x1.1ed352p-3,
      -0x1.f32d86p-4, 0x1.1e779ap-3,  -0x1.07d338p-3};
  constexpr int twoThirds = 0x3f2aaaab;
  Expr denormal = x < 0x1p-126;
  Expr normal = select(denormal, x * 0x1p23, x);
  Expr bits = bitsOf(normal);
  Expr exponent = (bits - twoThirds) & int(0xff800000);
  Expr f = floatOf(bits - exponent) - 1.0; // in [-1/3, 1/3]
  Expr k = fma(intToFloat(exponent, x.elementType()), 0x1p-23,
               select(denormal, -23.0, x.constant(0.0)));
  Expr log1p = fma(horner(f, tail), f * f, f);
  return withLogSpecials(x, fma(k, ln2, log1p));
}

Expr log1pF32(const Expr &x) {
  // (log(1 + f) - f) / f^2
  static constexpr double tail[] = {
      -0x1.fffffep-2, 0x1.555554p-2, -0x1.000128p-2, 0x1.999d68p-3,
      -0x1.54fa08p-3, 0x1.23a42cp-3, -0x1.04aa98p-3, 0x1.ebba64p-4,
      -0x1.8fa56cp-4, 0x1.563b6ap-5};
  constexpr int threeQuarters = 0x3f400000, four = 0x40800000;
  // 1 + x = 2^k (1 + f), where f comes from x: 1 + x itself would be rounded.
  Expr u = x + 1.0;
  Expr exponent = (bitsOf(u) - threeQuarters) & int(0xff800000);
  Expr inverse = floatOf(bitsOf(x).constant(four) - exponent); // 4 * 2^-k
  Pair f = fastTwoSum(fma(inverse, 0.25, -1.0), floatOf(bitsOf(x) - exponent));
  Expr k = intToFloat(exponent, x.elementType()) * 0x1p-23;
  // k ln2 + f as a pair; the rest is smaller.
  Expr whole = k * ln2;
  Pair sum = fastTwoSum(whole, f.hi);
  Expr lost = fma(k, ln2, -whole) + (sum.lo + f.lo);
  Expr result = sum.hi + fma(horner(f.hi, tail), f.hi * f.hi, lost);
  return withLogSpecials(u, copySign(result, x));
}

//===----------------------------------------------------------------------===//
// f64
//===----------------------------------------------------------------------===//

namespace {
/// x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)].
struct Split {
  Expr k, f;
};
} // namespace

/// Takes x > 0 apart. An f32 is never denormal as an f64.
static Split split(const Expr &x, Precision p) {
  constexpr int64_t sqrtHalf = 0x3fe6a09e667f3bcd;
  constexpr int64_t one = 0x3ff0000000000000;
  constexpr double exponentOf0 = 0x1p52 + 1023;
  Expr normal = x;
  Expr offset = x.constant(exponentOf0);
  if (p == Precision::Double) {
    Expr denormal = x < 0x1p-1022;
    normal = select(denormal, x * 0x1p54, x);
    offset = select(denormal, exponentOf0 + 54, offset);
  }
  Expr bits = bitsOf(normal) + (one - sqrtHalf);
  // The exponent becomes the low bits of 2^52 + exponent.
  Expr k = floatOf((bits >> 52) | int64_t(0x4330000000000000)) - offset;
  Expr m = floatOf((bits & int64_t(0x000fffffffffffff)) + sqrtHalf);
  return {k, m - 1.0};
}

/// (log((1 + s) / (1 - s)) - 2 s) / s at z = s^2.
static Expr logTail(const Expr &z, Precision p) {
  static constexpr double full[] = {0x1.5555555555592p-1, 0x1.999999997ff22p-2,
                                    0x1.24924941e002cp-2, 0x1.c71c521600423p-3,
                                    0x1.74663c7abc5d3p-3, 0x1.39a1f672c1a7ep-3,
                                    0x1.2f031fd21c95fp-3};
  static constexpr double single[] = {
      0x1.555555561e341p-1, 0x1.999996a8cec31p-2, 0x1.2494122eeb453p-2,
      0x1.c62b003fe30ecp-3, 0x1.911695facdef1p-3};
  if (p == Precision::Single)
    return z * horner(z, single);
  return z * horner(z, full);
}

/// log(1 + f) in f64 alone, to about an ulp.
static Expr log1pReduced(const Expr &f) {
  Expr s = f / (f + 2.0);
  Expr tail = logTail(s * s, Precision::Single);
  return fma(s, tail, s + s);
}

/// log(1 + f) as a pair good to about 2^-58 of its value.
static Pair log1pPair(const Expr &f) {
  Expr s = f / (f + 2.0);
  Expr tail = logTail(s * s, Precision::Double);
  // log(1 + f) = f - f^2/2 + s (f^2/2 + tail)
  Pair square = twoProduct(f * 0.5, f);
  Pair sum = fastTwoSum(f, -square.hi);
  Expr lo = fma(s, square.hi + tail, sum.lo - square.lo);
  return fastTwoSum(sum.hi, lo);
}

/// log(1 + f) as a pair good to about 2^-65 of its value.
static Pair log1pAccurate(const Expr &f) {
  // ((log((1 + s) / (1 - s)) - 2 s) / s^3 - 2/3) / s^2 in s^2
  static constexpr double tail[] = {0x1.9999999999996p-2, 0x1.2492492492f51p-2,
                                    0x1.c71c71c5968d9p-3, 0x1.745d1829584f8p-3,
                                    0x1.3b1364c8ad81fp-3, 0x1.11206f473b72ep-3,
                                    0x1.de3d6cbb3491ap-4, 0x1.eac5da5d427adp-4};
  // s = f / (2 + f)
  Pair d = fastTwoSum(f.constant(2.0), f);
  Expr sHi = f / d.hi;
  Expr rest = fma(-sHi, d.lo, fma(-sHi, d.hi, f));
  Pair s = {sHi, rest / d.hi};
  Pair z = s * s;
  Pair top = twoSum(f.constant(2.0 / 3), z.hi * horner(z.hi, tail));
  top.lo = top.lo + 0x1.5555555555555p-55;
  Pair odd = (top * z) * s;
  return Pair{s.hi + s.hi, s.lo + s.lo} + odd;
}

Pair logPair(const Expr &x, Precision p) {
  Split parts = split(x, p);
  Expr zero = x.constant(0.0);
  Pair log = {zero, zero};
  if (p == Precision::Single) {
    log.hi = fma(parts.k, ln2, log1pReduced(parts.f));
  } else {
    // ln2 without its last bits, so that its multiples are exact.
    constexpr double ln2Top = 0x1.62e42fefa3800p-1;
    constexpr double ln2Rest = 0x1.ef35793c76730p-45;
    constexpr double ln2RestLo = 0x1.f97b57a079a19p-103;
    Pair rest = twoProduct(parts.k, ln2Rest);
    rest.lo = fma(parts.k, ln2RestLo, rest.lo);
    log = (Pair{parts.k * ln2Top, zero} + rest) + log1pAccurate(parts.f);
  }
  log.hi = select(x == 0.0, -double(INFINITY), log.hi);
  Expr ordinary = x < double(INFINITY);
  return {select(ordinary, log.hi, x), log.lo};
}

/// k * unit + log(1 + f) * scale, for pairs of constants unit and scale.
static Expr combine(const Split &x, const Pair &log, double unitHi,
                    double unitLo, double scaleHi, double scaleLo) {
  Pair scaled = scaleHi == 1 ? log : twoProduct(log.hi, scaleHi);
  if (scaleHi != 1)
    scaled.lo = fma(log.hi, scaleLo, fma(log.lo, scaleHi, scaled.lo));
  Pair whole = twoProduct(x.k, unitHi);
  Pair sum = fastTwoSum(whole.hi, scaled.hi);
  return sum.hi + (sum.lo + (fma(x.k, unitLo, whole.lo) + scaled.lo));
}

static Expr logOfBase(const Expr &x, Precision p, double unitHi, double unitLo,
                      double scaleHi, double scaleLo) {
  Split parts = split(x, p);
  if (p == Precision::Single) {
    Expr log = log1pReduced(parts.f) * scaleHi;
    return withLogSpecials(x, fma(parts.k, unitHi, log));
  }
  return withLogSpecials(
      x, combine(parts, log1pPair(parts.f), unitHi, unitLo, scaleHi, scaleLo));
}

Expr logF64(const Expr &x, Precision p) {
  return logOfBase(x, p, ln2, ln2Lo, 1, 0);
}

Expr log2F64(const Expr &x, Precision p) {
  return logOfBase(x, p, 1, 0, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56);
}

Expr log10F64(const Expr &x, Precision p) {
  return logOfBase(x, p, 0x1.34413509f79ffp-2, -0x1.9dc1da994fd21p-59,
                   0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57);
}

Expr log1pF64(const Expr &x, Precision p) {
  // log(1 + x) = log(u) + c / u, where u is 1 + x rounded and c what was lost.
  Pair sum = twoSum(x.constant(1.0), x);
  Expr u = sum.hi;
  Split parts = split(u, p);
  Expr correction = sum.lo / u;
  Expr result = [&] {
    if (p == Precision::Single)
      return fma(parts.k, ln2, log1pReduced(parts.f) + correction);
    Pair log = log1pPair(parts.f);
    log.lo = log.lo + correction;
    return combine(parts, log, ln2, ln2Lo, 1, 0);
  }();
  result = withLogSpecials(u, result);
  // Keeps the sign of a zero, and all of the smallest arguments.
  return select(abs(x) < 0x1p-54, x, result);
}

} // namespace ingot::vecmath
