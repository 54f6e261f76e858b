//===- OnnxGraph.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An ONNX model that can be changed and written again. What is not changed is
// written as it was read, with fields that this does not know; weights stay in
// the mapped file, so that copies of a model are cheap.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_ONNXGRAPH_H
#define INGOT_LIB_QUANTIZE_ONNXGRAPH_H

#include "lib/Import/ExternalData.h"
#include "lib/Import/Wire.h"
#include "lib/Tensors/Tensor.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ingot::quantize {

/// An attribute of a node: its name and the serialised AttributeProto.
struct OnnxAttribute {
  std::string name, bytes;
};

OnnxAttribute intAttribute(std::string name, int64_t value);
OnnxAttribute intsAttribute(std::string name,
                            const std::vector<int64_t> &values);
OnnxAttribute floatAttribute(std::string name, float value);
OnnxAttribute stringAttribute(std::string name, std::string_view value);

/// A node.
struct OnnxNode {
  std::string name, opType, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxAttribute> attributes;
  /// Fields that have no member here, as they were.
  std::string rest;
  /// True if an attribute holds a graph, which may use any value.
  bool hasSubgraph = false;

  /// True for an operator of ONNX's own domain.
  bool is(std::string_view op) const { return domain.empty() && opType == op; }
  const std::string *findAttribute(std::string_view attribute) const;
  int64_t getInt(std::string_view attribute, int64_t otherwise) const;
  float getFloat(std::string_view attribute, float otherwise) const;
  std::vector<int64_t> getInts(std::string_view attribute) const;
  std::string getString(std::string_view attribute,
                        std::string_view otherwise) const;
  /// Sets an attribute, or appends it.
  void set(OnnxAttribute attribute);
  void removeAttribute(std::string_view attribute);
  /// Input number `i`, or "" if it is left out.
  std::string_view input(size_t i) const {
    return i < inputs.size() ? std::string_view(inputs[i]) : "";
  }
  std::string_view output(size_t i) const {
    return i < outputs.size() ? std::string_view(outputs[i]) : "";
  }
};

/// An initializer. Its bytes are a view into the file or owned.
struct OnnxTensor {
  std::string name;
  std::vector<int64_t> dims;
  int32_t dtype = 0;
  bool isExternal = false;
  /// The TensorProto as in the file; empty if `data` holds the elements.
  std::string_view source;
  std::shared_ptr<const std::vector<char>> data;

  int64_t elements() const;
};

/// An input, an output, or what is known of a value between.
struct OnnxValue {
  std::string name;
  int32_t dtype = 0;
  bool hasShape = false;
  /// -1 where the size is not fixed.
  std::vector<int64_t> dims;
  /// The ValueInfoProto.
  std::string bytes;
};

/// A value info of a tensor of that type; without a shape if `dims` is null.
OnnxValue makeValue(std::string name, int32_t dtype,
                    const std::vector<int64_t> *dims);

/// One of which only the name is known.
OnnxValue makeUntypedValue(std::string name);

/// How to serialise.
struct WriteOptions {
  /// Values that become outputs too, of type float if nothing else is known.
  std::vector<std::string> moreOutputs;
  /// The name of a file for the bytes of tensors of a KiB and more, which go
  /// to `externalBytes`; "" keeps all in the model.
  std::string externalFile;
  std::string *externalBytes = nullptr;
};

/// A model.
class OnnxGraph {
public:
  /// Reads the model at `path`.
  wire::Failure read(const std::string &path, bool allowHardLinks);

  /// The serialised ModelProto. Tensors in other files become part of it.
  wire::Failure write(const WriteOptions &options, std::string &bytes) const;
  /// An upper bound of what write() gives, in bytes.
  uint64_t estimateBytes() const;

  const OnnxTensor *findInitializer(std::string_view name) const;
  /// Adds or replaces one.
  void setInitializer(OnnxTensor tensor);
  void addInitializer(std::string name, int32_t dtype,
                      std::vector<int64_t> dims, std::vector<char> data);
  void addInts(std::string name, const std::vector<int64_t> &values);
  /// The elements of an initializer, in memory order.
  wire::Failure load(const OnnxTensor &tensor, Tensor &into) const;
  /// The elements of a float or float16 initializer; false for other types.
  bool loadFloats(const OnnxTensor &tensor, std::vector<float> &into) const;
  bool loadInts(std::string_view name, std::vector<int64_t> &into) const;

  /// A name that no value has: `stem`, or `stem` and a number.
  std::string freshName(const std::string &stem);
  /// True for inputs and outputs of the graph.
  bool isInput(std::string_view name) const;
  bool isOutput(std::string_view name) const;
  /// What is declared of a value, or null.
  const OnnxValue *findValue(std::string_view name) const;
  /// Removes initializers and nodes that nothing uses.
  void removeUnused();
  /// The version of ONNX's own operators, 0 if not imported.
  int64_t opset() const;
  /// Sets it, and ir_version to one that goes with it.
  void setOpset(int64_t version);
  bool importsDomain(std::string_view domain) const;

  std::vector<OnnxNode> nodes;
  std::vector<OnnxValue> inputs, outputs, values;
  std::map<std::string, OnnxTensor, std::less<>> initializers;
  /// In the order of the file, and then of addition.
  std::vector<std::string> initializerOrder;
  std::vector<std::pair<std::string, int64_t>> opsets;
  std::string name;
  int64_t irVersion = 0;
  bool hasSubgraphs = false;
  /// The folder of external data.
  std::string folder;

private:
  wire::Failure readModel(std::string_view bytes);
  wire::Failure readGraph(std::string_view bytes);
  void collectNames();

  /// Fields of the model and the graph that have no member here.
  std::string restOfModel, restOfGraph;
  std::set<std::string, std::less<>> usedNames;
  std::shared_ptr<MappedFile> file;
  std::shared_ptr<ExternalData> external;
};

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_ONNXGRAPH_H
