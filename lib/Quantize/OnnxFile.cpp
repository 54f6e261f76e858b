//===- OnnxFile.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading and writing of OnnxGraph. Built with exceptions, as protozero's
// decoder throws; guarded() turns them into failures, and none leaves here.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/WireGuard.h"
#include "lib/Quantize/OnnxGraph.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>

#include <algorithm>
#include <cstring>

using namespace ingot;
using namespace ingot::quantize;
using protozero::pbf_wire_type;

namespace {
/// One field of a message: its number, its bytes with the key before them, and
/// what it holds if it is a string of bytes.
struct Field {
  unsigned number = 0;
  std::string_view whole, bytes;
  uint64_t number64 = 0;
};

/// onnx.proto's numbers.
enum ModelField : unsigned { IrVersion = 1, GraphOfModel = 7, Opset = 8 };
enum GraphField : unsigned {
  NodeOfGraph = 1,
  NameOfGraph = 2,
  Initializer = 5,
  Input = 11,
  Output = 12,
  ValueInfo = 13
};
enum NodeField : unsigned {
  NodeInput = 1,
  NodeOutput = 2,
  NodeName = 3,
  OpType = 4,
  NodeAttribute = 5,
  Domain = 7
};
enum AttributeField : uint32_t {
  AttributeName = 1,
  FloatValue = 2,
  IntValue = 3,
  StringValue = 4,
  IntsValue = 8,
  AttributeType = 20
};
enum TensorField : uint32_t {
  TensorDims = 1,
  TensorType = 2,
  TensorName = 8,
  TensorRaw = 9,
  TensorExternal = 13,
  TensorLocation = 14
};
} // namespace

/// Calls `visit` for each field of a message, which wire::read accepted.
template <typename Visit>
static void eachField(std::string_view message, Visit visit) {
  const char *at = message.data(), *end = at + message.size();
  while (at != end) {
    Field field;
    const char *start = at;
    uint64_t key = protozero::decode_varint(&at, end);
    field.number = unsigned(key >> 3);
    uint64_t size = 0;
    switch (pbf_wire_type(key & 7)) {
    case pbf_wire_type::varint:
      field.number64 = protozero::decode_varint(&at, end);
      break;
    case pbf_wire_type::fixed64:
      size = 8;
      break;
    case pbf_wire_type::fixed32:
      size = 4;
      break;
    case pbf_wire_type::length_delimited:
      size = protozero::decode_varint(&at, end);
      break;
    default:
      wire::malformed("a message has a field of unknown wire type");
    }
    if (size > uint64_t(end - at))
      wire::malformed("a message ends early");
    field.bytes = {at, size_t(size)};
    at += size;
    field.whole = {start, size_t(at - start)};
    visit(field);
  }
}

static void throwIf(wire::Failure failure) {
  if (failure)
    throw std::move(*failure);
}

static OnnxNode readNode(std::string_view bytes) {
  OnnxNode node;
  eachField(bytes, [&](const Field &field) {
    std::string text(field.bytes);
    switch (field.number) {
    case NodeInput:
      node.inputs.push_back(std::move(text));
      break;
    case NodeOutput:
      node.outputs.push_back(std::move(text));
      break;
    case NodeName:
      node.name = std::move(text);
      break;
    case OpType:
      node.opType = std::move(text);
      break;
    case Domain:
      node.domain = text == "ai.onnx" ? "" : std::move(text);
      break;
    case NodeAttribute: {
      wire::Attribute attribute;
      throwIf(wire::readNew(field.bytes, attribute));
      node.hasSubgraph |= bool(attribute.graph) || !attribute.graphs.empty();
      node.attributes.push_back({std::string(attribute.name), std::move(text)});
      break;
    }
    default:
      node.rest.append(field.whole);
    }
  });
  return node;
}

static OnnxTensor readTensorHead(std::string_view bytes) {
  wire::Tensor proto;
  throwIf(wire::readNew(bytes, proto));
  OnnxTensor tensor;
  tensor.name = std::string(proto.name);
  tensor.dims = proto.dims;
  tensor.dtype = int32_t(proto.type);
  tensor.isExternal = proto.isExternal;
  tensor.source = bytes;
  return tensor;
}

static OnnxValue readValue(std::string_view bytes) {
  wire::ValueInfo info;
  throwIf(wire::readNew(bytes, info));
  OnnxValue value;
  value.name = std::string(info.name);
  value.bytes = std::string(bytes);
  wire::Type type;
  throwIf(wire::read(info.type, type));
  if (type.kind != wire::Type::Tensor)
    return value;
  value.dtype = int32_t(type.elementType);
  value.hasShape = type.shape.has_value();
  if (type.shape)
    for (const wire::Dim &dim : *type.shape)
      value.dims.push_back(dim.value ? *dim.value : -1);
  return value;
}

wire::Failure OnnxGraph::readGraph(std::string_view bytes) {
  return wire::guarded("GraphProto", [&] {
    eachField(bytes, [&](const Field &field) {
      switch (field.number) {
      case NodeOfGraph:
        nodes.push_back(readNode(field.bytes));
        hasSubgraphs |= nodes.back().hasSubgraph;
        break;
      case NameOfGraph:
        name = std::string(field.bytes);
        break;
      case Initializer:
        setInitializer(readTensorHead(field.bytes));
        break;
      case Input:
        inputs.push_back(readValue(field.bytes));
        break;
      case Output:
        outputs.push_back(readValue(field.bytes));
        break;
      case ValueInfo:
        values.push_back(readValue(field.bytes));
        break;
      default:
        restOfGraph.append(field.whole);
      }
    });
  });
}

wire::Failure OnnxGraph::readModel(std::string_view bytes) {
  std::vector<std::string_view> graphs;
  wire::Model model;
  if (wire::Failure failure = wire::readNew(bytes, model))
    return failure;
  for (const wire::OperatorSet &set : model.opsets)
    opsets.push_back({std::string(set.domain), set.version});
  irVersion = model.irVersion.value_or(0);
  wire::Failure failure = wire::guarded("ModelProto", [&] {
    eachField(bytes, [&](const Field &field) {
      if (field.number == GraphOfModel)
        graphs.push_back(field.bytes);
      else if (field.number != IrVersion && field.number != Opset)
        restOfModel.append(field.whole);
    });
  });
  for (std::string_view graph : graphs)
    if (!failure)
      failure = readGraph(graph);
  return failure;
}

wire::Failure OnnxGraph::read(const std::string &path, bool allowHardLinks) {
  if (wire::Failure failure = MappedFile::open(path, file))
    return failure;
  size_t slash = path.rfind('/');
  folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  external = std::make_shared<ExternalData>(folder, allowHardLinks);
  if (wire::Failure failure = readModel(file->bytes()))
    return failure;
  // An input with an initializer is a constant for the compiler; left as it
  // is, other engines would take it for something that a caller overrides.
  inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                              [&](const OnnxValue &input) {
                                return findInitializer(input.name);
                              }),
               inputs.end());
  collectNames();
  return {};
}

//===-- attributes --------------------------------------------------------===//

static OnnxAttribute finish(std::string name, std::string bytes) {
  return {std::move(name), std::move(bytes)};
}

OnnxAttribute quantize::intAttribute(std::string name, int64_t value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(AttributeName, name);
  writer.add_int64(IntValue, value);
  writer.add_int32(AttributeType, wire::Attribute::Int);
  return finish(std::move(name), std::move(bytes));
}

OnnxAttribute quantize::intsAttribute(std::string name,
                                      const std::vector<int64_t> &values) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(AttributeName, name);
  for (int64_t value : values)
    writer.add_int64(IntsValue, value);
  writer.add_int32(AttributeType, wire::Attribute::Ints);
  return finish(std::move(name), std::move(bytes));
}

OnnxAttribute quantize::floatAttribute(std::string name, float value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(AttributeName, name);
  writer.add_float(FloatValue, value);
  writer.add_int32(AttributeType, wire::Attribute::Float);
  return finish(std::move(name), std::move(bytes));
}

OnnxAttribute quantize::stringAttribute(std::string name,
                                        std::string_view value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(AttributeName, name);
  writer.add_bytes(StringValue, value.data(), value.size());
  writer.add_int32(AttributeType, wire::Attribute::String);
  return finish(std::move(name), std::move(bytes));
}

const std::string *OnnxNode::findAttribute(std::string_view attribute) const {
  for (const OnnxAttribute &each : attributes)
    if (each.name == attribute)
      return &each.bytes;
  return nullptr;
}

/// The attribute of that name, empty if there is none.
static wire::Attribute parse(const OnnxNode &node, std::string_view name) {
  wire::Attribute attribute;
  const std::string *bytes = node.findAttribute(name);
  if (bytes && wire::readNew(*bytes, attribute))
    return {};
  return attribute;
}

int64_t OnnxNode::getInt(std::string_view attribute, int64_t otherwise) const {
  return parse(*this, attribute).i.value_or(otherwise);
}

float OnnxNode::getFloat(std::string_view attribute, float otherwise) const {
  return parse(*this, attribute).f.value_or(otherwise);
}

std::vector<int64_t> OnnxNode::getInts(std::string_view attribute) const {
  std::vector<int64_t> values;
  wire::Attribute parsed = parse(*this, attribute);
  if (wire::visitInts(parsed.ints, size_t(1) << 20,
                      [&](uint64_t v) { values.push_back(int64_t(v)); }))
    values.clear();
  return values;
}

std::string OnnxNode::getString(std::string_view attribute,
                                std::string_view otherwise) const {
  return std::string(parse(*this, attribute).s.value_or(otherwise));
}

void OnnxNode::removeAttribute(std::string_view attribute) {
  attributes.erase(std::remove_if(attributes.begin(), attributes.end(),
                                  [&](const OnnxAttribute &each) {
                                    return each.name == attribute;
                                  }),
                   attributes.end());
}

void OnnxNode::set(OnnxAttribute attribute) {
  removeAttribute(attribute.name);
  attributes.push_back(std::move(attribute));
}

//===-- writing -----------------------------------------------------------===//

static void writeNode(protozero::pbf_writer &graph, const OnnxNode &node) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  for (const std::string &input : node.inputs)
    writer.add_string(NodeInput, input);
  for (const std::string &output : node.outputs)
    writer.add_string(NodeOutput, output);
  if (!node.name.empty())
    writer.add_string(NodeName, node.name);
  writer.add_string(OpType, node.opType);
  for (const OnnxAttribute &attribute : node.attributes)
    writer.add_message(NodeAttribute, attribute.bytes);
  if (!node.domain.empty())
    writer.add_string(Domain, node.domain);
  bytes.append(node.rest);
  graph.add_message(NodeOfGraph, bytes);
}

OnnxValue quantize::makeValue(std::string name, int32_t dtype,
                              const std::vector<int64_t> *dims) {
  OnnxValue value;
  value.name = std::move(name);
  value.dtype = dtype;
  std::string shape, tensor, type;
  if (dims) {
    value.hasShape = true;
    value.dims = *dims;
    for (int64_t dim : *dims) {
      std::string one;
      if (dim >= 0)
        protozero::pbf_writer(one).add_int64(1, dim);
      protozero::pbf_writer(shape).add_message(1, one);
    }
  }
  protozero::pbf_writer writer(tensor);
  writer.add_int32(1, dtype);
  if (dims)
    writer.add_message(2, shape);
  protozero::pbf_writer(type).add_message(1, tensor);
  protozero::pbf_writer info(value.bytes);
  info.add_string(1, value.name);
  info.add_message(2, type);
  return value;
}

OnnxValue quantize::makeUntypedValue(std::string name) {
  OnnxValue value;
  value.name = std::move(name);
  protozero::pbf_writer(value.bytes).add_string(1, value.name);
  return value;
}

/// A TensorProto whose elements are in another file.
static std::string externalTensor(const Tensor &tensor, const std::string &file,
                                  std::string &bytes) {
  // Aligned so that readers can map it.
  bytes.resize((bytes.size() + 4095) / 4096 * 4096);
  size_t offset = bytes.size();
  bytes.append(tensor.data.data(), tensor.data.size());
  std::string proto;
  protozero::pbf_writer writer(proto);
  writer.add_packed_int64(TensorDims, tensor.dims.begin(), tensor.dims.end());
  writer.add_int32(TensorType, tensor.dtype);
  writer.add_string(TensorName, tensor.name);
  auto entry = [&](const char *key, const std::string &value) {
    std::string pair;
    protozero::pbf_writer p(pair);
    p.add_string(1, key);
    p.add_string(2, value);
    writer.add_message(TensorExternal, pair);
  };
  entry("location", file);
  entry("offset", std::to_string(offset));
  entry("length", std::to_string(tensor.data.size()));
  writer.add_int32(TensorLocation, 1);
  return proto;
}

wire::Failure OnnxGraph::write(const WriteOptions &options,
                               std::string &bytes) const {
  return wire::guarded("ModelProto", [&] {
    std::string graph;
    protozero::pbf_writer writer(graph);
    for (const OnnxNode &node : nodes)
      writeNode(writer, node);
    writer.add_string(NameOfGraph, name);
    for (const std::string &key : initializerOrder) {
      const OnnxTensor &tensor = initializers.at(key);
      bool goesOut = !options.externalFile.empty() &&
                     tensor.elements() >= 1024 &&
                     tensor.dtype != int32_t(wire::DataType::String);
      if (!tensor.source.empty() && !tensor.isExternal && !goesOut) {
        writer.add_message(Initializer, tensor.source.data(),
                           tensor.source.size());
        continue;
      }
      Tensor loaded;
      throwIf(load(tensor, loaded));
      writer.add_message(Initializer,
                         goesOut ? externalTensor(loaded, options.externalFile,
                                                  *options.externalBytes)
                                 : serializeTensorProto(loaded));
    }
    for (const OnnxValue &input : inputs)
      writer.add_message(Input, input.bytes);
    for (const OnnxValue &output : outputs)
      writer.add_message(Output, output.bytes);
    for (const std::string &more : options.moreOutputs)
      if (!isOutput(more))
        writer.add_message(Output,
                           makeValue(more, INGOT_FLOAT32, nullptr).bytes);
    for (const OnnxValue &value : values)
      writer.add_message(ValueInfo, value.bytes);
    graph.append(restOfGraph);
    bytes.clear();
    protozero::pbf_writer model(bytes);
    model.add_int64(IrVersion, irVersion);
    for (const auto &[domain, version] : opsets) {
      std::string set;
      protozero::pbf_writer s(set);
      s.add_string(1, domain);
      s.add_int64(2, version);
      model.add_message(Opset, set);
    }
    bytes.append(restOfModel);
    model.add_message(GraphOfModel, graph);
  });
}

uint64_t OnnxGraph::estimateBytes() const {
  uint64_t sum = restOfModel.size() + restOfGraph.size() + 4096;
  for (const auto &[key, tensor] : initializers) {
    int64_t bytes = 0;
    if (!tensor.source.empty() && !tensor.isExternal)
      bytes = int64_t(tensor.source.size());
    else
      countBytes(tensor.dtype, tensor.dims, bytes);
    sum += uint64_t(bytes) + 256;
  }
  for (const OnnxNode &node : nodes) {
    sum += 512 + node.rest.size();
    for (const OnnxAttribute &attribute : node.attributes)
      sum += attribute.bytes.size() + 16;
  }
  return sum;
}
