//===- ResizeFormulaTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/ResizeFormula.h"

#include <gtest/gtest.h>

using namespace ingot;
using Formula = ResizeFormula<HostArithmetic>;

namespace {

const ResizeRule::Coordinates coordinates[] = {
    ResizeRule::HalfPixel, ResizeRule::HalfPixelSymmetric,
    ResizeRule::PytorchHalfPixel, ResizeRule::AlignCorners,
    ResizeRule::Asymmetric};

ResizeRule ruleOf(ResizeRule::Mode mode, ResizeRule::Coordinates how) {
  return {mode, how, ResizeRule::PreferFloor, false, false, -0.75};
}

Formula formulaOf(const ResizeRule &rule, double size, double scale) {
  double width = size * scale;
  return {rule, {}, size, std::floor(width), width, scale, 0, 1, 0};
}

TEST(ResizeFormulaTest, ResizingByOneSamplesEveryElement) {
  for (ResizeRule::Coordinates how : coordinates) {
    ResizeRule rule = ruleOf(ResizeRule::Linear, how);
    for (double size : {2.0, 3.0, 17.0}) {
      Formula formula = formulaOf(rule, size, 1);
      for (double x = 0; x < size; ++x)
        EXPECT_DOUBLE_EQ(formula.place(x), x) << how;
    }
  }
}

TEST(ResizeFormulaTest, PlacesGrow) {
  for (ResizeRule::Coordinates how : coordinates) {
    ResizeRule rule = ruleOf(ResizeRule::Linear, how);
    for (double scale : {0.3, 0.5, 1.7, 4.0}) {
      Formula formula = formulaOf(rule, 20, scale);
      for (double x = 1; x < formula.resultSize; ++x)
        EXPECT_GT(formula.place(x), formula.place(x - 1)) << how << " " << x;
    }
  }
}

TEST(ResizeFormulaTest, AlignedCornersMeet) {
  ResizeRule rule = ruleOf(ResizeRule::Linear, ResizeRule::AlignCorners);
  for (double scale : {0.5, 2.0, 3.0}) {
    Formula formula = formulaOf(rule, 8, scale);
    EXPECT_DOUBLE_EQ(formula.place(0), 0);
    EXPECT_DOUBLE_EQ(formula.place(formula.resultSize - 1), 7);
  }
}

// Half-pixel coordinates are symmetric: the first result is as far from the
// front as the last is from the back.
TEST(ResizeFormulaTest, HalfPixelsAreSymmetric) {
  ResizeRule rule = ruleOf(ResizeRule::Linear, ResizeRule::HalfPixel);
  for (double scale : {0.25, 0.5, 2.0, 3.0}) {
    Formula formula = formulaOf(rule, 8, scale);
    for (double x = 0; x < formula.resultSize; ++x)
      EXPECT_NEAR(formula.place(x) + formula.place(formula.resultSize - 1 - x),
                  7, 1e-12);
  }
}

// Weights of the taps of any place add up to one, so that a constant image
// stays what it is.
TEST(ResizeFormulaTest, WeightsAddUpToOne) {
  for (ResizeRule::Mode mode : {ResizeRule::Linear, ResizeRule::Cubic})
    for (double a : {-0.75, -0.5, 0.3}) {
      ResizeRule rule = ruleOf(mode, ResizeRule::HalfPixel);
      rule.cubicA = a;
      Formula formula = formulaOf(rule, 100, 1);
      for (double place = 10; place < 12; place += 1.0 / 64) {
        double sum = 0;
        for (double tap = 5; tap < 18; ++tap)
          sum += formula.weight(place, tap);
        EXPECT_NEAR(sum, 1, 1e-12) << mode << " " << a << " at " << place;
      }
    }
}

TEST(ResizeFormulaTest, NearestRoundsHalvesAsTold) {
  struct {
    ResizeRule::Rounding rounding;
    double at25, at26;
  } cases[] = {{ResizeRule::PreferFloor, 2, 3},
               {ResizeRule::PreferCeil, 3, 3},
               {ResizeRule::Floor, 2, 2},
               {ResizeRule::Ceil, 3, 3}};
  for (auto &expected : cases) {
    ResizeRule rule = ruleOf(ResizeRule::Nearest, ResizeRule::HalfPixel);
    rule.rounding = expected.rounding;
    Formula formula = formulaOf(rule, 9, 1);
    EXPECT_EQ(formula.tap(2.5, 0), expected.at25);
    EXPECT_EQ(formula.tap(2.6, 0), expected.at26);
    EXPECT_EQ(formula.tap(2, 0), 2);
  }
}

} // namespace
