//===- FloatBitsTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/FloatBits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace ingot::graph;
using llvm::APFloat;

namespace {

const llvm::fltSemantics &f32 = APFloat::IEEEsingle();
const llvm::fltSemantics &f64 = APFloat::IEEEdouble();
const llvm::fltSemantics &f16 = APFloat::IEEEhalf();
const llvm::fltSemantics &bf16 = APFloat::BFloat();

TEST(FloatBitsTest, WideningAndNarrowingGivesTheSame) {
  for (const llvm::fltSemantics *narrow : {&f16, &bf16})
    for (const llvm::fltSemantics *wide : {&f32, &f64})
      for (uint64_t bits = 0; bits < 0x10000; ++bits) {
        if (APFloat(*narrow, llvm::APInt(16, bits)).isNaN())
          continue;
        ASSERT_EQ(
            convertFloat(convertFloat(bits, *narrow, *wide), *wide, *narrow),
            bits);
      }
}

// As the processor does it, for random bits of every kind of number.
TEST(FloatBitsTest, DoublesBecomeFloatsAsTheProcessorDoes) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; ++i) {
    uint64_t bits = random();
    // Exponents near those of float, denormals and overflow included.
    if (i % 2)
      bits = (bits & 0x800fffffffffffff) | ((bits >> 52) % 600 + 723) << 52;
    double value = fromBits<double>(bits);
    if (std::isnan(value))
      continue;
    ASSERT_EQ(convertFloat(bits, f64, f32), toBits(float(value))) << value;
  }
}

TEST(FloatBitsTest, FloatsBecomeHalvesAsTheProcessorDoes) {
  std::mt19937 random(4);
  for (int i = 0; i < 200000; ++i) {
    uint32_t bits = random();
    if (i % 2)
      bits = (bits & 0x807fffff) | ((bits >> 23) % 48 + 96) << 23;
    float value = fromBits<float>(bits);
    if (std::isnan(value))
      continue;
    _Float16 half = _Float16(value);
    uint16_t expected;
    memcpy(&expected, &half, 2);
    ASSERT_EQ(convertFloat(bits, f32, f16), expected) << value;
  }
}

TEST(FloatBitsTest, HalvesOfTheLastPlaceGoToEven) {
  // 1 + 2^-8 lies between two bf16 numbers; so does 1 + 3 * 2^-8.
  EXPECT_EQ(convertFloat(toBits(1.0f + 0x1p-8f), f32, bf16), 0x3f80u);
  EXPECT_EQ(convertFloat(toBits(1.0f + 3 * 0x1p-8f), f32, bf16), 0x3f82u);
}

TEST(FloatBitsTest, NaNsStayNaNs) {
  for (uint32_t bits : {0x7fc00000u, 0xffc00001u, 0x7f800001u})
    for (const llvm::fltSemantics *to : {&f16, &bf16, &f64}) {
      unsigned width = APFloat::getSizeInBits(*to);
      EXPECT_TRUE(APFloat(*to, llvm::APInt(width, convertFloat(bits, f32, *to)))
                      .isNaN());
    }
}

} // namespace
