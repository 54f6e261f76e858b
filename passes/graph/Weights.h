//===- Weights.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on weights of any float format: computed in double precision,
// rounded once.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_WEIGHTS_H
#define INGOT_PASSES_GRAPH_WEIGHTS_H

#include "passes/graph/TensorData.h"

namespace ingot::graph {

/// Weights larger than this are never written anew.
constexpr int64_t maxWeightBytes = int64_t(2) << 30;

/// Where the output channels of a weight tensor lie: the flat elements are
/// `groups` x anything x `perGroup` channels x `run` elements of a channel.
struct ChannelLayout {
  int64_t groups = 1, perGroup = 1, run = 1;
};

/// The weights with those of channel c multiplied by scale[c]; none if the
/// tensor is too large or a finite weight would become infinite.
std::optional<TensorData> scaleChannels(const TensorData &weights,
                                        ChannelLayout layout,
                                        llvm::ArrayRef<double> scale);

/// old[c] * scale[c] + shift[c] as a 1-D tensor; `old` may be absent (0) or
/// have one element for all channels. None if a number would become infinite.
std::optional<TensorData> transformBias(const std::optional<TensorData> &old,
                                        mlir::Type elementType,
                                        llvm::ArrayRef<double> scale,
                                        llvm::ArrayRef<double> shift);

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_WEIGHTS_H
