//===- PrecisionSearchTest.cpp -------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/PrecisionSearch.h"
#include "test/quantize/Values.h"

using namespace ingot::quantize;
using llvm::ArrayRef;

namespace {

/// Layers with options int8, float16, float32.
std::vector<PrecisionLayer> someLayers(size_t count, unsigned seed) {
  std::vector<float> random = normal(count * 3, seed);
  std::vector<PrecisionLayer> layers;
  for (size_t i = 0; i < count; ++i) {
    double error = std::exp(2. * random[3 * i]);
    double time = std::exp(random[3 * i + 1]);
    layers.push_back(
        {"layer " + std::to_string(i),
         {{error, time},
          {error * 0.01, time * (1.5 + std::fabs(random[3 * i + 2]))},
          {0, time * 4}}});
  }
  return layers;
}

/// The least time of all choices within the budget.
double exhaustive(ArrayRef<PrecisionLayer> layers, double budget) {
  size_t choices = 1;
  for (size_t i = 0; i < layers.size(); ++i)
    choices *= 3;
  double best = inf32;
  for (size_t c = 0; c < choices; ++c) {
    double error = 0, time = 0;
    size_t rest = c;
    for (const PrecisionLayer &layer : layers) {
      error += layer.options[rest % 3].error;
      time += layer.options[rest % 3].time;
      rest /= 3;
    }
    if (error <= budget)
      best = std::min(best, time);
  }
  return best;
}

TEST(PrecisionSearch, ParetoStatesAreOptimal) {
  std::vector<PrecisionLayer> layers = someLayers(7, 1);
  auto states = good(paretoStates(layers));
  ASSERT_GE(states.size(), 8u);
  EXPECT_EQ(states[0].changed, -1);
  EXPECT_EQ(states.back().error, 0);
  for (size_t i = 0; i < states.size(); ++i) {
    if (i > 0) {
      EXPECT_GT(states[i].time, states[i - 1].time);
      EXPECT_LT(states[i].error, states[i - 1].error);
    }
    // Nothing is faster with no more error.
    EXPECT_NEAR(states[i].time,
                exhaustive(layers, states[i].error * (1 + 1e-12)), 1e-9);
  }
}

TEST(PrecisionSearch, KeepsTheBudgetInNearlyTheLeastTime) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    std::vector<PrecisionLayer> layers = someLayers(7, seed);
    double all = good(paretoStates(layers))[0].error;
    for (double share : {0.5, 0.1, 0.01, 0.}) {
      SearchResult result = good(searchPrecision(layers, all * share));
      EXPECT_TRUE(result.isWithinBudget);
      EXPECT_LE(result.state.error, all * share);
      double best = exhaustive(layers, all * share);
      EXPECT_GE(result.state.time, best - 1e-9);
      EXPECT_LE(result.state.time, best * 1.15) << seed << " " << share;
    }
  }
}

TEST(PrecisionSearch, LayerThatInt8MakesSlower) {
  std::vector<PrecisionLayer> layers = {{"slow", {{1, 5}, {0, 3}}},
                                        {"fast", {{1, 1}, {0, 3}}}};
  auto states = good(paretoStates(layers));
  EXPECT_EQ(states[0].choice, (std::vector<unsigned>{1, 0}));
  EXPECT_EQ(states.size(), 2u);
}

TEST(PrecisionSearch, FindsTheHostileLayer) {
  std::vector<PrecisionLayer> layers = someLayers(20, 3);
  layers[11].options[0].error = 1e6;
  int calls = 0;
  auto evaluate = [&](ArrayRef<unsigned> choice) -> llvm::Expected<double> {
    ++calls;
    double error = 0;
    for (size_t i = 0; i < choice.size(); ++i)
      error += layers[i].options[choice[i]].error;
    return error * 1.3; // the true error is more than the sum
  };
  SearchOptions options{1000, 32};
  SearchResult result = good(searchPrecision(layers, options, evaluate));
  EXPECT_TRUE(result.isWithinBudget);
  EXPECT_NE(result.state.choice[11], 0u);
  EXPECT_LE(result.trueError, 1000);
  EXPECT_EQ(result.evaluations, calls);
  EXPECT_LE(calls, 32);
  EXPECT_EQ(result.pareto.size(), result.trueErrors.size());
  // The others may stay fast.
  EXPECT_EQ(
      llvm::count_if(result.state.choice, [](unsigned c) { return c != 0; }),
      1);
}

TEST(PrecisionSearch, GivesBackWhatIsNotNeeded) {
  // The true error is that of layer 0 alone, which is last in the list.
  std::vector<PrecisionLayer> layers = {{"a", {{1, 1}, {0, 100}}},
                                        {"b", {{9, 1}, {0, 2}}},
                                        {"c", {{8, 1}, {0, 3}}}};
  auto evaluate = [](ArrayRef<unsigned> choice) -> llvm::Expected<double> {
    return choice[0] == 0 ? 1 : 0;
  };
  SearchResult result = good(searchPrecision(layers, {0.5, 32}, evaluate));
  EXPECT_EQ(result.state.choice, (std::vector<unsigned>{1, 0, 0}));
  // Not enough evaluations: right all the same, if slower.
  for (int64_t few : {2, 3, 4}) {
    result = good(searchPrecision(layers, {0.5, few}, evaluate));
    EXPECT_TRUE(result.isWithinBudget);
    EXPECT_EQ(result.state.choice[0], 1u);
    EXPECT_LE(result.evaluations, few);
  }
}

TEST(PrecisionSearch, BudgetThatNothingKeeps) {
  std::vector<PrecisionLayer> layers = {{"a", {{3, 1}, {2, 2}}}};
  SearchResult result = good(searchPrecision(layers, 1));
  EXPECT_FALSE(result.isWithinBudget);
  EXPECT_EQ(result.trueError, 2);
  EXPECT_EQ(result.state.choice, (std::vector<unsigned>{1}));
  result = good(searchPrecision({}, 0));
  EXPECT_TRUE(result.isWithinBudget);
  EXPECT_TRUE(result.state.choice.empty());
  // A true error that is not a number keeps no budget.
  auto evaluate = [](ArrayRef<unsigned>) -> llvm::Expected<double> {
    return std::nan("");
  };
  EXPECT_FALSE(
      good(searchPrecision(layers, {1e9, 8}, evaluate)).isWithinBudget);
}

TEST(PrecisionSearch, Errors) {
  double infinite = inf32;
  EXPECT_NE(message(paretoStates(PrecisionLayer{"a", {}})), "");
  EXPECT_NE(message(paretoStates(PrecisionLayer{"a", {{infinite, 1}}})), "");
  EXPECT_NE(message(paretoStates(PrecisionLayer{"a", {{nan32, 1}}})), "");
  EXPECT_NE(message(paretoStates(PrecisionLayer{"a", {{1, -1}}})), "");
  PrecisionLayer layer{"a", {{1, 1}, {0, 2}}};
  auto evaluate = [](ArrayRef<unsigned>) -> llvm::Expected<double> {
    return llvm::createStringError("out of data");
  };
  EXPECT_EQ(message(searchPrecision(layer, {0, 9}, evaluate)), "out of data");
}

} // namespace
