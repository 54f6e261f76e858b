//===- EqualizeTest.cpp --------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Equalize.h"
#include "lib/Quantize/BiasCorrection.h"
#include "test/quantize/Values.h"

using namespace ingot::quantize;
using llvm::ArrayRef;

namespace {

struct Layer {
  LayerShape shape;
  std::vector<float> weights, bias;

  Layer(LayerShape shape, unsigned seed)
      : shape(shape), weights(normal(shape.size(), seed)),
        bias(normal(shape.outputs, seed + 100)) {}

  EqualizedLayer view() { return {weights, shape, bias}; }

  /// Outputs at one place, where each of the kernel's elements sees `input`.
  std::vector<double> run(const std::vector<double> &input) const {
    std::vector<double> output(bias.begin(), bias.end());
    for (int64_t o = 0; o < shape.outputs; ++o) {
      int64_t begin = o / shape.outputsPerGroup() * shape.inputsPerGroup();
      for (int64_t i = begin; i < begin + shape.inputsPerGroup(); ++i)
        for (int64_t k = 0; k < shape.inner; ++k)
          output[o] += double(weights[shape.offset(o, i) + k]) * input[i];
    }
    return output;
  }
};

std::vector<double> relu(std::vector<double> values) {
  for (double &value : values)
    value = std::max(value, 0.);
  return values;
}

std::vector<double> runAll(ArrayRef<const Layer *> layers, unsigned seed) {
  std::vector<float> random = normal(layers[0]->shape.inputs, seed);
  std::vector<double> values(random.begin(), random.end());
  for (const Layer *layer : layers)
    values = relu(layer->run(values));
  return values;
}

void expectNear(const std::vector<double> &a, const std::vector<double> &b,
                double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], tolerance * (1 + std::fabs(b[i])));
}

TEST(Equalize, PairComputesTheSame) {
  for (LayerShape second : {LayerShape{3, 8, 1, 4}, LayerShape{6, 8, 2, 1},
                            LayerShape{5, 8, 1, 1, true}}) {
    for (bool usePowersOfTwo : {false, true}) {
      Layer a({8, 5, 1, 9}, 1), b(second, 2);
      for (int64_t i = 0; i < 8; ++i)
        for (int64_t k = 0; k < 45; ++k)
          a.weights[i * 45 + k] *= float(std::exp2(i * 2 - 7));
      auto before = runAll({&a, &b}, 3);
      auto first = channelAbsMax(a.weights, a.shape.outputView());
      auto last = inputAbsMax(b.weights, b.shape);
      auto factors =
          good(equalizePair(a.view(), b.view(), {usePowersOfTwo, 1e4f}));
      auto after = runAll({&a, &b}, 3);
      if (usePowersOfTwo)
        EXPECT_EQ(before, after);
      else
        expectNear(after, before, 1e-5);
      // The ranges are equal: sqrt of the product of those before.
      auto newFirst = channelAbsMax(a.weights, a.shape.outputView());
      auto newLast = inputAbsMax(b.weights, b.shape);
      for (size_t i = 0; i < 8; ++i) {
        double mean = std::sqrt(double(first[i]) * last[i]);
        double slack = usePowersOfTwo ? std::sqrt(2.) + 1e-5 : 1 + 1e-5;
        for (double range : {newFirst[i], newLast[i]}) {
          EXPECT_LE(range, mean * slack);
          EXPECT_GE(range, mean / slack);
        }
      }
      // Done once, nothing is left to do.
      if (!usePowersOfTwo)
        EXPECT_LT(equalizationChange(good(equalizePair(a.view(), b.view()))),
                  1e-5);
      EXPECT_GT(equalizationChange(factors), 1);
    }
  }
}

TEST(Equalize, TripleComputesTheSame) {
  Layer a({6, 4, 1, 1}, 1), b({6, 6, 6, 9}, 2), c({3, 6, 1, 1}, 3);
  for (int64_t i = 0; i < 4; ++i)
    a.weights[i] *= 1000; // output 0
  auto before = runAll({&a, &b, &c}, 4);
  auto factors = good(equalizeTriple(a.view(), b.view(), c.view()));
  expectNear(runAll({&a, &b, &c}, 4), before, 1e-5);
  auto r1 = channelAbsMax(a.weights, a.shape.outputView());
  auto r2 = channelAbsMax(b.weights, b.shape.outputView());
  auto r3 = inputAbsMax(c.weights, c.shape);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(r1[i] / r2[i], 1, 1e-5);
    EXPECT_NEAR(r3[i] / r2[i], 1, 1e-5);
  }
  EXPECT_GT(factors.first[0], 10);
  // The middle must be depthwise.
  Layer full({6, 6, 1, 1}, 5);
  EXPECT_NE(message(equalizeTriple(a.view(), full.view(), c.view())), "");
}

TEST(Equalize, DeadChannelsAndLimits) {
  Layer a({3, 2, 1, 1}, 1), b({2, 3, 1, 1}, 2);
  a.weights[0] = a.weights[1] = 0; // channel 0 is dead in a
  b.weights[1] = b.weights[4] = 0; // channel 1 in b
  a.weights[4] = 1e30f;
  auto factors = good(equalizePair(a.view(), b.view(), {false, 100}));
  EXPECT_EQ(factors[0], 1);
  EXPECT_EQ(factors[1], 1);
  EXPECT_EQ(factors[2], 100);
}

TEST(Equalize, Errors) {
  Layer a({3, 2, 1, 1}, 1), b({2, 4, 1, 1}, 2), c({2, 3, 1, 1}, 3);
  EXPECT_NE(message(equalizePair(a.view(), b.view())), "");
  c.weights[2] = nan32;
  EXPECT_EQ(message(equalizePair(a.view(), c.view())), "element 2 is NaN");
  c.bias.pop_back();
  EXPECT_NE(message(equalizePair(a.view(), c.view())), "");
  a.shape.inner = 5;
  EXPECT_NE(message(equalizePair(a.view(), c.view())), "");
  EXPECT_NE(message(equalizationFactors({1}, {1, 2}, {})), "");
}

TEST(Equalize, AbsorbsHighBias) {
  Layer a({4, 3, 1, 1}, 1), b({2, 4, 1, 3}, 2);
  a.bias[1] = 50;
  a.bias[2] = 60;
  // The smallest values before Relu of what is run below.
  std::vector<float> lows(4, inf32);
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::vector<float> random = normal(3, seed);
    auto out = a.run({random.begin(), random.end()});
    for (size_t i = 0; i < 4; ++i)
      lows[i] = std::min(lows[i], float(out[i] * 0.999999));
  }
  std::vector<std::vector<double>> before;
  for (unsigned seed = 0; seed < 20; ++seed)
    before.push_back(runAll({&a, &b}, seed));
  auto absorbed = good(absorbHighBias(a.view(), b.view(), lows));
  EXPECT_EQ(absorbed[0], std::max(lows[0], 0.f));
  EXPECT_GT(absorbed[1], 40);
  EXPECT_LT(a.bias[1], 10);
  for (unsigned seed = 0; seed < 20; ++seed)
    expectNear(runAll({&a, &b}, seed), before[seed], 1e-4);
  EXPECT_NE(message(absorbHighBias({a.weights, a.shape, {}}, b.view(), lows)),
            "");
  lows.pop_back();
  EXPECT_NE(message(absorbHighBias(a.view(), b.view(), lows)), "");
}

TEST(BiasCorrection, Empirical) {
  // Channels in the middle; the quantized output is off by the channel's
  // number, in two batches of different size.
  ChannelShift shift;
  for (int64_t outer : {2, 5}) {
    std::vector<float> reference = normal(outer * 3 * 4, unsigned(outer));
    std::vector<float> quantized = reference;
    for (size_t i = 0; i < quantized.size(); ++i)
      quantized[i] += float(i / 4 % 3);
    good(shift.add(reference, quantized, {outer, 3, 4}));
  }
  std::vector<float> correction = shift.correction();
  ASSERT_EQ(correction.size(), 3u);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(correction[i], -float(i), 1e-6);
  EXPECT_NE(message(shift.add({1}, {1, 2}, {1, 1, 1})), "");
  EXPECT_NE(message(shift.add({1, 2}, {1, 2}, {1, 2, 1})), "");
  EXPECT_NE(message(shift.add({nan32}, {1}, {1, 1, 1})), "");
  EXPECT_TRUE(ChannelShift().correction().empty());
}

TEST(BiasCorrection, AnalyticAgreesWithEmpirical) {
  Layer layer({4, 6, 2, 3}, 1);
  Layer quantized = layer;
  for (size_t i = 0; i < quantized.weights.size(); ++i)
    quantized.weights[i] = std::nearbyint(layer.weights[i] * 2) / 2;
  ChannelMean mean;
  ChannelShift shift;
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::vector<float> input = normal(6, seed);
    for (float &value : input)
      value += 1;
    good(mean.add(input, {1, 6, 1}));
    std::vector<double> in(input.begin(), input.end());
    auto a = layer.run(in), b = quantized.run(in);
    good(shift.add(std::vector<float>(a.begin(), a.end()),
                   std::vector<float>(b.begin(), b.end()), {1, 4, 1}));
  }
  auto analytic = good(analyticCorrection(layer.weights, quantized.weights,
                                          layer.shape, mean.means()));
  auto empirical = shift.correction();
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(analytic[i], empirical[i], 1e-4);
  EXPECT_GT(std::fabs(analytic[0]), 1e-2);
  EXPECT_NE(message(analyticCorrection(layer.weights, quantized.weights,
                                       layer.shape, {1, 2})),
            "");
}

TEST(BiasCorrection, MeanOfAClippedNormalVariable) {
  // Relu of a standard normal variable: 1 / sqrt(2 pi).
  EXPECT_NEAR(clippedNormalMean(0, 1, 0, INFINITY), 0.3989422804, 1e-9);
  EXPECT_NEAR(clippedNormalMean(3, 2, -INFINITY, INFINITY), 3, 1e-12);
  EXPECT_NEAR(clippedNormalMean(8, 0, 0, 6), 6, 0);
  // Against the sum of a fine grid.
  for (double mean : {-2., 0.5, 5.}) {
    double sum = 0, weight = 0;
    for (double x = -10; x < 10; x += 1e-3) {
      double density = std::exp(-x * x / 2);
      sum += density * std::clamp(mean + 1.5 * x, 0., 6.);
      weight += density;
    }
    EXPECT_NEAR(clippedNormalMean(mean, 1.5, 0, 6), sum / weight, 1e-6);
  }
}

} // namespace
