//===- Metrics.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Metrics.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace ingot::quantize;
using llvm::ArrayRef;

static constexpr double infinity = std::numeric_limits<double>::infinity();

static llvm::Error sizesDiffer(size_t reference, size_t test) {
  return llvm::createStringError(llvm::formatv(
      "{0} elements of the reference, {1} to compare", reference, test));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

llvm::Error ErrorMeter::add(ArrayRef<float> reference, ArrayRef<float> test) {
  if (reference.size() != test.size())
    return sizesDiffer(reference.size(), test.size());
  total += reference.size();
  for (auto [first, second] : llvm::zip_equal(reference, test)) {
    auto a = double(first), b = double(second);
    if (!std::isfinite(a) || !std::isfinite(b)) {
      brokenCount += !(a == b || (std::isnan(a) && std::isnan(b)));
      continue;
    }
    double difference = a - b;
    signal += a * a;
    testPower += b * b;
    dot += a * b;
    noise += difference * difference;
    sum += std::fabs(difference);
    largest = std::max(largest, std::fabs(difference));
  }
  return llvm::Error::success();
}

double ErrorMeter::sqnrDb() const {
  if (brokenCount)
    return -infinity;
  if (noise == 0)
    return infinity;
  return 10 * std::log10(signal / noise);
}

double ErrorMeter::cosine() const {
  if (signal == 0 || testPower == 0)
    return signal == testPower ? 1 : 0;
  return dot / std::sqrt(signal) / std::sqrt(testPower);
}

double ErrorMeter::meanError() const { return total ? sum / double(total) : 0; }

double ErrorMeter::meanSquaredError() const {
  return total ? noise / double(total) : 0;
}

//===----------------------------------------------------------------------===//
// Classes
//===----------------------------------------------------------------------===//

/// How many classes of a row come before class `index`.
static int64_t rankOf(ArrayRef<float> row, int64_t index) {
  auto key = [&](int64_t i) {
    return std::isnan(row[i]) ? -std::numeric_limits<float>::infinity()
                              : row[i];
  };
  int64_t rank = 0;
  for (int64_t i = 0; i < int64_t(row.size()); ++i)
    rank += key(i) > key(index) || (key(i) == key(index) && i < index);
  return rank;
}

static int64_t firstClass(ArrayRef<float> row) {
  int64_t best = 0;
  for (int64_t i = 1; i < int64_t(row.size()); ++i)
    if (row[i] > row[best] || (std::isnan(row[best]) && !std::isnan(row[i])))
      best = i;
  return best;
}

llvm::Error TopAgreement::add(ArrayRef<float> reference, ArrayRef<float> test) {
  if (reference.size() != test.size())
    return sizesDiffer(reference.size(), test.size());
  if (classes <= 0 || int64_t(reference.size()) % classes)
    return llvm::createStringError(llvm::formatv(
        "{0} scores are no rows of {1} classes", reference.size(), classes));
  std::vector<int64_t> labels;
  for (size_t i = 0; i < reference.size(); i += classes)
    labels.push_back(firstClass(reference.slice(i, classes)));
  return addLabels(test, labels);
}

llvm::Error TopAgreement::addLabels(ArrayRef<float> test,
                                    ArrayRef<int64_t> labels) {
  if (classes <= 0 || test.size() != labels.size() * size_t(classes))
    return llvm::createStringError(
        llvm::formatv("{0} scores of {1} classes for {2} labels", test.size(),
                      classes, labels.size()));
  for (int64_t label : labels)
    if (label < 0 || label >= classes)
      return llvm::createStringError(llvm::formatv(
          "the label {0} is none of {1} classes", label, classes));
  for (auto [row, label] : llvm::enumerate(labels)) {
    int64_t rank = rankOf(test.slice(row * classes, classes), label);
    first += rank == 0;
    among += rank < k;
  }
  rows += labels.size();
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

double ingot::quantize::entropyBits(ArrayRef<uint64_t> counts) {
  double total = 0, sum = 0;
  for (uint64_t count : counts) {
    total += double(count);
    if (count)
      sum += double(count) * std::log2(double(count));
  }
  // Of one symbol, the difference is rounding.
  return total > 0 ? std::max(0., std::log2(total) - sum / total) : 0;
}

double ingot::quantize::entropyPerElement(ArrayRef<char> bytes,
                                          unsigned elementBits, int64_t count) {
  if (elementBits == 4) {
    std::array<uint64_t, 16> counts{};
    for (int64_t i = 0; i < count; ++i)
      ++counts[uint8_t(bytes[i / 2]) >> (i % 2 * 4) & 15];
    return entropyBits(counts);
  }
  double bits = 0;
  size_t width = elementBits / 8;
  for (size_t plane = 0; plane < width; ++plane) {
    std::array<uint64_t, 256> counts{};
    for (int64_t i = 0; i < count; ++i)
      ++counts[uint8_t(bytes[size_t(i) * width + plane])];
    bits += entropyBits(counts);
  }
  return bits;
}

double ingot::quantize::entropyPerElement(ArrayRef<int32_t> values,
                                          QuantType type) {
  return entropyPerElement(packElements(values, type), bitWidth(type),
                           int64_t(values.size()));
}

double ingot::quantize::sparsity(ArrayRef<float> values) {
  return values.empty()
             ? 0
             : double(llvm::count(values, 0.f)) / double(values.size());
}
