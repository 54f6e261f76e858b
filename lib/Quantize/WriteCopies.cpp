//===- WriteCopies.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models that have layers twice, to see what a layer loses.
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/QdqWriter.h"

using namespace ingot;
using namespace ingot::quantize;

/// Emits the nodes of a unit once more; returns the name of the result.
/// `renamed` has the names that are read instead of the values'.
llvm::Expected<std::string>
QdqWriter::emitCopy(const UnitVariant &variant,
                    std::map<std::string, std::string, std::less<>> renamed) {
  const Unit &unit = in.units->list[variant.unit];
  bool isHalf = variant.type == LayerType::Float16;
  auto nameOf = [&](const std::string &value) -> const std::string & {
    auto it = renamed.find(value);
    return it == renamed.end() ? value : it->second;
  };
  for (const std::string &value :
       std::set<std::string>(unit.activations.begin(), unit.activations.end()))
    if (!isHalf && hasParams(value))
      renamed[value] = pair(nameOf(value), plan.root(value));
  for (size_t index : unit.nodes) {
    OnnxNode node = in.graph->nodes[index];
    for (std::string &input : node.inputs)
      input = std::string(nameOf(input));
    for (std::string &output : node.outputs) {
      std::string copy = graph.freshName(output + "_isolated");
      renamed[output] = copy;
      output = copy;
    }
    node.name = graph.freshName(node.name + "_isolated");
    llvm::Error error = llvm::Error::success();
    if (index != unit.nodes[0]) {
      if (!isHalf)
        correctAdd(unit, node);
      nodes.push_back(std::move(node));
    } else {
      error = isHalf ? emitHalf(std::move(node))
                     : emitUnitNode(unit, std::move(node));
    }
    if (error)
      return std::move(error);
  }
  const std::string &output = unit.outputs[0];
  std::string copy = nameOf(output);
  return !isHalf && plan.isComputed.count(output) && hasParams(output)
             ? pair(copy, plan.root(output))
             : copy;
}

llvm::Error QdqWriter::writeCopies(const std::vector<UnitVariant> &which,
                                   std::vector<std::string> &copies) {
  nodes = graph.nodes;
  for (const UnitVariant &variant : which) {
    auto copy = emitCopy(variant, {});
    if (!copy)
      return copy.takeError();
    copies.push_back(std::move(*copy));
  }
  graph.nodes = std::move(nodes);
  return llvm::Error::success();
}

llvm::Error QdqWriter::writeSwitched(const std::vector<UnitVariant> &which,
                                     std::vector<std::string> &switches) {
  std::map<size_t, size_t> byLastNode;
  for (size_t i = 0; i < which.size(); ++i) {
    byLastNode[in.units->list[which[i].unit].nodes.back()] = i;
    switches.push_back(graph.freshName("switch_" + std::to_string(i)));
    std::vector<int64_t> scalar;
    graph.inputs.push_back(makeValue(switches.back(), kBool, &scalar));
  }
  std::map<std::string, std::string, std::less<>> renamed;
  for (size_t i = 0; i < in.graph->nodes.size(); ++i) {
    OnnxNode node = in.graph->nodes[i];
    for (std::string &input : node.inputs)
      if (auto it = renamed.find(input); it != renamed.end())
        input = it->second;
    auto it = byLastNode.find(i);
    if (it == byLastNode.end()) {
      nodes.push_back(std::move(node));
      continue;
    }
    std::string original = node.outputs[0];
    std::string exact = graph.freshName(original + "_exact");
    node.outputs[0] = exact;
    nodes.push_back(std::move(node));
    auto copy = emitCopy(which[it->second], renamed);
    if (!copy)
      return copy.takeError();
    // Outputs of the graph keep their names.
    std::string result = graph.isOutput(original)
                             ? original
                             : graph.freshName(original + "_switched");
    emitNode("Where", {switches[it->second], *copy, exact}, {result});
    renamed[original] = result;
  }
  graph.nodes = std::move(nodes);
  return llvm::Error::success();
}

llvm::Expected<OnnxGraph>
quantize::isolateUnits(const QuantizeInputs &inputs, const Plan &plan,
                       const std::vector<UnitVariant> &which,
                       std::vector<std::string> &copies) {
  QdqWriter writer(inputs, plan);
  if (llvm::Error error = writer.writeCopies(which, copies))
    return error;
  return writer.take();
}

llvm::Expected<OnnxGraph>
quantize::switchUnits(const QuantizeInputs &inputs, const Plan &plan,
                      const std::vector<UnitVariant> &which,
                      std::vector<std::string> &switches) {
  QdqWriter writer(inputs, plan);
  if (llvm::Error error = writer.writeSwitched(which, switches))
    return error;
  return writer.take();
}
