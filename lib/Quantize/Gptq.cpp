//===- Gptq.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Gptq.h"

#include "lib/Quantize/MatrixProduct.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <numeric>

using namespace ingot::quantize;
using llvm::ArrayRef;

//===----------------------------------------------------------------------===//
// Second moments
//===----------------------------------------------------------------------===//

SecondMoments::SecondMoments(int64_t inputs)
    : size(inputs), sums(inputs * inputs, 0.) {}

llvm::Error SecondMoments::add(ArrayRef<float> rows) {
  if (size <= 0 || int64_t(rows.size()) % size)
    return llvm::createStringError(llvm::formatv(
        "{0} elements are no rows of {1} inputs", rows.size(), size));
  if (llvm::Error error = checkFinite(rows))
    return error;
  // Blocks of the lower triangle; some rows at a time in single precision.
  constexpr int64_t side = 384, depth = 256;
  std::vector<float> block(side * side);
  int64_t numRows = int64_t(rows.size()) / size;
  for (int64_t row = 0; row < numRows; row += depth) {
    int64_t deep = std::min(depth, numRows - row);
    MatrixView<float> samples{rows.data() + row * size, size, 1};
    for (int64_t i = 0; i < size; i += side)
      for (int64_t j = 0; j <= i; j += side) {
        int64_t high = std::min(side, size - i),
                wide = std::min(side, size - j);
        std::fill(block.begin(), block.end(), 0.f);
        multiplyAdd(high, wide, deep, 1.f, samples.at(0, i).transposed(),
                    samples.at(0, j), block.data(), side);
        for (int64_t y = 0; y < high; ++y)
          for (int64_t x = 0; x < wide; ++x)
            sums[(i + y) * size + j + x] += double(block[y * side + x]);
      }
  }
  count += uint64_t(numRows);
  return llvm::Error::success();
}

std::vector<double> SecondMoments::mean() const {
  std::vector<double> matrix(sums.size(), 0.);
  for (int64_t i = 0; i < size && count; ++i)
    for (int64_t j = 0; j <= i; ++j)
      matrix[i * size + j] = matrix[j * size + i] =
          sums[i * size + j] / double(count);
  return matrix;
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

namespace {
/// The work on one layer. Columns, the inputs, are in the order in which they
/// are rounded.
class Rounding {
public:
  Rounding(const GptqProblem &problem, const GptqOptions &options,
           std::vector<double> moments)
      : options(options), numInputs(problem.numInputs),
        numOutputs(problem.numOutputs), groupSize(problem.groupSize),
        moments(std::move(moments)) {
    result.params = problem.params.vec();
    block = std::max<int64_t>(options.block, 1);
    // A group is fitted when all of its weights are up to date.
    if (options.refitGroups && groupSize > 0)
      block = (block + groupSize - 1) / groupSize * groupSize;
    order.resize(numInputs);
    std::iota(order.begin(), order.end(), 0);
    if (options.actOrder)
      llvm::sort(order, [&](int64_t a, int64_t b) {
        return std::pair(-moment(a, a), a) < std::pair(-moment(b, b), b);
      });
    weights.reserve(problem.weights.size());
    for (int64_t o = 0; o < numOutputs; ++o)
      for (int64_t input : order)
        weights.push_back(problem.weights[o * numInputs + input]);
    original = weights;
    rounded.resize(weights.size());
  }

  llvm::Expected<GptqResult> run() {
    std::vector<float> nearest = roundToNearest();
    if (llvm::Error error = factor())
      return std::move(error);
    for (int64_t begin = 0; begin < numInputs; begin += block)
      if (llvm::Error error =
              roundBlock(begin, std::min(block, numInputs - begin)))
        return std::move(error);
    takeBetter(nearest);
    result.values.resize(rounded.size());
    for (int64_t o = 0; o < numOutputs; ++o)
      for (int64_t i = 0; i < numInputs; ++i)
        result.values[o * numInputs + order[i]] = rounded[o * numInputs + i];
    return std::move(result);
  }

private:
  double moment(int64_t i, int64_t j) const {
    return moments[i * numInputs + j];
  }
  QuantParams &paramsAt(int64_t output, int64_t column) {
    if (groupSize == 0)
      return result.params[output];
    int64_t groups = (numInputs + groupSize - 1) / groupSize;
    return result.params[output * groups + order[column] / groupSize];
  }

  /// Rounds the weights as given; returns them dequantized.
  std::vector<float> roundToNearest() {
    std::vector<float> nearest(weights.size());
    for (int64_t o = 0; o < numOutputs; ++o)
      for (int64_t i = 0; i < numInputs; ++i) {
        int64_t at = o * numInputs + i;
        rounded[at] = quantizeValue(weights[at], paramsAt(o, i));
        nearest[at] = dequantizeValue(rounded[at], paramsAt(o, i));
      }
    return nearest;
  }

  /// The factor of the inverse of the damped second moments.
  llvm::Error factor() {
    double mean = 0;
    for (int64_t i = 0; i < numInputs; ++i)
      mean += moment(i, i) / double(numInputs);
    inverse.resize(weights.empty() ? 0 : numInputs * numInputs);
    for (double damping = options.damping; damping < 1e3;
         damping = std::max(damping * 10, 1e-6)) {
      std::vector<double> matrix(numInputs * numInputs);
      for (int64_t i = 0; i < numInputs; ++i) {
        for (int64_t j = 0; j <= i; ++j)
          matrix[i * numInputs + j] = moment(order[i], order[j]);
        double &diagonal = matrix[i * numInputs + i];
        // An input that is always 0 has nothing to do with the others.
        diagonal = diagonal > 0 ? diagonal + damping * mean : 1;
      }
      if (!factorInverse(matrix.data(), numInputs))
        continue;
      std::copy(matrix.begin(), matrix.end(), inverse.begin());
      return llvm::Error::success();
    }
    return llvm::createStringError(
        "the second moments of the inputs have no inverse");
  }

  /// Rounds `width` columns, and moves the weights after them.
  llvm::Error roundBlock(int64_t begin, int64_t width) {
    std::vector<float> errors(numOutputs * width);
    for (int64_t i = begin; i < begin + width; ++i) {
      if (options.refitGroups && groupSize > 0 && i % groupSize == 0)
        if (llvm::Error error = refit(i))
          return error;
      const float *factors = inverse.data() + i * numInputs;
      for (int64_t o = 0; o < numOutputs; ++o) {
        const QuantParams &params = paramsAt(o, i);
        float *row = weights.data() + o * numInputs;
        int32_t value = quantizeValue(row[i], params);
        float error = (row[i] - dequantizeValue(value, params)) / factors[i];
        rounded[o * numInputs + i] = value;
        errors[o * width + i - begin] = error;
        for (int64_t j = i + 1; j < begin + width; ++j)
          row[j] -= error * factors[j];
      }
    }
    int64_t end = begin + width;
    multiplyAdd(numOutputs, numInputs - end, width, -1.f,
                {errors.data(), width, 1},
                {inverse.data() + begin * numInputs + end, numInputs, 1},
                weights.data() + end, numInputs);
    return llvm::Error::success();
  }

  /// Chooses the scales of the group that begins at a column.
  llvm::Error refit(int64_t begin) {
    int64_t width = std::min(groupSize, numInputs - begin);
    for (int64_t o = 0; o < numOutputs; ++o) {
      llvm::Expected<QuantParams> params =
          tensorParams(ArrayRef(weights).slice(o * numInputs + begin, width),
                       options.spec, options.weightRange);
      if (!params)
        return params.takeError();
      paramsAt(o, begin) = *params;
    }
    return llvm::Error::success();
  }

  /// d^T M d of each output for dequantized weights.
  std::vector<double> errorsOf(ArrayRef<float> dequantized) const {
    std::vector<float> differences(dequantized.size());
    std::vector<float> matrix(numInputs * numInputs);
    for (size_t i = 0; i < differences.size(); ++i)
      differences[i] = dequantized[i] - original[i];
    for (int64_t i = 0; i < numInputs; ++i)
      for (int64_t j = 0; j < numInputs; ++j)
        matrix[i * numInputs + j] = float(moment(order[i], order[j]));
    std::vector<float> products(differences.size(), 0.f);
    multiplyAdd(numOutputs, numInputs, numInputs, 1.f,
                {differences.data(), numInputs, 1},
                {matrix.data(), numInputs, 1}, products.data(), numInputs);
    std::vector<double> errors;
    for (int64_t o = 0; o < numOutputs; ++o) {
      double sum = 0;
      for (int64_t i = o * numInputs; i < (o + 1) * numInputs; ++i)
        sum += double(differences[i]) * products[i];
      errors.push_back(std::max(sum, 0.));
    }
    return errors;
  }

  /// Goes back to nearest for each output that came out worse.
  void takeBetter(ArrayRef<float> nearest) {
    std::vector<float> found(rounded.size());
    for (int64_t o = 0; o < numOutputs; ++o)
      for (int64_t i = 0; i < numInputs; ++i)
        found[o * numInputs + i] =
            dequantizeValue(rounded[o * numInputs + i], paramsAt(o, i));
    std::vector<double> before = errorsOf(nearest), after = errorsOf(found);
    for (int64_t o = 0; o < numOutputs; ++o) {
      result.errorNearest += before[o];
      if (after[o] <= before[o] || options.refitGroups) {
        result.errorRounded += after[o];
        continue;
      }
      result.errorRounded += before[o];
      for (int64_t i = 0; i < numInputs; ++i)
        rounded[o * numInputs + i] =
            quantizeValue(original[o * numInputs + i], paramsAt(o, i));
    }
  }

  const GptqOptions &options;
  int64_t numInputs, numOutputs, groupSize, block;
  std::vector<double> moments;
  std::vector<int64_t> order;
  /// As changed so far, and as given, by column.
  std::vector<float> weights, original;
  std::vector<int32_t> rounded;
  /// Upper triangular U of inverse(moments) = U^T U.
  std::vector<float> inverse;
  GptqResult result;
};
} // namespace

llvm::Expected<GptqResult> ingot::quantize::gptq(const GptqProblem &problem,
                                                 const SecondMoments &moments,
                                                 const GptqOptions &options) {
  int64_t groups =
      problem.groupSize > 0
          ? (problem.numInputs + problem.groupSize - 1) / problem.groupSize
          : 1;
  if (problem.numInputs <= 0 || problem.numOutputs <= 0 ||
      problem.groupSize < 0 ||
      int64_t(problem.weights.size()) !=
          problem.numInputs * problem.numOutputs ||
      int64_t(problem.params.size()) != problem.numOutputs * groups ||
      moments.inputs() != problem.numInputs)
    return llvm::createStringError(llvm::formatv(
        "{0} outputs of {1} inputs: {2} weights, {3} parameters in groups of "
        "{4}, second moments of {5} inputs",
        problem.numOutputs, problem.numInputs, problem.weights.size(),
        problem.params.size(), problem.groupSize, moments.inputs()));
  if (moments.samples() == 0)
    return llvm::createStringError("second moments of no samples");
  if (!(options.damping >= 0) || (options.actOrder && options.refitGroups))
    return llvm::createStringError(
        options.actOrder && options.refitGroups
            ? "groups are not refitted in the order of activations"
            : "the damping is negative");
  if (llvm::Error error = checkFinite(problem.weights))
    return std::move(error);
  return Rounding(problem, options, moments.mean()).run();
}
