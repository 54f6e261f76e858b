//===- SmoothQuantTest.cpp -----------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/SmoothQuant.h"
#include "test/quantize/Values.h"

using namespace ingot::quantize;

namespace {

TEST(SmoothQuant, Factors) {
  // alpha 1: the activations become equal; 0: the weights.
  std::vector<float> activation = {1, 100}, weight = {2, 0.5f};
  auto factors = good(smoothingFactors(activation, weight, 1));
  EXPECT_NEAR(activation[0] / factors[0], activation[1] / factors[1], 1e-5);
  factors = good(smoothingFactors(activation, weight, 0));
  EXPECT_NEAR(weight[0] * factors[0], weight[1] * factors[1], 1e-5);
  factors = good(smoothingFactors(activation, weight, 0.5));
  EXPECT_NEAR(activation[0] / factors[0] / (weight[0] * factors[0]),
              activation[1] / factors[1] / (weight[1] * factors[1]), 1e-3);
  EXPECT_NEAR(factors[0] * factors[1], 1, 1e-5);
}

TEST(SmoothQuant, DeadChannelsAndErrors) {
  auto factors = good(smoothingFactors({0, 4, 1}, {1, 0, 1}, 0.5));
  EXPECT_EQ(factors, (std::vector<float>{1, 1, 1}));
  EXPECT_TRUE(good(smoothingFactors({}, {}, 0.5)).empty());
  EXPECT_NE(message(smoothingFactors({1}, {1, 2}, 0.5)), "");
  EXPECT_NE(message(smoothingFactors({1}, {1}, 1.5)), "");
  EXPECT_NE(message(smoothingFactors({-1}, {1}, 0.5)), "");
  EXPECT_NE(message(smoothingFactors({nan32}, {1}, 0.5)), "");
}

TEST(SmoothQuant, OutlierChannels) {
  // As in transformers: some channels of the activation are 50 times the rest.
  constexpr int64_t samples = 200, inputs = 64, outputs = 48;
  for (bool isTransposed : {false, true}) {
    std::vector<float> x = normal(samples * inputs, 1);
    std::vector<float> w = normal(inputs * outputs, 2);
    for (size_t i = 0; i < x.size(); ++i)
      if (i % inputs == 7 || i % inputs == 31)
        x[i] *= 50;
    SmoothingProblem problem;
    problem.inputs = x;
    problem.samples = samples;
    problem.weights = w;
    problem.shape = {outputs, inputs, 1, 1, isTransposed};
    SmoothingChoice choice = good(chooseAlpha(problem));
    EXPECT_TRUE(choice.isSmoothed);
    EXPECT_LT(choice.errorAfter, choice.errorBefore / 4);
    // The layer is the same but for rounding.
    scaleInputs(w, problem.shape, choice.factors);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] /= choice.factors[i % inputs];
    problem.inputs = x;
    problem.weights = w;
    EXPECT_NEAR(good(chooseAlpha(problem)).errorBefore, choice.errorAfter,
                choice.errorAfter * 0.01);
  }
}

TEST(SmoothQuant, NothingToDo) {
  // One input: scaling it changes nothing but rounding.
  std::vector<float> x = {0, 0}, w = {1, 2};
  SmoothingProblem problem;
  problem.inputs = x;
  problem.samples = 2;
  problem.weights = w;
  problem.shape = {2, 1, 1, 1};
  SmoothingChoice choice = good(chooseAlpha(problem));
  EXPECT_FALSE(choice.isSmoothed);
  EXPECT_EQ(choice.factors, (std::vector<float>{1}));
  problem.samples = 3;
  EXPECT_NE(message(chooseAlpha(problem)), "");
  problem.samples = 2;
  x[0] = nan32;
  EXPECT_NE(message(chooseAlpha(problem)), "");
}

} // namespace
