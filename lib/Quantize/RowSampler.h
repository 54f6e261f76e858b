//===- RowSampler.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer as a matrix product: some rows of its input (patches of a
// convolution), for the algorithms that round weights by what they multiply.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_ROWSAMPLER_H
#define INGOT_LIB_QUANTIZE_ROWSAMPLER_H

#include "lib/Quantize/Improve.h"

namespace ingot::quantize {

/// Collects rows of one unit's input.
class RowSampler {
public:
  /// Nothing for units that layerShapeOf() does not take, or Gemm with transA.
  static std::optional<RowSampler> of(const OnnxGraph &graph, const Unit &unit);

  /// Elements of a row of one group: those that an output is the sum of.
  int64_t rowSize() const { return shape.inputsPerGroup() * shape.inner; }
  const LayerShape &layer() const { return shape; }
  /// Adds `count` rows of an input, at places that depend on `seed`. False if
  /// the input does not fit.
  bool add(llvm::ArrayRef<float> input, llvm::ArrayRef<int64_t> dims,
           size_t count, uint64_t seed);
  /// [rows, rowSize] of a group.
  llvm::ArrayRef<float> rows(int64_t group) const {
    return groups[size_t(group)];
  }
  int64_t count() const { return rowCount; }
  void clear();

private:
  bool addPatches(llvm::ArrayRef<float> input, llvm::ArrayRef<int64_t> dims,
                  size_t count, uint64_t seed);
  void addPatch(llvm::ArrayRef<float> input, llvm::ArrayRef<int64_t> dims,
                int64_t place, llvm::ArrayRef<int64_t> out,
                llvm::ArrayRef<int64_t> before);

  LayerShape shape;
  bool isConv = false;
  std::vector<int64_t> kernel, strides, dilations, pads;
  std::string autoPad;
  std::vector<std::vector<float>> groups;
  int64_t rowCount = 0;
};

/// The weights of a group as [outputs, row], and back.
std::vector<float> groupWeights(llvm::ArrayRef<float> weights,
                                const LayerShape &shape, int64_t group);
void putGroup(llvm::ArrayRef<int32_t> values, const LayerShape &shape,
              int64_t group, llvm::MutableArrayRef<int32_t> weights);

/// The parameters of a group's weights as the rounding algorithms take them:
/// one for each output, or [outputs, blocks].
std::vector<QuantParams> groupParamsOf(const QuantizedWeight &weight,
                                       const LayerShape &shape, int64_t group);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_ROWSAMPLER_H
