//===- OnnxGraph.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/OnnxGraph.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <algorithm>
#include <cstring>

using namespace ingot;
using namespace ingot::quantize;

int64_t OnnxTensor::elements() const {
  int64_t count = 0;
  return countElements(dims, count) ? count : 0;
}

const OnnxTensor *OnnxGraph::findInitializer(std::string_view name) const {
  auto it = initializers.find(name);
  return it == initializers.end() ? nullptr : &it->second;
}

void OnnxGraph::setInitializer(OnnxTensor tensor) {
  usedNames.insert(tensor.name);
  if (!findInitializer(tensor.name))
    initializerOrder.push_back(tensor.name);
  std::string name = tensor.name;
  initializers[name] = std::move(tensor);
}

void OnnxGraph::addInitializer(std::string name, int32_t dtype,
                               std::vector<int64_t> dims,
                               std::vector<char> data) {
  OnnxTensor tensor;
  tensor.name = std::move(name);
  tensor.dtype = dtype;
  tensor.dims = std::move(dims);
  tensor.data = std::make_shared<const std::vector<char>>(std::move(data));
  setInitializer(std::move(tensor));
}

void OnnxGraph::addInts(std::string name, const std::vector<int64_t> &values) {
  std::vector<char> data(values.size() * sizeof(int64_t));
  std::memcpy(data.data(), values.data(), data.size());
  addInitializer(std::move(name), INGOT_INT64, {int64_t(values.size())},
                 std::move(data));
}

wire::Failure OnnxGraph::load(const OnnxTensor &tensor, Tensor &into) const {
  into.name = tensor.name;
  into.dims = tensor.dims;
  into.dtype = tensor.dtype;
  if (tensor.data) {
    into.data = *tensor.data;
    return {};
  }
  if (!tensor.isExternal) {
    into = Tensor();
    std::string error;
    if (parseTensorProto(tensor.source, into, error))
      return {};
    return wire::Error{Code::MalformedModel,
                       "tensor " + quoted(tensor.name) + " " + error};
  }
  wire::Tensor proto;
  if (wire::Failure failure = wire::readNew(tensor.source, proto))
    return failure;
  int64_t size = 0;
  if (!countBytes(tensor.dtype, tensor.dims, size))
    return wire::Error{Code::BadTensorShape,
                       "tensor " + quoted(tensor.name) +
                           " has an unreasonable shape or type"};
  std::string_view bytes;
  std::shared_ptr<MappedFile> mapping;
  if (wire::Failure failure =
          external->find(proto, uint64_t(size), bytes, mapping))
    return failure;
  into.data.assign(bytes.begin(), bytes.end());
  return {};
}

bool OnnxGraph::loadFloats(const OnnxTensor &tensor,
                           std::vector<float> &into) const {
  Tensor loaded;
  if ((tensor.dtype != INGOT_FLOAT32 && tensor.dtype != INGOT_FLOAT16) ||
      load(tensor, loaded))
    return false;
  int64_t count = tensor.elements();
  into.resize(size_t(count));
  if (tensor.dtype == INGOT_FLOAT32)
    std::memcpy(into.data(), loaded.data.data(), loaded.data.size());
  else
    for (int64_t i = 0; i < count; ++i)
      into[size_t(i)] = float(elementValue(loaded, i));
  return true;
}

bool OnnxGraph::loadInts(std::string_view name,
                         std::vector<int64_t> &into) const {
  const OnnxTensor *tensor = findInitializer(name);
  Tensor loaded;
  if (!tensor ||
      (tensor->dtype != INGOT_INT64 && tensor->dtype != INGOT_INT32) ||
      load(*tensor, loaded))
    return false;
  into.clear();
  for (int64_t i = 0, n = tensor->elements(); i < n; ++i) {
    int64_t wide = 0;
    int32_t narrow = 0;
    if (tensor->dtype == INGOT_INT64)
      std::memcpy(&wide, loaded.data.data() + i * 8, 8);
    else
      std::memcpy(&narrow, loaded.data.data() + i * 4, 4);
    into.push_back(tensor->dtype == INGOT_INT64 ? wide : narrow);
  }
  return true;
}

std::string OnnxGraph::freshName(const std::string &stem) {
  std::string name = stem;
  for (unsigned i = 1; usedNames.count(name); ++i)
    name = stem + "_" + std::to_string(i);
  usedNames.insert(name);
  return name;
}

void OnnxGraph::collectNames() {
  for (const auto *list : {&inputs, &outputs, &values})
    for (const OnnxValue &value : *list)
      usedNames.insert(value.name);
  for (const std::string &initializer : initializerOrder)
    usedNames.insert(initializer);
  for (const OnnxNode &node : nodes) {
    usedNames.insert(node.name);
    usedNames.insert(node.inputs.begin(), node.inputs.end());
    usedNames.insert(node.outputs.begin(), node.outputs.end());
  }
}

template <typename List>
static const OnnxValue *findIn(const List &list, std::string_view name) {
  auto it = std::find_if(list.begin(), list.end(), [&](const OnnxValue &value) {
    return value.name == name;
  });
  return it == list.end() ? nullptr : &*it;
}

bool OnnxGraph::isInput(std::string_view name) const {
  return findIn(inputs, name);
}

bool OnnxGraph::isOutput(std::string_view name) const {
  return findIn(outputs, name);
}

const OnnxValue *OnnxGraph::findValue(std::string_view name) const {
  for (const auto *list : {&inputs, &outputs, &values})
    if (const OnnxValue *value = findIn(*list, name))
      return value;
  return nullptr;
}

void OnnxGraph::removeUnused() {
  if (hasSubgraphs)
    return;
  std::set<std::string, std::less<>> live;
  for (const OnnxValue &output : outputs)
    live.insert(output.name);
  std::vector<bool> keep(nodes.size(), false);
  // Nodes are in the order of execution: users come before producers here.
  for (size_t i = nodes.size(); i-- > 0;) {
    const OnnxNode &node = nodes[i];
    keep[i] = std::any_of(node.outputs.begin(), node.outputs.end(),
                          [&](const std::string &out) {
                            return !out.empty() && live.count(out);
                          });
    if (keep[i])
      live.insert(node.inputs.begin(), node.inputs.end());
  }
  std::vector<OnnxNode> kept;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (keep[i])
      kept.push_back(std::move(nodes[i]));
  nodes = std::move(kept);
  std::vector<std::string> order;
  for (std::string &initializer : initializerOrder)
    if (live.count(initializer))
      order.push_back(std::move(initializer));
    else
      initializers.erase(initializer);
  initializerOrder = std::move(order);
}

int64_t OnnxGraph::opset() const {
  for (const auto &[domain, version] : opsets)
    if (domain.empty() || domain == "ai.onnx")
      return version;
  return 0;
}

void OnnxGraph::setOpset(int64_t version) {
  for (auto &[domain, number] : opsets)
    if (domain.empty() || domain == "ai.onnx")
      number = version;
  // The versions that onnx released together.
  irVersion = std::max<int64_t>(irVersion, version >= 21   ? 10
                                           : version >= 19 ? 9
                                           : version >= 15 ? 8
                                                           : 7);
}

bool OnnxGraph::importsDomain(std::string_view domain) const {
  for (const auto &[name, version] : opsets)
    if (name == domain)
      return true;
  return false;
}
