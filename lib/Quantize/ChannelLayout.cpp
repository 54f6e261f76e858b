//===- ChannelLayout.cpp -------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/ChannelLayout.h"

#include "llvm/Support/FormatVariadic.h"

#include <cassert>
#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

ChannelView ChannelView::along(ArrayRef<int64_t> dims, int64_t axis) {
  ChannelView view;
  if (dims.empty())
    return view;
  if (axis < 0)
    axis += int64_t(dims.size());
  assert(axis >= 0 && axis < int64_t(dims.size()) && "no such axis");
  for (int64_t i = 0; i < int64_t(dims.size()); ++i)
    (i < axis ? view.outer : i == axis ? view.channels : view.inner) *= dims[i];
  return view;
}

llvm::Error LayerShape::check(int64_t elements) const {
  const char *wrong = nullptr;
  if (outputs <= 0 || inputs <= 0 || groups <= 0 || inner <= 0)
    wrong = "sizes must be positive";
  else if (outputs % groups || inputs % groups)
    wrong = "groups must divide inputs and outputs";
  else if (isTransposed && (groups != 1 || inner != 1))
    wrong = "transposed weights have one group and no kernel";
  else if (size() != elements)
    wrong = "not the number of weights";
  if (!wrong)
    return llvm::Error::success();
  return llvm::createStringError(llvm::formatv(
      "a layer of {0} outputs, {1} inputs, {2} groups, {3} kernel elements and "
      "{4} weights: {5}",
      outputs, inputs, groups, inner, elements, wrong));
}

llvm::Error ingot::quantize::checkFinite(ArrayRef<float> values) {
  // x * 0 is 0 for finite x, else NaN: a sum without branches.
  float probe = 0;
  for (float value : values)
    probe += value * 0;
  if (probe == 0)
    return llvm::Error::success();
  size_t index = 0;
  while (std::isfinite(values[index]))
    ++index;
  return llvm::createStringError(llvm::formatv("element {0} is {1}", index,
                                               std::isnan(values[index]) ? "NaN"
                                               : values[index] > 0
                                                   ? "infinite"
                                                   : "minus infinite"));
}

std::vector<float> ingot::quantize::channelAbsMax(ArrayRef<float> values,
                                                  ChannelView view) {
  assert(int64_t(values.size()) == view.size());
  std::vector<float> largest(view.channels, 0.f);
  const float *value = values.data();
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t channel = 0; channel < view.channels; ++channel) {
      float most = largest[channel];
      for (int64_t inner = 0; inner < view.inner; ++inner)
        most = std::max(most, std::fabs(*value++));
      largest[channel] = most;
    }
  return largest;
}

/// Calls `visit(output, input, offset)` for the weights between each output
/// and each input of its group.
template <typename Visit>
static void forEachPair(const LayerShape &shape, Visit visit) {
  for (int64_t output = 0; output < shape.outputs; ++output) {
    int64_t group = output / shape.outputsPerGroup();
    for (int64_t i = 0; i < shape.inputsPerGroup(); ++i) {
      int64_t input = group * shape.inputsPerGroup() + i;
      visit(output, input, shape.offset(output, input));
    }
  }
}

std::vector<float> ingot::quantize::inputAbsMax(ArrayRef<float> weights,
                                                const LayerShape &shape) {
  std::vector<float> largest(shape.inputs, 0.f);
  forEachPair(shape, [&](int64_t, int64_t input, int64_t offset) {
    for (int64_t k = 0; k < shape.inner; ++k)
      largest[input] = std::max(largest[input], std::fabs(weights[offset + k]));
  });
  return largest;
}

void ingot::quantize::scaleOutputs(MutableArrayRef<float> weights,
                                   const LayerShape &shape,
                                   ArrayRef<float> factors) {
  assert(int64_t(factors.size()) == shape.outputs);
  forEachPair(shape, [&](int64_t output, int64_t, int64_t offset) {
    for (int64_t k = 0; k < shape.inner; ++k)
      weights[offset + k] *= factors[output];
  });
}

void ingot::quantize::scaleInputs(MutableArrayRef<float> weights,
                                  const LayerShape &shape,
                                  ArrayRef<float> factors) {
  assert(int64_t(factors.size()) == shape.inputs);
  forEachPair(shape, [&](int64_t, int64_t input, int64_t offset) {
    for (int64_t k = 0; k < shape.inner; ++k)
      weights[offset + k] *= factors[input];
  });
}
