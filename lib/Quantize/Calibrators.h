//===- Calibrators.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The range of an activation from batches of its values.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_CALIBRATORS_H
#define INGOT_LIB_QUANTIZE_CALIBRATORS_H

#include "lib/Quantize/Histogram.h"

namespace ingot::quantize {

enum class CalibrationMethod : uint8_t {
  MinMax,
  MovingAverage,
  Percentile,
  Entropy,
  Mse
};

/// "minmax", "moving-average", "percentile", "entropy", "mse"; and back.
llvm::StringRef calibrationName(CalibrationMethod method);
std::optional<CalibrationMethod> parseCalibration(llvm::StringRef name);

struct CalibrationOptions {
  CalibrationMethod method = CalibrationMethod::MinMax;
  /// What the range is for; the searching methods need it.
  QuantSpec spec;
  /// Percent of the values inside the range.
  double percentile = 99.99;
  /// MovingAverage: range = (1 - alpha) * range + alpha * batch's range.
  double alpha = 0.01;
};

/// Collects one activation. Memory does not grow with the data. All statistics
/// are collected whatever the method, so that one run over the data serves for
/// trying several; `collectsHistogram` false leaves the histogram out, for the
/// methods MinMax and MovingAverage.
class Calibrator {
public:
  explicit Calibrator(bool collectsHistogram = true)
      : collectsHistogram(collectsHistogram) {}

  /// Counts a batch. Error, with nothing counted: NaN or infinity.
  llvm::Error add(llvm::ArrayRef<float> batch);
  /// Adds what another has collected, as if its batches came after.
  /// Error: only one of them has a histogram.
  llvm::Error merge(const Calibrator &other);

  /// Before the first value: {0, 0}. Error: a method that needs a histogram
  /// without one, percentile or alpha out of (0, 100], (0, 1].
  llvm::Expected<Range> range(const CalibrationOptions &options) const;

  uint64_t batches() const { return batchCount; }
  uint64_t count() const { return valueCount; }
  Range extremes() const { return valueCount ? bounds : Range(); }
  /// Mean and variance of all values.
  double mean() const;
  double variance() const;
  const Histogram &histogram() const { return values; }

  /// For resuming: bytes that load() reads back. Error: other bytes.
  std::string save() const;
  static llvm::Expected<Calibrator> load(llvm::StringRef bytes);

private:
  void appendEnds(Range range);
  Range movingAverage(double alpha) const;

  bool collectsHistogram = true;
  uint64_t batchCount = 0, valueCount = 0;
  Range bounds;
  /// The moving average needs the ends of the batches in turn: when there are
  /// `maxEnds`, pairs are averaged, so it is exact for that many batches.
  static constexpr size_t maxEnds = 1024;
  uint64_t batchesPerEnd = 1, pendingBatches = 0;
  std::vector<Range> ends;
  double pendingLow = 0, pendingHigh = 0, sum = 0, sumOfSquares = 0;
  Histogram values;
};

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_CALIBRATORS_H
