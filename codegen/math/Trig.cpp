//===- Trig.cpp - sin, cos, tan -------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x = (n + t) pi/2 with |t| <= 1/2. For huge x this needs many bits of 2/pi
// (Payne and Hanek). 2/pi is cut into chunks so short that the product of x
// with each is exact in f64; of every product only what remains modulo 4
// matters, and that too is exact. So one branch-free sum serves all x, without
// a table lookup: chunks that do not matter for an x contribute multiples of 4,
// or next to nothing.
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Functions.h"

using namespace llvm;

namespace ingot::vecmath {

namespace {
/// x - n pi/2 = r, and n modulo 4 in the low bits of quadrant.
struct Reduced {
  Pair r;
  Expr quadrant;
};
} // namespace

static constexpr double halfPi = 0x1.921fb54442d18p+0;
static constexpr double halfPiLo = 0x1.1a62633145c07p-54;

/// p - 4 k for the integer k that brings it nearest to 0; exact.
static Expr modulo4(const Expr &p) { return fma(roundEven(p * 0.25), -4.0, p); }

/// The integer n, |n| < 2^51, in the low bits.
static Expr integerBits(const Expr &n) { return bitsOf(n + 0x1.8p52); }

//===----------------------------------------------------------------------===//
// Reduction of an f32
//===----------------------------------------------------------------------===//

/// Products of an f32 with 28 bits fit 53 bits; 7 chunks reach 2^-68 below the
/// unit of the largest f32.
static Reduced reduceSingle(const Expr &x) {
  static constexpr int chunks[] = {0xa2f9836, 0xe4e4415, 0x29fc275, 0x7d1f534,
                                   0xddc0db6, 0x295993c, 0x439041f};
  SmallVector<Expr> terms;
  double unit = 1;
  for (int chunk : chunks) {
    unit *= 0x1p-28;
    terms.push_back(modulo4(x * (chunk * unit)));
  }
  Expr sum = terms[0];
  for (const Expr &term : ArrayRef(terms).drop_front())
    sum = sum + term;
  Expr n = roundEven(sum);
  // In this order whatever cancels cancels exactly.
  Expr t = terms[0] - n;
  for (const Expr &term : ArrayRef(terms).drop_front())
    t = t + term;
  return {{t * halfPi, t}, integerBits(n)};
}

//===----------------------------------------------------------------------===//
// Reduction of an f64
//===----------------------------------------------------------------------===//

/// 2/pi in chunks of 26 bits.
static constexpr int twoOverPi[] = {
    0x28be60d, 0x2e4e441, 0x14a7f09, 0x357d1f5, 0x0d37703, 0x1b62959, 0x24f10e4,
    0x041fe51, 0x18eaf7a, 0x3bc561b, 0x1c91b8e, 0x2424dd2, 0x3801924, 0x2eea09d,
    0x064873f, 0x21deb1c, 0x2c4a69c, 0x3ee8823, 0x17d4bae, 0x34484e9, 0x271c09a,
    0x345f7e4, 0x04e6475, 0x2398353, 0x0e7d272, 0x045f8bb, 0x37e4a0e, 0x31ff897,
    0x3ff7816, 0x180fef2, 0x3c462d6, 0x20a6d1f, 0x1b4d9fb, 0x0f27cb0, 0x26dd3d1,
    0x23f669e, 0x17fa8b5, 0x3527bac, 0x1faf97c, 0x17b3d07, 0x0e7de29, 0x1292ea6,
    0x2fed7ec, 0x11f8d5d};

/// Arguments come in three classes by magnitude; the first chunks are multiples
/// of 4 for a whole class and skipped, so that 20 reach far enough for it.
static constexpr int chunksOfClass = 20;
static constexpr int skippedOfMiddle = 11, skippedOfLarge = 24;

/// The products of x with the chunks of its class, modulo 4, largest first.
static SmallVector<Expr> productsModulo4(const Expr &x) {
  Expr magnitude = abs(x);
  Expr middle = magnitude >= 0x1p342;
  Expr large = magnitude >= 0x1p684;
  auto byClass = [&](double small, double inMiddle, double inLarge) {
    Expr value = select(middle, inMiddle, x.constant(small));
    return select(large, inLarge, value);
  };
  // 26 bits each for skipped chunks.
  Expr scaled = x * byClass(1, 0x1p-286, 0x1p-624);
  Expr hi = floatOf(bitsOf(scaled) & ~int64_t(0x7ffffff));
  Expr lo = scaled - hi;
  SmallVector<Expr> products;
  double unit = 1;
  for (int i = 0; i < chunksOfClass; ++i) {
    unit *= 0x1p-26;
    Expr chunk =
        byClass(twoOverPi[i] * unit, twoOverPi[i + skippedOfMiddle] * unit,
                twoOverPi[i + skippedOfLarge] * unit);
    products.push_back(modulo4(hi * chunk));
    products.push_back(modulo4(lo * chunk));
  }
  return products;
}

static Reduced reduceDouble(const Expr &x) {
  SmallVector<Expr> terms = productsModulo4(x);
  Expr rough = terms[0];
  for (const Expr &term : ArrayRef(terms).drop_front())
    rough = rough + term;
  Expr n = roundEven(rough);
  Pair t = twoSum(terms[0], -n);
  for (const Expr &term : ArrayRef(terms).drop_front()) {
    Pair sum = twoSum(t.hi, term);
    t = {sum.hi, t.lo + sum.lo};
  }
  t = fastTwoSum(t.hi, t.lo);
  return {t * Pair{x.constant(halfPi), x.constant(halfPiLo)}, integerBits(n)};
}

static Reduced reduce(const Expr &x, Precision p) {
  return p == Precision::Single ? reduceSingle(x) : reduceDouble(x);
}

//===----------------------------------------------------------------------===//
// On the reduced argument
//===----------------------------------------------------------------------===//

static Expr sinReduced(const Pair &r, Precision p) {
  // (sin(r) - r) / r^3 in r^2
  static constexpr double full[] = {
      -0x1.5555555555555p-3, 0x1.1111111111069p-7,   -0x1.a01a019ffe52ep-13,
      0x1.71de3a33a1c70p-19, -0x1.ae642c40ccc1ep-26, 0x1.6109a8daffed4p-33,
      -0x1.9fede828e41f6p-41};
  static constexpr double single[] = {
      -0x1.5555554c7030ep-3, 0x1.11110869a4de7p-7, -0x1.a00f7e9f0f7b2p-13,
      0x1.6cd1d396efbeap-19};
  Expr square = r.hi * r.hi;
  if (p == Precision::Single)
    return fma(horner(square, single), square * r.hi, r.hi);
  Expr lo = fma(square * -0.5, r.lo, r.lo);
  return r.hi + fma(horner(square, full), square * r.hi, lo);
}

static Expr cosReduced(const Pair &r, Precision p) {
  // (cos(r) - 1 + r^2/2) / r^4 in r^2
  static constexpr double full[] = {
      0x1.555555555554cp-5,   -0x1.6c16c16c15220p-10, 0x1.a01a019cbf83dp-16,
      -0x1.27e4f812cff21p-22, 0x1.1ee9f163d17acp-29,  -0x1.8fb139af983e7p-37};
  static constexpr double single[] = {
      0x1.5555554f5022ap-5, -0x1.6c16b89a8e3fcp-10, 0x1.a011213630e10p-16,
      -0x1.242b0b31e5818p-22};
  Expr square = r.hi * r.hi;
  if (p == Precision::Single)
    return fma(fma(horner(square, single), square, -0.5), square, 1.0);
  Expr half = square * 0.5;
  Expr top = 1.0 - half;
  Expr lost = (1.0 - top) - half;
  Expr tail = fma(horner(square, full), square * square, -(r.hi * r.lo));
  return top + (lost + tail);
}

static Expr negateIf(const Expr &value, const Expr &quadrant) {
  // Bit 1 of the quadrant to the sign bit.
  return floatOf(bitsOf(value) ^ ((quadrant & 2) << 62));
}

/// sin and cos of small arguments are exact enough so; and -0 stays.
static Expr isTiny(const Expr &x) { return abs(x) < 0x1p-27; }

std::pair<Expr, Expr> sinCosF64(const Expr &x, Precision p) {
  Reduced red = reduce(x, p);
  Expr s = sinReduced(red.r, p), c = cosReduced(red.r, p);
  Expr odd = (red.quadrant & 1) == 1;
  Expr sine = negateIf(select(odd, c, s), red.quadrant);
  Expr cosine = negateIf(select(odd, s, c), red.quadrant + 1);
  return {select(isTiny(x), x, sine), cosine};
}

Expr sinF64(const Expr &x, Precision p) { return sinCosF64(x, p).first; }

Expr cosF64(const Expr &x, Precision p) { return sinCosF64(x, p).second; }

Expr tanF64(const Expr &x, Precision p) {
  Reduced red = reduce(x, p);
  Expr s = sinReduced(red.r, p), c = cosReduced(red.r, p);
  Expr odd = (red.quadrant & 1) == 1;
  Expr tangent = select(odd, -c, s) / select(odd, s, c);
  return select(isTiny(x), x, tangent);
}

} // namespace ingot::vecmath
