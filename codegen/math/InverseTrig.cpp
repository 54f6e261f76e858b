//===- InverseTrig.cpp - asin, acos, atan, atan2 --------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

#include <cmath>

namespace ingot::vecmath {

static constexpr double pi = 0x1.921fb54442d18p+1;
static constexpr double piLo = 0x1.1a62633145c07p-53;

//===----------------------------------------------------------------------===//
// asin, acos
//===----------------------------------------------------------------------===//

/// (asin(s) - s) / s^3 at z = s^2 <= 1/4.
static Expr asinTail(const Expr &z, Precision p) {
  static constexpr double full[] = {
      0x1.5555555555390p-3, 0x1.333333336e859p-4,  0x1.6db6db4276fffp-5,
      0x1.f1c72c39f9dadp-6, 0x1.6e89f4286c989p-6,  0x1.1c6be3293ebd1p-6,
      0x1.c6fd9fbe66093p-7, 0x1.8ec3fd0d1b617p-7,  0x1.abc5729192907p-8,
      0x1.3ffc53f8c05f9p-6, -0x1.09e08f70420e0p-6, 0x1.0572799f2cc53p-5};
  static constexpr double single[] = {
      0x1.55555605eb351p-3, 0x1.3332a9ebb125bp-4, 0x1.6ddac57fa78d2p-5,
      0x1.ed5c96534583bp-6, 0x1.932275875c105p-6, 0x1.ec055e36c0e61p-8,
      0x1.1bd6a6640ef2fp-5};
  if (p == Precision::Single)
    return horner(z, single);
  return horner(z, full);
}

namespace {
/// asin of a small argument: s itself, what is added to it, and s's error. For
/// |x| > 1/2, s = sqrt((1 - |x|) / 2), and asin(|x|) = pi/2 - 2 asin(s).
struct HalfAngle {
  Expr big, s, sLo, tail;
};
} // namespace

static HalfAngle halfAngle(const Expr &x, Precision p) {
  Expr magnitude = abs(x);
  Expr big = magnitude > 0.5;
  Expr z = select(big, fma(magnitude, -0.5, 0.5), magnitude * magnitude);
  Expr root = sqrt(z);
  Expr s = select(big, root, magnitude);
  // What the square root lost, to first order.
  Expr lost = fma(-root, root, z) / (root + root);
  Expr sLo = select(big & (root > 0.0), lost, s.constant(0.0));
  return {big, s, sLo, s * z * asinTail(z, p)};
}

Expr asinF64(const Expr &x, Precision p) {
  HalfAngle h = halfAngle(x, p);
  Expr small = h.s + h.tail;
  Expr top = fma(h.s, -2.0, pi / 2);
  // pi/2 - 2 s is inexact for the larger s only.
  Expr lost = (pi / 2 - top) - (h.s + h.s);
  Expr large = top + (fma(h.tail + h.sLo, -2.0, piLo / 2) + lost);
  Expr result = copySign(select(h.big, large, small), x);
  return select(abs(x) <= 1.0, result, double(NAN));
}

Expr acosF64(const Expr &x, Precision p) {
  HalfAngle h = halfAngle(x, p);
  Expr negative = x < 0.0;
  // |x| <= 1/2: pi/2 - asin(x).
  Expr top = pi / 2 - copySign(h.s, x);
  Expr lost = (pi / 2 - top) - copySign(h.s, x);
  Expr middle = top + ((piLo / 2 - copySign(h.tail, x)) + lost);
  // Beyond: 2 asin(s), or pi minus that.
  Expr twice = (h.s + (h.sLo + h.tail)) * 2.0;
  Expr topPi = fma(h.s, -2.0, pi);
  Expr lostPi = (pi - topPi) - (h.s + h.s);
  Expr rest = topPi + (fma(h.tail + h.sLo, -2.0, piLo) + lostPi);
  Expr result = select(h.big, select(negative, rest, twice), middle);
  return select(abs(x) <= 1.0, result, double(NAN));
}

//===----------------------------------------------------------------------===//
// atan, atan2
//===----------------------------------------------------------------------===//

/// (atan(t) - t) / t for 0 <= t <= 1.
static Expr atanTail(const Expr &t, Precision p) {
  static constexpr double full[] = {
      -0x1.555555555554dp-2,  0x1.9999999998c66p-3,  -0x1.24924924576f9p-3,
      0x1.c71c71b6529fcp-4,   -0x1.745d15d2f1df9p-4, 0x1.3b139bee4595fp-4,
      -0x1.1110336d355acp-4,  0x1.e1d49385c300ap-5,  -0x1.aeda8baf63898p-5,
      0x1.84b51f65aaffdp-5,   -0x1.5f266b073db34p-5, 0x1.390966a11783dp-5,
      -0x1.0c9cfe7f2d587p-5,  0x1.ac9101d50ceb5p-6,  -0x1.3114e59b24320p-6,
      0x1.730992d71bd8bp-7,   -0x1.700bb26750fd2p-8, 0x1.1a3b5c910ab7fp-9,
      -0x1.3721c85520e00p-11, 0x1.b420f16585518p-14, -0x1.22bac06a022b6p-17};
  static constexpr double single[] = {
      -0x1.5555552f2e376p-2, 0x1.9999846f8de57p-3,  -0x1.2490396ac587cp-3,
      0x1.c6e860404b35fp-4,  -0x1.72d64cac96657p-4, 0x1.33a1c8dbd52b9p-4,
      -0x1.f031267aa26c9p-5, 0x1.69ec952cb9155p-5,  -0x1.b2f9f7fae6e39p-6,
      0x1.81fc357769709p-7,  -0x1.b40b226b28ab2p-9, 0x1.ce257064021f1p-12};
  Expr z = t * t;
  if (p == Precision::Single)
    return z * horner(z, single);
  return z * horner(z, full);
}

/// base + sign * (atan(t) + tLo), base a multiple of pi/2 with its low part.
static Expr atanAround(const Expr &t, const Expr &tLo, const Expr &sign,
                       const Expr &base, const Expr &baseLo, Precision p) {
  Expr tail = fma(t, atanTail(t, p), tLo);
  Pair top = fastTwoSum(base, t * sign);
  return top.hi + (fma(tail, sign, top.lo) + baseLo);
}

Expr atanF64(const Expr &x, Precision p) {
  Expr magnitude = abs(x);
  Expr big = magnitude > 1.0;
  // atan(x) = pi/2 - atan(1/x)
  Expr inverse = 1.0 / magnitude;
  Expr t = select(big, inverse, magnitude);
  Expr zero = x.constant(0.0);
  Expr lost = fma(-magnitude, inverse, 1.0) * inverse;
  Expr tLo = select(big & (magnitude < 0x1p60), lost, zero);
  Expr result =
      atanAround(t, tLo, select(big, -1.0, x.constant(1.0)),
                 select(big, pi / 2, zero), select(big, piLo / 2, zero), p);
  return copySign(result, x);
}

Expr atan2F64(const Expr &y, const Expr &x, Precision p) {
  Expr ax = abs(x), ay = abs(y);
  Expr steep = ay > ax;
  Expr low = select(steep, ax, ay), high = select(steep, ay, ax);
  // Equal infinities count as equal numbers, zeros as an angle of 0. The scale
  // keeps the remainder of the division from underflowing.
  Expr bothInfinite = low == double(INFINITY);
  Expr bothZero = high == 0.0;
  Expr scale = select(high < 0x1p-400, 0x1p600, x.constant(1.0));
  Expr scaledLow = low * scale, scaledHigh = high * scale;
  Expr quotient = scaledLow / scaledHigh;
  quotient = select(bothInfinite, 1.0, quotient);
  quotient = select(bothZero, 0.0, quotient);
  Expr zero = x.constant(0.0);
  Expr lost = fma(-quotient, scaledHigh, scaledLow) / scaledHigh;
  Expr exact = (quotient < 0x1p-500) | (high == double(INFINITY)) | bothZero;
  Expr tLo = select(exact, zero, lost);
  // In the quadrant of x, then mirrored to that of y.
  Expr left = bitsOf(x) < 0;
  Expr mirrored = select(left, pi, zero), mirroredLo = select(left, piLo, zero);
  Expr base = select(steep, pi / 2, mirrored);
  Expr baseLo = select(steep, piLo / 2, mirroredLo);
  Expr one = x.constant(1.0);
  Expr sign = select(left, -1.0, one);
  sign = select(steep, -sign, sign);
  Expr result = atanAround(quotient, tLo, sign, base, baseLo, p);
  result = copySign(result, y);
  return select(isNan(x) | isNan(y), double(NAN), result);
}

} // namespace ingot::vecmath
