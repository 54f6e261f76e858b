//===- Measure.cpp - samples, and errors in ulp ---------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/math-check/Measure.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace mathcheck {

namespace {
template <typename T> struct Format;
template <> struct Format<float> {
  using Bits = uint32_t;
  using Wide = double;
  /// The power of two after the largest value.
  static constexpr Wide limit = 0x1p128;
  static Wide reference(const Function &f, float x, float y) {
    return f.inDouble(x, y);
  }
};
template <> struct Format<double> {
  using Bits = uint64_t;
  using Wide = long double;
  static constexpr Wide limit = 0x1p1024L;
  static Wide reference(const Function &f, double x, double y) {
    return f.inLongDouble(x, y);
  }
};

/// A fixed sequence of well-mixed numbers (SplitMix64).
class Mixer {
public:
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double unit() { return double(next() >> 11) * 0x1p-53; }

private:
  uint64_t state = 1;
};
} // namespace

template <typename T> static T fromBits(uint64_t bits) {
  auto narrow = typename Format<T>::Bits(bits);
  T value;
  std::memcpy(&value, &narrow, sizeof value);
  return value;
}
template <typename T> static uint64_t toBits(T value) {
  typename Format<T>::Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Values at which some function has a threshold, a zero or a pole.
template <typename T> static std::vector<T> specialValues() {
  using Limits = std::numeric_limits<T>;
  const double pi = 3.14159265358979323846;
  std::vector<T> values = {0,
                           Limits::denorm_min(),
                           Limits::min(),
                           Limits::max(),
                           Limits::infinity(),
                           Limits::quiet_NaN(),
                           Limits::epsilon(),
                           Limits::epsilon() / 2,
                           T(std::sqrt(Limits::epsilon())),
                           T(0.25),
                           T(0.3465),
                           T(0.5),
                           T(0.625),
                           T(2.0 / 3),
                           T(0.7071067811865476),
                           T(0.75),
                           T(0.9375),
                           1,
                           T(1.4142135623730951),
                           T(1.5),
                           T(4.0 / 3),
                           2,
                           T(2.5),
                           3,
                           4,
                           5,
                           6,
                           8,
                           9,
                           10,
                           T(10.06),
                           11,
                           16,
                           17,
                           19,
                           20,
                           22,
                           26,
                           27,
                           28,
                           32,
                           50,
                           88,
                           T(88.73),
                           T(88.8),
                           T(89.4),
                           100,
                           T(103.98),
                           104,
                           126,
                           127,
                           128,
                           149,
                           150,
                           151,
                           300,
                           709,
                           T(709.79),
                           T(710.5),
                           T(745.2),
                           746,
                           1000,
                           1022,
                           1023,
                           1024,
                           1074,
                           1075,
                           1e6,
                           8388608,
                           8388609,
                           16777216,
                           T(4503599627370496.0),
                           T(9007199254740992.0),
                           1e10,
                           1e20,
                           T(1e30),
                           T(std::sqrt(Limits::max())),
                           T(std::sqrt(Limits::min())),
                           T(std::cbrt(Limits::max())),
                           Limits::max() / 2,
                           Limits::max() / 4};
  for (int i = 1; i <= 16; ++i)
    values.push_back(T(pi / 4 * i));
  for (int i = 1; i <= 6; ++i)
    values.push_back(T(std::pow(0.1, i)));
  return values;
}

/// The special values, their neighbours on both sides, and all their negatives.
template <typename T> static std::vector<T> specialNeighbours(int reach) {
  std::vector<T> values;
  for (T special : specialValues<T>())
    for (int step = -reach; step <= reach; ++step) {
      T value = fromBits<T>(toBits(special) + uint64_t(int64_t(step)));
      values.push_back(value);
      values.push_back(-value);
    }
  return values;
}

/// Sign and exponent near 1 uniform, mantissa uniform.
template <typename T> static T moderate(Mixer &mixer, double range) {
  double magnitude = std::exp2((mixer.unit() * 2 - 1) * range);
  return T(mixer.next() & 1 ? -magnitude : magnitude);
}

template <typename T> static void addUnary(Samples<T> &samples, size_t count) {
  Mixer mixer;
  unsigned width = sizeof(T) * 8;
  uint64_t stride =
      (width == 64 ? ~uint64_t(0) : (uint64_t(1) << width)) / count;
  for (size_t i = 0; i < count; ++i)
    samples.x.push_back(fromBits<T>(i * stride + mixer.next() % stride));
  for (size_t i = 0; i < count; ++i)
    samples.x.push_back(moderate<T>(mixer, 12));
  for (T value : specialNeighbours<T>(64))
    samples.x.push_back(value);
}

template <typename T> static void addBinary(Samples<T> &samples, size_t count) {
  Mixer mixer;
  auto add = [&](T x, T y) {
    samples.x.push_back(x);
    samples.y.push_back(y);
  };
  for (size_t i = 0; i < count / 2; ++i)
    add(fromBits<T>(mixer.next()), fromBits<T>(mixer.next()));
  for (size_t i = 0; i < count; ++i)
    add(moderate<T>(mixer, 8), moderate<T>(mixer, 12));
  // Bases near 1 with large exponents; one argument ordinary, one extreme.
  for (size_t i = 0; i < count / 4; ++i) {
    add(T(1) + moderate<T>(mixer, 20) * T(0x1p-20), moderate<T>(mixer, 20));
    add(moderate<T>(mixer, 4), fromBits<T>(mixer.next()));
    add(fromBits<T>(mixer.next()), moderate<T>(mixer, 4));
    add(std::abs(fromBits<T>(mixer.next())), std::round(moderate<T>(mixer, 5)));
  }
  std::vector<T> specials = specialNeighbours<T>(1);
  for (T x : specials)
    for (T y : specials)
      add(x, y);
}

template <typename T>
static void addIntegers(Samples<T> &samples, size_t count, bool realBase) {
  Mixer mixer;
  auto smallInt = [&](int bits) {
    return T(int32_t(uint32_t(mixer.next())) >> (32 - bits));
  };
  for (size_t i = 0; i < count; ++i) {
    int bits = 1 + int(mixer.next() % (sizeof(T) == 4 ? 24 : 32));
    T power = smallInt(bits);
    samples.x.push_back(realBase ? i % 4 ? moderate<T>(mixer, 6)
                                         : fromBits<T>(mixer.next())
                                 : smallInt(1 + int(mixer.next() % 20)));
    samples.y.push_back(power);
  }
}

template <typename T> Samples<T> makeSamples(const Function &f, size_t count) {
  Samples<T> samples;
  if (f.domain != Domain::Reals)
    addIntegers(samples, count, f.domain == Domain::IntPower);
  else if (f.arity == 1)
    addUnary(samples, count);
  else
    addBinary(samples, count);
  while (samples.x.size() % 64)
    samples.x.push_back(1);
  samples.y.resize(samples.x.size(), 1);
  return samples;
}

/// The reciprocal of the spacing of T at b, 0 <= b < the first value too large.
/// By the bits of a double, since this is what an exhaustive run spends time
/// on.
static double inverseSpacing(float, double b) {
  uint64_t exponent = std::max<uint64_t>(toBits(b) >> 52, 1023 - 126);
  return fromBits<double>((2 * 1023 + 23 - exponent) << 52);
}
static long double inverseSpacing(double, long double b) {
  int exponent = b == 0 ? -1022 : std::max(std::ilogb(b), -1022);
  return std::scalbn(1.0L, 52 - exponent);
}

/// |got - want| over the spacing of T at want.
template <typename T>
static double ulpError(T got, typename Format<T>::Wide want) {
  using Wide = typename Format<T>::Wide;
  const double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(want) || std::isnan(got))
    return std::isnan(want) && std::isnan(got) ? 0 : wrong;
  if (std::signbit(got) != std::signbit(want))
    return wrong;
  constexpr Wide limit = Format<T>::limit;
  Wide a = std::fabs(Wide(got)), b = std::fabs(want);
  if (b >= limit)
    return std::isinf(got) ? 0 : wrong;
  if (std::isinf(got))
    a = limit;
  return double(std::fabs(a - b) * inverseSpacing(T(), b));
}

void Worst::add(const Worst &other) {
  uint64_t total = count + other.count;
  double totalSum = sum + other.sum;
  if (other.ulp > ulp || count == 0)
    *this = other;
  count = total;
  sum = totalSum;
}

template <typename T>
Worst measure(const Function &f, const T *x, const T *y, const T *got,
              size_t count) {
  Worst worst;
  worst.count = count;
  for (size_t i = 0; i < count; ++i) {
    auto want = Format<T>::reference(f, x[i], y[i]);
    double ulp = ulpError<T>(got[i], want);
    worst.sum += std::isfinite(ulp) ? ulp : 0;
    uint64_t bits = std::isnan(got[i]) ? 0 : toBits(got[i]) + 1;
    worst.digest = (worst.digest ^ bits) * 0x100000001b3;
    if (ulp > worst.ulp) {
      worst.ulp = ulp;
      worst.x = x[i];
      worst.y = y[i];
      worst.got = got[i];
      worst.want = double(want);
    }
  }
  return worst;
}

template Samples<float> makeSamples<float>(const Function &, size_t);
template Samples<double> makeSamples<double>(const Function &, size_t);
template Worst measure<float>(const Function &, const float *, const float *,
                              const float *, size_t);
template Worst measure<double>(const Function &, const double *, const double *,
                               const double *, size_t);

} // namespace mathcheck
