//===- AdaRound.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/AdaRound.h"

#include "lib/Quantize/MatrixProduct.h"
#include "lib/Quantize/RoundingStep.h"
#include "llvm/Support/FormatVariadic.h"

#include <atomic>
#include <cmath>
#include <random>
#include <thread>

using namespace ingot::quantize;
using llvm::ArrayRef;

llvm::Error RoundingProblem::check() const {
  bool fits =
      samples > 0 && numInputs > 0 && numOutputs > 0 && groupSize >= 0 &&
      int64_t(inputs.size()) == samples * numInputs &&
      int64_t(weights.size()) == numOutputs * numInputs &&
      (targets.empty() || int64_t(targets.size()) == samples * numOutputs);
  int64_t perOutput =
      groupSize > 0 ? (numInputs + groupSize - 1) / groupSize : 1;
  if (!fits || int64_t(params.size()) != numOutputs * perOutput)
    return llvm::createStringError(llvm::formatv(
        "{0} samples of {1} inputs and {2} outputs: {3} elements, {4} weights, "
        "{5} parameters in groups of {6}, {7} targets",
        samples, numInputs, numOutputs, inputs.size(), weights.size(),
        params.size(), groupSize, targets.size()));
  if (llvm::Error error = checkFinite(inputs))
    return error;
  if (llvm::Error error = checkFinite(weights))
    return error;
  return checkFinite(targets);
}

std::vector<float> ingot::quantize::layerOutputs(ArrayRef<float> inputs,
                                                 ArrayRef<float> weights,
                                                 int64_t numInputs) {
  int64_t samples = int64_t(inputs.size()) / numInputs;
  int64_t numOutputs = int64_t(weights.size()) / numInputs;
  std::vector<float> outputs(samples * numOutputs, 0.f);
  multiplyAdd(samples, numOutputs, numInputs, 1.f,
              {inputs.data(), numInputs, 1}, {weights.data(), 1, numInputs},
              outputs.data(), numOutputs);
  return outputs;
}

/// targets - inputs x weights^T for some outputs, [outputs, samples].
static std::vector<float> residual(const RoundingProblem &problem,
                                   ArrayRef<float> weights, int64_t begin,
                                   int64_t count, bool againstTargets) {
  int64_t samples = problem.samples, numInputs = problem.numInputs;
  std::vector<float> rest(count * samples, 0.f);
  if (againstTargets)
    for (int64_t o = 0; o < count; ++o)
      for (int64_t s = 0; s < samples; ++s)
        rest[o * samples + s] =
            problem.targets[s * problem.numOutputs + begin + o];
  MatrixView<float> inputs{problem.inputs.data(), numInputs, 1};
  multiplyAdd(count, samples, numInputs, -1.f, {weights.data(), numInputs, 1},
              inputs.transposed(), rest.data(), samples);
  return rest;
}

/// Squared error of each of the outputs for dequantized weights.
static std::vector<double> outputErrors(const RoundingProblem &problem,
                                        ArrayRef<float> dequantized,
                                        int64_t begin, int64_t count) {
  // Without targets the difference of the weights is what matters; forming it
  // first loses no digits.
  std::vector<float> weights = dequantized.vec();
  bool againstTargets = !problem.targets.empty();
  if (!againstTargets)
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] -= problem.weights[begin * problem.numInputs + int64_t(i)];
  std::vector<float> rest =
      residual(problem, weights, begin, count, againstTargets);
  std::vector<double> errors;
  for (int64_t o = 0; o < count; ++o) {
    double sum = 0;
    for (int64_t s = 0; s < problem.samples; ++s)
      sum +=
          double(rest[o * problem.samples + s]) * rest[o * problem.samples + s];
    errors.push_back(sum);
  }
  return errors;
}

namespace {
/// The inputs one after the other, each with its samples less their mean,
/// filled up with zeros to a multiple of sampleLanes.
struct InputColumns {
  int64_t samples = 0;
  std::vector<float> elements;
  /// Of each input.
  std::vector<float> means;
  /// Sum of the squares of the elements of each input.
  std::vector<float> squares;
  /// How much of the inputs' correlations is chance.
  float shrinkage = 0;

  explicit InputColumns(const RoundingProblem &problem);
  const float *at(int64_t input) const {
    return elements.data() + input * samples;
  }
};

/// Some of the outputs, with the state of their optimisation.
class Slice {
public:
  Slice(const RoundingProblem &problem, const AdaRoundOptions &options,
        ArrayRef<float> moments, const InputColumns *columns, int64_t begin,
        int64_t count, RoundingResult &result)
      : problem(problem), options(options), moments(moments), columns(columns),
        begin(begin), count(count), result(result) {}

  /// Rounds to nearest, and learns if there are iterations.
  void run(int iterations) {
    setUp();
    std::vector<double> nearest =
        outputErrors(problem, dequantized(values), begin, count);
    std::vector<double> errors = nearest;
    if (iterations > 0) {
      const std::vector<int32_t> before = values;
      learn(iterations);
      takeBetter(errors);
      for (int64_t o = 0; o < count; o += 4)
        descend(o);
      errors = outputErrors(problem, dequantized(values), begin, count);
      keepBetter(before, nearest, errors);
    }
    std::copy(values.begin(), values.end(),
              result.values.begin() + begin * problem.numInputs);
    for (int64_t o = 0; o < count; ++o) {
      errorsNearest.push_back(nearest[o]);
      errorsRounded.push_back(errors[o]);
    }
  }

  std::vector<double> errorsNearest, errorsRounded;

private:
  int64_t size() const { return count * problem.numInputs; }
  const QuantParams &paramsOf(int64_t i) const {
    return problem.paramsAt(begin + i / problem.numInputs,
                            i % problem.numInputs);
  }
  float weight(int64_t i) const {
    return problem.weights[begin * problem.numInputs + i];
  }
  std::vector<float> dequantized(ArrayRef<int32_t> quantized) const {
    std::vector<float> real;
    for (int64_t i = 0; i < size(); ++i)
      real.push_back(dequantizeValue(quantized[i], paramsOf(i)));
    return real;
  }

  void setUp() {
    for (int64_t i = 0; i < size(); ++i)
      values.push_back(quantizeValue(weight(i), paramsOf(i)));
  }

  /// The relaxed weights: base + scale * h, with h of the state's logits.
  void relax() {
    state.resize(size());
    for (int64_t i = 0; i < size(); ++i) {
      const QuantParams &params = paramsOf(i);
      // A weight beyond the range cannot be rounded up and down; it stays.
      double steps = double(weight(i)) / params.scale;
      double low = params.low - params.zeroPoint;
      double high = params.high - params.zeroPoint;
      bool isFree = steps > low && steps < high;
      double floor = isFree ? std::floor(steps) : values[i] - params.zeroPoint;
      state.base[i] = float(floor) * params.scale;
      state.scale[i] = isFree ? params.scale : 0;
      double fraction = std::clamp(steps - floor, 0.01, 0.99);
      // h(logit) = fraction.
      state.logit[i] = float(-std::log(1.2 / (fraction + 0.1) - 1));
      floors.push_back(int32_t(floor) + params.zeroPoint);
    }
    // Brings the gradient of each output's error to the order of 1.
    for (int64_t o = 0; o < count; ++o) {
      double sum = 0;
      for (int64_t i = 0; i < problem.numInputs; ++i)
        sum += double(state.scale[o * problem.numInputs + i]) *
               state.scale[o * problem.numInputs + i] * moments[i];
      weightOf.push_back(
          sum > 0 ? float(2 * double(problem.numInputs) / sum / options.batch)
                  : 0.f);
    }
  }

  void learn(int iterations) {
    relax();
    int64_t numInputs = problem.numInputs, batch = options.batch;
    std::vector<float> wanted(count * problem.samples);
    if (problem.targets.empty()) {
      wanted =
          residual(problem, problem.weights.slice(begin * numInputs, size()),
                   begin, count, false);
      for (float &value : wanted)
        value = -value;
    } else {
      for (int64_t o = 0; o < count; ++o)
        for (int64_t s = 0; s < problem.samples; ++s)
          wanted[o * problem.samples + s] =
              problem.targets[s * problem.numOutputs + begin + o];
    }
    // Every slice sees the same samples.
    std::mt19937_64 random(options.seed);
    std::vector<float> rows(batch * numInputs), rest(count * batch);
    std::vector<float> gradient(size());
    RoundingStep step;
    for (int i = 0; i < iterations; ++i) {
      softWeights(state);
      for (int64_t b = 0; b < batch; ++b) {
        auto sample = int64_t(random() % uint64_t(problem.samples));
        std::copy_n(problem.inputs.begin() + sample * numInputs, numInputs,
                    rows.begin() + b * numInputs);
        for (int64_t o = 0; o < count; ++o)
          rest[o * batch + b] = -wanted[o * problem.samples + sample];
      }
      MatrixView<float> inputs{rows.data(), numInputs, 1};
      multiplyAdd(count, batch, numInputs, 1.f,
                  {state.soft.data(), numInputs, 1}, inputs.transposed(),
                  rest.data(), batch);
      for (int64_t o = 0; o < count; ++o)
        for (int64_t b = 0; b < batch; ++b)
          rest[o * batch + b] *= weightOf[o];
      std::fill(gradient.begin(), gradient.end(), 0.f);
      multiplyAdd(count, numInputs, batch, 1.f, {rest.data(), batch, 1}, inputs,
                  gradient.data(), numInputs);
      schedule(step, i, iterations);
      updateLogits(state, gradient, step);
    }
  }

  /// Adam's factors and the regularisation of iteration `i`.
  void schedule(RoundingStep &step, int i, int iterations) const {
    constexpr double beta1 = 0.9, beta2 = 0.999;
    step.rate = float(options.learningRate / (1 - std::pow(beta1, i + 1)));
    step.rootFactor = float(1 / (1 - std::pow(beta2, i + 1)));
    double start = options.warmStart * iterations;
    step.lambda = i < start ? 0 : float(options.lambda);
    double progress = std::clamp((i - start) / (iterations - start), 0., 1.);
    step.beta =
        float(options.betaEnd + (options.betaStart - options.betaEnd) *
                                    (1 + std::cos(progress * M_PI)) / 2);
  }

  /// Takes back what came out no better than to nearest.
  void keepBetter(ArrayRef<int32_t> before, ArrayRef<double> nearest,
                  std::vector<double> &errors) {
    int64_t numInputs = problem.numInputs;
    for (int64_t o = 0; o < count; ++o) {
      if (errors[o] < nearest[o])
        continue;
      errors[o] = nearest[o];
      std::copy_n(before.begin() + o * numInputs, numInputs,
                  values.begin() + o * numInputs);
    }
  }

  /// Changes the rounding of single weights of four outputs from `first` on
  /// as long as that makes the error smaller.
  void descend(int64_t first) {
    int64_t numInputs = problem.numInputs, samples = columns->samples;
    int64_t outputs = std::min<int64_t>(4, count - first);
    std::vector<float> rests(4 * samples, 0.f);
    fillRests(first, outputs, rests);
    const float *rest[4];
    double means[4] = {};
    for (int64_t k = 0; k < outputs; ++k)
      for (int64_t s = 0; s < problem.samples; ++s)
        means[k] += rests[k * samples + s] / double(problem.samples);
    for (int64_t k = 0; k < 4; ++k)
      rest[k] = rests.data() + k * samples;
    constexpr int mostSweeps = 8;
    for (int sweep = 0; sweep < mostSweeps; ++sweep) {
      int64_t flips = 0;
      for (int64_t i = 0; i < numInputs; ++i) {
        if (!(columns->squares[i] > 0) && columns->means[i] == 0)
          continue;
        float sums[4];
        dotFour(samples, columns->at(i), rest, sums);
        for (int64_t k = 0; k < outputs; ++k)
          flips += flip((first + k) * numInputs + i, i, sums[k],
                        rests.data() + k * samples, means[k]);
      }
      // What is left is not worth another sweep.
      if (flips * 500 < outputs * numInputs)
        break;
    }
  }

  /// Rounds weight `at` the other way if that is better. `sum` is the product
  /// of its input, less the mean, and the error, whose mean is kept apart.
  bool flip(int64_t at, int64_t input, float sum, float *rest, double &mean) {
    if (state.scale[at] == 0)
      return false;
    const QuantParams &params = paramsOf(at);
    int32_t low = std::clamp(floors[at], params.low, params.high);
    int32_t high = std::clamp(floors[at] + 1, params.low, params.high);
    int32_t other = values[at] == low ? high : low;
    float step = float(other - values[at]) * params.scale;
    float offset = dequantizeValue(values[at], params) - weight(at);
    // |rest - step x|^2 - |rest|^2, and the same if inputs had nothing to do
    // with one another.
    float square = columns->squares[input];
    double change = step * (step * square - 2 * sum);
    double alone = step * (step + 2 * offset) * square;
    change += columns->shrinkage * (alone - change);
    double shift = double(step) * columns->means[input];
    change += double(problem.samples) * shift * (shift - 2 * mean);
    if (!(change < -1e-5 * step * step * square))
      return false;
    mean -= shift;
    values[at] = other;
    subtractScaled(columns->samples, step, columns->at(input), rest);
    return true;
  }

  /// What is wanted less what the values give, for each sample.
  void fillRests(int64_t first, int64_t outputs, std::vector<float> &rests) {
    int64_t numInputs = problem.numInputs;
    std::vector<float> weights;
    bool againstTargets = !problem.targets.empty();
    for (int64_t i = first * numInputs; i < (first + outputs) * numInputs; ++i)
      weights.push_back(dequantizeValue(values[i], paramsOf(i)) -
                        (againstTargets ? 0 : weight(i)));
    std::vector<float> rest =
        residual(problem, weights, begin + first, outputs, againstTargets);
    for (int64_t k = 0; k < outputs; ++k)
      std::copy_n(rest.begin() + k * problem.samples, problem.samples,
                  rests.begin() + k * columns->samples);
  }

  /// Takes the learned rounding for each output that it is better for.
  void takeBetter(std::vector<double> &errors) {
    std::vector<int32_t> learned;
    for (int64_t i = 0; i < size(); ++i) {
      const QuantParams &params = paramsOf(i);
      bool isUp = state.scale[i] != 0 && state.logit[i] >= 0;
      learned.push_back(std::clamp(floors[i] + isUp, params.low, params.high));
    }
    std::vector<double> fresh =
        outputErrors(problem, dequantized(learned), begin, count);
    for (int64_t o = 0; o < count; ++o) {
      if (!(fresh[o] < errors[o]))
        continue;
      errors[o] = fresh[o];
      std::copy_n(learned.begin() + o * problem.numInputs, problem.numInputs,
                  values.begin() + o * problem.numInputs);
    }
  }

  const RoundingProblem &problem;
  const AdaRoundOptions &options;
  ArrayRef<float> moments;
  const InputColumns *columns;
  int64_t begin, count;
  RoundingResult &result;
  std::vector<int32_t> values, floors;
  std::vector<float> weightOf;
  RoundingState state;
};
} // namespace

/// The part of the inputs' correlations that few samples make up: O. Ledoit and
/// M. Wolf, "A well-conditioned estimator for large-dimensional covariance
/// matrices", 2004, towards the diagonal. With H = sum of x x^T / n over the
/// samples x: the variance of H's elements beside the diagonal over their
/// squares.
static double shrinkageOf(ArrayRef<float> centred, int64_t n,
                          int64_t numInputs) {
  // Sums of squares, and of fourth powers, come from the products of samples.
  std::vector<float> products(n * n, 0.f);
  MatrixView<float> inputs{centred.data(), numInputs, 1};
  multiplyAdd(n, n, numInputs, 1.f, inputs, inputs.transposed(),
              products.data(), n);
  double squares = 0, fourth = 0;
  for (int64_t s = 0; s < n; ++s)
    for (int64_t t = 0; t < n; ++t) {
      double square = double(products[s * n + t]) * products[s * n + t];
      squares += square;
      fourth += s == t ? square : 0;
    }
  // Those of the diagonal.
  std::vector<double> variances(numInputs, 0.);
  double ownFourth = 0, ownSquares = 0, count = double(n);
  for (size_t at = 0; at < centred.size(); ++at) {
    double square = double(centred[at]) * centred[at];
    variances[int64_t(at) % numInputs] += square / count;
    ownFourth += square * square;
  }
  for (double variance : variances)
    ownSquares += variance * variance;
  double beside = squares / (count * count) - ownSquares;
  double variance = ((fourth - ownFourth) / count - beside) / count;
  return beside > 0 ? std::clamp(variance / beside, 0., 1.) : 1;
}

InputColumns::InputColumns(const RoundingProblem &problem)
    : samples((problem.samples + sampleLanes - 1) / sampleLanes * sampleLanes),
      elements(samples * problem.numInputs, 0.f), squares(problem.numInputs) {
  int64_t numInputs = problem.numInputs;
  std::vector<double> sums(numInputs, 0.);
  for (size_t at = 0; at < problem.inputs.size(); ++at)
    sums[int64_t(at) % numInputs] += problem.inputs[at];
  for (double sum : sums)
    means.push_back(float(sum / double(problem.samples)));
  std::vector<float> centred = problem.inputs.vec();
  for (size_t at = 0; at < centred.size(); ++at)
    centred[at] -= means[int64_t(at) % numInputs];
  shrinkage = float(shrinkageOf(centred, problem.samples, numInputs));
  // In blocks, which stay in the cache.
  constexpr int64_t block = 32;
  for (int64_t from = 0; from < numInputs; from += block)
    for (int64_t s = 0; s < problem.samples; ++s)
      for (int64_t i = from; i < std::min(from + block, numInputs); ++i) {
        float value = centred[s * numInputs + i];
        elements[i * samples + s] = value;
        squares[i] += value * value;
      }
}

/// Mean square of each input.
static std::vector<float> meanSquares(const RoundingProblem &problem) {
  std::vector<double> sums(problem.numInputs, 0.);
  for (int64_t s = 0; s < problem.samples; ++s)
    for (int64_t i = 0; i < problem.numInputs; ++i) {
      double value = problem.inputs[s * problem.numInputs + i];
      sums[i] += value * value;
    }
  std::vector<float> means;
  for (double sum : sums)
    means.push_back(float(sum / double(problem.samples)));
  return means;
}

static RoundingResult solve(const RoundingProblem &problem,
                            const AdaRoundOptions &options, int iterations) {
  RoundingResult result;
  result.values.resize(problem.weights.size());
  std::vector<float> moments = meanSquares(problem);
  std::optional<InputColumns> columns;
  if (iterations > 0)
    columns.emplace(problem);
  // What a slice works on stays in the cache: about 28 bytes a weight.
  constexpr int64_t cacheBytes = 4 << 20;
  int64_t height =
      std::clamp<int64_t>(cacheBytes / 28 / problem.numInputs, 6, 96);
  std::vector<Slice> slices;
  for (int64_t begin = 0; begin < problem.numOutputs; begin += height)
    slices.emplace_back(problem, options, moments,
                        columns ? &*columns : nullptr, begin,
                        std::min(height, problem.numOutputs - begin), result);
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < slices.size(); i = next++)
      slices[i].run(iterations);
  };
  std::vector<std::thread> helpers;
  size_t wanted =
      std::min<size_t>(std::max(1u, options.threads), slices.size());
  for (size_t i = 1; i < wanted; ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
  // Added up in order, whichever thread was first.
  for (const Slice &slice : slices)
    for (size_t o = 0; o < slice.errorsNearest.size(); ++o) {
      result.errorNearest += slice.errorsNearest[o];
      result.errorRounded += slice.errorsRounded[o];
    }
  return result;
}

llvm::Expected<RoundingResult>
ingot::quantize::adaRound(const RoundingProblem &problem,
                          const AdaRoundOptions &options) {
  if (llvm::Error error = problem.check())
    return std::move(error);
  if (options.iterations < 0 || options.batch <= 0 ||
      !(options.learningRate > 0) || !(options.lambda >= 0) ||
      !(options.warmStart >= 0 && options.warmStart < 1) ||
      !(options.betaEnd >= 1) || !(options.betaStart >= options.betaEnd))
    return llvm::createStringError(llvm::formatv(
        "{0} iterations with batches of {1}, learning rate {2}, lambda {3}, "
        "warm start {4}, beta from {5} to {6}",
        options.iterations, options.batch, options.learningRate, options.lambda,
        options.warmStart, options.betaStart, options.betaEnd));
  return solve(problem, options, options.iterations);
}

llvm::Expected<RoundingResult>
ingot::quantize::roundToNearest(const RoundingProblem &problem) {
  if (llvm::Error error = problem.check())
    return std::move(error);
  return solve(problem, {}, 0);
}
