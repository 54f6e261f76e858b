//===- Equalize.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Equalize.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;

/// A factor within the limits, a power of two if wanted; 1 if it is no factor.
static float limited(double factor, const EqualizationOptions &options) {
  if (!(factor > 0) || !std::isfinite(factor))
    return 1;
  double limit = options.limit;
  if (options.usePowersOfTwo) {
    factor = std::exp2(std::nearbyint(std::log2(factor)));
    limit = std::exp2(std::floor(std::log2(limit)));
  }
  return float(std::clamp(factor, 1 / limit, limit));
}

static llvm::Error checkLayer(const EqualizedLayer &layer) {
  if (llvm::Error error = layer.shape.check(int64_t(layer.weights.size())))
    return error;
  if (!layer.bias.empty() && int64_t(layer.bias.size()) != layer.shape.outputs)
    return llvm::createStringError(
        llvm::formatv("a bias of {0} elements for {1} outputs",
                      layer.bias.size(), layer.shape.outputs));
  if (llvm::Error error = checkFinite(layer.weights))
    return error;
  return checkFinite(layer.bias);
}

static llvm::Error checkPair(const EqualizedLayer &first,
                             const EqualizedLayer &second) {
  if (llvm::Error error = checkLayer(first))
    return error;
  if (llvm::Error error = checkLayer(second))
    return error;
  if (first.shape.outputs == second.shape.inputs)
    return llvm::Error::success();
  return llvm::createStringError(
      llvm::formatv("the first layer has {0} outputs, the second {1} inputs",
                    first.shape.outputs, second.shape.inputs));
}

/// Divides the layer's outputs by the factors.
static void divideOutputs(EqualizedLayer &layer, ArrayRef<float> factors) {
  std::vector<float> inverse;
  for (float factor : factors)
    inverse.push_back(1 / factor);
  scaleOutputs(layer.weights, layer.shape, inverse);
  for (size_t i = 0; i < layer.bias.size(); ++i)
    layer.bias[i] *= inverse[i];
}

static std::vector<float> outputAbsMax(const EqualizedLayer &layer) {
  return channelAbsMax(layer.weights, layer.shape.outputView());
}

llvm::Expected<std::vector<float>>
ingot::quantize::equalizationFactors(ArrayRef<float> firstRanges,
                                     ArrayRef<float> secondRanges,
                                     const EqualizationOptions &options) {
  if (firstRanges.size() != secondRanges.size())
    return llvm::createStringError(
        llvm::formatv("{0} ranges of the first layer, {1} of the second",
                      firstRanges.size(), secondRanges.size()));
  if (llvm::Error error = checkFinite(firstRanges))
    return std::move(error);
  if (llvm::Error error = checkFinite(secondRanges))
    return std::move(error);
  std::vector<float> factors;
  for (auto [first, second] : llvm::zip_equal(firstRanges, secondRanges))
    factors.push_back(limited(std::sqrt(double(first) / second), options));
  return factors;
}

llvm::Expected<std::vector<float>>
ingot::quantize::equalizePair(EqualizedLayer first, EqualizedLayer second,
                              const EqualizationOptions &options) {
  if (llvm::Error error = checkPair(first, second))
    return std::move(error);
  llvm::Expected<std::vector<float>> factors = equalizationFactors(
      outputAbsMax(first), inputAbsMax(second.weights, second.shape), options);
  if (!factors)
    return factors;
  divideOutputs(first, *factors);
  scaleInputs(second.weights, second.shape, *factors);
  return factors;
}

llvm::Expected<TripleFactors>
ingot::quantize::equalizeTriple(EqualizedLayer first, EqualizedLayer depthwise,
                                EqualizedLayer third,
                                const EqualizationOptions &options) {
  if (llvm::Error error = checkPair(first, depthwise))
    return std::move(error);
  if (llvm::Error error = checkPair(depthwise, third))
    return std::move(error);
  const LayerShape &shape = depthwise.shape;
  if (shape.groups != shape.inputs || shape.groups != shape.outputs)
    return llvm::createStringError(llvm::formatv(
        "the middle layer has {0} groups for {1} inputs and {2} outputs: it is "
        "not depthwise with one filter for each channel",
        shape.groups, shape.inputs, shape.outputs));
  std::vector<float> a = outputAbsMax(first), b = outputAbsMax(depthwise);
  std::vector<float> c = inputAbsMax(third.weights, third.shape);
  TripleFactors factors;
  for (size_t i = 0; i < a.size(); ++i) {
    double mean = std::cbrt(double(a[i]) * b[i] * c[i]);
    bool isUsed = mean > 0;
    factors.first.push_back(isUsed ? limited(a[i] / mean, options) : 1);
    factors.second.push_back(isUsed ? limited(mean / c[i], options) : 1);
  }
  divideOutputs(first, factors.first);
  scaleInputs(depthwise.weights, shape, factors.first);
  divideOutputs(depthwise, factors.second);
  scaleInputs(third.weights, third.shape, factors.second);
  return factors;
}

double ingot::quantize::equalizationChange(ArrayRef<float> factors) {
  double most = 0;
  for (float factor : factors)
    most = std::max(most, std::fabs(std::log2(double(factor))));
  return most;
}

llvm::Expected<std::vector<float>>
ingot::quantize::absorbHighBias(EqualizedLayer first, EqualizedLayer second,
                                ArrayRef<float> lows) {
  if (llvm::Error error = checkPair(first, second))
    return std::move(error);
  if (llvm::Error error = checkFinite(lows))
    return std::move(error);
  if (first.bias.empty() || second.bias.empty())
    return llvm::createStringError("a layer has no bias");
  const LayerShape &shape = second.shape;
  if (int64_t(lows.size()) != shape.inputs)
    return llvm::createStringError(llvm::formatv(
        "{0} smallest values for {1} channels", lows.size(), shape.inputs));
  std::vector<float> absorbed;
  for (auto [i, low] : llvm::enumerate(lows)) {
    absorbed.push_back(std::max(low, 0.f));
    first.bias[i] -= absorbed.back();
  }
  for (int64_t output = 0; output < shape.outputs; ++output) {
    int64_t begin = output / shape.outputsPerGroup() * shape.inputsPerGroup();
    double sum = 0;
    for (int64_t i = begin; i < begin + shape.inputsPerGroup(); ++i)
      for (int64_t k = 0; k < shape.inner; ++k)
        sum +=
            double(second.weights[shape.offset(output, i) + k]) * absorbed[i];
    second.bias[output] = float(second.bias[output] + sum);
  }
  return absorbed;
}
