//===- ImportGraph.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/ImportGraph.h"
#include "dialects/onnx/Shape.h"
#include "lib/Import/Limits.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace ingot;
using wire::Failure;

/// Names of nodes in locations are cut to this length.
static constexpr size_t kNameInLocation = 512;

void GraphImporter::define(std::string_view name, Value value) {
  if (frames.empty()) {
    Frame &main = frames.emplace_back();
    main.nodes = &model.graph().nodes;
    main.opsets = &model.opsets();
  }
  frames.front().values[ref(name)] = value;
}

LogicalResult GraphImporter::run() {
  if (frames.empty()) {
    Frame &main = frames.emplace_back();
    main.nodes = &model.graph().nodes;
    main.opsets = &model.opsets();
  }
  wire::Node node;
  while (true) {
    Frame &frame = frames.back();
    if (frame.next == frame.nodes->size()) {
      if (frames.size() == 1)
        return success();
      if (failed(finishCall()))
        return failure();
      continue;
    }
    if (Failure failure = wire::readNew((*frame.nodes)[frame.next++], node))
      return fail(*failure);
    std::string name = frame.prefix + std::string(displayName(node));
    if (name.size() > kNameInLocation)
      name.resize(kNameInLocation);
    b.setNode(ref(node.opType), name);
    if (++nodesImported > limits::kNodes + limits::kInlinedNodes)
      return b.fail(Code::LimitExceeded, "the model has too many nodes");
    if (const FunctionInfo *callee = model.findFunction(node)) {
      if (failed(call(frame, node, *callee)))
        return failure();
    } else if (failed(importNode(frame, node))) {
      return failure();
    }
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

FailureOr<Value> GraphImporter::initializer(std::string_view name,
                                            std::string_view bytes) {
  wire::Tensor tensor;
  if (Failure failure = wire::readNew(bytes, tensor))
    return fail(*failure);
  ElementsAttr elements;
  if (Failure failure = values.tensor(tensor, elements))
    return fail(*failure);
  return b.initializer(elements, ref(name));
}

FailureOr<Value> GraphImporter::lookup(Frame &frame, std::string_view name) {
  if (name.empty())
    return Value();
  auto it = frame.values.find(ref(name));
  if (it != frame.values.end()) {
    if (!it->second)
      return b.fail(Code::TrainingOutput,
                    "uses " + quoted(name) +
                        ", which its producer computes only in training");
    return it->second;
  }
  std::string_view bytes;
  if (!frame.function)
    bytes = model.findInitializer(name);
  if (bytes.empty())
    return b.fail(Code::UndefinedValue,
                  "uses " + quoted(name) + ", which nothing produces");
  FailureOr<Value> value = initializer(name, bytes);
  if (succeeded(value))
    frame.values[ref(name)] = *value;
  return value;
}

FailureOr<Value> GraphImporter::value(std::string_view name) {
  b.setNode("Output", ref(name));
  return lookup(frames.front(), name);
}

LogicalResult GraphImporter::refine(std::string_view name, Value value) {
  Type type;
  if (Failure failure = declared.merge(name, value.getType(), type))
    return fail(*failure);
  // A constant knows its type best.
  if (type != value.getType() && value.getDefiningOp() &&
      !isa<onnx::ConstantOp>(value.getDefiningOp()))
    value.setType(type);
  return success();
}

LogicalResult GraphImporter::bind(Frame &frame, std::string_view name,
                                  Value value) {
  if (name.empty())
    return success();
  if (!frame.values.try_emplace(ref(name), value).second)
    return b.fail(Code::DuplicateValue,
                  "produces " + quoted(name) + ", which exists already");
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// Reads the node's attributes and puts those of the call in the place of
/// references.
LogicalResult
GraphImporter::resolveAttributes(Frame &frame, const wire::Node &node,
                                 std::vector<wire::Attribute> &attributes) {
  for (std::string_view bytes : node.attributes) {
    wire::Attribute attribute;
    if (Failure failure = wire::read(bytes, attribute))
      return fail(*failure);
    std::string name = quoted(attribute.name);
    for (const wire::Attribute &other : attributes)
      if (other.name == attribute.name)
        return b.fail(Code::DuplicateAttribute,
                      "has attribute " + name + " twice");
    if (attribute.reference.empty()) {
      attributes.push_back(std::move(attribute));
      continue;
    }
    wire::Attribute bare;
    bare.type = attribute.type;
    wire::Attribute::Type kind;
    bool valueless =
        attributeKind(attribute, kind) ||
        (!attribute.f && !attribute.i && !attribute.s && !attribute.floats &&
         !attribute.ints && attribute.strings.empty() && !attribute.tensor);
    if (!frame.function || !valueless)
      return b.fail(Code::BadReference,
                    "attribute " + name + " refers to " +
                        quoted(attribute.reference) +
                        (frame.function ? " and has a value too"
                                        : " outside of a function"));
    auto argument =
        llvm::find_if(frame.arguments, [&](const wire::Attribute &argument) {
          return argument.name == attribute.reference;
        });
    if (argument != frame.arguments.end()) {
      attributes.push_back(*argument);
      attributes.back().name = attribute.name;
      continue;
    }
    if (!llvm::is_contained(frame.function->function.attributes,
                            attribute.reference))
      return b.fail(Code::BadReference,
                    "attribute " + name + " refers to " +
                        quoted(attribute.reference) +
                        ", which the function does not have");
    // Left out by the call and without default: left out here.
  }
  return success();
}

LogicalResult
GraphImporter::convertAttributes(const std::vector<wire::Attribute> &attributes,
                                 NamedAttrList &into) {
  for (const wire::Attribute &attribute : attributes) {
    if (attribute.name.empty())
      return b.fail(Code::BadAttribute, "has an attribute without a name");
    Attribute value;
    if (Failure failure = values.attribute(attribute, value)) {
      failure->text =
          "attribute " + quoted(attribute.name) + ": " + failure->text;
      return fail(*failure);
    }
    into.set(ref(attribute.name), value);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::importNode(Frame &frame, const wire::Node &node) {
  NodeForm form;
  form.opType = operatorName(node.domain, node.opType);
  if (form.opType.empty())
    return b.fail(Code::UnsupportedNodes, "the domain is not supported");
  for (std::string_view input : node.inputs) {
    FailureOr<Value> value = lookup(frame, input);
    if (failed(value))
      return failure();
    form.operands.push_back(*value);
  }
  std::vector<wire::Attribute> attributes;
  if (failed(resolveAttributes(frame, node, attributes)) ||
      failed(convertAttributes(attributes, form.attributes)))
    return failure();
  size_t outputs = node.outputs.size();
  while (outputs > 0 && node.outputs[outputs - 1].empty())
    --outputs;
  form.numOutputs = unsigned(outputs);
  // Other domains have one version of each operator.
  bool isDefault = canonicalDomain(node.domain).empty();
  int64_t opset = isDefault ? frame.opsets->lookup("") : kNewestOpset;
  if (failed(upgrade(form, opset, b)))
    return failure();

  FailureOr<SmallVector<Value>> results =
      b.create(form.opType, form.operands, form.attributes, form.numOutputs);
  if (succeeded(results) && form.finish)
    results = form.finish(b, *results);
  if (failed(results))
    return failure();
  if (results->size() < outputs)
    return b.fail(Code::OutputCount, "has " + Twine(outputs) +
                                         " outputs, the operator has " +
                                         Twine(results->size()));
  for (size_t i = 0; i < outputs; ++i) {
    Value value = (*results)[i];
    std::string_view name = node.outputs[i];
    if (!frame.function && value && !name.empty() &&
        failed(refine(name, value)))
      return failure();
    if (failed(bind(frame, name, value)))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::call(Frame &frame, const wire::Node &node,
                                  const FunctionInfo &callee) {
  const wire::Function &function = callee.function;
  if (frames.size() > limits::kFunctionDepth)
    return b.fail(Code::FunctionRecursion, "functions are nested too deeply");
  if (node.inputs.size() > function.inputs.size() ||
      node.outputs.size() > function.outputs.size())
    return b.fail(Code::FunctionCall,
                  "calls a function of " + Twine(function.inputs.size()) +
                      " inputs and " + Twine(function.outputs.size()) +
                      " outputs with " + Twine(node.inputs.size()) + " and " +
                      Twine(node.outputs.size()));
  Frame inner;
  inner.nodes = &function.nodes;
  inner.opsets = &callee.opsets;
  inner.function = &callee;
  inner.prefix = frame.prefix + std::string(displayName(node)) + "/";
  if (inner.prefix.size() > kNameInLocation)
    inner.prefix.resize(kNameInLocation);
  inner.results = node.outputs;
  if (failed(resolveAttributes(frame, node, inner.arguments)))
    return failure();
  for (std::string_view bytes : function.defaults) {
    wire::Attribute attribute;
    if (Failure failure = wire::read(bytes, attribute))
      return fail(*failure);
    if (llvm::none_of(inner.arguments, [&](const wire::Attribute &argument) {
          return argument.name == attribute.name;
        }))
      inner.arguments.push_back(std::move(attribute));
  }
  for (auto [index, formal] : llvm::enumerate(function.inputs)) {
    FailureOr<Value> value =
        lookup(frame, index < node.inputs.size() ? node.inputs[index]
                                                 : std::string_view());
    if (failed(value) ||
        failed(bind(inner, formal, *value ? *value : b.none())))
      return failure();
  }
  frames.push_back(std::move(inner));
  return success();
}

/// Gives the outputs of the innermost call their values.
LogicalResult GraphImporter::finishCall() {
  Frame &inner = frames.back();
  Frame &outer = frames[frames.size() - 2];
  for (auto [index, name] : llvm::enumerate(inner.results)) {
    if (name.empty())
      continue;
    FailureOr<Value> value =
        lookup(inner, inner.function->function.outputs[index]);
    if (failed(value))
      return failure();
    if (!*value)
      return b.fail(Code::FunctionCall,
                    "uses an output of a function that has no name");
    if (!outer.function && failed(refine(name, *value)))
      return failure();
    if (failed(bind(outer, name, *value)))
      return failure();
  }
  frames.pop_back();
  return success();
}
