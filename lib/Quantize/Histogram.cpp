//===- Histogram.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Histogram.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <cassert>
#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;

static constexpr int64_t sideBins = Histogram::sideBins;

double Histogram::binWidth() const {
  return hasWidth ? std::ldexp(1., exponent) : 0;
}

/// The smallest exponent of a width with which |x| <= `most` has a bin.
static int exponentFor(double most) {
  int exponent = 0;
  std::frexp(most, &exponent); // most < 2^exponent
  return exponent - int(llvm::Log2_64(sideBins));
}

/// Adds up pairs of bins, `times` times.
static void halve(std::vector<uint64_t> &bins, int times) {
  for (; times > 0 && bins.size() > 1; --times) {
    if (bins.size() % 2)
      bins.push_back(0);
    for (size_t i = 0; i < bins.size() / 2; ++i)
      bins[i] = bins[2 * i] + bins[2 * i + 1];
    bins.resize(bins.size() / 2);
  }
}

void Histogram::widenTo(int newExponent) {
  if (hasWidth && newExponent > exponent) {
    halve(positive, newExponent - exponent);
    halve(negative, newExponent - exponent);
  }
  if (!hasWidth || newExponent > exponent)
    exponent = newExponent;
  hasWidth = true;
}

llvm::Error Histogram::add(ArrayRef<float> values) {
  llvm::Expected<Range> range = rangeOf(values);
  if (!range)
    return range.takeError();
  if (!values.empty())
    count(values, *range);
  return llvm::Error::success();
}

void Histogram::count(ArrayRef<float> values, Range range) {
  bounds = total ? bounds.unite(range) : range;
  total += values.size();
  double most = range.absMax();
  if (most == 0) {
    zeroCount += values.size();
    return;
  }
  widenTo(exponentFor(most));
  // Room for every bin that can be hit; save() and merge() take any length.
  if (range.high > 0)
    positive.resize(sideBins);
  if (range.low < 0)
    negative.resize(sideBins);
  double inverse = std::ldexp(1., -exponent);
  uint64_t zerosHere = 0;
  for (float value : values)
    zerosHere += value == 0;
  // Without branches, as signs are hard to predict; the zeros are taken out of
  // their bin again.
  if (zerosHere)
    positive.resize(sideBins);
  uint64_t *const above = positive.data(), *const below = negative.data();
  for (float value : values)
    ++(value < 0 ? below : above)[size_t(std::fabs(double(value)) * inverse)];
  if (zerosHere)
    positive[0] -= zerosHere;
  zeroCount += zerosHere;
}

void Histogram::merge(const Histogram &other) {
  if (!other.total)
    return;
  bounds = total ? bounds.unite(other.bounds) : other.bounds;
  total += other.total;
  zeroCount += other.zeroCount;
  if (!other.hasWidth)
    return;
  Histogram copy = other;
  int common = hasWidth ? std::max(exponent, copy.exponent) : copy.exponent;
  widenTo(common);
  copy.widenTo(common);
  auto addBins = [](std::vector<uint64_t> &to,
                    const std::vector<uint64_t> &from) {
    to.resize(std::max(to.size(), from.size()));
    for (size_t i = 0; i < from.size(); ++i)
      to[i] += from[i];
  };
  addBins(positive, copy.positive);
  addBins(negative, copy.negative);
}

/// The number of bins up to the last that is not empty.
static size_t usedBins(const std::vector<uint64_t> &bins) {
  size_t used = bins.size();
  while (used > 0 && bins[used - 1] == 0)
    --used;
  return used;
}

std::vector<uint64_t> Histogram::counts() const {
  size_t below = usedBins(negative), above = usedBins(positive);
  std::vector<uint64_t> bins(negative.rend() - below, negative.rend());
  bins.insert(bins.end(), positive.begin(), positive.begin() + above);
  return bins;
}

double Histogram::firstEdge() const {
  return -double(usedBins(negative)) * binWidth();
}

//===----------------------------------------------------------------------===//
// Saving
//===----------------------------------------------------------------------===//

static constexpr llvm::StringRef magic = "ingot-histogram1";

static void put(std::string &bytes, uint64_t value) {
  char word[8];
  llvm::support::endian::write64le(word, value);
  bytes.append(word, 8);
}

static void put(std::string &bytes, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  put(bytes, uint64_t(bits));
}

static uint64_t takeInteger(llvm::StringRef &bytes) {
  uint64_t value = llvm::support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(8);
  return value;
}

static float takeFloat(llvm::StringRef &bytes) {
  auto bits = uint32_t(takeInteger(bytes));
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

std::string Histogram::save() const {
  std::string bytes = magic.str();
  size_t below = usedBins(negative), above = usedBins(positive);
  put(bytes, total);
  put(bytes, zeroCount);
  put(bytes, extremes().low);
  put(bytes, extremes().high);
  put(bytes, uint64_t(hasWidth));
  put(bytes, uint64_t(int64_t(hasWidth ? exponent : 0)));
  put(bytes, uint64_t(below));
  put(bytes, uint64_t(above));
  for (size_t i = 0; i < below; ++i)
    put(bytes, negative[i]);
  for (size_t i = 0; i < above; ++i)
    put(bytes, positive[i]);
  return bytes;
}

llvm::Expected<Histogram> Histogram::load(llvm::StringRef bytes) {
  auto damaged = [] {
    return llvm::createStringError("the saved histogram is damaged");
  };
  constexpr size_t fields = 8 * 8;
  if (!bytes.consume_front(magic) || bytes.size() < fields)
    return damaged();
  Histogram result;
  result.total = takeInteger(bytes);
  result.zeroCount = takeInteger(bytes);
  result.bounds.low = takeFloat(bytes);
  result.bounds.high = takeFloat(bytes);
  uint64_t width = takeInteger(bytes);
  auto exponent = int64_t(takeInteger(bytes));
  uint64_t below = takeInteger(bytes), above = takeInteger(bytes);
  Range bounds = result.bounds;
  if (width > 1 || std::abs(exponent) > 300 || below > uint64_t(sideBins) ||
      above > uint64_t(sideBins) || bytes.size() != 8 * (below + above) ||
      (!width && below + above) || !std::isfinite(bounds.low) ||
      !std::isfinite(bounds.high) || bounds.low > bounds.high)
    return damaged();
  result.hasWidth = width;
  result.exponent = int(exponent);
  uint64_t sum = result.zeroCount;
  for (auto [bins, count] :
       {std::pair(&result.negative, below), std::pair(&result.positive, above)})
    for (uint64_t i = 0; i < count; ++i) {
      bins->push_back(takeInteger(bytes));
      sum += bins->back();
    }
  if (sum != result.total)
    return damaged();
  return result;
}
