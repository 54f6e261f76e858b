//===- ChannelLayout.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the channels of a tensor lie: what the algorithms on arrays know of
// shapes.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_CHANNELLAYOUT_H
#define INGOT_LIB_QUANTIZE_CHANNELLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>

namespace ingot::quantize {

/// A dense tensor seen as [outer, channels, inner]: what is per channel does
/// not depend on the first and the last index.
struct ChannelView {
  int64_t outer = 1, channels = 1, inner = 1;

  /// The view of a tensor of shape `dims` along `axis` (negative counts from
  /// the end). `dims` empty: a scalar, one channel.
  static ChannelView along(llvm::ArrayRef<int64_t> dims, int64_t axis);
  int64_t size() const { return outer * channels * inner; }
};

/// The weights of a linear layer: [outputs, inputs / groups, inner], as Conv
/// (`inner` = the kernel's elements) and Gemm with transB = 1 have them; or
/// [inputs, outputs] if `isTransposed` (MatMul, Gemm), with one group and
/// `inner` 1. Depthwise: groups = inputs.
struct LayerShape {
  int64_t outputs = 0, inputs = 0, groups = 1, inner = 1;
  bool isTransposed = false;

  int64_t inputsPerGroup() const { return inputs / groups; }
  int64_t outputsPerGroup() const { return outputs / groups; }
  int64_t size() const { return outputs * inputsPerGroup() * inner; }
  /// Where the weights from input channel `input`, which must be of the
  /// output's group, to channel `output` begin; the `inner` of them are
  /// adjacent.
  int64_t offset(int64_t output, int64_t input) const {
    return isTransposed
               ? input * outputs + output
               : (output * inputsPerGroup() + input % inputsPerGroup()) * inner;
  }
  /// The view along the output channels.
  ChannelView outputView() const {
    return isTransposed ? ChannelView{inputs, outputs, 1}
                        : ChannelView{1, outputs, inputsPerGroup() * inner};
  }
  /// An error unless the sizes are positive, fit together, and describe
  /// `elements` weights.
  llvm::Error check(int64_t elements) const;
};

/// An error naming the first NaN or infinity, and its index.
llvm::Error checkFinite(llvm::ArrayRef<float> values);

/// max |x| of each channel of a tensor; 0 for no elements.
std::vector<float> channelAbsMax(llvm::ArrayRef<float> values,
                                 ChannelView view);

/// max |w| of each input channel of a layer's weights.
std::vector<float> inputAbsMax(llvm::ArrayRef<float> weights,
                               const LayerShape &shape);

/// Multiplies the weights of each output channel, or of each input channel,
/// by its factor.
void scaleOutputs(llvm::MutableArrayRef<float> weights, const LayerShape &shape,
                  llvm::ArrayRef<float> factors);
void scaleInputs(llvm::MutableArrayRef<float> weights, const LayerShape &shape,
                 llvm::ArrayRef<float> factors);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_CHANNELLAYOUT_H
