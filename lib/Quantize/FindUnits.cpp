//===- FindUnits.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/FindActivation.h"
#include "lib/Quantize/Normalize.h"
#include "lib/Quantize/Plan.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace ingot;
using namespace ingot::quantize;

namespace {
class UnitFinder {
public:
  UnitFinder(const OnnxGraph &graph, const ValueTypes &types,
             bool separateActivations)
      : graph(graph), types(types), users(usersOf(graph)),
        separateActivations(separateActivations) {}
  Units run();

private:
  void visit(size_t index);
  bool isFloat(std::string_view value) const;
  bool isConstant(std::string_view value) const {
    return graph.findInitializer(value);
  }
  std::optional<UnitKind> kindOf(const OnnxNode &node) const;
  bool keepsZero(const OnnxNode &node) const;
  void readHeavy(Unit &unit, const OnnxNode &node) const;
  /// The only reader of the unit's result; null if there are others.
  const OnnxNode *onlyUser(const std::string &value, size_t &index) const;
  void addEpilogue(Unit &unit);
  void addActivation(Unit &unit);
  void addFactors(Unit &unit);
  bool addGate(Unit &unit);
  void finish(Unit unit);

  const OnnxGraph &graph;
  const ValueTypes &types;
  ValueUsers users;
  bool separateActivations;
  Units units;
};
} // namespace

bool UnitFinder::isFloat(std::string_view value) const {
  auto it = types.find(value);
  return it != types.end() && it->second.dtype == INGOT_FLOAT32;
}

/// Whether a Pad fills with 0, which every scale represents.
bool UnitFinder::keepsZero(const OnnxNode &node) const {
  std::string_view fill = node.input(2);
  if (fill.empty())
    return true;
  const OnnxTensor *tensor = graph.findInitializer(fill);
  std::vector<float> values;
  return tensor && graph.loadFloats(*tensor, values) && values.size() == 1 &&
         values[0] == 0;
}

std::optional<UnitKind> UnitFinder::kindOf(const OnnxNode &node) const {
  if (!node.domain.empty())
    return std::nullopt;
  auto kind =
      llvm::StringSwitch<std::optional<UnitKind>>(node.opType)
          .Cases({"Conv", "ConvTranspose", "MatMul", "Gemm"}, UnitKind::Heavy)
          .Cases({"Add", "Sub", "Mul", "Concat", "AveragePool",
                  "GlobalAveragePool", "ReduceMean", "Relu", "Clip"},
                 UnitKind::Light)
          .Cases({"LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",
                  "Elu", "Gelu", "Mish", "Softplus"},
                 UnitKind::Light)
          .Cases({"MaxPool", "GlobalMaxPool", "Reshape", "Transpose", "Flatten",
                  "Squeeze", "Unsqueeze", "Slice", "Identity"},
                 UnitKind::Mover)
          .Cases({"DepthToSpace", "SpaceToDepth", "Pad", "Split", "Expand",
                  "Tile", "Gather"},
                 UnitKind::Mover)
          .Case("Resize", node.getString("mode", "nearest") == "nearest"
                              ? UnitKind::Mover
                              : UnitKind::Light)
          .Default(std::nullopt);
  if (node.is("Pad") && !keepsZero(node))
    return std::nullopt;
  if (node.is("MaxPool") && !node.output(1).empty())
    return std::nullopt;
  return kind;
}

const OnnxNode *UnitFinder::onlyUser(const std::string &value,
                                     size_t &index) const {
  auto it = users.find(value);
  if (it == users.end() || it->second.size() != 1 || it->second[0] < 0)
    return nullptr;
  index = size_t(it->second[0]);
  return &graph.nodes[index];
}

/// Adds what is computed where the result of the unit is made: the constant
/// bias of a matrix product, then Relu or Clip.
void UnitFinder::addEpilogue(Unit &unit) {
  bool isProduct = unit.opType == "MatMul" || unit.opType == "Gemm";
  for (;;) {
    size_t index = 0;
    const OnnxNode *next = onlyUser(unit.outputs[0], index);
    if (!next || next->outputs.size() != 1)
      return;
    bool isBias = isProduct && next->is("Add") && next->inputs.size() == 2 &&
                  isConstant(next->inputs[next->inputs[0] == unit.outputs[0]]);
    bool isClip =
        next->is("Clip") &&
        llvm::all_of(llvm::drop_begin(next->inputs), [&](const auto &bound) {
          return bound.empty() || isConstant(bound);
        });
    if (!isBias && !next->is("Relu") && !isClip)
      return;
    if (isBias)
      unit.addedBias = next->inputs[next->inputs[0] == unit.outputs[0]];
    isProduct = false;
    unit.nodes.push_back(index);
    unit.outputs[0] = next->outputs[0];
  }
}

/// Adds an activation x * f(x), and a multiplication by constants: the result
/// of the whole is quantized alone.
void UnitFinder::addActivation(Unit &unit) {
  if (separateActivations)
    return;
  std::optional<Activation> activation =
      findActivation(graph, users, unit.outputs[0]);
  if (activation && isFloat(activation->result)) {
    unit.nodes.insert(unit.nodes.end(), activation->nodes.begin(),
                      activation->nodes.end());
    unit.outputs[0] = activation->result;
    unit.activation = activation->name;
  }
  addFactors(unit);
}

/// Adds Mul, Min and Max with constants that keep the shape.
void UnitFinder::addFactors(Unit &unit) {
  auto dims = [&](const std::string &value) -> const std::vector<int64_t> * {
    auto it = types.find(value);
    return it == types.end() || !it->second.isRanked ? nullptr
                                                     : &it->second.dims;
  };
  for (;;) {
    size_t index = 0;
    const OnnxNode *next = onlyUser(unit.outputs[0], index);
    bool isKnown =
        next && (next->is("Mul") || next->is("Min") || next->is("Max"));
    if (!isKnown || next->inputs.size() != 2 ||
        !isConstant(next->inputs[next->inputs[0] == unit.outputs[0]]))
      return;
    const std::vector<int64_t> *before = dims(unit.outputs[0]);
    const std::vector<int64_t> *after = dims(next->outputs[0]);
    if (!before || !after || *before != *after)
      return;
    unit.nodes.push_back(index);
    unit.outputs[0] = next->outputs[0];
    unit.hasFactors = true;
  }
}

/// x * sigmoid(x) and x * hardsigmoid(x) are functions of x.
bool UnitFinder::addGate(Unit &unit) {
  size_t index = 0;
  const OnnxNode *next = onlyUser(unit.outputs[0], index);
  if ((unit.opType != "Sigmoid" && unit.opType != "HardSigmoid") || !next ||
      !next->is("Mul") || next->inputs.size() != 2 ||
      next->inputs[next->inputs[0] == unit.outputs[0]] != unit.activations[0])
    return false;
  unit.nodes.push_back(index);
  unit.outputs[0] = next->outputs[0];
  unit.opType += " * x";
  return true;
}

void UnitFinder::readHeavy(Unit &unit, const OnnxNode &node) const {
  bool isConv = node.is("Conv") || node.is("ConvTranspose");
  bool isGemm = node.is("Gemm");
  unit.activations.clear();
  for (size_t i = 0; i < 2 && i < node.inputs.size(); ++i) {
    if (!isConstant(node.inputs[i])) {
      unit.activations.push_back(node.inputs[i]);
      continue;
    }
    unit.weight = node.inputs[i];
    unit.weightOperand = i;
  }
  if (isConv && (unit.weight.empty() || unit.weightOperand != 1))
    unit.obstacle = "its weights are computed at run time";
  if (unit.activations.empty())
    unit.obstacle = "it is constant";
  if (!unit.weight.empty()) {
    const OnnxTensor &weight = *graph.findInitializer(unit.weight);
    if (weight.dtype != INGOT_FLOAT32)
      unit.obstacle = "its weights are not float32";
    int64_t rank = int64_t(weight.dims.size());
    if (node.is("Conv"))
      unit.channelAxis = 0;
    else if (node.is("ConvTranspose"))
      unit.channelAxis = node.getInt("group", 1) == 1 ? 1 : -1;
    else if (isGemm)
      unit.channelAxis = node.getInt("transB", 0) ? 0 : 1;
    else if (rank == 2)
      unit.channelAxis = 1;
    if (unit.weightOperand == 0)
      unit.channelAxis = -1;
  }
  // A bias in integers has the scale of the products, so nothing may scale
  // either of the two.
  bool isScaled = isGemm && (node.getFloat("alpha", 1) != 1 ||
                             node.getFloat("beta", 1) != 1);
  const OnnxTensor *bias = graph.findInitializer(node.input(2));
  if (bias && !isScaled && bias->dims.size() == 1 && !unit.weight.empty() &&
      bias->dtype == INGOT_FLOAT32)
    unit.bias = bias->name;
}

void UnitFinder::finish(Unit unit) {
  size_t number = units.list.size();
  for (size_t node : unit.nodes)
    units.ofNode[node] = int64_t(number);
  for (const std::string &output : unit.outputs)
    units.producer[output] = number;
  units.list.push_back(std::move(unit));
}

void UnitFinder::visit(size_t index) {
  const OnnxNode &node = graph.nodes[index];
  std::optional<UnitKind> kind = kindOf(node);
  if (!kind || units.ofNode[index] >= 0 || node.inputs.empty() ||
      node.outputs.empty())
    return;
  for (const std::string &output : node.outputs)
    if (!isFloat(output))
      return;
  Unit unit;
  unit.kind = *kind;
  unit.nodes = {index};
  unit.opType = node.opType;
  unit.name = node.name.empty() ? node.outputs[0] : node.name;
  unit.outputs = node.outputs;
  if (*kind == UnitKind::Heavy) {
    readHeavy(unit, node);
    if (unit.obstacle == "it is constant")
      return;
    addEpilogue(unit);
    addActivation(unit);
    finish(std::move(unit));
    return;
  }
  size_t operands = *kind == UnitKind::Mover || node.is("Resize") ||
                            node.is("Clip") || node.is("ReduceMean")
                        ? 1
                        : node.inputs.size();
  for (size_t i = 0; i < operands; ++i)
    if (!isConstant(node.inputs[i]))
      unit.activations.push_back(node.inputs[i]);
  if (unit.activations.empty() ||
      !llvm::all_of(unit.activations,
                    [&](const std::string &value) { return isFloat(value); }))
    return;
  if (node.is("Clip") &&
      !llvm::all_of(llvm::drop_begin(node.inputs), [&](const auto &bound) {
        return bound.empty() || isConstant(bound);
      }))
    return;
  if (*kind == UnitKind::Light && !addGate(unit) &&
      (node.is("Add") || node.is("Sub") || node.is("Mul")))
    addEpilogue(unit);
  finish(std::move(unit));
}

Units UnitFinder::run() {
  units.ofNode.assign(graph.nodes.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    visit(i);
  return std::move(units);
}

Units quantize::findUnits(const OnnxGraph &graph, const ValueTypes &types,
                          bool separateActivations) {
  return UnitFinder(graph, types, separateActivations).run();
}
