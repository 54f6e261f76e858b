//===- Weights.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/Weights.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// Stores a number; false if it overflows the format though it was finite.
static bool storeFinite(TensorData &to, int64_t at, double value) {
  to.storeDouble(at, value);
  return !std::isfinite(value) || std::isfinite(to.loadDouble(at));
}

/// A run of weights of one channel. Single precision is most of all weights.
static bool scaleRun(TensorData &to, const TensorData &from, int64_t at,
                     int64_t run, double scale) {
  bool finite = true;
  if (from.type().getElementType().isF32() && !from.isSplat()) {
    const float *source = from.elements<float>() + at;
    float *target = to.mutableElements<float>() + at;
    for (int64_t i = 0; i < run; ++i) {
      target[i] = float(double(source[i]) * scale);
      finite &= std::isfinite(target[i]) | !std::isfinite(source[i]);
    }
    return finite;
  }
  for (int64_t i = at; i < at + run; ++i)
    finite &= storeFinite(to, i, from.loadDouble(i) * scale);
  return finite;
}

std::optional<TensorData> graph::scaleChannels(const TensorData &weights,
                                               ChannelLayout layout,
                                               ArrayRef<double> scale) {
  if (weights.isSplat() && llvm::all_equal(scale) && !scale.empty()) {
    TensorData result = TensorData::splat(weights.type(), 0);
    return storeFinite(result, 0, weights.loadDouble(0) * scale[0])
               ? std::optional(result)
               : std::nullopt;
  }
  int64_t size = weights.size();
  if (size > maxWeightBytes / elementBytes(weights.type().getElementType()))
    return std::nullopt;
  TensorData result = TensorData::zeros(weights.type());
  int64_t group = size / layout.groups;
  for (int64_t at = 0; at < size; at += layout.run) {
    int64_t channel = at / group * layout.perGroup +
                      at % group / layout.run % layout.perGroup;
    if (!scaleRun(result, weights, at, layout.run, scale[channel]))
      return std::nullopt;
  }
  return result;
}

std::optional<TensorData>
graph::transformBias(const std::optional<TensorData> &old, Type elementType,
                     ArrayRef<double> scale, ArrayRef<double> shift) {
  TensorData result = TensorData::zeros(
      RankedTensorType::get(int64_t(shift.size()), elementType));
  for (int64_t c = 0, size = shift.size(); c < size; ++c) {
    double value = shift[c];
    if (old)
      value += old->loadDouble(old->size() == 1 ? 0 : c) * scale[c];
    if (!storeFinite(result, c, value))
      return std::nullopt;
  }
  return result;
}
