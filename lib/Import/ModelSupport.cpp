//===- ModelSupport.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds every place in a model that cannot be compiled, so that they are
// reported together.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/ImportValues.h"
#include "lib/Import/Limits.h"
#include "lib/Import/ModelCheck.h"
#include "lib/Import/UpgradeOpset.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace ingot;
using wire::Error;
using wire::Failure;

/// Sites that are listed by name; the rest is counted by the message.
static constexpr size_t kListedSites = 10000;

std::string ingot::operatorName(std::string_view domain,
                                std::string_view opType) {
  domain = canonicalDomain(domain);
  if (domain == "com.microsoft")
    return (llvm::Twine("com.microsoft.") + ref(opType)).str();
  // A dot in the name itself would be taken for that of another domain.
  bool known = domain.empty() && !ref(opType).contains('.');
  return known ? std::string(opType) : std::string();
}

static void add(ImportReport &report, UnsupportedSite site) {
  if (report.unsupported.size() < kListedSites)
    report.unsupported.push_back(std::move(site));
}

/// Notes attributes of kinds that are not supported, and collects graphs.
Failure ModelCheck::visitAttributes(const wire::Node &node,
                                    UnsupportedSite &site,
                                    std::vector<std::string_view> &subgraphs) {
  wire::Attribute attribute;
  for (std::string_view bytes : node.attributes) {
    if (Failure failure = wire::readNew(bytes, attribute))
      return failure;
    for (std::string_view graph : attribute.graph.parts)
      subgraphs.push_back(graph);
    for (std::string_view graph : attribute.graphs)
      subgraphs.push_back(graph);
    bool odd = attribute.graph || !attribute.graphs.empty() ||
               attribute.sparseTensor || !attribute.sparseTensors.empty() ||
               !attribute.tensors.empty() || !attribute.types.empty();
    if (odd && site.reason.empty())
      site.reason = "attribute " + quoted(attribute.name) +
                    " is a graph, a sparse tensor or a list of tensors";
  }
  return {};
}

/// Visits nodes and the graphs within their attributes, depth first with a
/// stack of its own.
Failure ModelCheck::visitNodes(const std::vector<std::string_view> &nodes,
                               const Opsets &opsets, const std::string &prefix,
                               std::vector<const FunctionInfo *> &called) {
  struct Scope {
    std::vector<std::string_view> nodes;
    size_t next = 0;
    unsigned depth = 0;
  };
  std::vector<Scope> stack;
  stack.push_back({nodes, 0, 0});
  wire::Node node;
  while (!stack.empty()) {
    Scope &scope = stack.back();
    if (scope.next == scope.nodes.size()) {
      stack.pop_back();
      continue;
    }
    unsigned depth = scope.depth;
    if (Failure failure = wire::readNew(scope.nodes[scope.next++], node))
      return failure;
    if (++report.nodes > int64_t(limits::kNodes))
      return Error{Code::LimitExceeded, "the model has more than " +
                                            std::to_string(limits::kNodes) +
                                            " nodes"};
    std::string_view domain = canonicalDomain(node.domain);
    UnsupportedSite site{prefix + escaped(displayName(node)),
                         escaped(node.opType),
                         domain.empty() ? "ai.onnx" : escaped(domain),
                         opsets.lookup(ref(domain)),
                         {}};
    std::vector<std::string_view> subgraphs;
    if (Failure failure = visitAttributes(node, site, subgraphs))
      return failure;
    if (const FunctionInfo *callee = findFunction(node)) {
      called.push_back(callee);
      site.reason = subgraphs.empty() ? "" : site.reason;
    } else if (!domain.empty() && domain != "com.microsoft") {
      site.reason = "the domain is not supported";
    } else if (!opsets.contains(ref(domain))) {
      return Error{
          Code::BadOpsetImport,
          "node " + quoted(displayName(node)) + " is of the " +
              (domain.empty() ? "default domain" : "domain " + quoted(domain)) +
              ", which is not imported"};
    } else if (!findOperator(newestOperator(operatorName(domain, node.opType)),
                             context)) {
      site.reason = "the operator is not supported";
    }
    if (!site.reason.empty()) {
      // Names within functions are names of other values.
      for (std::string_view input : node.inputs)
        if (prefix.empty())
          site.inputs.emplace_back(input);
      add(report, std::move(site));
    }
    if (!subgraphs.empty() && depth + 1 > limits::kSubgraphDepth)
      return Error{Code::NestedTooDeep,
                   "subgraphs are nested deeper than " +
                       std::to_string(limits::kSubgraphDepth) + " at node " +
                       quoted(displayName(node))};
    for (std::string_view bytes : subgraphs) {
      wire::Graph graph;
      if (Failure failure = wire::read(bytes, graph))
        return failure;
      stack.push_back({std::move(graph.nodes), 0, depth + 1});
    }
  }
  return {};
}

static std::string printTensor(wire::DataType type,
                               llvm::ArrayRef<std::string> dims) {
  return std::string(wire::typeName(type)) + "[" + llvm::join(dims, ",") + "]";
}

/// "f32[N,3]" of a TypeProto; empty if it is no tensor.
static Failure describeType(const wire::Message &bytes, std::string &into) {
  wire::Type type;
  if (Failure failure = wire::read(bytes, type))
    return failure;
  if (type.kind != wire::Type::Tensor)
    return {};
  std::vector<std::string> dims;
  if (!type.shape)
    dims.push_back("...");
  else
    for (const wire::Dim &dim : *type.shape)
      dims.push_back(dim.value   ? std::to_string(*dim.value)
                     : dim.param ? escaped(*dim.param)
                                 : "?");
  into = printTensor(type.elementType, dims);
  return {};
}

/// Adds types to the operands of the sites, which are names so far.
Failure ModelCheck::describeInputs() {
  if (report.unsupported.empty())
    return {};
  llvm::StringMap<std::string> types;
  auto declare = [&](const wire::ValueInfo &info) {
    return describeType(info.type, types[ref(info.name)]);
  };
  for (const wire::ValueInfo &info : graphInputs)
    if (Failure failure = declare(info))
      return failure;
  for (std::string_view bytes : mainGraph.valueInfo) {
    wire::ValueInfo info;
    if (Failure failure = wire::read(bytes, info))
      return failure;
    if (Failure failure = declare(info))
      return failure;
  }
  for (UnsupportedSite &site : report.unsupported)
    for (std::string &input : site.inputs) {
      std::string_view initializer = findInitializer(input);
      std::string type = types.lookup(input);
      if (!initializer.empty()) {
        wire::Tensor tensor;
        if (Failure failure = wire::read(initializer, tensor))
          return failure;
        std::vector<std::string> dims;
        for (int64_t dim : tensor.dims)
          dims.push_back(std::to_string(dim));
        type = printTensor(tensor.type, dims);
      }
      input = input.empty() ? "(none)" : escaped(input);
      if (!type.empty())
        input += " " + type;
    }
  return {};
}

Failure ModelCheck::findUnsupported() {
  std::vector<const FunctionInfo *> called;
  if (Failure failure = visitNodes(mainGraph.nodes, modelOpsets, "", called))
    return failure;
  // What inlining adds, from the calls of the main graph.
  uint64_t inlined = 0;
  for (const FunctionInfo *callee : called)
    inlined = llvm::SaturatingAdd(inlined, callee->inlinedNodes);
  if (inlined > limits::kInlinedNodes)
    return Error{Code::FunctionBudget,
                 "inlining the functions adds " + std::to_string(inlined) +
                     " nodes; the limit is " +
                     std::to_string(limits::kInlinedNodes)};
  llvm::DenseSet<const FunctionInfo *> seen;
  while (!called.empty()) {
    const FunctionInfo *info = called.back();
    called.pop_back();
    if (!seen.insert(info).second)
      continue;
    if (Failure failure =
            visitNodes(info->function.nodes, info->opsets,
                       escaped(info->function.name) + "/", called))
      return failure;
  }
  if (Failure failure = describeInputs())
    return failure;
  for (std::string_view bytes : mainGraph.sparseInitializers) {
    (void)bytes;
    add(report, {"", "", "", 0, "sparse initializers are not supported"});
    break;
  }
  return {};
}
