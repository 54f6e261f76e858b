//===- QuantParamsTest.cpp -----------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/QuantParams.h"
#include "test/quantize/Values.h"

#include <cfloat>

using namespace ingot::quantize;

namespace {

const QuantSpec int8{QuantType::Int8, true, false, false};
const QuantSpec asymmetric{QuantType::UInt8, false, false, false};

TEST(QuantSpec, Limits) {
  auto limits = [](QuantSpec spec) {
    return std::pair(spec.low(), spec.high());
  };
  using Pair = std::pair<int32_t, int32_t>;
  EXPECT_EQ(limits(int8), Pair(-128, 127));
  EXPECT_EQ(limits({QuantType::Int8, true, true, false}), Pair(-127, 127));
  EXPECT_EQ(limits({QuantType::Int8, true, false, true}), Pair(-64, 63));
  EXPECT_EQ(limits({QuantType::UInt8, false, false, true}), Pair(0, 127));
  EXPECT_EQ(limits({QuantType::Int4, true, false, false}), Pair(-8, 7));
  EXPECT_EQ(limits({QuantType::UInt4, false, false, false}), Pair(0, 15));
  EXPECT_EQ(limits({QuantType::Int16, true, false, false}),
            Pair(-32768, 32767));
  EXPECT_EQ(limits({QuantType::UInt16, false, false, false}), Pair(0, 65535));
}

TEST(QuantSpec, Names) {
  for (unsigned i = 0; i <= unsigned(QuantType::UInt16); ++i) {
    auto type = QuantType(i);
    EXPECT_EQ(parseQuantType(quantTypeName(type)), type);
    EXPECT_EQ(quantTypeOf(onnxDataType(type)), type);
  }
  EXPECT_FALSE(parseQuantType("int5"));
  EXPECT_FALSE(quantTypeOf(1));
}

TEST(Params, Symmetric) {
  QuantParams params = good(paramsOf({-3, 2}, int8));
  EXPECT_EQ(params.scale, 3.f / 127);
  EXPECT_EQ(params.zeroPoint, 0);
  params = good(paramsOf({-3, 2}, {QuantType::UInt8, true, false, false}));
  EXPECT_EQ(params.zeroPoint, 128);
  EXPECT_EQ(params.scale, 3.f / 127);
}

TEST(Params, Asymmetric) {
  QuantParams params = good(paramsOf({-1, 3}, asymmetric));
  EXPECT_EQ(params.scale, 4.f / 255);
  EXPECT_EQ(params.zeroPoint, 64); // 63.75
  // A range on one side of 0 is widened to have it.
  params = good(paramsOf({2, 4}, asymmetric));
  EXPECT_EQ(params.scale, 4.f / 255);
  EXPECT_EQ(params.zeroPoint, 0);
  params = good(paramsOf({-4, -2}, {QuantType::Int8, false, false, false}));
  EXPECT_EQ(params.zeroPoint, 127);
}

TEST(Params, ZeroIsExact) {
  std::vector<float> ends = normal(200, 1);
  for (size_t i = 0; i + 1 < ends.size(); ++i)
    for (QuantSpec spec : {int8, asymmetric}) {
      Range range{std::min(ends[i], ends[i + 1]),
                  std::max(ends[i], ends[i + 1])};
      QuantParams params = good(paramsOf(range, spec));
      EXPECT_EQ(dequantizeValue(quantizeValue(0, params), params), 0.f);
      // The ends are off by half a step at most.
      for (float end : {std::min(range.low, 0.f), std::max(range.high, 0.f)})
        EXPECT_NEAR(dequantizeValue(quantizeValue(end, params), params), end,
                    params.scale * 0.51);
    }
}

TEST(Params, DegenerateRanges) {
  for (QuantSpec spec : {int8, asymmetric}) {
    QuantParams params = good(paramsOf({0, 0}, spec));
    EXPECT_EQ(params.scale, 1.f);
    params = good(paramsOf({0, 1e-44f}, spec));
    EXPECT_EQ(params.scale, FLT_MIN);
    params = good(paramsOf({-inf32, inf32}, spec));
    EXPECT_TRUE(std::isfinite(params.scale)) << params.scale;
    EXPECT_GT(params.scale, 1e36f);
    EXPECT_NE(message(paramsOf({nan32, 1}, spec)), "");
    EXPECT_NE(message(paramsOf({2, 1}, spec)), "");
  }
}

TEST(Quantize, RoundsHalfToEvenAndSaturates) {
  QuantParams params{0.5, 3, -128, 127};
  auto q = [&](float value) { return quantizeValue(value, params); };
  EXPECT_EQ(q(0.25), 3);  // 0.5 -> 0
  EXPECT_EQ(q(0.75), 5);  // 1.5 -> 2
  EXPECT_EQ(q(1.25), 5);  // 2.5 -> 2
  EXPECT_EQ(q(-0.75), 1); // -1.5 -> -2
  EXPECT_EQ(q(1e30f), 127);
  EXPECT_EQ(q(-inf32), -128);
  EXPECT_EQ(q(nan32), -128);
}

TEST(Quantize, AgreesWithTheFormula) {
  for (QuantType type : {QuantType::Int4, QuantType::UInt8, QuantType::Int16,
                         QuantType::UInt16}) {
    QuantSpec spec{type, false, false, false};
    std::vector<float> values = normal(5000, unsigned(type));
    QuantParams params = good(paramsOf({-2.5, 1.5}, spec));
    std::vector<int32_t> quantized(values.size());
    quantize(values, params, quantized);
    std::vector<float> back(values.size()), fake(values.size());
    dequantize(quantized, params, back);
    fakeQuantize(values, params, fake);
    EXPECT_EQ(back, fake);
    for (size_t i = 0; i < values.size(); ++i) {
      double steps = std::nearbyint(double(values[i] / params.scale));
      EXPECT_EQ(quantized[i], std::clamp<double>(steps + params.zeroPoint,
                                                 spec.low(), spec.high()));
    }
  }
}

TEST(Quantize, PerChannelAndGroups) {
  // [2, 3, 2]: channels in the middle.
  std::vector<float> values = {1, -1, 20, 10, 0, 0, 2, 0, -40, 0, 0, 0};
  ChannelView view = ChannelView::along({2, 3, 2}, 1);
  auto params = good(channelParams(values, view, int8));
  ASSERT_EQ(params.size(), 3u);
  EXPECT_EQ(params[0].scale, 2.f / 127);
  EXPECT_EQ(params[1].scale, 40.f / 127);
  EXPECT_EQ(params[2].scale, 1.f);
  std::vector<int32_t> quantized(12);
  quantize(values, GroupedParams{view, 0, params}, quantized);
  EXPECT_EQ(quantized[6], 127);
  EXPECT_EQ(quantized[8], -127);
  EXPECT_EQ(quantized[2], 64); // 63.5 is even rounded up

  // Groups of two channels: the last one is short.
  auto groups = good(groupParams(values, view, 2, int8));
  ASSERT_EQ(groups.size(), 2u * 2 * 2);
  std::vector<float> largest = {20, 10, 0, 0, 40, 0, 0, 0};
  for (size_t i = 0; i < groups.size(); ++i)
    EXPECT_EQ(groups[i].scale, largest[i] ? largest[i] / 127 : 1) << i;
  GroupedParams grouped{view, 2, groups};
  std::vector<float> fake(12);
  fakeQuantize(values, grouped, fake);
  for (int64_t o = 0; o < 2; ++o)
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t i = 0; i < 2; ++i) {
        int64_t at = (o * 3 + c) * 2 + i;
        const QuantParams &one = groups[(o * 2 + c / 2) * 2 + i];
        EXPECT_EQ(fake[at],
                  dequantizeValue(quantizeValue(values[at], one), one));
      }
  EXPECT_NE(message(groupParams(values, view, 0, int8)), "");
}

TEST(Quantize, MseRangeOfWeights) {
  // At 4 bits an outlier is better clipped: compare with all candidates.
  std::vector<float> values = normal(4000, 5);
  values[7] = 9;
  QuantSpec spec{QuantType::Int4, true, false, false};
  auto error = [&](const QuantParams &params) {
    double sum = 0;
    for (float value : values)
      sum += std::pow(
          value - dequantizeValue(quantizeValue(value, params), params), 2.);
    return sum;
  };
  QuantParams whole = good(tensorParams(values, spec));
  QuantParams best = good(tensorParams(values, spec, WeightRange::Mse));
  EXPECT_EQ(whole.scale, 9.f / 7);
  EXPECT_LT(error(best), error(whole) * 0.7);
  for (int percent = 20; percent <= 100; ++percent) {
    QuantParams other = good(paramsOf({0, 9 * percent / 100.f}, spec));
    EXPECT_LE(error(best), error(other) * 1.02) << percent;
  }
}

TEST(Quantize, Degenerate) {
  EXPECT_EQ(good(tensorParams({}, int8)).scale, 1.f);
  EXPECT_EQ(good(tensorParams({0.f, 0.f}, int8)).scale, 1.f);
  EXPECT_EQ(good(tensorParams({-2.f}, asymmetric)).zeroPoint, 255);
  EXPECT_EQ(good(tensorParams({0.f}, int8, WeightRange::Mse)).scale, 1.f);
  EXPECT_EQ(message(tensorParams({1.f, nan32}, int8)), "element 1 is NaN");
  EXPECT_EQ(message(tensorParams({-inf32}, int8)),
            "element 0 is minus infinite");
  std::vector<float> values = {1, inf32};
  EXPECT_EQ(message(channelParams(values, {1, 2, 1}, int8)),
            "channel 1: element 0 is infinite");
}

TEST(Storage, RoundTrip) {
  for (unsigned i = 0; i <= unsigned(QuantType::UInt16); ++i) {
    QuantSpec spec{QuantType(i), false, false, false};
    std::vector<int32_t> values;
    for (int32_t value = spec.low(); value <= spec.high(); value += 3)
      values.push_back(value);
    values.push_back(spec.low());
    std::vector<char> bytes = packElements(values, spec.type);
    auto count = int64_t(values.size());
    EXPECT_EQ(int64_t(bytes.size()), (count * bitWidth(spec.type) + 7) / 8);
    EXPECT_EQ(good(unpackElements(bytes, spec.type, count)), values);
    bytes.pop_back();
    EXPECT_NE(message(unpackElements(bytes, spec.type, count)), "");
    EXPECT_NE(message(unpackElements(bytes, spec.type, -1)), "");
  }
  // The first element is in the low bits.
  std::vector<char> bytes = packElements({1, -2, 3}, QuantType::Int4);
  EXPECT_EQ(bytes, (std::vector<char>{char(0xe1), 3}));
  bytes = packElements({0x1234}, QuantType::Int16);
  EXPECT_EQ(bytes, (std::vector<char>{0x34, 0x12}));
}

TEST(Bias, Plain) {
  auto bias = good(quantizeBias({1, -2, 0.3f}, 0.5, {0.25, 0.5, 1}));
  EXPECT_EQ(bias.values, (std::vector<int32_t>{8, -8, 1}));
  EXPECT_EQ(bias.weightScales, (std::vector<float>{0.25, 0.5, 1}));
  EXPECT_EQ(bias.widened, 0);
}

TEST(Bias, WidensScalesThatOverflow) {
  std::vector<float> values = {1e4f, 1e-4f, 0};
  std::vector<float> scales = {1e-8f, 1e-8f, 1e-30f};
  int64_t headroom = 1 << 20;
  auto bias = good(quantizeBias(values, 1e-4f, scales, headroom));
  EXPECT_EQ(bias.widened, 1);
  EXPECT_GT(bias.weightScales[0], scales[0]);
  EXPECT_EQ(bias.weightScales[1], scales[1]);
  EXPECT_EQ(bias.weightScales[2], scales[2]);
  EXPECT_LE(std::abs(int64_t(bias.values[0])), INT32_MAX - headroom);
  // Not much wider than it must be, and the value is right.
  EXPECT_GT(bias.values[0], INT32_MAX * 0.99);
  EXPECT_NEAR(double(bias.values[0]) * double(1e-4f * bias.weightScales[0]) /
                  1e4,
              1, 1e-6);
  // One scale for all; a product that underflows.
  bias = good(quantizeBias(values, 1e-30f, {1e-30f}));
  EXPECT_EQ(bias.widened, 1);
  ASSERT_EQ(bias.weightScales.size(), 1u);
  EXPECT_GT(bias.values[0], INT32_MAX * 0.99);
}

TEST(Bias, Errors) {
  EXPECT_NE(message(quantizeBias({nan32}, 1, {1})), "");
  EXPECT_NE(message(quantizeBias({1, 2}, 1, {1, 1, 1})), "");
  EXPECT_NE(message(quantizeBias({1}, 0, {1})), "");
  EXPECT_NE(message(quantizeBias({1}, 1, {inf32})), "");
  EXPECT_TRUE(good(quantizeBias({}, 1, {1})).values.empty());
}

TEST(Layout, Views) {
  ChannelView view = ChannelView::along({2, 3, 4, 5}, -3);
  EXPECT_EQ(view.outer, 2);
  EXPECT_EQ(view.channels, 3);
  EXPECT_EQ(view.inner, 20);
  view = ChannelView::along({}, 0);
  EXPECT_EQ(view.size(), 1);
  EXPECT_EQ(channelAbsMax({1, -5, 2, 3, 4, -1}, {2, 3, 1}),
            (std::vector<float>{3, 5, 2}));
}

TEST(Layout, GroupsOfInputs) {
  // 4 outputs, 6 inputs, 2 groups, kernel of 2.
  LayerShape shape{4, 6, 2, 2};
  std::vector<float> weights(shape.size());
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = float(i);
  good(shape.check(24));
  // Output 3, the second of group 1; input 5 is the third there.
  EXPECT_EQ(shape.offset(3, 5), 3 * 6 + 2 * 2);
  EXPECT_EQ(inputAbsMax(weights, shape),
            (std::vector<float>{7, 9, 11, 19, 21, 23}));
  scaleInputs(weights, shape, {1, 1, 1, 0, 1, 1});
  EXPECT_EQ(weights[12], 0);
  EXPECT_EQ(weights[19], 0);
  EXPECT_EQ(weights[20], 20);
  LayerShape transposed{3, 2, 1, 1, true};
  std::vector<float> matrix = {1, 2, 3, 4, 5, 6};
  scaleOutputs(matrix, transposed, {1, 10, 100});
  EXPECT_EQ(matrix, (std::vector<float>{1, 20, 300, 4, 50, 600}));
  EXPECT_EQ(inputAbsMax(matrix, transposed), (std::vector<float>{300, 600}));
  EXPECT_NE(message(LayerShape{4, 6, 3, 1}.check(8)), "");
  EXPECT_NE(message(LayerShape{4, 6, 2, 1}.check(13)), "");
  EXPECT_NE(message(LayerShape{0, 6, 1, 1}.check(0)), "");
  EXPECT_NE(message(LayerShape{2, 2, 2, 1, true}.check(2)), "");
}

} // namespace
