//===- AdaRound.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Learned rounding of weights: M. Nagel et al., "Up or down? Adaptive rounding
// for post-training quantization", ICML 2020. Each weight may be rounded down
// or up; h(v) = clip(sigmoid(v) * 1.2 - 0.1, 0, 1) relaxes the choice, and Adam
// minimises the error of the layer's outputs plus
//   lambda * sum(1 - |2 h(v) - 1|^beta)
// with beta annealed from 20 to 2, after a warm start without the second term.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_ADAROUND_H
#define INGOT_LIB_QUANTIZE_ADAROUND_H

#include "lib/Quantize/QuantParams.h"

namespace ingot::quantize {

/// A linear layer in matrix form. A convolution's samples are its patches
/// (im2col; a random selection of places suffices), of a grouped convolution
/// each group is a problem of its own.
struct RoundingProblem {
  /// [samples, inputs]: the inputs as the quantized model has them.
  llvm::ArrayRef<float> inputs;
  /// [outputs, inputs]
  llvm::ArrayRef<float> weights;
  /// Per output channel (groupSize 0: `outputs` of them) or per group of
  /// inputs (outputs x ceil(inputs / groupSize)).
  llvm::ArrayRef<QuantParams> params;
  int64_t samples = 0, numInputs = 0, numOutputs = 0, groupSize = 0;
  /// What the outputs should be, without bias, [samples, outputs]: those of
  /// the float model. Empty: inputs x weights.
  llvm::ArrayRef<float> targets;

  llvm::Error check() const;
  const QuantParams &paramsAt(int64_t output, int64_t input) const {
    if (groupSize == 0)
      return params[output];
    int64_t groups = (numInputs + groupSize - 1) / groupSize;
    return params[output * groups + input / groupSize];
  }
};

/// inputs [samples, numInputs] x weights [numOutputs, numInputs] transposed:
/// the targets, from the float model's inputs.
std::vector<float> layerOutputs(llvm::ArrayRef<float> inputs,
                                llvm::ArrayRef<float> weights,
                                int64_t numInputs);

struct RoundingResult {
  /// [outputs, inputs]
  std::vector<int32_t> values;
  /// Sum of squared differences of the outputs over all samples, rounding to
  /// nearest and rounding as in `values`.
  double errorNearest = 0, errorRounded = 0;
};

struct AdaRoundOptions {
  /// Few are enough where the descent follows; 1000 are usual without it.
  int iterations = 50;
  /// Samples in a step, chosen at random.
  int batch = 32;
  double learningRate = 0.2;
  /// The error of each output is scaled so that rounding to nearest has a
  /// gradient of the order of 1 by each h, so that one lambda serves for all
  /// layers.
  double lambda = 2;
  /// Fraction of the iterations without regularisation.
  double warmStart = 0.1;
  double betaStart = 20, betaEnd = 2;
  uint64_t seed = 1;
  /// Output channels do not depend on one another and are shared out among
  /// threads; the result does not depend on their number.
  unsigned threads = 1;
};

/// The rounding found; a channel that came out no better than to nearest is
/// rounded to nearest. The same on every machine for the same options.
/// After the iterations, single weights are rounded the other way as long as
/// that makes the error smaller (coordinate descent), where correlations of the
/// inputs count as far as the samples bear them out; this finds most of the
/// gain in the time of a few iterations.
/// Takes about weights * (iterations * (batch * 1e-10 + 3e-9) + samples *
/// 5e-10) seconds on a core. Error: sizes that do not fit, no samples, NaN or
/// infinity.
llvm::Expected<RoundingResult> adaRound(const RoundingProblem &problem,
                                        const AdaRoundOptions &options = {});

/// Rounding to nearest, with its error: what the others are compared with.
llvm::Expected<RoundingResult> roundToNearest(const RoundingProblem &problem);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_ADAROUND_H
