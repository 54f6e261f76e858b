//===- FindActivation.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/FindActivation.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace ingot;
using namespace ingot::quantize;

/// Activations that are one operator.
static bool isWhole(const OnnxNode &node) {
  bool isKnown = node.domain.empty() || node.domain == "com.microsoft";
  return isKnown && llvm::StringSwitch<bool>(node.opType)
                        .Cases({"HardSwish", "Gelu", "Mish", "Swish"}, true)
                        .Case("QuickGelu", true)
                        .Default(false);
}

/// Operators that activations are made of.
static bool isPart(const OnnxNode &node) {
  return node.domain.empty() &&
         llvm::StringSwitch<bool>(node.opType)
             .Cases({"Add", "Sub", "Mul", "Div", "Pow", "Neg", "Exp", "Log"},
                    true)
             .Cases({"Sigmoid", "HardSigmoid", "Tanh", "Erf", "Softplus"}, true)
             .Cases({"Clip", "Relu", "Min", "Max"}, true)
             .Default(false);
}

namespace {
/// Grows from a value along those that read it until all ways meet again.
class ActivationFinder {
public:
  ActivationFinder(const OnnxGraph &graph, const ValueUsers &users,
                   const std::string &value)
      : graph(graph), users(users) {
    open(value);
  }
  std::optional<Activation> run();

private:
  bool open(const std::string &value);
  bool isNumber(std::string_view value) const;
  bool isReady(const OnnxNode &node) const;
  std::optional<size_t> next() const;
  bool take(size_t index);
  bool isClosed() const;
  void addFactor();
  std::string name() const;

  const OnnxGraph &graph;
  const ValueUsers &users;
  /// Values computed so far, with the readers that are still outside.
  std::map<std::string, size_t, std::less<>> waiting;
  std::set<size_t> readers;
  Activation found;
  /// True once two values computed from the first have met.
  bool hasMet = false;
};
} // namespace

/// Adds a value; false if a graph output or nothing reads it.
bool ActivationFinder::open(const std::string &value) {
  auto it = users.find(value);
  if (it == users.end())
    return false;
  waiting[value] = it->second.size();
  for (int64_t reader : it->second) {
    if (reader < 0)
      return false;
    readers.insert(size_t(reader));
  }
  return true;
}

bool ActivationFinder::isNumber(std::string_view value) const {
  const OnnxTensor *tensor = graph.findInitializer(value);
  return tensor && tensor->elements() == 1;
}

bool ActivationFinder::isReady(const OnnxNode &node) const {
  return node.outputs.size() == 1 &&
         llvm::all_of(node.inputs, [&](const std::string &input) {
           return input.empty() || isNumber(input) || waiting.count(input);
         });
}

/// The first node that reads what is there and nothing else.
std::optional<size_t> ActivationFinder::next() const {
  for (size_t reader : readers)
    if ((isPart(graph.nodes[reader]) || isWhole(graph.nodes[reader])) &&
        isReady(graph.nodes[reader]))
      return reader;
  return std::nullopt;
}

/// Adds a node; false if the graph ends with it.
bool ActivationFinder::take(size_t index) {
  const OnnxNode &node = graph.nodes[index];
  size_t read = 0;
  for (const std::string &input : node.inputs) {
    auto it = waiting.find(input);
    if (it == waiting.end())
      continue;
    ++read;
    --it->second;
  }
  readers.erase(index);
  found.nodes.push_back(index);
  found.result = node.outputs[0];
  hasMet |= isWhole(node) || (node.is("Mul") && read == 2);
  return open(found.result);
}

/// True if nothing but the last result is read from outside.
bool ActivationFinder::isClosed() const {
  return llvm::all_of(waiting, [&](const auto &entry) {
    return entry.second == 0 || entry.first == found.result;
  });
}

/// A multiplication by a number at the end, as that of GELU by 0.5.
void ActivationFinder::addFactor() {
  auto it = users.find(found.result);
  if (it == users.end() || it->second.size() != 1 || it->second[0] < 0)
    return;
  const OnnxNode &node = graph.nodes[size_t(it->second[0])];
  bool isScale = node.is("Mul") || (node.is("Div") && node.inputs.size() == 2 &&
                                    node.inputs[0] == found.result);
  if (!isScale || node.outputs.size() != 1 ||
      llvm::count_if(node.inputs,
                     [&](const auto &input) { return isNumber(input); }) != 1)
    return;
  found.nodes.push_back(size_t(it->second[0]));
  found.result = node.outputs[0];
}

std::string ActivationFinder::name() const {
  auto has = [&](std::string_view op) {
    return llvm::any_of(found.nodes, [&](size_t node) {
      return graph.nodes[node].opType == op;
    });
  };
  for (size_t node : found.nodes)
    if (isWhole(graph.nodes[node]))
      return graph.nodes[node].opType;
  if (has("Softplus") || has("Log"))
    return "Mish";
  if (has("Erf") || has("Tanh"))
    return "Gelu";
  if (has("Clip") || has("HardSigmoid") || has("Relu") || has("Min"))
    return "HardSwish";
  return "SiLU";
}

std::optional<Activation> ActivationFinder::run() {
  constexpr size_t mostNodes = 10;
  while (found.nodes.size() < mostNodes) {
    std::optional<size_t> index = next();
    if (!index)
      return std::nullopt;
    bool goesOn = take(*index);
    if (hasMet && isClosed()) {
      addFactor();
      found.name = name();
      return std::move(found);
    }
    if (!goesOn)
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Activation> quantize::findActivation(const OnnxGraph &graph,
                                                   const ValueUsers &users,
                                                   const std::string &value) {
  auto it = users.find(value);
  if (it == users.end() ||
      llvm::any_of(it->second, [](int64_t reader) { return reader < 0; }))
    return std::nullopt;
  return ActivationFinder(graph, users, value).run();
}
