//===- Calibrators.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Calibrators.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;
using llvm::StringRef;

static constexpr StringRef methodNames[] = {"minmax", "moving-average",
                                            "percentile", "entropy", "mse"};

StringRef ingot::quantize::calibrationName(CalibrationMethod method) {
  return methodNames[unsigned(method)];
}

std::optional<CalibrationMethod>
ingot::quantize::parseCalibration(StringRef name) {
  for (unsigned i = 0; i < std::size(methodNames); ++i)
    if (methodNames[i] == name)
      return CalibrationMethod(i);
  return std::nullopt;
}

llvm::Error Calibrator::add(ArrayRef<float> batch) {
  llvm::Expected<Range> range = rangeOf(batch);
  if (!range)
    return range.takeError();
  if (batch.empty())
    return llvm::Error::success();
  if (collectsHistogram)
    values.count(batch, *range);
  bounds = valueCount ? bounds.unite(*range) : *range;
  valueCount += batch.size();
  ++batchCount;
  // In lanes, so that sums do not wait for one another.
  constexpr size_t lanes = 8;
  double sums[lanes] = {}, squares[lanes] = {};
  auto visit = [&](double value, size_t lane) {
    sums[lane] += value;
    squares[lane] += value * value;
  };
  size_t whole = batch.size() / lanes * lanes;
  for (size_t i = 0; i < whole; i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      visit(batch[i + lane], lane);
  for (size_t i = whole; i < batch.size(); ++i)
    visit(batch[i], i - whole);
  for (size_t lane = 0; lane < lanes; ++lane) {
    sum += sums[lane];
    sumOfSquares += squares[lane];
  }
  appendEnds(*range);
  return llvm::Error::success();
}

void Calibrator::appendEnds(Range range) {
  pendingLow += range.low;
  pendingHigh += range.high;
  if (++pendingBatches < batchesPerEnd)
    return;
  ends.push_back({float(pendingLow / double(pendingBatches)),
                  float(pendingHigh / double(pendingBatches))});
  pendingLow = pendingHigh = 0;
  pendingBatches = 0;
  if (ends.size() < maxEnds)
    return;
  for (size_t i = 0; i < maxEnds / 2; ++i) {
    Range a = ends[2 * i], b = ends[2 * i + 1];
    ends[i] = {a.low / 2 + b.low / 2, a.high / 2 + b.high / 2};
  }
  ends.resize(maxEnds / 2);
  batchesPerEnd *= 2;
}

llvm::Error Calibrator::merge(const Calibrator &other) {
  if (collectsHistogram != other.collectsHistogram)
    return llvm::createStringError(
        "only one of the calibrators has a histogram");
  if (!other.valueCount)
    return llvm::Error::success();
  values.merge(other.values);
  bounds = valueCount ? bounds.unite(other.bounds) : other.bounds;
  valueCount += other.valueCount;
  batchCount += other.batchCount;
  sum += other.sum;
  sumOfSquares += other.sumOfSquares;
  for (Range range : other.ends)
    for (uint64_t i = 0; i < other.batchesPerEnd; ++i)
      appendEnds(range);
  for (uint64_t i = 0; i < other.pendingBatches; ++i)
    appendEnds({float(other.pendingLow / double(other.pendingBatches)),
                float(other.pendingHigh / double(other.pendingBatches))});
  return llvm::Error::success();
}

Range Calibrator::movingAverage(double alpha) const {
  double low = 0, high = 0;
  bool isFirst = true;
  auto step = [&](double nextLow, double nextHigh, uint64_t batches) {
    // As many equal steps at once.
    double keep = isFirst ? 0 : std::pow(1 - alpha, double(batches));
    low = keep * low + (1 - keep) * nextLow;
    high = keep * high + (1 - keep) * nextHigh;
    isFirst = false;
  };
  for (Range range : ends)
    step(range.low, range.high, batchesPerEnd);
  if (pendingBatches)
    step(pendingLow / double(pendingBatches),
         pendingHigh / double(pendingBatches), pendingBatches);
  return {float(low), float(high)};
}

llvm::Expected<Range>
Calibrator::range(const CalibrationOptions &options) const {
  bool needsHistogram = options.method > CalibrationMethod::MovingAverage;
  if (needsHistogram && !collectsHistogram)
    return llvm::createStringError(
        llvm::formatv("the method {0} needs a histogram, which was not "
                      "collected",
                      calibrationName(options.method)));
  if (!(options.percentile > 0 && options.percentile <= 100))
    return llvm::createStringError(llvm::formatv(
        "the percentile {0} is not in (0, 100]", options.percentile));
  if (!(options.alpha > 0 && options.alpha <= 1))
    return llvm::createStringError(
        llvm::formatv("alpha = {0} is not in (0, 1]", options.alpha));
  if (!valueCount)
    return Range();
  switch (options.method) {
  case CalibrationMethod::MinMax:
    return bounds;
  case CalibrationMethod::MovingAverage:
    return movingAverage(options.alpha);
  case CalibrationMethod::Percentile:
    return percentileRange(values, options.percentile, options.spec);
  case CalibrationMethod::Entropy:
    return entropyRange(values, options.spec);
  case CalibrationMethod::Mse:
    return mseRange(values, options.spec);
  }
  llvm_unreachable("a method without a case");
}

double Calibrator::mean() const {
  return valueCount ? sum / double(valueCount) : 0;
}

double Calibrator::variance() const {
  if (!valueCount)
    return 0;
  double average = mean();
  return std::max(0., sumOfSquares / double(valueCount) - average * average);
}

//===----------------------------------------------------------------------===//
// Saving
//===----------------------------------------------------------------------===//

static constexpr StringRef magic = "ingot-calibrator1";

namespace {
/// The numbers of a calibrator's state but for ends and histogram.
struct Fields {
  uint64_t collectsHistogram = 0, batchCount = 0, valueCount = 0,
           batchesPerEnd = 1, pendingBatches = 0, numEnds = 0;
  double low = 0, high = 0, pendingLow = 0, pendingHigh = 0, sum = 0,
         sumOfSquares = 0;
};
} // namespace

// The words are in the machine's order; a saved state is resumed where it was
// saved, and another order is found out by load().
std::string Calibrator::save() const {
  Fields fields{collectsHistogram, batchCount,  valueCount, batchesPerEnd,
                pendingBatches,    ends.size(), bounds.low, bounds.high,
                pendingLow,        pendingHigh, sum,        sumOfSquares};
  std::string bytes = magic.str();
  bytes.append(reinterpret_cast<const char *>(&fields), sizeof(fields));
  bytes.append(reinterpret_cast<const char *>(ends.data()),
               ends.size() * sizeof(Range));
  return bytes + values.save();
}

llvm::Expected<Calibrator> Calibrator::load(StringRef bytes) {
  auto damaged = [] {
    return llvm::createStringError("the saved calibration is damaged");
  };
  Fields fields;
  if (!bytes.consume_front(magic) || bytes.size() < sizeof(fields))
    return damaged();
  std::memcpy(&fields, bytes.data(), sizeof(fields));
  bytes = bytes.drop_front(sizeof(fields));
  if (fields.collectsHistogram > 1 || fields.numEnds >= maxEnds ||
      bytes.size() < fields.numEnds * sizeof(Range) ||
      fields.batchesPerEnd == 0 ||
      fields.pendingBatches >= fields.batchesPerEnd ||
      fields.batchCount > fields.valueCount ||
      (fields.batchCount - fields.pendingBatches) % fields.batchesPerEnd ||
      (fields.batchCount - fields.pendingBatches) / fields.batchesPerEnd !=
          fields.numEnds)
    return damaged();
  Calibrator result(fields.collectsHistogram);
  result.batchCount = fields.batchCount;
  result.valueCount = fields.valueCount;
  result.batchesPerEnd = fields.batchesPerEnd;
  result.pendingBatches = fields.pendingBatches;
  result.bounds = {float(fields.low), float(fields.high)};
  result.pendingLow = fields.pendingLow;
  result.pendingHigh = fields.pendingHigh;
  result.sum = fields.sum;
  result.sumOfSquares = fields.sumOfSquares;
  result.ends.resize(fields.numEnds);
  std::memcpy(result.ends.data(), bytes.data(), fields.numEnds * sizeof(Range));
  llvm::Expected<Histogram> values =
      Histogram::load(bytes.drop_front(fields.numEnds * sizeof(Range)));
  if (!values)
    return values.takeError();
  for (double value : {fields.low, fields.high, fields.pendingLow,
                       fields.pendingHigh, fields.sum, fields.sumOfSquares})
    if (!std::isfinite(value))
      return damaged();
  if (result.bounds.low > result.bounds.high ||
      (fields.collectsHistogram && values->count() != fields.valueCount))
    return damaged();
  result.values = std::move(*values);
  return result;
}
