//===- SmoothQuant.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/SmoothQuant.h"

#include "lib/Quantize/MatrixProduct.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace ingot::quantize;
using llvm::ArrayRef;

llvm::Expected<std::vector<float>>
ingot::quantize::smoothingFactors(ArrayRef<float> activationMax,
                                  ArrayRef<float> weightMax, double alpha) {
  if (activationMax.size() != weightMax.size())
    return llvm::createStringError(
        llvm::formatv("{0} ranges of activations, {1} of weights",
                      activationMax.size(), weightMax.size()));
  if (!(alpha >= 0 && alpha <= 1))
    return llvm::createStringError(
        llvm::formatv("alpha = {0} is not in [0, 1]", alpha));
  if (llvm::Error error = checkFinite(activationMax))
    return std::move(error);
  if (llvm::Error error = checkFinite(weightMax))
    return std::move(error);
  std::vector<double> logs;
  double sum = 0;
  int64_t used = 0;
  for (auto [activation, weight] : llvm::zip_equal(activationMax, weightMax)) {
    if (activation < 0 || weight < 0)
      return llvm::createStringError("a range is negative");
    bool isUsed = activation > 0 && weight > 0;
    logs.push_back(isUsed ? alpha * std::log(double(activation)) -
                                (1 - alpha) * std::log(double(weight))
                          : std::numeric_limits<double>::quiet_NaN());
    if (!isUsed)
      continue;
    sum += logs.back();
    ++used;
  }
  std::vector<float> factors;
  for (double value : logs) {
    double factor = std::exp(value - sum / double(std::max<int64_t>(used, 1)));
    factors.push_back(std::isnan(value) ? 1.f
                                        : float(std::clamp(factor, 1e-5, 1e5)));
  }
  return factors;
}

/// The outputs [samples, outputs] of weights [outputs, inputs].
static std::vector<float> outputsOf(ArrayRef<float> inputs,
                                    ArrayRef<float> weights, int64_t samples,
                                    const LayerShape &shape) {
  std::vector<float> outputs(samples * shape.outputs, 0.f);
  MatrixView<float> matrix{weights.data(), shape.inputs, 1};
  if (shape.isTransposed)
    matrix = {weights.data(), 1, shape.outputs};
  multiplyAdd(samples, shape.outputs, shape.inputs, 1.f,
              {inputs.data(), shape.inputs, 1}, matrix.transposed(),
              outputs.data(), shape.outputs);
  return outputs;
}

/// The squared error of the outputs when weights and activations are smoothed
/// by the factors and quantized.
static llvm::Expected<double> errorWith(const SmoothingProblem &problem,
                                        ArrayRef<float> factors,
                                        ArrayRef<float> reference) {
  std::vector<float> inputs = problem.inputs.vec();
  std::vector<float> weights = problem.weights.vec();
  for (size_t i = 0; i < inputs.size(); ++i)
    inputs[i] /= factors[i % factors.size()];
  scaleInputs(weights, problem.shape, factors);
  llvm::Expected<QuantParams> params =
      tensorParams(inputs, problem.activationSpec);
  if (!params)
    return params.takeError();
  fakeQuantize(inputs, *params, inputs);
  ChannelView view = problem.shape.outputView();
  llvm::Expected<std::vector<QuantParams>> weightParams =
      channelParams(weights, view, problem.weightSpec);
  if (!weightParams)
    return weightParams.takeError();
  fakeQuantize(weights, GroupedParams{view, 0, *weightParams}, weights);
  std::vector<float> outputs =
      outputsOf(inputs, weights, problem.samples, problem.shape);
  double sum = 0;
  for (auto [a, b] : llvm::zip_equal(outputs, reference))
    sum += (double(a) - b) * (double(a) - b);
  return sum;
}

llvm::Expected<SmoothingChoice>
ingot::quantize::chooseAlpha(const SmoothingProblem &problem) {
  const LayerShape &shape = problem.shape;
  if (llvm::Error error = shape.check(int64_t(problem.weights.size())))
    return std::move(error);
  if (shape.groups != 1 || shape.inner != 1 || problem.samples <= 0 ||
      int64_t(problem.inputs.size()) != problem.samples * shape.inputs)
    return llvm::createStringError(
        llvm::formatv("{0} elements are not {1} samples of {2} inputs",
                      problem.inputs.size(), problem.samples, shape.inputs));
  if (llvm::Error error = checkFinite(problem.inputs))
    return std::move(error);
  if (llvm::Error error = checkFinite(problem.weights))
    return std::move(error);
  std::vector<float> reference =
      outputsOf(problem.inputs, problem.weights, problem.samples, shape);
  double power = 0;
  for (float value : reference)
    power += double(value) * value;
  std::vector<float> activationMax =
      channelAbsMax(problem.inputs, {problem.samples, shape.inputs, 1});
  std::vector<float> weightMax = inputAbsMax(problem.weights, shape);

  SmoothingChoice choice;
  choice.factors.assign(shape.inputs, 1.f);
  llvm::Expected<double> error = errorWith(problem, choice.factors, reference);
  if (!error)
    return error.takeError();
  double least = *error, before = *error;
  for (int tenths = 1; tenths <= 9; ++tenths) {
    llvm::Expected<std::vector<float>> factors =
        smoothingFactors(activationMax, weightMax, tenths / 10.);
    if (!factors)
      return factors.takeError();
    error = errorWith(problem, *factors, reference);
    if (!error)
      return error.takeError();
    if (*error >= least)
      continue;
    least = *error;
    choice.alpha = tenths / 10.;
    choice.isSmoothed = true;
    choice.factors = std::move(*factors);
  }
  choice.errorBefore = power > 0 ? before / power : 0;
  choice.errorAfter = power > 0 ? least / power : 0;
  return choice;
}
