//===- Numbers.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Numbers.h"

#include <cmath>

using namespace ingot::ptx;

const Format ingot::ptx::kF16 = {5, 10, true, 0x7fff};
const Format ingot::ptx::kBF16 = {8, 7, true, 0x7fff};
const Format ingot::ptx::kTF32 = {8, 10, true, 0x3ffff};
const Format ingot::ptx::kF32 = {8, 23, true, 0x7fffffff};
const Format ingot::ptx::kE4M3 = {4, 3, false, 0x7f};
const Format ingot::ptx::kE5M2 = {5, 2, true, 0x7f};

/// Whether a magnitude with these bits beyond the kept ones is rounded up.
static bool roundsUp(Rounding rounding, bool negative, bool odd, int rest) {
  // rest: 0 exact, 1 below half, 2 half, 3 above half.
  switch (rounding) {
  case Rounding::NearestEven:
    return rest == 3 || (rest == 2 && odd);
  case Rounding::NearestAway:
    return rest >= 2;
  case Rounding::Zero:
    return false;
  case Rounding::Down:
    return negative && rest;
  case Rounding::Up:
    return !negative && rest;
  }
  return false;
}

uint32_t ingot::ptx::encode(double value, const Format &format,
                            Rounding rounding, bool saturate) {
  unsigned mantissa = format.mantissaBits;
  int bias = (1 << (format.exponentBits - 1)) - 1;
  // tf32 keeps its value in the upper bits of an f32.
  unsigned shift = &format == &kTF32 ? 13 : 0;
  if (std::isnan(value))
    return (&format == &kTF32 ? 0x7fffffffu : format.nan);
  bool negative = std::signbit(value);
  uint32_t sign = uint32_t(negative) << (format.exponentBits + mantissa);
  uint32_t top = (1u << format.exponentBits) - 1;
  uint32_t infinity = top << mantissa;
  uint32_t largest = format.hasInfinity ? infinity - 1 : infinity + 6;
  auto finish = [&](uint32_t magnitude) { return (sign | magnitude) << shift; };
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude)) {
    if (saturate)
      return finish(largest);
    return finish(format.hasInfinity ? infinity : format.nan);
  }
  if (magnitude == 0)
    return finish(0);

  int exponent = std::ilogb(magnitude);
  if (exponent < 1 - bias)
    exponent = 1 - bias;
  // In units of the last kept bit; at most 2^(mantissa+1), so exact.
  double scaled = std::ldexp(magnitude, int(mantissa) - exponent);
  double whole = std::floor(scaled);
  double part = scaled - whole;
  int rest = part == 0 ? 0 : part < 0.5 ? 1 : part == 0.5 ? 2 : 3;
  uint64_t units = uint64_t(whole);
  if (roundsUp(rounding, negative, units & 1, rest))
    ++units;
  // The exponent field counts up from 1 for normal numbers, and a carry out of
  // the significand carries into it.
  uint64_t bits = units;
  if (units >= (uint64_t(1) << mantissa))
    bits += uint64_t(exponent + bias - 1) << mantissa;
  if (bits > largest) {
    bool towardZero = rounding == Rounding::Zero ||
                      (rounding == Rounding::Down && !negative) ||
                      (rounding == Rounding::Up && negative);
    if (saturate || towardZero)
      return finish(largest);
    return finish(format.hasInfinity ? infinity : format.nan);
  }
  return finish(uint32_t(bits));
}

double ingot::ptx::decode(uint32_t bits, const Format &format) {
  if (&format == &kTF32)
    bits >>= 13;
  unsigned mantissa = format.mantissaBits;
  int bias = (1 << (format.exponentBits - 1)) - 1;
  uint32_t top = (1u << format.exponentBits) - 1;
  bool negative = bits >> (format.exponentBits + mantissa) & 1;
  uint32_t exponent = bits >> mantissa & top;
  uint32_t fraction = bits & ((1u << mantissa) - 1);
  double value;
  if (exponent == top && format.hasInfinity)
    value = fraction ? NAN : INFINITY;
  else if (!format.hasInfinity && (bits & 0x7f) == format.nan)
    value = NAN;
  else if (exponent == 0)
    value = std::ldexp(double(fraction), 1 - bias - int(mantissa));
  else
    value = std::ldexp(double(fraction + (1u << mantissa)),
                       int(exponent) - bias - int(mantissa));
  return negative ? -value : value;
}

/// Makes the last bit of a rounded value one if something was lost.
static double toOdd(double rounded, double lost) {
  if (lost == 0 || !std::isfinite(rounded))
    return rounded;
  uint64_t bits = bitsOfDouble(rounded);
  if (bits & 1)
    return rounded;
  // The exact value lies between two neighbours; one of them is odd.
  bool awayFromZero = (lost > 0) == (rounded > 0);
  return asDouble(awayFromZero ? bits + 1 : bits - 1);
}

double ingot::ptx::addToOdd(double a, double b) {
  double sum = a + b;
  double bPart = sum - a;
  double lost = (a - (sum - bPart)) + (b - bPart);
  return toOdd(sum, lost);
}

double ingot::ptx::fmaToOdd(float a, float b, float c) {
  return addToOdd(double(a) * double(b), double(c));
}
