//===- WritePerToken.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ONNX has no operator that computes a scale for each row, as
// DynamicQuantizeLinear does for a tensor; it is spelled out.
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/WritePerToken.h"

#include <cstring>

using namespace ingot;
using namespace ingot::quantize;

static constexpr int32_t kFloat = 1, kInt8 = 3;

/// Since then ReduceMax takes its axes as an input.
static constexpr int64_t kAxesAsInput = 18;

static std::vector<char> floatBytes(float value) {
  std::vector<char> data(sizeof value);
  std::memcpy(data.data(), &value, sizeof value);
  return data;
}

void TokenQuantizer::addConstants() {
  if (!most.empty())
    return;
  auto add = [&](const char *name, float value) {
    std::string fresh = graph.freshName(name);
    graph.addInitializer(fresh, kFloat, {}, floatBytes(value));
    return fresh;
  };
  // A row of zeros has a scale too, which is a normal number.
  least = add("per_token_least", 1e-30f);
  most = add("per_token_most", 127);
  low = add("per_token_low", -127);
  if (graph.opset() < kAxesAsInput)
    return;
  axes = graph.freshName("per_token_axes");
  graph.addInts(axes, {-1});
}

std::string TokenQuantizer::emit(const std::string &activation, const char *op,
                                 std::vector<std::string> inputs,
                                 const char *what) {
  OnnxNode node;
  node.opType = op;
  node.inputs = std::move(inputs);
  node.outputs = {graph.freshName(activation + "_" + what)};
  node.name = graph.freshName(node.outputs[0] + "_" + op);
  nodes.push_back(std::move(node));
  return nodes.back().outputs[0];
}

const TokenScaled &TokenQuantizer::quantize(const std::string &activation) {
  auto [it, isNew] = known.try_emplace(activation);
  if (!isNew)
    return it->second;
  addConstants();
  auto append = [&](const char *op, std::vector<std::string> inputs,
                    const char *what) {
    return emit(activation, op, std::move(inputs), what);
  };
  std::string magnitude = append("Abs", {activation}, "magnitude");
  std::vector<std::string> inputs{magnitude};
  if (!axes.empty())
    inputs.push_back(axes);
  std::string largest = append("ReduceMax", inputs, "largest");
  nodes.back().set(intAttribute("keepdims", 1));
  if (axes.empty())
    nodes.back().set(intsAttribute("axes", {-1}));
  std::string nonzero = append("Max", {largest, least}, "nonzero");
  it->second.scale = append("Div", {nonzero, most}, "token_scale");
  std::string scaled = append("Div", {activation, it->second.scale}, "scaled");
  std::string rounded = append("Round", {scaled}, "rounded");
  std::string clipped = append("Clip", {rounded, low, most}, "clipped");
  it->second.quantized = append("Cast", {clipped}, "quantized");
  nodes.back().set(intAttribute("to", kInt8));
  return it->second;
}
