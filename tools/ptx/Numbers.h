//===- Numbers.h - small floats and rounding --------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_NUMBERS_H
#define INGOT_TOOLS_PTX_NUMBERS_H

#include <cstdint>
#include <cstring>

namespace ingot::ptx {

/// The bits of a value as another type of the same size.
template <typename To, typename From> inline To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "same size");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

inline float asFloat(uint64_t bits) { return bitCast<float>(uint32_t(bits)); }
inline double asDouble(uint64_t bits) { return bitCast<double>(bits); }
inline uint64_t bitsOfFloat(float value) { return bitCast<uint32_t>(value); }
inline uint64_t bitsOfDouble(double value) { return bitCast<uint64_t>(value); }

/// Directions of rounding ("Rounding Modifiers").
enum class Rounding : uint8_t {
  NearestEven,
  Zero,
  Down,
  Up,
  NearestAway,
};

/// A binary float format narrower than double.
struct Format {
  unsigned exponentBits;
  /// Stored bits of the significand.
  unsigned mantissaBits;
  /// False for e4m3: no infinities, all-ones is the only NaN.
  bool hasInfinity;
  /// The NaN that conversions produce.
  uint32_t nan;
};

extern const Format kF16, kBF16, kTF32, kF32, kE4M3, kE5M2;

/// Rounds to a format. `saturate` makes overflow the largest finite value, as
/// .satfinite; a NaN becomes the format's NaN. tf32 is returned in the bits of
/// an f32.
uint32_t encode(double value, const Format &format,
                Rounding rounding = Rounding::NearestEven,
                bool saturate = false);

/// The value of the bits; exact.
double decode(uint32_t bits, const Format &format);

/// a + b rounded to odd, so that rounding it once more to at most 51 bits
/// gives the correctly rounded sum.
double addToOdd(double a, double b);

/// a * b + c rounded to odd in double. Exact for f32 factors and addend up to
/// that rounding.
double fmaToOdd(float a, float b, float c);

inline float halfToFloat(uint64_t bits) {
  return float(bitCast<_Float16>(uint16_t(bits)));
}
inline uint16_t floatToHalf(float value) {
  return bitCast<uint16_t>(_Float16(value));
}
inline float bfloatToFloat(uint64_t bits) {
  return bitCast<float>(uint32_t(bits) << 16);
}

/// Subnormals become zero of the same sign (.ftz).
inline float flush(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  return (bits & 0x7f800000) ? value : bitCast<float>(bits & 0x80000000);
}

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_NUMBERS_H
