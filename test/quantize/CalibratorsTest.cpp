//===- CalibratorsTest.cpp -----------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Calibrators.h"
#include "test/quantize/Values.h"

#include <algorithm>
#include <numeric>

using namespace ingot::quantize;
using llvm::ArrayRef;

namespace {

const QuantSpec int8{QuantType::Int8, true, false, false};
const QuantSpec uint8{QuantType::UInt8, false, false, false};

Histogram histogramOf(ArrayRef<float> values) {
  Histogram histogram;
  good(histogram.add(values));
  return histogram;
}

TEST(Histogram, CountsEveryValueInItsBin) {
  std::vector<float> values = normal(20000, 1);
  values.insert(values.end(), {0, -0.f, 0, 5});
  Histogram histogram = histogramOf(values);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.zeros(), 3u);
  EXPECT_EQ(histogram.extremes().high, 5);
  EXPECT_EQ(histogram.extremes().low,
            *std::min_element(values.begin(), values.end()));
  double width = histogram.binWidth();
  EXPECT_EQ(width, 8. / Histogram::sideBins);
  std::vector<uint64_t> counts = histogram.counts();
  std::vector<uint64_t> expected(counts.size(), 0);
  for (float value : values) {
    if (value == 0)
      continue;
    // Bins of negative values have their upper edge inside.
    double steps = (value - histogram.firstEdge()) / width;
    ++expected[size_t(value > 0 ? std::floor(steps) : std::ceil(steps) - 1)];
  }
  EXPECT_EQ(counts, expected);
}

TEST(Histogram, DoesNotDependOnOrderOrBatches) {
  std::vector<float> values = normal(3000, 2, 1e-3f);
  for (float large : normal(500, 3, 100))
    values.push_back(large);
  values.push_back(1e-40f);
  values.push_back(0);
  Histogram whole = histogramOf(values);
  std::vector<float> reversed(values.rbegin(), values.rend());
  for (size_t batch : {1, 7, 1000}) {
    Histogram streamed, merged;
    for (size_t i = 0; i < values.size(); i += batch) {
      auto part =
          ArrayRef(reversed).slice(i, std::min(batch, values.size() - i));
      good(streamed.add(part));
      merged.merge(histogramOf(part));
    }
    EXPECT_TRUE(streamed == whole) << batch;
    EXPECT_TRUE(merged == whole) << batch;
  }
  Histogram loaded = good(Histogram::load(whole.save()));
  EXPECT_TRUE(loaded == whole);
  good(loaded.add(values));
  whole.merge(histogramOf(values));
  EXPECT_TRUE(loaded == whole);
}

TEST(Histogram, WholeRangeOfFloats) {
  Histogram histogram;
  good(histogram.add({1e-45f}));
  good(histogram.add({-3.4e38f, 1}));
  EXPECT_EQ(histogram.count(), 3u);
  std::vector<uint64_t> counts = histogram.counts();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), uint64_t(0)), 3u);
}

TEST(Histogram, Rejects) {
  Histogram histogram;
  EXPECT_EQ(message(histogram.add({1, nan32})), "element 1 is NaN");
  EXPECT_EQ(message(histogram.add({inf32})), "element 0 is infinite");
  EXPECT_EQ(histogram.count(), 0u);
  good(histogram.add({1, -2, 3}));
  std::string bytes = histogram.save();
  EXPECT_NE(message(Histogram::load("")), "");
  // Cut anywhere; and any damaged byte is found or harmless.
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(message(Histogram::load(bytes.substr(0, size))), "");
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 120); ++i) {
    std::string damaged = bytes;
    damaged[i] = char(damaged[i] ^ 0x80);
    auto loaded = Histogram::load(damaged);
    if (!loaded)
      consumeError(loaded.takeError());
    else
      good(loaded->add({1e30f}));
  }
}

TEST(Ranges, Degenerate) {
  for (QuantSpec spec : {int8, uint8}) {
    for (std::vector<float> values :
         {std::vector<float>{}, {0, 0, 0}, {2}, {-1e-42f}}) {
      Histogram histogram = histogramOf(values);
      Range extremes = histogram.extremes().unite({0, 0});
      for (Range range :
           {percentileRange(histogram, 99, spec), entropyRange(histogram, spec),
            mseRange(histogram, spec)}) {
        EXPECT_GE(range.low, extremes.low);
        EXPECT_LE(range.high, extremes.high);
        if (values.size() <= 1) { // One value is not clipped.
          EXPECT_NEAR(range.absMax(), extremes.absMax(),
                      extremes.absMax() * 0.02);
        }
      }
    }
  }
}

TEST(Percentile, ExactToABin) {
  std::vector<float> values = normal(10000, 4);
  Histogram histogram = histogramOf(values);
  std::vector<float> sorted = values, magnitudes;
  std::sort(sorted.begin(), sorted.end());
  for (float value : values)
    magnitudes.push_back(std::fabs(value));
  std::sort(magnitudes.begin(), magnitudes.end());
  for (double percentile : {50., 90., 99., 99.9, 100.}) {
    auto outside = size_t(std::floor((100 - percentile) / 100 * 10000));
    Range range = percentileRange(histogram, percentile, int8);
    EXPECT_NEAR(range.absMax(), magnitudes[9999 - outside],
                histogram.binWidth() * 1.01)
        << percentile;
    range = percentileRange(histogram, percentile, uint8);
    EXPECT_NEAR(range.high, sorted[9999 - outside / 2],
                histogram.binWidth() * 1.01);
    EXPECT_NEAR(range.low, sorted[outside / 2], histogram.binWidth() * 1.01);
  }
}

TEST(Percentile, SmallData) {
  // 1 .. 10: ten bins of width 2^-8, far apart.
  std::vector<float> values;
  for (int i = 1; i <= 10; ++i)
    values.push_back(float(i));
  Histogram histogram = histogramOf(values);
  EXPECT_EQ(percentileRange(histogram, 100, uint8), (Range{0, 10}));
  EXPECT_NEAR(percentileRange(histogram, 90, uint8).high, 9, 4e-3);
  EXPECT_NEAR(percentileRange(histogram, 50, uint8).high, 5, 4e-3);
  // Zeros count.
  values.resize(20, 0.f);
  EXPECT_NEAR(percentileRange(histogramOf(values), 75, uint8).high, 5, 4e-3);
  EXPECT_EQ(percentileRange(histogramOf(values), 50, uint8).high, 0);
}

/// Squared quantization error of the values themselves.
double errorOf(ArrayRef<float> values, Range range, const QuantSpec &spec) {
  QuantParams params = good(paramsOf(range, spec));
  double sum = 0;
  for (float value : values)
    sum += std::pow(double(value) -
                        dequantizeValue(quantizeValue(value, params), params),
                    2.);
  return sum / double(values.size());
}

TEST(Mse, ErrorOfADistribution) {
  // Uniform in [0, 1): step^2 / 12, and with clipping at c, (1 - c)^3 / 3 more.
  std::vector<float> values;
  for (int i = 0; i < 1 << 16; ++i)
    values.push_back((float(i) + 0.5f) / (1 << 16));
  Histogram histogram = histogramOf(values);
  for (double clip : {1., 0.75, 0.5}) {
    QuantParams params{float(clip / 15), 0, 0, 15};
    double step = params.scale;
    // Inside, whole steps from the level 0 on, and half a step at its end.
    double expected = clip * step * step / 12 + std::pow(1 - clip, 3) / 3;
    EXPECT_NEAR(meanSquaredError(histogram, params), expected, expected * 1e-3)
        << clip;
  }
  // Zeros have no error.
  values.resize(values.size() * 2, 0.f);
  QuantParams params{float(1. / 15), 0, 0, 15};
  EXPECT_NEAR(meanSquaredError(histogramOf(values), params) * 2,
              meanSquaredError(histogram, params), 1e-9);
}

TEST(Mse, BestOfAllSymmetricRanges) {
  for (QuantType type : {QuantType::Int4, QuantType::Int8}) {
    QuantSpec spec{type, true, false, false};
    std::vector<float> values = normal(20000, 6);
    for (float &value : values)
      value = value * value * value; // heavy tails
    float most = rangeOf(values)->absMax();
    double best = std::numeric_limits<double>::infinity();
    for (int i = 1; i <= 400; ++i)
      best = std::min(best, errorOf(values, {0, most * i / 400}, spec));
    Range found = mseRange(histogramOf(values), spec);
    EXPECT_LE(errorOf(values, found, spec), best * 1.005);
    if (type == QuantType::Int4)
      EXPECT_LT(found.absMax(), most * 0.7);
  }
}

TEST(Mse, BestOfAllAsymmetricRanges) {
  QuantSpec spec{QuantType::UInt4, false, false, false};
  std::vector<float> values = normal(5000, 7);
  for (float &value : values)
    value = value > 0 ? value * value : value / 3;
  Range all = good(rangeOf(values));
  double best = std::numeric_limits<double>::infinity();
  for (int i = 1; i <= 40; ++i)
    for (int j = 1; j <= 40; ++j)
      best = std::min(
          best, errorOf(values, {all.low * i / 40, all.high * j / 40}, spec));
  Range found = mseRange(histogramOf(values), spec);
  EXPECT_LE(errorOf(values, found, spec), best * 1.02);
}

TEST(Mse, ClipsARareOutlier) {
  std::vector<float> values = normal(100000, 8, 0.01f);
  values.push_back(1000);
  // 1000^2 / 100001 = 10 is more than any rounding error: not clipped.
  EXPECT_NEAR(mseRange(histogramOf(values), int8).high, 1000, 5);
  values.back() = 0.2f;
  EXPECT_LT(mseRange(histogramOf(values), int8).high, 0.15);
}

/// The divergence, as it is defined, for bins [begin, end).
double divergence(ArrayRef<uint64_t> bins, size_t begin, size_t end,
                  size_t levels) {
  size_t size = end - begin;
  std::vector<double> p(size, 0.), q(size, 0.);
  for (size_t i = 0; i < bins.size(); ++i)
    p[std::clamp(i, begin, end - 1) - begin] += double(bins[i]);
  for (size_t level = 0; level < levels; ++level) {
    size_t from = level * size / levels, to = (level + 1) * size / levels;
    double sum = 0, filled = 0;
    for (size_t i = from; i < to; ++i) {
      sum += double(bins[begin + i]);
      filled += bins[begin + i] != 0;
    }
    for (size_t i = from; i < to; ++i)
      if (bins[begin + i])
        q[i] = sum / filled;
  }
  double sumP = std::accumulate(p.begin(), p.end(), 0.);
  double sumQ = std::accumulate(q.begin(), q.end(), 0.), result = 0;
  for (size_t i = 0; i < size; ++i)
    if (p[i] > 0)
      result += p[i] / sumP *
                std::log((p[i] / sumP) /
                         ((1 - 1e-4) * q[i] / sumQ + 1e-4 / double(size)));
  return result;
}

TEST(Entropy, SymmetricAgreesWithTheDefinition) {
  std::vector<float> values = normal(50000, 9);
  values.push_back(60);
  values.push_back(-30);
  Histogram histogram = histogramOf(values);
  std::vector<uint64_t> counts = histogram.counts();
  auto below = size_t(-histogram.firstEdge() / histogram.binWidth());
  std::vector<uint64_t> folded(std::max(below, counts.size() - below), 0);
  for (size_t i = 0; i < counts.size(); ++i)
    folded[i < below ? below - 1 - i : i - below] += counts[i];
  size_t best = 0, stride = std::max<size_t>(1, folded.size() / 1024);
  double least = inf32;
  for (size_t end = folded.size(); end >= 128; end -= stride) {
    double value = divergence(folded, 0, end, 128);
    if (value < least - 1e-12) {
      least = value;
      best = end;
    }
  }
  Range found = entropyRange(histogram, int8);
  EXPECT_NEAR(found.high, double(best) * histogram.binWidth(), 1e-6);
  // The outliers are clipped, the bell is not.
  EXPECT_LT(found.high, 20);
  EXPECT_GT(found.high, 2);
}

TEST(Entropy, KnownDistributions) {
  // Uniform: nothing to clip. Relu's zeros change nothing.
  std::vector<float> values;
  for (int i = 1; i <= 40000; ++i)
    values.push_back(float(i) / 40000);
  Range range = entropyRange(histogramOf(values), uint8);
  EXPECT_EQ(range.low, 0);
  EXPECT_NEAR(range.high, 1, 2e-3);
  std::vector<float> zeros(400000, 0.f);
  values.insert(values.end(), zeros.begin(), zeros.end());
  EXPECT_EQ(entropyRange(histogramOf(values), uint8), range);
  // A far outlier on one side is clipped on that side only.
  values = normal(100000, 10);
  values.push_back(100);
  range = entropyRange(histogramOf(values), uint8);
  EXPECT_LT(range.high, 20);
  EXPECT_LT(range.low, -2);
}

TEST(Entropy, SixteenBitsAreNotClipped) {
  std::vector<float> values = normal(1000, 11);
  Histogram histogram = histogramOf(values);
  EXPECT_EQ(entropyRange(histogram, {QuantType::UInt16, false, false, false}),
            histogram.extremes());
}

TEST(Calibrator, Methods) {
  Calibrator calibrator;
  good(calibrator.add({-1, 3}));
  good(calibrator.add({-2, 5}));
  good(calibrator.add({0, 1}));
  good(calibrator.add({}));
  CalibrationOptions options;
  options.spec = uint8;
  EXPECT_EQ(good(calibrator.range(options)), (Range{-2, 5}));
  options.method = CalibrationMethod::MovingAverage;
  options.alpha = 0.5;
  // -1, -1.5, -0.75; 3, 4, 2.5
  EXPECT_EQ(good(calibrator.range(options)), (Range{-0.75, 2.5}));
  options.method = CalibrationMethod::Percentile;
  options.percentile = 100;
  EXPECT_EQ(good(calibrator.range(options)), (Range{-2, 5}));
  EXPECT_EQ(calibrator.batches(), 3u);
  EXPECT_EQ(calibrator.count(), 6u);
  EXPECT_DOUBLE_EQ(calibrator.mean(), 1);
  EXPECT_NEAR(calibrator.variance(), 40. / 6 - 1, 1e-12);
  for (int i = 0; i <= int(CalibrationMethod::Mse); ++i) {
    auto method = CalibrationMethod(i);
    EXPECT_EQ(parseCalibration(calibrationName(method)), method);
    options.method = method;
    Range range = good(calibrator.range(options));
    EXPECT_GE(range.low, -2);
    EXPECT_LE(range.high, 5);
  }
  EXPECT_FALSE(parseCalibration("max"));
}

TEST(Calibrator, Errors) {
  Calibrator calibrator(/*collectsHistogram=*/false);
  EXPECT_EQ(message(calibrator.add({nan32})), "element 0 is NaN");
  EXPECT_EQ(calibrator.batches(), 0u);
  EXPECT_EQ(good(calibrator.range({})), Range());
  CalibrationOptions options;
  options.method = CalibrationMethod::Mse;
  EXPECT_NE(message(calibrator.range(options)), "");
  options.method = CalibrationMethod::MovingAverage;
  options.alpha = 0;
  EXPECT_NE(message(calibrator.range(options)), "");
  options = {};
  options.percentile = nan32;
  EXPECT_NE(message(calibrator.range(options)), "");
  EXPECT_NE(message(calibrator.merge(Calibrator())), "");
}

TEST(Calibrator, MovingAverageOfManyBatches) {
  Calibrator calibrator(false);
  double low = 0;
  for (int i = 0; i < 5000; ++i) {
    float end = -1 - float(i % 10) / 10;
    good(calibrator.add({end, 1}));
    low = i == 0 ? end : 0.99 * low + 0.01 * end;
  }
  CalibrationOptions options;
  options.method = CalibrationMethod::MovingAverage;
  Range range = good(calibrator.range(options));
  EXPECT_NEAR(range.low, low, 0.02);
  EXPECT_NEAR(range.high, 1, 1e-6);
}

TEST(Calibrator, SaveAndMerge) {
  std::vector<std::vector<float>> batches;
  for (unsigned i = 0; i < 30; ++i)
    batches.push_back(normal(100 + i, i, float(i + 1)));
  Calibrator whole, first, second;
  for (size_t i = 0; i < batches.size(); ++i) {
    good(whole.add(batches[i]));
    good((i < 13 ? first : second).add(batches[i]));
  }
  // Resumed, and put together.
  Calibrator resumed = good(Calibrator::load(first.save()));
  for (size_t i = 13; i < batches.size(); ++i)
    good(resumed.add(batches[i]));
  EXPECT_EQ(resumed.save(), whole.save());
  good(first.merge(second));
  for (int i = 0; i <= int(CalibrationMethod::Mse); ++i) {
    CalibrationOptions options;
    options.method = CalibrationMethod(i);
    EXPECT_EQ(good(first.range(options)), good(whole.range(options)));
  }
  EXPECT_NEAR(first.mean(), whole.mean(), 1e-9);
  std::string bytes = whole.save();
  for (size_t size : {size_t(0), size_t(30), bytes.size() - 1})
    EXPECT_NE(message(Calibrator::load(bytes.substr(0, size))), "");
  bytes[25] = char(0x7f);
  EXPECT_NE(message(Calibrator::load(bytes)), "");
}

} // namespace
