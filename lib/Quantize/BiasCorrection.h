//===- BiasCorrection.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bias correction: quantized weights shift the mean of each output channel; the
// bias takes the shift out. M. Nagel et al., "Data-free quantization through
// weight equalization and bias correction", ICCV 2019, section 4.2.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_BIASCORRECTION_H
#define INGOT_LIB_QUANTIZE_BIASCORRECTION_H

#include "lib/Quantize/ChannelLayout.h"

#include <vector>

namespace ingot::quantize {

/// Empirical correction: the mean difference of a layer's output in the float
/// and in the quantized model, per channel, over any number of batches. Layers
/// should be corrected in the order of the graph.
class ChannelShift {
public:
  /// Adds a batch of outputs before the activation. Error: sizes that differ,
  /// a number of channels other than before, NaN or infinity.
  llvm::Error add(llvm::ArrayRef<float> reference,
                  llvm::ArrayRef<float> quantized, ChannelView view);

  /// What to add to the bias: mean(reference - quantized) of each channel.
  std::vector<float> correction() const;

private:
  std::vector<double> sums;
  uint64_t count = 0;
};

/// Mean of each channel of an activation over any number of batches.
class ChannelMean {
public:
  llvm::Error add(llvm::ArrayRef<float> values, ChannelView view);
  std::vector<float> means() const;

private:
  std::vector<double> sums;
  uint64_t count = 0;
};

/// Analytic correction: what to add to the bias, from the mean of each input
/// channel: -sum over inputs i and kernel elements of (quantized - weights) *
/// mean_i. Exact for inputs that are constant in space and, except at the
/// padded border, in expectation. Error: sizes that do not fit.
llvm::Expected<std::vector<float>>
analyticCorrection(llvm::ArrayRef<float> weights,
                   llvm::ArrayRef<float> quantized, const LayerShape &shape,
                   llvm::ArrayRef<float> inputMeans);

/// E[clip(x, low, high)] of a normal variable x: the mean after Relu (low 0,
/// high infinite) or Relu6 when only batch normalisation's shift (mean) and
/// scale (deviation) are known. Appendix C of the paper.
double clippedNormalMean(double mean, double deviation, double low,
                         double high);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_BIASCORRECTION_H
