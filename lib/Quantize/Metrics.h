//===- Metrics.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What quantization lost, and how small data would compress.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_METRICS_H
#define INGOT_LIB_QUANTIZE_METRICS_H

#include "lib/Quantize/QuantParams.h"

namespace ingot::quantize {

/// Differences of a tensor from its reference over any number of batches.
class ErrorMeter {
public:
  /// Error: sizes that differ.
  llvm::Error add(llvm::ArrayRef<float> reference, llvm::ArrayRef<float> test);

  /// 10 log10(sum of reference^2 / sum of differences^2): infinite without any
  /// difference, -infinite if the reference is zero and the test is not, or a
  /// value of the test is not finite where the reference's is.
  double sqnrDb() const;
  /// Of the two as vectors; 1 if both are zero, 0 if one is.
  double cosine() const;
  double maxError() const { return largest; }
  double meanError() const;
  double meanSquaredError() const;
  /// Sum of squares of the reference and of the differences.
  double signalPower() const { return signal; }
  double noisePower() const { return noise; }
  uint64_t count() const { return total; }
  /// Positions where exactly one of the two is finite, or both are not and
  /// differ; they count in nothing else.
  uint64_t broken() const { return brokenCount; }

private:
  double signal = 0, noise = 0, dot = 0, testPower = 0, sum = 0, largest = 0;
  uint64_t total = 0, brokenCount = 0;
};

/// How often the answers of a classifier agree. `k` largest scores of a row of
/// `classes`; of equal scores the earlier class is taken, NaN is the smallest.
class TopAgreement {
public:
  explicit TopAgreement(int64_t classes, int64_t k = 5)
      : classes(classes), k(k) {}

  /// Rows of scores. Error: sizes that differ or are no multiple of classes.
  llvm::Error add(llvm::ArrayRef<float> reference, llvm::ArrayRef<float> test);
  /// Rows of scores against labels. Error as above, or a label out of range.
  llvm::Error addLabels(llvm::ArrayRef<float> test,
                        llvm::ArrayRef<int64_t> labels);

  /// Fraction of rows whose first class is the reference's first (or the
  /// label); 1 without rows.
  double top1() const { return rows ? double(first) / double(rows) : 1; }
  /// Fraction of rows whose k largest have the reference's first (or the
  /// label).
  double topK() const { return rows ? double(among) / double(rows) : 1; }
  uint64_t count() const { return rows; }

private:
  int64_t classes, k;
  uint64_t rows = 0, first = 0, among = 0;
};

/// Shannon entropy in bits per symbol of those counts; 0 for none.
double entropyBits(llvm::ArrayRef<uint64_t> counts);

/// Bits that an ideal order-0 entropy coder needs for an element, coding each
/// byte of the element with statistics of its own. `elementBits` is 4 (packed,
/// first element in the low bits; `count` of them), 8, 16, 32 or 64.
double entropyPerElement(llvm::ArrayRef<char> bytes, unsigned elementBits,
                         int64_t count);

/// The same of integers that are in the type's range.
double entropyPerElement(llvm::ArrayRef<int32_t> values, QuantType type);

/// Fraction of elements that are 0; 0 for none.
double sparsity(llvm::ArrayRef<float> values);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_METRICS_H
