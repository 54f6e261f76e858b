//===- MetricsTest.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Metrics.h"
#include "test/quantize/Values.h"

using namespace ingot::quantize;

namespace {

TEST(ErrorMeter, ClosedForms) {
  ErrorMeter meter;
  good(meter.add({3, 0}, {3, 1}));
  good(meter.add({0, -4}, {0, -4}));
  EXPECT_NEAR(meter.sqnrDb(), 10 * std::log10(25.), 1e-12);
  EXPECT_NEAR(meter.cosine(), 25 / std::sqrt(25. * 26), 1e-12);
  EXPECT_EQ(meter.maxError(), 1);
  EXPECT_EQ(meter.meanError(), 0.25);
  EXPECT_EQ(meter.meanSquaredError(), 0.25);
  EXPECT_EQ(meter.count(), 4u);
}

TEST(ErrorMeter, UniformRoundingNoise) {
  // 8 bits over [-1, 1): signal 1/3, noise step^2 / 12.
  std::vector<float> values(100000), quantized(100000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(double(i) / 50000 - 1);
  QuantParams params{1.f / 128, 0, -128, 127};
  fakeQuantize(values, params, quantized);
  ErrorMeter meter;
  good(meter.add(values, quantized));
  EXPECT_NEAR(meter.sqnrDb(), 48.16, 0.1); // 20 log10(256)
}

TEST(ErrorMeter, Degenerate) {
  ErrorMeter none;
  EXPECT_EQ(none.sqnrDb(), INFINITY);
  EXPECT_EQ(none.cosine(), 1);
  EXPECT_EQ(none.meanError(), 0);
  ErrorMeter zeros;
  good(zeros.add({0, 0}, {0, 0}));
  EXPECT_EQ(zeros.cosine(), 1);
  good(zeros.add({0}, {1}));
  EXPECT_EQ(zeros.sqnrDb(), -INFINITY);
  EXPECT_EQ(zeros.cosine(), 0);
  ErrorMeter broken;
  good(broken.add({1, inf32, nan32, 2}, {1, inf32, nan32, nan32}));
  EXPECT_EQ(broken.broken(), 1u);
  EXPECT_EQ(broken.sqnrDb(), -INFINITY);
  EXPECT_EQ(broken.maxError(), 0);
  EXPECT_NE(message(broken.add({1}, {})), "");
}

TEST(TopAgreement, CountsRows) {
  TopAgreement agreement(4, 2);
  // Same first; first is second; first is third; a tie keeps the earlier.
  good(agreement.add({9, 1, 2, 3, 9, 1, 2, 3, 9, 1, 2, 3, 5, 5, 1, 1},
                     {8, 1, 2, 3, 8, 1, 2, 9, 1, 0, 2, 3, 7, 7, 1, 1}));
  EXPECT_EQ(agreement.count(), 4u);
  EXPECT_EQ(agreement.top1(), 0.5);
  EXPECT_EQ(agreement.topK(), 0.75);
  good(agreement.addLabels({nan32, 1, 0, 0}, {1}));
  EXPECT_EQ(agreement.top1(), 0.6);
  EXPECT_NE(message(agreement.add({1, 2, 3}, {1, 2, 3})), "");
  EXPECT_NE(message(agreement.add({1, 2, 3, 4}, {1})), "");
  EXPECT_NE(message(agreement.addLabels({1, 2, 3, 4}, {4})), "");
  EXPECT_NE(message(agreement.addLabels({1, 2, 3, 4}, {-1})), "");
  EXPECT_EQ(TopAgreement(3).top1(), 1);
}

TEST(Entropy, ClosedForms) {
  EXPECT_EQ(entropyBits({}), 0);
  EXPECT_EQ(entropyBits({5}), 0);
  EXPECT_NEAR(entropyBits({1, 1}), 1, 1e-12);
  EXPECT_NEAR(entropyBits({1, 0, 3}), 0.8112781245, 1e-9);
  std::vector<int32_t> every;
  for (int32_t i = -128; i < 128; ++i)
    every.push_back(i);
  EXPECT_NEAR(entropyPerElement(every, QuantType::Int8), 8, 1e-12);
  EXPECT_NEAR(entropyPerElement({1, 1, 1, 1}, QuantType::UInt16), 0, 1e-12);
  EXPECT_NEAR(entropyPerElement({0, 1, 2, 3, 0}, QuantType::Int4), 1.9219280949,
              1e-9);
  // A plane of each byte: the second byte tells nothing.
  EXPECT_NEAR(entropyPerElement({0, 7, 1, 7, 2, 7, 3, 7}, 16, 4), 2, 1e-12);
  EXPECT_EQ(entropyPerElement({}, 32, 0), 0);
  EXPECT_EQ(sparsity({0, 1, -0.f, 2}), 0.5);
  EXPECT_EQ(sparsity({}), 0);
}

} // namespace
