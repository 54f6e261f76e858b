//===- SmoothQuant.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moving the difficulty of quantization from activations to weights: G. Xiao et
// al., "SmoothQuant: accurate and efficient post-training quantization for
// large language models", ICML 2023. y = (x / s) (s W), with
// s_j = max|x_j|^alpha / max|w_j|^(1 - alpha) for each input channel j.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_SMOOTHQUANT_H
#define INGOT_LIB_QUANTIZE_SMOOTHQUANT_H

#include "lib/Quantize/QuantParams.h"

namespace ingot::quantize {

/// s of each input channel, normalised to a geometric mean of 1. Channels
/// whose activation or weights are all zero keep 1; results are in [1e-5, 1e5].
/// Divide the activation by s (in the weights and bias of the normalisation
/// before the layer, or by a Mul with 1 / s) and call
/// scaleInputs(weights, shape, s) for each layer that reads it. Of several
/// layers with the same input, `weightMax` is the maximum over all.
/// Error: sizes that differ, alpha outside [0, 1], NaN, infinity, negative.
llvm::Expected<std::vector<float>>
smoothingFactors(llvm::ArrayRef<float> activationMax,
                 llvm::ArrayRef<float> weightMax, double alpha);

/// A layer in matrix form for trying alphas.
struct SmoothingProblem {
  /// [samples, inputs], rows of the activation.
  llvm::ArrayRef<float> inputs;
  int64_t samples = 0;
  /// [outputs, inputs] or transposed; groups and inner must be 1.
  llvm::ArrayRef<float> weights;
  LayerShape shape;
  /// Weights are quantized per output channel, activations per tensor over
  /// the min-max range of the smoothed samples.
  QuantSpec activationSpec, weightSpec;
};

struct SmoothingChoice {
  /// 0 with factors of 1 where no smoothing was best.
  double alpha = 0;
  bool isSmoothed = false;
  std::vector<float> factors;
  /// Squared error of the outputs, relative to the outputs' squares: without
  /// and with smoothing.
  double errorBefore = 0, errorAfter = 0;
};

/// Tries alpha = 0.1, 0.2, ... 0.9 and none, and takes that of the smallest
/// error of the layer's outputs. Use a few hundred samples.
llvm::Expected<SmoothingChoice> chooseAlpha(const SmoothingProblem &problem);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_SMOOTHQUANT_H
