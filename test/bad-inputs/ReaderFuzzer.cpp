//===- ReaderFuzzer.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libFuzzer target of the reader of model files: reads every message of a
// model, as the importer does, with a stack of its own for nested graphs.
// Built and run by scripts/fuzz-reader.sh.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/Limits.h"
#include "lib/Import/Wire.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

using namespace ingot;
using namespace ingot::wire;

namespace {

/// Touches every byte, so that a view outside of the input is found.
void touch(std::string_view text) {
  volatile char sink = 0;
  for (char c : text)
    sink = sink ^ c;
}

void visitNumbers(const Numbers &numbers) {
  auto ignore = [](auto) {};
  size_t elements = 0, seen = 0;
  auto count = [&](auto) { ++seen; };
  if (!wire::count(numbers, 0, elements) &&
      !visitInts(numbers, elements, count) && seen != elements)
    abort();
  (void)visitFloats(numbers, limits::kListElements, ignore);
  (void)visitDoubles(numbers, limits::kListElements, ignore);
}

void visitType(Message message) {
  Type type;
  for (unsigned depth = 0; depth < limits::kTypeDepth && message; ++depth) {
    if (read(message, type))
      return;
    if (type.shape && type.shape->size() > limits::kRank)
      abort();
    message = type.element;
  }
}

void visitTensor(const Message &message) {
  Tensor tensor;
  if (read(message, tensor))
    return;
  if (tensor.dims.size() > limits::kRank)
    abort();
  int64_t elements = 0;
  (void)elementCount(tensor.dims, elements);
  touch(tensor.name);
  if (tensor.raw)
    touch(*tensor.raw);
  for (const Numbers *numbers : {&tensor.floats, &tensor.int32s, &tensor.int64s,
                                 &tensor.doubles, &tensor.uint64s})
    visitNumbers(*numbers);
  for (std::string_view text : tensor.strings)
    touch(text);
  for (const Entry &entry : tensor.external) {
    touch(entry.key);
    touch(entry.value);
  }
  (void)bitWidth(tensor.type);
  touch(typeName(tensor.type));
}

void visitAttribute(std::string_view bytes,
                    std::vector<std::string_view> &graphs) {
  Attribute attribute;
  if (readNew(bytes, attribute))
    return;
  visitNumbers(attribute.floats);
  visitNumbers(attribute.ints);
  visitTensor(attribute.tensor);
  visitType(attribute.typeProto);
  if (attribute.s)
    touch(*attribute.s);
  touch(quoted(attribute.name));
  for (std::string_view graph : attribute.graph.parts)
    graphs.push_back(graph);
}

void visitNodes(const std::vector<std::string_view> &nodes,
                std::vector<std::string_view> &graphs) {
  Node node;
  for (std::string_view bytes : nodes) {
    if (readNew(bytes, node))
      return;
    touch(quoted(node.opType));
    for (std::string_view name : node.inputs)
      touch(name);
    for (std::string_view attribute : node.attributes)
      visitAttribute(attribute, graphs);
  }
}

void visitGraph(const Graph &graph, std::vector<std::string_view> &graphs) {
  visitNodes(graph.nodes, graphs);
  for (std::string_view bytes : graph.initializers)
    visitTensor(Message{{bytes}});
  for (auto *list : {&graph.inputs, &graph.outputs, &graph.valueInfo})
    for (std::string_view bytes : *list) {
      ValueInfo info;
      if (!readNew(bytes, info))
        visitType(info.type);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  (void)foreignFormat(bytes.substr(0, 512));
  Model model;
  Graph graph;
  if (read(bytes, model) || read(model.graph, graph))
    return 0;
  std::vector<std::string_view> graphs;
  visitGraph(graph, graphs);
  for (std::string_view function : model.functions) {
    Function read;
    if (!readNew(function, read))
      visitNodes(read.nodes, graphs);
  }
  // Nested graphs, a bounded number of them.
  for (size_t i = 0; i < graphs.size() && i < 1000; ++i)
    if (!readNew(std::string_view(graphs[i]), graph))
      visitGraph(graph, graphs);
  return 0;
}
