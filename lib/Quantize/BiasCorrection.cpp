//===- BiasCorrection.cpp ------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/BiasCorrection.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;

/// An error unless batches of `elements` in that view can be added to `sums`,
/// which are set up for the first batch.
static llvm::Error prepare(std::vector<double> &sums, size_t elements,
                           ChannelView view) {
  if (int64_t(elements) != view.size())
    return llvm::createStringError(
        llvm::formatv("{0} elements for {1} x {2} x {3}", elements, view.outer,
                      view.channels, view.inner));
  if (sums.empty())
    sums.resize(view.channels, 0.);
  if (int64_t(sums.size()) == view.channels)
    return llvm::Error::success();
  return llvm::createStringError(llvm::formatv(
      "{0} channels after batches of {1}", view.channels, sums.size()));
}

/// Adds term(i) of each element i to its channel's sum.
template <typename Term>
static void addToChannels(std::vector<double> &sums, ChannelView view,
                          Term term) {
  size_t i = 0;
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t channel = 0; channel < view.channels; ++channel)
      for (int64_t inner = 0; inner < view.inner; ++inner)
        sums[channel] += term(i++);
}

static std::vector<float> divide(ArrayRef<double> sums, uint64_t count) {
  std::vector<float> means;
  for (double sum : sums)
    means.push_back(count ? float(sum / double(count)) : 0.f);
  return means;
}

llvm::Error ChannelShift::add(ArrayRef<float> reference,
                              ArrayRef<float> quantized, ChannelView view) {
  if (reference.size() != quantized.size())
    return llvm::createStringError(
        llvm::formatv("{0} elements of the reference, {1} of the quantized "
                      "model",
                      reference.size(), quantized.size()));
  if (llvm::Error error = checkFinite(reference))
    return error;
  if (llvm::Error error = checkFinite(quantized))
    return error;
  if (llvm::Error error = prepare(sums, reference.size(), view))
    return error;
  addToChannels(sums, view, [&](size_t i) {
    return double(reference[i]) - double(quantized[i]);
  });
  count += uint64_t(view.outer * view.inner);
  return llvm::Error::success();
}

std::vector<float> ChannelShift::correction() const {
  return divide(sums, count);
}

llvm::Error ChannelMean::add(ArrayRef<float> values, ChannelView view) {
  if (llvm::Error error = checkFinite(values))
    return error;
  if (llvm::Error error = prepare(sums, values.size(), view))
    return error;
  addToChannels(sums, view, [&](size_t i) { return double(values[i]); });
  count += uint64_t(view.outer * view.inner);
  return llvm::Error::success();
}

std::vector<float> ChannelMean::means() const { return divide(sums, count); }

llvm::Expected<std::vector<float>> ingot::quantize::analyticCorrection(
    ArrayRef<float> weights, ArrayRef<float> quantized, const LayerShape &shape,
    ArrayRef<float> inputMeans) {
  if (llvm::Error error = shape.check(int64_t(weights.size())))
    return std::move(error);
  if (quantized.size() != weights.size() ||
      int64_t(inputMeans.size()) != shape.inputs)
    return llvm::createStringError(llvm::formatv(
        "{0} weights, {1} quantized ones, {2} means for {3} inputs",
        weights.size(), quantized.size(), inputMeans.size(), shape.inputs));
  std::vector<float> correction;
  for (int64_t output = 0; output < shape.outputs; ++output) {
    int64_t begin = output / shape.outputsPerGroup() * shape.inputsPerGroup();
    double sum = 0;
    for (int64_t i = begin; i < begin + shape.inputsPerGroup(); ++i) {
      int64_t offset = shape.offset(output, i);
      for (int64_t k = offset; k < offset + shape.inner; ++k)
        sum += (double(weights[k]) - double(quantized[k])) * inputMeans[i];
    }
    correction.push_back(float(sum));
  }
  return correction;
}

/// Density and distribution of the standard normal variable.
static double density(double x) {
  return std::isinf(x) ? 0 : std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
}
static double distribution(double x) {
  return std::erfc(-x / std::sqrt(2.)) / 2;
}

double ingot::quantize::clippedNormalMean(double mean, double deviation,
                                          double low, double high) {
  if (!(deviation > 0))
    return std::min(std::max(mean, low), high);
  double a = (low - mean) / deviation, b = (high - mean) / deviation;
  double sum = mean * (distribution(b) - distribution(a)) +
               deviation * (density(a) - density(b));
  // An infinite end has no mass of its own.
  if (std::isfinite(low))
    sum += low * distribution(a);
  if (std::isfinite(high))
    sum += high * distribution(-b);
  return sum;
}
