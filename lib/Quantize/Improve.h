//===- Improve.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The algorithms of this folder applied to a model: changes of float weights
// that lose less when they are rounded, or that are zeros.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_IMPROVE_H
#define INGOT_LIB_QUANTIZE_IMPROVE_H

#include "lib/Quantize/Plan.h"
#include "lib/Quantize/SmoothQuant.h"

namespace ingot::quantize {

/// The layout of a heavy unit's weight; nothing for operands or shapes that the
/// algorithms do not take (ConvTranspose, weights on the left).
std::optional<LayerShape> layerShapeOf(const OnnxGraph &graph,
                                       const Unit &unit);

/// Sets the smallest weights of heavy units to 0: a fraction of each, or two of
/// four along the inputs if `fraction` is 0. Returns the zeros, and in `total`
/// the elements.
llvm::Expected<int64_t> pruneWeights(OnnxGraph &graph, const Units &units,
                                     double fraction, int64_t &total);

/// What equalizeLayers() did.
struct EqualizedLayers {
  int64_t pairs = 0;
  /// Of these, with a Clip between, and all Clips that became Relu and Min (or
  /// Max and Min) with a bound for each channel.
  int64_t clips = 0;
};

/// Equalizes the channels between layers of which the second alone reads the
/// first, with Relu, Clip or nothing between. A Clip is exact again with bounds
/// for each channel: Clip(x, 0, 6) / s = Min(Relu(x / s), 6 / s). The graph has
/// other nodes afterwards.
llvm::Expected<EqualizedLayers> equalizeLayers(OnnxGraph &graph,
                                               const Units &units);

/// max |x| of each channel (last dimension) of activations.
using ChannelMaxima = std::map<std::string, std::vector<float>, std::less<>>;

/// Activations that smoothing applies to: left operands of matrix products with
/// constants.
std::vector<std::string> smoothable(const OnnxGraph &graph, const Units &units);

/// Rows of an activation.
struct SampledRows {
  int64_t channels = 0;
  std::vector<float> elements;
};
using ChannelRows = std::map<std::string, SampledRows, std::less<>>;
using SmoothingAlphas = std::map<std::string, SmoothingChoice, std::less<>>;

/// The alpha of each activation that its readers lose least with, or none.
llvm::Expected<SmoothingAlphas> chooseAlphas(const OnnxGraph &graph,
                                             const Units &units,
                                             const ChannelRows &rows,
                                             const QuantizeFormat &format);

/// Moves the range of activations' channels into the weights of the products
/// that read them: by the LayerNormalization before them where they alone read
/// it, else by a Mul. A negative alpha leaves the activation as it is. Returns
/// how many activations were changed.
llvm::Expected<int64_t>
smoothActivations(OnnxGraph &graph, const Units &units,
                  const ChannelMaxima &maxima,
                  llvm::function_ref<double(const std::string &)> alphaOf);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_IMPROVE_H
