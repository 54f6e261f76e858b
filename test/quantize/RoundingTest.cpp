//===- RoundingTest.cpp --------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding of weights, and the linear algebra below it.
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Gptq.h"
#include "lib/Quantize/MatrixProduct.h"
#include "test/quantize/Values.h"

using namespace ingot::quantize;

namespace {

TEST(MatrixProduct, AllSizesAndOrders) {
  for (auto [rows, columns, depth] : {std::tuple(1, 1, 1),
                                      {7, 9, 3},
                                      {100, 530, 300},
                                      {6, 8, 257},
                                      {5, 0, 4},
                                      {3, 4, 0}}) {
    for (int orders = 0; orders < 4; ++orders) {
      std::vector<float> a = normal(rows * depth, 1);
      std::vector<float> b = normal(depth * columns, 2);
      std::vector<float> c = normal(rows * columns, 3), expected = c;
      MatrixView<float> left{a.data(), depth, 1}, right{b.data(), columns, 1};
      if (orders & 1)
        left = {a.data(), 1, rows};
      if (orders & 2)
        right = {b.data(), 1, depth};
      multiplyAdd(rows, columns, depth, -2.f, left, right, c.data(), columns);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          double sum = expected[i * columns + j];
          for (int64_t k = 0; k < depth; ++k)
            sum -= 2. * *left.at(i, k).data * *right.at(k, j).data;
          ASSERT_NEAR(c[i * columns + j], sum, 1e-4 * (1 + depth / 50.));
        }
    }
  }
}

TEST(MatrixProduct, FactorOfTheInverse) {
  for (int64_t n : {1, 2, 59, 60, 61, 200}) {
    std::vector<float> random = normal(n * (n + 5), unsigned(n));
    std::vector<double> matrix(n * n, 0.);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        for (int64_t k = 0; k < n + 5; ++k)
          matrix[i * n + j] +=
              double(random[i * (n + 5) + k]) * random[j * (n + 5) + k];
    std::vector<double> u = matrix;
    // Only the lower triangle is read.
    for (int64_t i = 0; i < n; ++i)
      std::fill(u.begin() + i * n + i + 1, u.begin() + (i + 1) * n, nan32);
    ASSERT_TRUE(factorInverse(u.data(), n));
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_GT(u[i * n + i], 0);
      for (int64_t j = 0; j < i; ++j)
        EXPECT_EQ(u[i * n + j], 0);
    }
    // matrix * U^T U = 1
    std::vector<double> inverse(n * n, 0.), product(n * n, 0.);
    multiplyAdd(n, n, n, 1., {u.data(), 1, n}, {u.data(), n, 1}, inverse.data(),
                n);
    multiplyAdd(n, n, n, 1., {matrix.data(), n, 1}, {inverse.data(), n, 1},
                product.data(), n);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        ASSERT_NEAR(product[i * n + j], i == j, 1e-7) << n;
  }
  std::vector<double> indefinite = {1, 2, 2, 1};
  EXPECT_FALSE(factorInverse(indefinite.data(), 2));
}

/// A layer with inputs that are correlated, as activations are.
struct Problem {
  std::vector<float> inputs, weights;
  std::vector<QuantParams> params;
  RoundingProblem rounding;
  QuantSpec spec{QuantType::Int4, true, false, false};

  Problem(int64_t samples, int64_t numInputs, int64_t numOutputs,
          int64_t groupSize = 0) {
    int64_t hidden = std::max<int64_t>(1, numInputs / 4);
    std::vector<float> mix = normal(hidden * numInputs, 1);
    std::vector<float> source = normal(samples * hidden, 2);
    inputs = normal(samples * numInputs, 3, 0.3f);
    multiplyAdd(samples, numInputs, hidden, 1 / std::sqrt(float(hidden)),
                {source.data(), hidden, 1}, {mix.data(), numInputs, 1},
                inputs.data(), numInputs);
    weights = normal(numOutputs * numInputs, 4);
    ChannelView view{numOutputs, numInputs, 1};
    params = good(
        groupSize ? groupParams(weights, view, groupSize, spec)
                  : channelParams(weights, {1, numOutputs, numInputs}, spec));
    rounding.inputs = inputs;
    rounding.weights = weights;
    rounding.params = params;
    rounding.samples = samples;
    rounding.numInputs = numInputs;
    rounding.numOutputs = numOutputs;
    rounding.groupSize = groupSize;
  }

  GptqProblem gptq() const {
    return {weights, rounding.numInputs, rounding.numOutputs, params,
            rounding.groupSize};
  }
  SecondMoments moments() const {
    SecondMoments result(rounding.numInputs);
    good(result.add(inputs));
    return result;
  }

  /// Sum of squared differences of the outputs, as defined.
  double error(llvm::ArrayRef<int32_t> values,
               llvm::ArrayRef<QuantParams> with) const {
    RoundingProblem problem = rounding;
    problem.params = with;
    double sum = 0;
    for (int64_t o = 0; o < problem.numOutputs; ++o)
      for (int64_t s = 0; s < problem.samples; ++s) {
        double difference = 0;
        for (int64_t i = 0; i < problem.numInputs; ++i) {
          int64_t at = o * problem.numInputs + i;
          difference += (dequantizeValue(values[at], problem.paramsAt(o, i)) -
                         double(weights[at])) *
                        inputs[s * problem.numInputs + i];
        }
        sum += difference * difference;
      }
    return sum;
  }
};

TEST(Rounding, ToNearest) {
  Problem problem(50, 20, 6, 8);
  RoundingResult result = good(roundToNearest(problem.rounding));
  for (int64_t o = 0; o < 6; ++o)
    for (int64_t i = 0; i < 20; ++i)
      EXPECT_EQ(result.values[o * 20 + i],
                quantizeValue(problem.weights[o * 20 + i],
                              problem.rounding.paramsAt(o, i)));
  EXPECT_NEAR(result.errorNearest, problem.error(result.values, problem.params),
              result.errorNearest * 1e-4);
  EXPECT_EQ(result.errorNearest, result.errorRounded);
}

TEST(AdaRound, ImprovesTheOutputs) {
  for (int64_t groupSize : {0, 16}) {
    Problem problem(300, 64, 24, groupSize);
    RoundingResult result = good(adaRound(problem.rounding));
    EXPECT_LT(result.errorRounded, result.errorNearest * 0.5);
    EXPECT_NEAR(result.errorRounded,
                problem.error(result.values, problem.params),
                result.errorRounded * 1e-3);
    // Up or down, nothing else.
    for (int64_t o = 0; o < 24; ++o)
      for (int64_t i = 0; i < 64; ++i) {
        const QuantParams &params = problem.rounding.paramsAt(o, i);
        double steps = problem.weights[o * 64 + i] / params.scale;
        EXPECT_LT(std::fabs(result.values[o * 64 + i] - steps), 1.001);
      }
  }
}

TEST(AdaRound, NearTheBestOfAllRoundings) {
  // 10 weights: 1024 roundings.
  Problem problem(100, 10, 20);
  RoundingResult result = good(adaRound(problem.rounding));
  double best = 0;
  for (int64_t o = 0; o < 20; ++o) {
    double least = inf32;
    for (int choice = 0; choice < 1024; ++choice) {
      std::vector<int32_t> values = result.values;
      for (int64_t i = 0; i < 10; ++i) {
        const QuantParams &params = problem.params[o];
        auto down =
            int32_t(std::floor(problem.weights[o * 10 + i] / params.scale));
        values[o * 10 + i] = std::min(down + (choice >> i & 1), params.high);
      }
      // The other outputs do not change.
      double rest = 0;
      for (int64_t s = 0; s < 100; ++s) {
        double difference = 0;
        for (int64_t i = 0; i < 10; ++i)
          difference +=
              (dequantizeValue(values[o * 10 + i], problem.params[o]) -
               double(problem.weights[o * 10 + i])) *
              problem.inputs[s * 10 + i];
        rest += difference * difference;
      }
      least = std::min(least, rest);
    }
    best += least;
  }
  EXPECT_GE(result.errorRounded, best * 0.999);
  EXPECT_LE(result.errorRounded, best * 2);
}

TEST(AdaRound, HoldsForOtherSamples) {
  // Fewer samples than inputs: every error on them could be made small, by
  // rounding that fits nothing else.
  Problem problem(96, 256, 24);
  RoundingResult learned = good(adaRound(problem.rounding));
  RoundingResult nearest = good(roundToNearest(problem.rounding));
  EXPECT_LT(learned.errorRounded, learned.errorNearest * 0.8);
  Problem others(1000, 256, 24);
  std::vector<float> tail(others.inputs.begin() + 96 * 256,
                          others.inputs.end());
  problem.inputs = tail;
  problem.rounding.inputs = problem.inputs;
  problem.rounding.samples = 904;
  EXPECT_LT(problem.error(learned.values, problem.params),
            problem.error(nearest.values, problem.params) * 0.9);
}

TEST(AdaRound, TargetsOfTheFloatModel) {
  // The inputs were quantized; the outputs of the true ones are wanted.
  Problem problem(200, 40, 8);
  std::vector<float> exact = problem.inputs;
  std::vector<float> targets = layerOutputs(exact, problem.weights, 40);
  ASSERT_EQ(targets.size(), 200u * 8);
  for (size_t i : {0, 13, 1599}) {
    double sum = 0;
    for (size_t k = 0; k < 40; ++k)
      sum += double(exact[i / 8 * 40 + k]) * problem.weights[i % 8 * 40 + k];
    EXPECT_NEAR(targets[i], sum, 1e-4);
  }
  QuantParams params = good(tensorParams(exact, problem.spec));
  fakeQuantize(exact, params, problem.inputs);
  problem.rounding.targets = targets;
  RoundingResult result = good(adaRound(problem.rounding));
  EXPECT_LT(result.errorRounded, result.errorNearest * 0.8);
}

TEST(AdaRound, DoesNotDependOnThreads) {
  Problem problem(60, 50, 200);
  AdaRoundOptions options;
  options.iterations = 50;
  RoundingResult one = good(adaRound(problem.rounding, options));
  options.threads = 3;
  RoundingResult three = good(adaRound(problem.rounding, options));
  EXPECT_EQ(one.values, three.values);
  EXPECT_EQ(one.errorRounded, three.errorRounded);
}

TEST(AdaRound, Degenerate) {
  Problem problem(5, 4, 3);
  problem.inputs.assign(20, 0.f);
  problem.rounding.inputs = problem.inputs;
  RoundingResult result = good(adaRound(problem.rounding));
  EXPECT_EQ(result.errorRounded, 0);
  EXPECT_EQ(result.values, good(roundToNearest(problem.rounding)).values);
  // A weight far out of the range stays at its end.
  problem = Problem(5, 1, 1);
  problem.params[0].scale /= 4;
  problem.rounding.params = problem.params;
  problem.rounding.inputs = problem.inputs;
  problem.rounding.weights = problem.weights;
  result = good(adaRound(problem.rounding));
  EXPECT_EQ(std::abs(result.values[0] * 2 + 1), 15); // -8 or 7
  problem.rounding.samples = 0;
  EXPECT_NE(message(adaRound(problem.rounding)), "");
  problem.rounding.samples = 5;
  AdaRoundOptions options;
  options.batch = 0;
  EXPECT_NE(message(adaRound(problem.rounding, options)), "");
  problem.inputs[2] = nan32;
  EXPECT_EQ(message(adaRound(problem.rounding)), "element 2 is NaN");
}

TEST(Gptq, BeatsNearestOnCorrelatedInputs) {
  for (bool actOrder : {false, true})
    for (int64_t block : {1, 7, 128}) {
      Problem problem(400, 96, 32);
      GptqOptions options;
      options.actOrder = actOrder;
      options.block = block;
      GptqResult result =
          good(gptq(problem.gptq(), problem.moments(), options));
      EXPECT_LT(result.errorRounded, result.errorNearest * 0.6);
      EXPECT_NEAR(result.errorRounded * 400,
                  problem.error(result.values, problem.params),
                  result.errorRounded * 400 * 1e-3);
    }
}

TEST(Gptq, BlocksChangeNothing) {
  Problem problem(200, 50, 10);
  GptqOptions options;
  options.block = 1;
  auto one = good(gptq(problem.gptq(), problem.moments(), options));
  options.block = 1000;
  auto all = good(gptq(problem.gptq(), problem.moments(), options));
  // Sums in another order: a tie could be broken otherwise, no more.
  int64_t different = 0;
  for (size_t i = 0; i < one.values.size(); ++i)
    different += one.values[i] != all.values[i];
  EXPECT_LE(different, 2);
  EXPECT_NEAR(one.errorRounded / all.errorRounded, 1, 0.01);
}

TEST(Gptq, UncorrelatedInputsAreRoundedToNearest) {
  Problem problem(16, 16, 8);
  // Rows of a diagonal matrix.
  std::fill(problem.inputs.begin(), problem.inputs.end(), 0.f);
  for (int64_t i = 0; i < 16; ++i)
    problem.inputs[i * 17] = float(i); // input 0 is always 0
  GptqResult result = good(gptq(problem.gptq(), problem.moments()));
  problem.rounding.inputs = problem.inputs;
  EXPECT_EQ(result.values, good(roundToNearest(problem.rounding)).values);
}

TEST(Gptq, Groups) {
  Problem problem(300, 70, 16, 32);
  GptqResult fixed = good(gptq(problem.gptq(), problem.moments()));
  EXPECT_LT(fixed.errorRounded, fixed.errorNearest * 0.7);
  GptqOptions options;
  options.refitGroups = true;
  options.spec = problem.spec;
  GptqResult refitted = good(gptq(problem.gptq(), problem.moments(), options));
  EXPECT_EQ(refitted.params.size(), 16u * 3);
  EXPECT_LT(refitted.errorRounded, fixed.errorNearest * 0.7);
  EXPECT_NEAR(refitted.errorRounded * 300,
              problem.error(refitted.values, refitted.params),
              refitted.errorRounded * 300 * 1e-3);
  options.actOrder = true;
  EXPECT_NE(message(gptq(problem.gptq(), problem.moments(), options)), "");
  options.refitGroups = false;
  GptqResult ordered = good(gptq(problem.gptq(), problem.moments(), options));
  EXPECT_LT(ordered.errorRounded, ordered.errorNearest * 0.7);
}

TEST(Gptq, SingularMoments) {
  // Fewer samples than inputs, and inputs that are equal.
  Problem problem(3, 20, 4);
  for (int64_t s = 0; s < 3; ++s)
    problem.inputs[s * 20 + 1] = problem.inputs[s * 20];
  GptqOptions options;
  options.damping = 0;
  GptqResult result = good(gptq(problem.gptq(), problem.moments(), options));
  EXPECT_LE(result.errorRounded, result.errorNearest);
}

TEST(Gptq, Degenerate) {
  Problem problem(5, 1, 1);
  GptqResult result = good(gptq(problem.gptq(), problem.moments()));
  EXPECT_EQ(result.values.size(), 1u);
  EXPECT_NE(message(gptq(problem.gptq(), SecondMoments(1))), "");
  EXPECT_NE(message(gptq(problem.gptq(), SecondMoments(2))), "");
  SecondMoments moments(2);
  EXPECT_NE(message(moments.add({1, 2, 3})), "");
  EXPECT_EQ(message(moments.add({1, nan32})), "element 1 is NaN");
  good(moments.add({1, 2, 3, 4}));
  EXPECT_EQ(moments.mean(), (std::vector<double>{5, 7, 7, 10}));
  GptqProblem empty;
  EXPECT_NE(message(gptq(empty, SecondMoments(0))), "");
  problem.weights[0] = inf32;
  EXPECT_NE(message(gptq(problem.gptq(), problem.moments())), "");
}

} // namespace
