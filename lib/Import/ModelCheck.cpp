//===- ModelCheck.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/ModelCheck.h"
#include "lib/Import/Limits.h"
#include "lib/Import/UpgradeOpset.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/ConvertUTF.h"

using namespace ingot;
using wire::Error;
using wire::Failure;

/// The newest ir_version that is understood.
static constexpr int64_t kNewestIr = 14;

std::string_view ingot::displayName(const wire::Node &node) {
  if (!node.name.empty())
    return node.name;
  for (std::string_view output : node.outputs)
    if (!output.empty())
      return output;
  return {};
}

/// "node 'name' (OpType)" for messages.
static std::string describe(const wire::Node &node) {
  return "node " + quoted(displayName(node)) + " (" + escaped(node.opType) +
         ")";
}

static std::string functionKey(std::string_view domain, std::string_view name,
                               std::string_view overload) {
  std::string key(canonicalDomain(domain));
  key.append(1, '\0').append(name).append(1, '\0').append(overload);
  return key;
}

Failure ModelCheck::run(const wire::Model &model) {
  if (!model.graph)
    return Error{Code::NoGraph, "the model has no graph"};
  version = model.irVersion.value_or(0);
  if (version < 1 || version > kNewestIr)
    return Error{Code::BadIrVersion,
                 model.irVersion
                     ? "ir_version is " + std::to_string(version) +
                           ", known are 1 to " + std::to_string(kNewestIr)
                     : "ir_version is missing"};
  if (Failure failure = readOpsets(model.opsets, modelOpsets))
    return failure;
  // Models before opset imports existed mean the first opset.
  if (version < 3 && model.opsets.empty())
    modelOpsets[""] = 1;
  if (modelOpsets.empty())
    return Error{Code::BadOpsetImport, "the model imports no operator set"};
  if (Failure failure = wire::read(model.graph, mainGraph))
    return failure;
  report.irVersion = version;
  report.opset = modelOpsets.lookup("");
  report.graph = escaped(mainGraph.name);
  report.producer = escaped(model.producerName);
  if (Failure failure = readFunctions(model))
    return failure;
  if (Failure failure = checkFunctionCalls())
    return failure;
  if (Failure failure = readInterface())
    return failure;
  if (Failure failure = checkValues())
    return failure;
  return findUnsupported();
}

Failure ModelCheck::readOpsets(const std::vector<wire::OperatorSet> &imports,
                               Opsets &into) {
  for (const wire::OperatorSet &import : imports) {
    std::string_view domain = canonicalDomain(import.domain);
    std::string shown = domain.empty() ? "the default domain" : quoted(domain);
    if (!into.try_emplace(ref(domain), import.version).second)
      return Error{Code::BadOpsetImport, shown + " is imported twice"};
    int64_t newest = domain.empty() ? kNewestOpset : INT32_MAX;
    if (import.version < 1 || import.version > newest)
      return Error{Code::BadOpsetImport,
                   shown + " is imported at version " +
                       std::to_string(import.version) +
                       (domain.empty()
                            ? ", known are 1 to " + std::to_string(kNewestOpset)
                            : std::string())};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Failure ModelCheck::readFunctions(const wire::Model &model) {
  for (std::string_view bytes : model.functions) {
    auto info = std::make_unique<FunctionInfo>();
    wire::Function &function = info->function;
    if (Failure failure = wire::read(bytes, function))
      return failure;
    if (Failure failure = readOpsets(function.opsets, info->opsets)) {
      failure->text =
          "function " + quoted(function.name) + ": " + failure->text;
      return failure;
    }
    // Early writers leave the imports of functions to the model.
    if (function.opsets.empty())
      for (auto &entry : modelOpsets)
        info->opsets[entry.getKey()] = entry.getValue();
    std::string key =
        functionKey(function.domain, function.name, function.overload);
    if (!functionsByKey.try_emplace(key, info.get()).second)
      return Error{Code::DuplicateFunction,
                   "function " + quoted(function.name) + " of domain " +
                       quoted(function.domain) + " is defined twice"};
    functions.push_back(std::move(info));
  }
  return {};
}

const FunctionInfo *ModelCheck::findFunction(const wire::Node &node) const {
  if (functions.empty())
    return nullptr;
  return functionsByKey.lookup(
      functionKey(node.domain, node.opType, node.overload));
}

/// The functions that a function calls, once per call.
Failure ModelCheck::functionCalls(const FunctionInfo &info,
                                  std::vector<FunctionInfo *> &calls) {
  wire::Node node;
  for (std::string_view bytes : info.function.nodes) {
    if (Failure failure = wire::readNew(bytes, node))
      return failure;
    if (const FunctionInfo *callee = findFunction(node))
      calls.push_back(const_cast<FunctionInfo *>(callee));
  }
  return {};
}

/// Walks the call graph depth first with a stack of its own; finds recursion,
/// depth, and the size after inlining.
Failure ModelCheck::checkFunctionCalls() {
  enum State { New, Active, Done };
  struct Visit {
    FunctionInfo *info;
    std::vector<FunctionInfo *> calls;
    size_t next = 0;
  };
  llvm::DenseMap<const FunctionInfo *, State> states;
  llvm::DenseMap<const FunctionInfo *, unsigned> heights;
  for (auto &root : functions) {
    std::vector<Visit> stack;
    auto enter = [&](FunctionInfo *info) -> Failure {
      states[info] = Active;
      info->inlinedNodes = info->function.nodes.size();
      stack.push_back({info, {}, 0});
      return functionCalls(*info, stack.back().calls);
    };
    if (states.lookup(root.get()) == Done)
      continue;
    if (Failure failure = enter(root.get()))
      return failure;
    while (!stack.empty()) {
      Visit &visit = stack.back();
      if (visit.next == visit.calls.size()) {
        states[visit.info] = Done;
        unsigned height = 1;
        for (FunctionInfo *callee : visit.calls) {
          height = std::max(height, heights.lookup(callee) + 1);
          visit.info->inlinedNodes = llvm::SaturatingAdd(
              visit.info->inlinedNodes, callee->inlinedNodes);
        }
        heights[visit.info] = height;
        if (height > limits::kFunctionDepth)
          return Error{Code::FunctionRecursion,
                       "functions are nested deeper than " +
                           std::to_string(limits::kFunctionDepth) + " at " +
                           quoted(visit.info->function.name)};
        stack.pop_back();
        continue;
      }
      FunctionInfo *callee = visit.calls[visit.next++];
      if (states.lookup(callee) == Active)
        return Error{Code::FunctionRecursion,
                     "function " + quoted(callee->function.name) +
                         " calls itself, through " +
                         quoted(visit.info->function.name)};
      if (states.lookup(callee) == New)
        if (Failure failure = enter(callee))
          return failure;
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Names and order
//===----------------------------------------------------------------------===//

/// Names that become part of a C interface.
static Failure checkName(std::string_view name, const char *what) {
  const char *fault = nullptr;
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(name.data());
  if (name.empty())
    fault = " is empty";
  else if (name.find('\0') != name.npos)
    fault = " has a zero byte";
  else if (!llvm::isLegalUTF8String(&begin, begin + name.size()))
    fault = " is not valid UTF-8";
  if (!fault)
    return {};
  return Error{Code::BadName,
               "the name " + quoted(name) + " of an " + what + fault};
}

Failure ModelCheck::readInterface() {
  wire::Tensor tensor;
  for (std::string_view bytes : mainGraph.initializers) {
    if (Failure failure = wire::readNew(bytes, tensor))
      return failure;
    if (tensor.name.empty())
      return Error{Code::BadName, "an initializer has no name"};
    if (!initializers.try_emplace(ref(tensor.name), bytes).second)
      return Error{Code::DuplicateValue,
                   "two initializers have the name " + quoted(tensor.name)};
  }
  llvm::StringSet<> names;
  for (std::string_view bytes : mainGraph.inputs) {
    wire::ValueInfo &input = graphInputs.emplace_back();
    if (Failure failure = wire::read(bytes, input))
      return failure;
    if (Failure failure = checkName(input.name, "input"))
      return failure;
    if (!names.insert(ref(input.name)).second)
      return Error{Code::DuplicateValue,
                   "two inputs have the name " + quoted(input.name)};
  }
  names.clear();
  for (std::string_view bytes : mainGraph.outputs) {
    wire::ValueInfo &output = graphOutputs.emplace_back();
    if (Failure failure = wire::read(bytes, output))
      return failure;
    if (Failure failure = checkName(output.name, "output"))
      return failure;
    if (!names.insert(ref(output.name)).second)
      return Error{Code::DuplicateOutput,
                   "output " + quoted(output.name) + " is listed twice"};
  }
  if (graphOutputs.empty())
    return Error{Code::NoOutputs, "the graph has no outputs"};
  return {};
}

Failure ModelCheck::checkValues() {
  llvm::StringSet<> given;
  for (const wire::ValueInfo &input : graphInputs)
    given.insert(ref(input.name));
  for (auto &entry : initializers)
    given.insert(entry.getKey());
  wire::Node node;
  for (auto [index, bytes] : llvm::enumerate(mainGraph.nodes)) {
    if (Failure failure = wire::readNew(bytes, node))
      return failure;
    if (node.opType.empty())
      return Error{Code::BadNode, describe(node) + " names no operator"};
    if (llvm::all_of(node.outputs,
                     [](std::string_view name) { return name.empty(); }))
      return Error{Code::BadNode, describe(node) + " has no outputs"};
    for (std::string_view output : node.outputs) {
      if (output.empty())
        continue;
      if (given.contains(ref(output)) ||
          !producers.try_emplace(ref(output), index).second)
        return Error{Code::DuplicateValue,
                     describe(node) + " produces " + quoted(output) +
                         ", which another node, input or initializer has "
                         "produced"};
    }
  }
  for (auto [index, bytes] : llvm::enumerate(mainGraph.nodes)) {
    if (Failure failure = wire::readNew(bytes, node))
      return failure;
    for (std::string_view input : node.inputs) {
      if (input.empty() || given.contains(ref(input)))
        continue;
      auto producer = producers.find(ref(input));
      if (producer == producers.end() || producer->second >= index)
        return undefinedInput(index, input);
    }
  }
  for (const wire::ValueInfo &output : graphOutputs)
    if (!given.contains(ref(output.name)) &&
        !producers.contains(ref(output.name)))
      return Error{Code::UndefinedOutput,
                   "output " + quoted(output.name) + " is produced by nothing"};
  return {};
}

/// Why the node's input is not defined before it: nothing produces it, a later
/// node does, or the node itself does through a cycle.
Failure ModelCheck::undefinedInput(size_t start, std::string_view name) {
  wire::Node first, node;
  if (Failure failure = wire::readNew(mainGraph.nodes[start], first))
    return failure;
  auto producer = producers.find(ref(name));
  if (producer == producers.end())
    return Error{Code::UndefinedValue, describe(first) + " uses " +
                                           quoted(name) +
                                           ", which nothing produces"};
  // Searches backwards from the producer for the node itself.
  llvm::DenseMap<size_t, size_t> user;
  std::vector<size_t> work = {producer->second};
  user[producer->second] = start;
  while (!work.empty()) {
    size_t current = work.back();
    work.pop_back();
    if (current == start) {
      std::string path = quoted(displayName(first));
      size_t at = user[start], steps = 0;
      for (; at != start && steps < 8; at = user[at], ++steps) {
        if (Failure failure = wire::readNew(mainGraph.nodes[at], node))
          return failure;
        path += " -> " + quoted(displayName(node));
      }
      path += at == start ? " -> " + quoted(displayName(first)) : " -> ...";
      return Error{Code::GraphCycle, "nodes form a cycle: " + path};
    }
    if (Failure failure = wire::readNew(mainGraph.nodes[current], node))
      return failure;
    for (std::string_view input : node.inputs) {
      auto it = producers.find(ref(input));
      if (it != producers.end() && user.try_emplace(it->second, current).second)
        work.push_back(it->second);
    }
  }
  return Error{Code::NotSorted, describe(first) + " uses " + quoted(name) +
                                    ", which a later node produces"};
}

std::string_view ModelCheck::findInitializer(std::string_view name) const {
  return initializers.lookup(ref(name));
}
