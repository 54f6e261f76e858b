//===- Gptq.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding with error feedback: E. Frantar et al., "GPTQ: accurate
// post-training quantization for generative pre-trained transformers", ICLR
// 2023. Input by input, the weights are rounded and the error is spread over
// the weights that are not rounded yet, as the inverse of the inputs' second
// moments tells.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_GPTQ_H
#define INGOT_LIB_QUANTIZE_GPTQ_H

#include "lib/Quantize/AdaRound.h"

namespace ingot::quantize {

/// The number of inputs up to which GPTQ is worth its memory, which grows with
/// the square: above, round to nearest or by AdaRound.
constexpr int64_t maxGptqInputs = 8192;

/// Second moments sum x x^T of a layer's inputs over any number of batches, in
/// double precision: 8 * inputs^2 bytes.
class SecondMoments {
public:
  explicit SecondMoments(int64_t inputs);

  /// Adds rows [samples, inputs]. Error: a size that is no multiple, NaN or
  /// infinity.
  llvm::Error add(llvm::ArrayRef<float> rows);

  int64_t inputs() const { return size; }
  uint64_t samples() const { return count; }
  /// Row-major and symmetric, divided by the number of samples.
  std::vector<double> mean() const;

private:
  int64_t size;
  uint64_t count = 0;
  std::vector<double> sums;
};

struct GptqOptions {
  /// Added to the diagonal, as a fraction of its mean; increased tenfold until
  /// the matrix is positive definite.
  double damping = 0.01;
  /// Rounds the inputs with the largest second moments first.
  bool actOrder = false;
  /// Chooses each group's scale from the weights as changed so far, not from
  /// `params`; not together with actOrder.
  bool refitGroups = false;
  QuantSpec spec;
  WeightRange weightRange = WeightRange::MinMax;
  /// Inputs whose changes are applied to the rest together; speed only.
  int64_t block = 128;
};

struct GptqProblem {
  /// [outputs, inputs]
  llvm::ArrayRef<float> weights;
  int64_t numInputs = 0, numOutputs = 0;
  /// As of RoundingProblem.
  llvm::ArrayRef<QuantParams> params;
  int64_t groupSize = 0;
};

struct GptqResult {
  /// [outputs, inputs]
  std::vector<int32_t> values;
  /// Those given, or refitted ones.
  std::vector<QuantParams> params;
  /// sum over outputs of d^T M d, M the second moments and d the difference of
  /// the weights: mean squared error of the outputs, to nearest and as found.
  double errorNearest = 0, errorRounded = 0;
};

/// Rounds the weights of a layer. If an output channel came out worse than
/// rounded to nearest, which damping and clipping can cause, it is rounded to
/// nearest (not with refitted groups). Inputs without any second moment are
/// rounded to nearest.
/// Error: sizes that do not fit, NaN or infinity, no samples.
llvm::Expected<GptqResult> gptq(const GptqProblem &problem,
                                const SecondMoments &moments,
                                const GptqOptions &options = {});

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_GPTQ_H
