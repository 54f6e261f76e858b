//===- WriteQdq.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Q and DQ nodes in the form that ONNX Runtime's own quantizer writes, which
// engines recognize.
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/HalfFloat.h"
#include "lib/Quantize/QdqWriter.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace ingot;
using namespace ingot::quantize;

template <typename T>
static std::vector<char> rawBytes(const std::vector<T> &values) {
  std::vector<char> data(values.size() * sizeof(T));
  if (!data.empty())
    std::memcpy(data.data(), values.data(), data.size());
  return data;
}

/// The scale and zero point of activations.
const QdqWriter::Constants &QdqWriter::constantsOf(const std::string &root) {
  auto [it, isNew] = constants.try_emplace(root);
  if (!isNew)
    return it->second;
  const QuantParams &params = in.params->find(root)->second;
  QuantType type = in.format->activations.type;
  it->second = {graph.freshName(root + "_scale"),
                graph.freshName(root + "_zero_point")};
  graph.addInitializer(it->second.scale, kFloat, {},
                       rawBytes(std::vector<float>{params.scale}));
  graph.addInitializer(it->second.zeroPoint, onnxDataType(type), {},
                       packElements({params.zeroPoint}, type));
  return it->second;
}

std::string QdqWriter::emitDequantize(const std::string &quantized,
                                      const std::string &scale,
                                      const std::string &zeroPoint,
                                      int64_t axis, const std::string &result) {
  OnnxNode node;
  node.opType = "DequantizeLinear";
  node.name = graph.freshName(result + "_node");
  node.inputs = {quantized, scale};
  if (!zeroPoint.empty())
    node.inputs.push_back(zeroPoint);
  node.outputs = {result};
  if (axis >= 0)
    node.set(intAttribute("axis", axis));
  nodes.push_back(std::move(node));
  return result;
}

/// Q and DQ of `value`; returns the result's name, `name` if given.
std::string QdqWriter::pair(const std::string &value, const std::string &root,
                            const std::string &name) {
  Constants c = constantsOf(root);
  OnnxNode node;
  node.opType = "QuantizeLinear";
  node.inputs = {value, c.scale, c.zeroPoint};
  node.outputs = {graph.freshName(value + "_quantized")};
  node.name = graph.freshName(value + "_QuantizeLinear");
  std::string quantized = node.outputs[0];
  nodes.push_back(std::move(node));
  return emitDequantize(quantized, c.scale, c.zeroPoint, -1,
                        name.empty() ? graph.freshName(value + "_dequantized")
                                     : name);
}

llvm::Expected<QuantizedWeight> QdqWriter::weightOf(const Unit &unit) {
  if (in.findings)
    if (auto it = in.findings->rounded.find(unit.nodes[0]);
        it != in.findings->rounded.end())
      return it->second;
  return quantizeWeight(*in.graph, unit, *in.format);
}

/// The quantized weight as an initializer, with its scales.
QdqWriter::WeightNames QdqWriter::addWeight(const OnnxTensor &tensor,
                                            const QuantizedWeight &weight) {
  QuantType type = in.format->weights.type;
  std::vector<float> scales;
  std::vector<int32_t> zeroPoints;
  for (const QuantParams &params : weight.params) {
    scales.push_back(params.scale);
    zeroPoints.push_back(params.zeroPoint);
  }
  std::vector<int64_t> dims;
  if (weight.blockSize) {
    dims = tensor.dims;
    int64_t &depth = dims[size_t(weight.axis)];
    depth = (depth + weight.blockSize - 1) / weight.blockSize;
  } else if (weight.axis >= 0) {
    dims.push_back(int64_t(scales.size()));
  }
  std::string stem = tensor.name;
  WeightNames names{graph.freshName(stem + "_quantized"),
                    graph.freshName(stem + "_scale"),
                    graph.freshName(stem + "_zero_point")};
  graph.addInitializer(names.quantized, onnxDataType(type), tensor.dims,
                       packElements(weight.values, type));
  graph.addInitializer(names.scale, kFloat, dims, rawBytes(scales));
  graph.addInitializer(names.zeroPoint, onnxDataType(type), dims,
                       packElements(zeroPoints, type));
  return names;
}

std::string QdqWriter::writeWeight(const OnnxTensor &tensor,
                                   const QuantizedWeight &weight) {
  WeightNames names = addWeight(tensor, weight);
  std::string result =
      emitDequantize(names.quantized, names.scale, names.zeroPoint, weight.axis,
                     graph.freshName(tensor.name + "_dequantized"));
  if (weight.blockSize)
    nodes.back().set(intAttribute("block_size", weight.blockSize));
  return result;
}

/// What corrects the bias of a unit; null if nothing does.
const std::vector<float> *QdqWriter::shiftOf(const Unit &unit) const {
  if (!in.findings)
    return nullptr;
  auto it = in.findings->biasShifts.find(unit.nodes[0]);
  return it == in.findings->biasShifts.end() ? nullptr : &it->second;
}

/// Whether the constant that is added to a matrix product takes the correction.
bool QdqWriter::foldsShift(const Unit &unit) const {
  const OnnxTensor *bias = in.graph->findInitializer(unit.addedBias);
  const std::vector<float> *shift = shiftOf(unit);
  return bias && shift && bias->dtype == kFloat &&
         bias->elements() == int64_t(shift->size()) && !bias->dims.empty() &&
         bias->dims.back() == bias->elements();
}

/// Corrects the Add of the bias of a matrix product, a later node of its unit.
void QdqWriter::correctAdd(const Unit &unit, OnnxNode &node) {
  if (!node.is("Add") || !foldsShift(unit))
    return;
  auto input = llvm::find(node.inputs, unit.addedBias);
  std::vector<float> bias;
  const OnnxTensor &tensor = *in.graph->findInitializer(unit.addedBias);
  if (input == node.inputs.end() || !in.graph->loadFloats(tensor, bias))
    return;
  for (auto [number, shift] : llvm::zip(bias, *shiftOf(unit)))
    number += shift;
  *input = graph.freshName(unit.addedBias + "_corrected");
  graph.addInitializer(*input, kFloat, tensor.dims, rawBytes(bias));
}

/// The bias of a unit with what corrects it; false if it has none that can be
/// quantized.
bool QdqWriter::readBias(const Unit &unit, const OnnxNode &node,
                         const QuantizedWeight &weight,
                         std::vector<float> &bias) const {
  const std::vector<float> *shift = shiftOf(unit);
  if (!unit.bias.empty()) {
    if (!in.graph->loadFloats(*in.graph->findInitializer(unit.bias), bias))
      return false;
  } else if (shift && node.input(2).empty() && !node.is("MatMul")) {
    bias.assign(shift->size(), 0);
  } else {
    return false;
  }
  // Not one per channel: stays in float.
  if (weight.axis >= 0 && bias.size() != weight.params.size())
    return false;
  for (size_t i = 0; shift && i < bias.size() && i < shift->size(); ++i)
    bias[i] += (*shift)[i];
  return true;
}

/// Quantizes the bias to the scale of the products; widens weights' scales
/// where it does not fit otherwise.
llvm::Error QdqWriter::writeBias(const Unit &unit, OnnxNode &node,
                                 QuantizedWeight &weight) {
  std::vector<float> bias;
  if (!readBias(unit, node, weight, bias))
    return llvm::Error::success();
  std::vector<float> scales;
  for (const QuantParams &params : weight.params)
    scales.push_back(params.scale);
  float inputScale =
      in.params->find(plan.root(unit.activations[0]))->second.scale;
  int64_t products = int64_t(weight.values.size()) /
                     std::max<int64_t>(1, int64_t(bias.size()));
  int64_t headroom = std::min<int64_t>(products * 255 * 128, int64_t(1) << 30);
  auto quantized = quantizeBias(bias, inputScale, scales, headroom);
  if (!quantized)
    return quantized.takeError();
  if (quantized->widened) {
    for (size_t i = 0; i < scales.size(); ++i)
      weight.params[i].scale = quantized->weightScales[i];
    std::vector<float> floats;
    const OnnxTensor &w = *in.graph->findInitializer(unit.weight);
    in.graph->loadFloats(w, floats);
    roundWeight(floats, w.dims, weight);
  }
  std::vector<float> biasScales;
  for (float scale : quantized->weightScales)
    biasScales.push_back(scale * inputScale);
  std::vector<int64_t> dims;
  if (weight.axis >= 0)
    dims.push_back(int64_t(biasScales.size()));
  std::string stem = unit.bias.empty() ? unit.weight + "_bias" : unit.bias;
  std::string name = graph.freshName(stem + "_quantized");
  std::string scale = graph.freshName(stem + "_quantized_scale");
  graph.addInitializer(name, kInt32, {int64_t(bias.size())},
                       rawBytes(quantized->values));
  graph.addInitializer(scale, kFloat, dims, rawBytes(biasScales));
  node.inputs.resize(3);
  node.inputs[2] = emitDequantize(name, scale, "", dims.empty() ? -1 : 0,
                                  graph.freshName(stem + "_dequantized"));
  return llvm::Error::success();
}

/// Replaces constant operands of a unit's first node.
llvm::Error QdqWriter::constantOperands(const Unit &unit, OnnxNode &node) {
  if (unit.weight.empty())
    return llvm::Error::success();
  bool isStatic = in.format->scheme == QuantizeScheme::Static;
  auto weight = weightOf(unit);
  if (!weight)
    return weight.takeError();
  if (isStatic && hasParams(unit.activations[0]))
    if (llvm::Error error = writeBias(unit, node, *weight))
      return error;
  node.inputs[unit.weightOperand] =
      writeWeight(*in.graph->findInitializer(unit.weight), *weight);
  return llvm::Error::success();
}

void QdqWriter::emitNode(const char *op, std::vector<std::string> inputs,
                         std::vector<std::string> outputs) {
  OnnxNode node;
  node.opType = op;
  node.name = graph.freshName(outputs[0] + "_" + op);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  nodes.push_back(std::move(node));
}

/// The weight as [depth, columns], which MatMulInteger takes.
static void transposeWeight(OnnxTensor &tensor, QuantizedWeight &weight) {
  int64_t rows = tensor.dims[0], columns = tensor.dims[1];
  std::vector<int32_t> values(weight.values.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      values[size_t(c * rows + r)] = weight.values[size_t(r * columns + c)];
  weight.values = std::move(values);
  tensor.dims = {columns, rows};
}

/// MatMulInteger of the activation as DynamicQuantizeLinear gives it, the form
/// that ONNX Runtime's quantizer writes, or with a scale for each row.
llvm::Error QdqWriter::emitDynamic(const Unit &unit, const OnnxNode &node) {
  auto weight = weightOf(unit);
  if (!weight)
    return weight.takeError();
  OnnxTensor tensor = *in.graph->findInitializer(unit.weight);
  if (node.is("Gemm") && node.getInt("transB", 0))
    transposeWeight(tensor, *weight);
  WeightNames names = addWeight(tensor, *weight);
  const std::string &result = node.outputs[0];
  std::string bias(node.input(2));
  auto fresh = [&](const char *what) {
    return graph.freshName(result + "_" + what);
  };
  std::string x, scale, zeroPoint;
  if (in.format->perToken) {
    const TokenScaled &rows = tokens.quantize(node.inputs[0]);
    x = rows.quantized;
    scale = rows.scale;
  } else {
    x = fresh("x_quantized");
    scale = fresh("x_scale");
    zeroPoint = fresh("x_zero_point");
    emitNode("DynamicQuantizeLinear", {node.inputs[0]}, {x, scale, zeroPoint});
  }
  std::string sum = fresh("sum"), sumFloat = fresh("sum_float"),
              scales = fresh("scales");
  std::string product = bias.empty() ? result : fresh("product");
  emitNode("MatMulInteger", {x, names.quantized, zeroPoint, names.zeroPoint},
           {sum});
  emitNode("Cast", {sum}, {sumFloat});
  nodes.back().set(intAttribute("to", kFloat));
  if (in.format->perToken) {
    // Not the product of the scales, which is as large as the result.
    emitNode("Mul", {sumFloat, scale}, {scales});
    emitNode("Mul", {scales, names.scale}, {product});
  } else {
    emitNode("Mul", {scale, names.scale}, {scales});
    emitNode("Mul", {sumFloat, scales}, {product});
  }
  if (!bias.empty())
    emitNode("Add", {product, bias}, {result});
  return llvm::Error::success();
}

/// The first node of a quantized unit, with its constants quantized.
llvm::Error QdqWriter::emitUnitNode(const Unit &unit, OnnxNode node) {
  if (in.format->scheme == QuantizeScheme::Dynamic)
    return emitDynamic(unit, node);
  if (llvm::Error error = constantOperands(unit, node))
    return error;
  // A MatMul has no bias: what corrects it is added behind it.
  const std::vector<float> *shift = shiftOf(unit);
  if (!shift || !node.is("MatMul") || foldsShift(unit)) {
    nodes.push_back(std::move(node));
    return llvm::Error::success();
  }
  std::string result = node.outputs[0];
  std::string product = graph.freshName(result + "_uncorrected");
  std::string constant = graph.freshName(unit.weight + "_correction");
  graph.addInitializer(constant, kFloat, {int64_t(shift->size())},
                       rawBytes(*shift));
  node.outputs[0] = product;
  nodes.push_back(std::move(node));
  emitNode("Add", {product, constant}, {result});
  return llvm::Error::success();
}

void QdqWriter::emitCast(const std::string &from, const std::string &to,
                         int32_t type) {
  emitNode("Cast", {from}, {to});
  nodes.back().set(intAttribute("to", type));
}

/// The name of a value or constant in float16; "" for constants that have no
/// floats.
std::string QdqWriter::inHalf(const std::string &value) {
  auto [it, isNew] = halves.try_emplace(value);
  if (!isNew)
    return it->second;
  std::string name = graph.freshName(value + "_f16");
  const OnnxTensor *tensor = in.graph->findInitializer(value);
  if (!tensor) {
    emitCast(value, name, kHalf);
    return it->second = name;
  }
  std::vector<float> floats;
  if (!in.graph->loadFloats(*tensor, floats))
    return "";
  std::vector<uint16_t> bits;
  bits.reserve(floats.size());
  for (float number : floats)
    bits.push_back(halfBits(number));
  graph.addInitializer(name, kHalf, tensor->dims, rawBytes(bits));
  return it->second = name;
}

/// A node between Casts to float16 and back, with its constants in float16.
llvm::Error QdqWriter::emitHalf(OnnxNode node) {
  for (std::string &input : node.inputs) {
    if (input.empty())
      continue;
    std::string half = inHalf(input);
    if (half.empty())
      return llvm::createStringError("the weights cannot be read");
    input = half;
  }
  std::string result = node.outputs[0];
  node.outputs[0] = graph.freshName(result + "_f16");
  std::string half = node.outputs[0];
  nodes.push_back(std::move(node));
  emitCast(half, result, kFloat);
  return llvm::Error::success();
}

/// Node `index` of unit `number` (-1: of none) as the plan has it.
llvm::Error QdqWriter::emitNodeOf(int64_t number, bool isQuantized,
                                  size_t index, OnnxNode node) {
  const Unit *unit = number < 0 ? nullptr : &in.units->list[size_t(number)];
  bool isFirst = unit && unit->nodes[0] == index;
  if (isFirst && plan.isHalf(size_t(number)))
    return emitHalf(std::move(node));
  if (isFirst && isQuantized)
    return emitUnitNode(*unit, std::move(node));
  if (isQuantized)
    correctAdd(*unit, node);
  nodes.push_back(std::move(node));
  return llvm::Error::success();
}

llvm::Error QdqWriter::writeAll(QuantizedGraph &result) {
  std::map<std::string, std::string, std::less<>> &names = result.dequantized;
  for (const OnnxValue &input : graph.inputs)
    if (plan.values.count(input.name))
      names[input.name] = pair(input.name, plan.root(input.name));
  for (size_t i = 0; i < in.graph->nodes.size(); ++i) {
    OnnxNode node = in.graph->nodes[i];
    int64_t number = in.units->ofNode[i];
    bool isQuantized = number >= 0 && plan.isQuantized[size_t(number)];
    for (std::string &input : node.inputs) {
      auto it = names.find(input);
      if (it != names.end() && (isQuantized || plan.isComputed.count(input)))
        input = it->second;
    }
    // Outputs of the graph keep their names, behind the DequantizeLinear.
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::string &output : node.outputs) {
      if (!plan.values.count(output))
        continue;
      std::string original = output;
      if (plan.isComputed.count(original) && graph.isOutput(original)) {
        output = graph.freshName(original + "_float");
        names[original] = original;
      }
      pairs.push_back({original, output});
    }
    if (llvm::Error error = emitNodeOf(number, isQuantized, i, std::move(node)))
      return error;
    for (auto &[original, computed] : pairs) {
      std::string name = pair(computed, plan.root(original), names[original]);
      names[original] = name;
    }
  }
  graph.nodes = std::move(nodes);
  graph.removeUnused();
  return llvm::Error::success();
}

llvm::Expected<QuantizedGraph>
quantize::quantizeGraph(const QuantizeInputs &inputs, const Plan &plan) {
  QuantizedGraph result;
  QdqWriter writer(inputs, plan);
  if (llvm::Error error = writer.writeAll(result))
    return error;
  result.graph = writer.take();
  return result;
}
