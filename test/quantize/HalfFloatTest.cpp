//===- HalfFloatTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/HalfFloat.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace ingot::quantize;

/// The number that the bits of a finite positive float16 stand for.
static double valueOf(int bits) {
  int exponent = bits >> 10, fraction = bits & 1023;
  return exponent ? std::ldexp(1024 + fraction, exponent - 25)
                  : std::ldexp(fraction, -24);
}

TEST(HalfFloat, EveryNumberAndWhatLiesBetween) {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    auto value = float(valueOf(bits));
    ASSERT_EQ(halfBits(value), bits);
    ASSERT_EQ(halfBits(-value), bits | 0x8000);
    // The next one would be 65536 if there were no end.
    double next = bits == 0x7bff ? 65536 : valueOf(bits + 1);
    auto middle = float((double(value) + next) / 2);
    ASSERT_EQ(halfBits(middle), bits + (bits & 1)) << middle;
    ASSERT_EQ(halfBits(std::nextafter(middle, 0.f)), bits) << middle;
    ASSERT_EQ(halfBits(std::nextafter(middle, INFINITY)), bits + 1) << middle;
  }
}

TEST(HalfFloat, Ends) {
  EXPECT_EQ(largestHalf, valueOf(0x7bff));
  EXPECT_EQ(halfBits(65520), 0x7c00);
  EXPECT_EQ(halfBits(1e30f), 0x7c00);
  EXPECT_EQ(halfBits(-INFINITY), 0xfc00);
  EXPECT_EQ(halfBits(std::numeric_limits<float>::quiet_NaN()) & 0x7e00, 0x7e00);
  EXPECT_EQ(halfBits(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(halfBits(-0.f), 0x8000);
}
