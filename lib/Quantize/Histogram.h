//===- Histogram.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A streaming histogram of bounded memory.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_HISTOGRAM_H
#define INGOT_LIB_QUANTIZE_HISTOGRAM_H

#include "lib/Quantize/QuantParams.h"

#include <string>

namespace ingot::quantize {

/// Counts values in bins of equal width, which is a power of two, with a bin's
/// edge at 0. When a value is too large, the width is doubled and pairs of bins
/// are added up. So the result depends on the values alone, not on their order
/// or on how they came in batches, and merging two histograms gives exactly the
/// one of all values. Zeros are counted apart: they have no quantization error,
/// and after Relu they would outweigh everything. At most 64 KiB.
class Histogram {
public:
  /// Bins on each side of 0. At least half of the larger side is in use.
  static constexpr int64_t sideBins = 4096;

  /// Counts a batch. Error, with nothing counted: NaN or infinity.
  llvm::Error add(llvm::ArrayRef<float> values);
  void merge(const Histogram &other);

  /// Number of values in all, and of those that are 0.
  uint64_t count() const { return total; }
  uint64_t zeros() const { return zeroCount; }
  /// Exact extremes; {0, 0} without values.
  Range extremes() const { return total ? bounds : Range(); }
  /// 0 while there is no value but 0.
  double binWidth() const;

  /// The bins in use, ascending: bin i holds counts()[i] values of
  /// [edge(i), edge(i + 1)).
  std::vector<uint64_t> counts() const;
  /// Where the first of counts() begins; a multiple of binWidth(), at most 0.
  double firstEdge() const;

  /// Bytes that load() reads back; the same for equal histograms.
  std::string save() const;
  /// Error: bytes that save() did not write.
  static llvm::Expected<Histogram> load(llvm::StringRef bytes);

  bool operator==(const Histogram &other) const {
    return save() == other.save();
  }

private:
  friend class Calibrator;
  /// Counts finite values, of which `range` are the extremes.
  void count(llvm::ArrayRef<float> values, Range range);
  void widenTo(int newExponent);

  /// Width = 2^exponent, once there is a value other than 0.
  int exponent = 0;
  bool hasWidth = false;
  uint64_t total = 0, zeroCount = 0;
  Range bounds;
  /// Bin i of `positive`: [i, i + 1) * width; of `negative`: (-i - 1, -i].
  std::vector<uint64_t> positive, negative;
};

/// Smallest range that leaves out at most a fraction (100 - percentile) / 100
/// of the values in all: symmetric of |x|, else half of it at each end, or all
/// of it at one end if there are no values on the other side of 0. Within one
/// bin's width of the exact order statistic, never beyond the extremes.
Range percentileRange(const Histogram &histogram, double percentile,
                      const QuantSpec &spec);

/// The range whose quantized distribution diverges least from the true one, by
/// Kullback-Leibler ("8-bit inference with TensorRT", S. Migacz, GTC 2017),
/// with what implementations had to repair: zeros are left out; the clipped
/// tails count in the true distribution only, not in the one it is compared
/// with, and that one is smoothed, as nothing may be impossible in it;
/// one-sided data uses all levels of an asymmetric type for its side; of
/// two-sided data of an asymmetric type the ends are moved in turn. With fewer
/// bins in use than levels, as for 16 bits, nothing is clipped.
Range entropyRange(const Histogram &histogram, const QuantSpec &spec);

/// The range of the smallest mean squared quantization error, rounding and
/// clipping together (Banner et al., "Post training 4-bit quantization of
/// convolutional networks for rapid-deployment", 2019, here for the measured
/// distribution). The error is integrated exactly for a density that is
/// constant in each bin; the ends are searched from coarse to fine.
Range mseRange(const Histogram &histogram, const QuantSpec &spec);

/// Expected squared error of an element for those parameters.
double meanSquaredError(const Histogram &histogram, const QuantParams &params);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_HISTOGRAM_H
