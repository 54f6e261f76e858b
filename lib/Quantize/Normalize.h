//===- Normalize.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Brings a model to the form that quantization works on: weights are
// initializers, batch normalisation is part of the convolution before it, and
// the opset has the operators that are needed. What the model computes stays
// the same.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_NORMALIZE_H
#define INGOT_LIB_QUANTIZE_NORMALIZE_H

#include "lib/Quantize/OnnxGraph.h"

#include <functional>

namespace ingot::quantize {

/// Makes initializers of Constant nodes, and of nodes that only rearrange
/// initializers; removes Dropout.
void foldConstants(OnnxGraph &graph);

/// Folds BatchNormalization, and an Add of constants per channel, into the Conv
/// or ConvTranspose before it. Returns how many.
int64_t foldIntoConvolutions(OnnxGraph &graph);

/// The rank of a value, or -1.
using RankOf = std::function<int64_t(std::string_view value)>;

/// Rewrites the nodes of an older opset to the forms of opset `version` (13 or
/// 21). Nothing happens to a model that has it. Fails for what cannot be
/// rewritten.
wire::Failure raiseOpset(OnnxGraph &graph, int64_t version,
                         const RankOf &rankOf);

/// The nodes that read each value; the graph's outputs count as one, -1.
std::map<std::string, std::vector<int64_t>, std::less<>>
usersOf(const OnnxGraph &graph);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_NORMALIZE_H
