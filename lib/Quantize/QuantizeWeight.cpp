//===- QuantizeWeight.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Plan.h"

using namespace ingot;
using namespace ingot::quantize;

GroupedParams QuantizedWeight::grouped(const std::vector<int64_t> &dims) const {
  return {ChannelView::along(dims, axis), blockSize, params};
}

void quantize::roundWeight(llvm::ArrayRef<float> floats,
                           const std::vector<int64_t> &dims,
                           QuantizedWeight &weight) {
  weight.values.resize(floats.size());
  if (weight.axis < 0)
    quantize::quantize(floats, weight.params[0], weight.values);
  else
    quantize::quantize(floats, weight.grouped(dims), weight.values);
}

llvm::Expected<QuantizedWeight>
quantize::quantizeWeight(const OnnxGraph &graph, const Unit &unit,
                         const QuantizeFormat &format) {
  const OnnxTensor &tensor = *graph.findInitializer(unit.weight);
  std::vector<float> floats;
  if (!graph.loadFloats(tensor, floats))
    return llvm::createStringError("the weights cannot be read");
  QuantizedWeight result;
  bool inBlocks = format.scheme == QuantizeScheme::WeightOnly;
  result.axis = format.perChannel ? unit.channelAxis : -1;
  if (inBlocks) {
    result.axis = 1 - unit.channelAxis;
    result.blockSize = format.blockSize;
  }
  ChannelView view = ChannelView::along(tensor.dims, result.axis);
  // At 4 bits a range that clips a little is better than the whole.
  WeightRange how = bitWidth(format.weights.type) < 8 ? WeightRange::Mse
                                                      : WeightRange::MinMax;
  if (result.axis < 0) {
    auto params = tensorParams(floats, format.weights, how);
    if (!params)
      return params.takeError();
    result.params = {*params};
  } else {
    auto params = inBlocks ? groupParams(floats, view, result.blockSize,
                                         format.weights, how)
                           : channelParams(floats, view, format.weights, how);
    if (!params)
      return params.takeError();
    result.params = std::move(*params);
  }
  roundWeight(floats, tensor.dims, result);
  return result;
}
