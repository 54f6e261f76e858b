//===- Equalize.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Cross-layer equalization: M. Nagel et al., "Data-free quantization through
// weight equalization and bias correction", ICCV 2019, section 4.1. Between
// two linear layers with an activation f(s x) = s f(x), s > 0 (none, Relu,
// LeakyRelu, PRelu; not Clip, Sigmoid, ...), channel i of the first may be
// divided by s_i if the second multiplies it again. The factors make both
// layers' ranges of the channel equal.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_EQUALIZE_H
#define INGOT_LIB_QUANTIZE_EQUALIZE_H

#include "lib/Quantize/ChannelLayout.h"

#include <vector>

namespace ingot::quantize {

/// A layer with its weights, which are changed in place.
struct EqualizedLayer {
  llvm::MutableArrayRef<float> weights;
  LayerShape shape;
  /// One for each output, or empty.
  llvm::MutableArrayRef<float> bias;
};

struct EqualizationOptions {
  /// Takes the nearest power of two for each factor: the network then computes
  /// the same bits (unless a number leaves the range of floats).
  bool usePowersOfTwo = false;
  /// Factors are in [1/limit, limit], and channels that are all zero in either
  /// layer keep theirs at 1.
  float limit = 1e4f;
};

/// s_i = sqrt(r1_i / r2_i), which the outputs of the first layer are divided
/// by, from the ranges (max |w|) of the channels in the two layers. Error:
/// sizes that differ, NaN or infinity.
llvm::Expected<std::vector<float>>
equalizationFactors(llvm::ArrayRef<float> firstRanges,
                    llvm::ArrayRef<float> secondRanges,
                    const EqualizationOptions &options);

/// Equalizes two layers; the outputs of the first are the inputs of the second
/// and of nothing else. Returns the factors. Error: shapes that do not fit,
/// NaN or infinity.
llvm::Expected<std::vector<float>>
equalizePair(EqualizedLayer first, EqualizedLayer second,
             const EqualizationOptions &options = {});

struct TripleFactors {
  std::vector<float> first, second;
};

/// Equalizes convolution, depthwise convolution (of one filter a channel) and
/// convolution: the outputs of the first are divided by r1 / g, those of the
/// second by g / r3, where g is the geometric mean of the channel's three
/// ranges.
llvm::Expected<TripleFactors>
equalizeTriple(EqualizedLayer first, EqualizedLayer depthwise,
               EqualizedLayer third, const EqualizationOptions &options = {});

/// Largest |log2 s_i| of the factors: pairs of a chain are equalized in turn
/// until it is small (below 0.01 or so).
double equalizationChange(llvm::ArrayRef<float> factors);

/// High-bias absorption (section 4.1.3): where every value that enters the Relu
/// between the layers is at least c > 0, as `lows` (each channel's smallest
/// value before the Relu on calibration data) say, c is taken from the first
/// bias and its effect added to the second, which narrows the activation.
/// Exact for those data, except where the second layer pads with zeros.
/// Returns c of each channel (0: nothing done). Error as above, or no bias.
llvm::Expected<std::vector<float>> absorbHighBias(EqualizedLayer first,
                                                  EqualizedLayer second,
                                                  llvm::ArrayRef<float> lows);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_EQUALIZE_H
