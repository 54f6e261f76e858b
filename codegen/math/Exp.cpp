//===- Exp.cpp - exp, exp2, expm1, sigmoid --------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp(x) = 2^n exp(r) with r = x - n ln2 in [-ln2/2, ln2/2]. Adding 1.5 * 2^23
// (2^52 for f64) rounds to an integer and leaves n in the low bits of the sum,
// so there is no conversion between floats and integers, which AVX2 lacks for
// 64 bits. The bias that a float's exponent needs is part of the added
// constant.
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

namespace ingot::vecmath {

namespace {
/// The constants of exp for one float format.
struct ExpFormat {
  double rounder;    // adding it rounds to an integer
  int bias;          // of the exponent
  unsigned mantissa; // bits
  double ln2Hi, ln2Lo;
  double lowest, highest; // arguments whose exp is surely 0 or infinite
};

/// exp(x) = 2^n exp(r); bits holds n + 2 bias in its low bits.
struct Reduced {
  Expr bits, n, r;
};
} // namespace

static constexpr double log2e = 0x1.71547652b82fep+0;

static constexpr ExpFormat formatF32 = {0x1.8p23,       127,  23, 0x1.62e430p-1,
                                        -0x1.05c61p-29, -104, 89};
static constexpr ExpFormat formatF64 = {
    0x1.8p52, 1023, 52, 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56, -746, 712};

// (exp(r) - 1 - r) / r^2
static constexpr double expF32Tail[] = {
    0x1.fffffcp-2, 0x1.555494p-3, 0x1.5558c8p-5, 0x1.123846p-7, 0x1.6a3268p-10};
static constexpr double expF64Tail[] = {
    0x1.000000000000ap-1,  0x1.555555555550dp-3,  0x1.55555555507b4p-5,
    0x1.11111111244f9p-7,  0x1.6c16c18433147p-10, 0x1.a01a01387e82ep-13,
    0x1.a0199a1e10d52p-16, 0x1.71df0c3658179p-19, 0x1.28ad51a071cc3p-22,
    0x1.ada068de97f77p-26};
static constexpr double expSingleTail[] = {
    0x1.0000003a14381p-1, 0x1.55555444a4e15p-3,  0x1.55548de3c12bep-5,
    0x1.11126f2e24a38p-7, 0x1.6d8cf14f91c30p-10, 0x1.9f094e1624092p-13};

/// The argument of exp(x) reduced, without the low part of ln2.
static Reduced reduce(const Expr &x, const ExpFormat &f) {
  double rounder = f.rounder + 2 * f.bias;
  Expr sum = fma(x, log2e, rounder);
  Expr n = sum - rounder;
  // Exact: both terms are multiples of the same power of two.
  return {bitsOf(sum), n, fma(n, -f.ln2Hi, x)};
}

/// The argument of 2^x reduced: r is x - n.
static Reduced reduceBinary(const Expr &x, const ExpFormat &f) {
  double rounder = f.rounder + 2 * f.bias;
  Expr sum = x + rounder;
  Expr n = sum - rounder;
  return {bitsOf(sum), n, x - n};
}

/// p * 2^n with bits = n + 2 bias, in two steps so that neither power of two
/// overflows; only the second one rounds, when the result is denormal.
static Expr scale(const Expr &p, const Expr &bits, const ExpFormat &f) {
  Expr half = bits >> 1;
  Expr first = floatOf(half << int(f.mantissa));
  Expr second = floatOf((bits - half) << int(f.mantissa));
  return (p * first) * second;
}

/// 2^n where it is a normal number.
static Expr powerOfTwo(const Expr &bits, const ExpFormat &f) {
  return floatOf((bits - f.bias) << int(f.mantissa));
}

static Expr clampForExp(const Expr &x, const ExpFormat &f) {
  return atLeast(atMost(x, f.highest), f.lowest);
}

//===----------------------------------------------------------------------===//
// f32
//===----------------------------------------------------------------------===//

/// exp(r) for a reduced argument of f32.
static Expr expPolynomialF32(const Expr &r) {
  return fma(fma(horner(r, expF32Tail), r, 1.0), r, 1.0);
}

Expr expF32(const Expr &x) {
  Reduced red = reduce(clampForExp(x, formatF32), formatF32);
  Expr r = fma(red.n, -formatF32.ln2Lo, red.r);
  return scale(expPolynomialF32(r), red.bits, formatF32);
}

Expr expInRangeF32(const Expr &x) {
  Reduced red = reduce(x, formatF32);
  Expr r = fma(red.n, -formatF32.ln2Lo, red.r);
  return expPolynomialF32(r) * powerOfTwo(red.bits, formatF32);
}

Expr expm1F32(const Expr &x) {
  // (exp(r) - 1 - r) / r^2
  static constexpr double tailOf[] = {0x1p-1,         0x1.555554p-3,
                                      0x1.5554f8p-5,  0x1.1112dep-7,
                                      0x1.6d3a0ep-10, 0x1.9e6664p-13};
  Reduced red = reduce(atLeast(atMost(x, 89.0), -20.0), formatF32);
  Expr r = fma(red.n, -formatF32.ln2Lo, red.r);
  Expr rLo = fma(red.n, -formatF32.ln2Lo, red.r - r);
  Expr tail = fma(horner(r, tailOf), r * r, rLo);
  // 2^n (e + 1) - 1 = (2^n - 1) + 2^n e, all halved so that n = 128 fits.
  Expr power = powerOfTwo(red.bits - 1, formatF32);
  Expr top = power - 0.5;
  Expr sum = fma(power, r, top);
  Expr lost = fma(power, r, top - sum) + ((power - top) - 0.5);
  Expr half = sum + fma(power, tail, lost);
  // Where x is tiny, halving would lose its last bits and the sign of a zero.
  return select(abs(x) < 0x1p-25, x, half + half);
}

Expr exp2F32(const Expr &x) {
  // (2^t - 1) / t
  static constexpr double tail[] = {0x1.62e43p-1,   0x1.ebfbdcp-3,
                                    0x1.c6af7cp-5,  0x1.3b2ddep-7,
                                    0x1.5f0824p-10, 0x1.416d68p-13};
  Expr clamped = atLeast(atMost(x, 129.0), -151.0);
  Reduced red = reduceBinary(clamped, formatF32);
  Expr p = fma(horner(red.r, tail), red.r, 1.0);
  return scale(p, red.bits, formatF32);
}

//===----------------------------------------------------------------------===//
// f64
//===----------------------------------------------------------------------===//

/// exp(r) - 1 as the sum of r and a tail, where r comes from `red` and xLo is
/// added to it.
static Pair expm1Reduced(const Reduced &red, const Expr *xLo, Precision p) {
  Expr r = fma(red.n, -formatF64.ln2Lo, red.r);
  if (p == Precision::Single) {
    if (xLo)
      r = r + *xLo;
    return {r, horner(r, expSingleTail) * (r * r)};
  }
  Expr rLo = fma(red.n, -formatF64.ln2Lo, red.r - r);
  if (xLo)
    rLo = rLo + *xLo;
  // exp(r + rLo) - 1 = exp(r) - 1 + rLo exp(r), to first order.
  Expr tail = horner(r, expF64Tail) * (r * r);
  return {r, tail + fma(rLo, r + tail, rLo)};
}

Expr scaledExp(const Expr &x, const Expr *xLo, int shift, Precision p) {
  Reduced red = reduce(clampForExp(x, formatF64), formatF64);
  Expr bits = shift ? red.bits + shift : red.bits;
  Pair e = expm1Reduced(red, xLo, p);
  Expr value = (e.hi + e.lo) + 1.0;
  return scale(value, bits, formatF64);
}

Expr expF64(const Expr &x, Precision p) { return scaledExp(x, nullptr, 0, p); }

Expr exp2F64(const Expr &x, Precision p) {
  Expr clamped = atLeast(atMost(x, 1025.0), -1076.0);
  Reduced red = reduceBinary(clamped, formatF64);
  // exp(r ln2), with the product as a pair.
  Pair product = twoProduct(red.r, formatF64.ln2Hi);
  Expr lo = fma(red.r, formatF64.ln2Lo, product.lo);
  Expr square = product.hi * product.hi;
  Expr tail = p == Precision::Single
                  ? horner(product.hi, expSingleTail) * square
                  : horner(product.hi, expF64Tail) * square;
  tail = tail + fma(lo, product.hi + tail, lo);
  return scale((product.hi + tail) + 1.0, red.bits, formatF64);
}

Expr expm1F64(const Expr &x, Precision p) {
  // 2^n (e + 1) - 1 = (2^n - 1) + 2^n e, all halved so that n = 1024 fits.
  Expr clamped = atLeast(atMost(x, 710.0), -50.0);
  Reduced red = reduce(clamped, formatF64);
  Pair e = expm1Reduced(red, nullptr, p);
  Expr power = powerOfTwo(red.bits - 1, formatF64);
  Pair minusOne = twoSum(power, power.constant(-0.5));
  Pair sum = twoSum(minusOne.hi, power * e.hi);
  Expr half = sum.hi + (fma(power, e.lo, sum.lo) + minusOne.lo);
  // Where x is tiny, halving would lose its last bits and the sign of a zero.
  return select(abs(x) < 0x1p-54, x, half + half);
}

//===----------------------------------------------------------------------===//
// sigmoid
//===----------------------------------------------------------------------===//

/// exp(x) for x <= 0 with what the result's rounding loses.
static Pair expPair(const Expr &x, const ExpFormat &f,
                    llvm::ArrayRef<double> tailOf) {
  Reduced red = reduce(atLeast(x, f.lowest), f);
  Expr r = fma(red.n, -f.ln2Lo, red.r);
  Expr rLo = fma(red.n, -f.ln2Lo, red.r - r);
  Expr tail = fma(horner(r, tailOf), r * r, rLo);
  Pair sum = fastTwoSum(r.constant(1.0), r);
  Pair power = fastTwoSum(sum.hi, sum.lo + tail);
  return {scale(power.hi, red.bits, f), scale(power.lo, red.bits, f)};
}

/// With e = exp(-|x|) <= 1: 1 / (1 + e) above zero, e / (1 + e) below. A Newton
/// step on the quotient takes away all roundings before it.
static Expr sigmoid(const Expr &x, const Pair &e) {
  Expr positive = x >= 0.0;
  Expr numerator = select(positive, 1.0, e.hi);
  Pair sum = fastTwoSum(x.constant(1.0), e.hi);
  Expr reciprocal = 1.0 / sum.hi;
  Expr q = numerator * reciprocal;
  Expr rest = fma(-q, sum.hi, numerator);
  rest = rest + select(positive, 0.0, e.lo);
  rest = fma(-q, sum.lo + e.lo, rest);
  return fma(rest, reciprocal, q);
}

Expr sigmoidF32(const Expr &x) {
  return sigmoid(x, expPair(-abs(x), formatF32, expF32Tail));
}

Expr sigmoidF64(const Expr &x, Precision p) {
  return sigmoid(x, expPair(-abs(x), formatF64, expF64Tail));
}

} // namespace ingot::vecmath
