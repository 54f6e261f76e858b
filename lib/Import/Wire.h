//===- Wire.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ONNX's protocol buffers, read in place: structs of views into the bytes of
// the file. Each message is read one level deep, and the messages within it
// stay bytes until they are asked for, so that a model of a million nodes
// costs 16 bytes a node, no weight is touched, and no input decides how deep
// the reader recurses. Knows no LLVM, so that sanitizers and fuzzers cover it.
//
// What protobuf says of unknown fields (skipped), of repeated singular fields
// (the last wins, messages merge) and of packed lists (both forms) holds. A
// known field of a wrong wire type and a group are errors.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_WIRE_H
#define INGOT_LIB_IMPORT_WIRE_H

#include "lib/Diagnostics/Codes.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::wire {

/// Why bytes were refused.
struct Error {
  Code code;
  std::string text;
};
/// Nothing, or why reading failed.
using Failure = std::optional<Error>;

/// A message within a message, not yet read. A message that occurs in several
/// parts is the concatenation of them.
struct Message {
  std::vector<std::string_view> parts;
  explicit operator bool() const { return !parts.empty(); }
};

/// A repeated number field, not yet decoded: runs of packed elements, or of
/// elements that each come with their tag.
struct Numbers {
  struct Run {
    std::string_view bytes;
    bool packed;
  };
  std::vector<Run> runs;
  explicit operator bool() const { return !runs.empty(); }
};

/// TensorProto.DataType.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  Uint8 = 2,
  Int8 = 3,
  Uint16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  Uint32 = 12,
  Uint64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  Bfloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  Uint4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  Uint2 = 25,
  Int2 = 26,
  Float6E2M3 = 27,
  Float6E3M2 = 28,
};

/// Bits of an element in raw_data; 0 for strings and unknown types.
unsigned bitWidth(DataType type);
/// "float16", "int64" ... as the specification writes them.
std::string_view typeName(DataType type);

/// StringStringEntryProto.
struct Entry {
  std::string_view key, value;
};

/// TensorProto.
struct Tensor {
  std::string_view name;
  std::vector<int64_t> dims;
  DataType type = DataType::Undefined;
  bool hasSegment = false;
  std::optional<std::string_view> raw;
  Numbers floats, int32s, int64s, doubles, uint64s;
  std::vector<std::string_view> strings;
  std::vector<Entry> external;
  bool isExternal = false;
};

/// TensorShapeProto.Dimension: a value, a name, or neither.
struct Dim {
  std::optional<int64_t> value;
  std::optional<std::string_view> param;
};

/// TypeProto.
struct Type {
  enum Kind { None, Tensor, Sequence, Map, Optional, SparseTensor, Opaque };
  Kind kind = None;
  /// Of Tensor and SparseTensor.
  DataType elementType = DataType::Undefined;
  std::optional<std::vector<Dim>> shape;
  /// Of Sequence and Optional; the value type of a Map.
  Message element;
};

/// ValueInfoProto.
struct ValueInfo {
  std::string_view name;
  Message type;
};

/// AttributeProto.
struct Attribute {
  enum Type : int32_t {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    TensorValue = 4,
    GraphValue = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Tensors = 9,
    Graphs = 10,
    SparseTensor = 11,
    SparseTensors = 12,
    TypeValue = 13,
    Types = 14,
  };
  std::string_view name, reference;
  int32_t type = Undefined;
  std::optional<float> f;
  std::optional<int64_t> i;
  std::optional<std::string_view> s;
  Message tensor, graph, sparseTensor, typeProto;
  Numbers floats, ints;
  std::vector<std::string_view> strings, tensors, graphs, sparseTensors, types;
};

/// NodeProto; the attributes are AttributeProtos.
struct Node {
  std::string_view name, opType, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
};

/// GraphProto; nodes, initializers and value infos as bytes.
struct Graph {
  std::string_view name;
  std::vector<std::string_view> nodes, initializers, sparseInitializers;
  std::vector<std::string_view> inputs, outputs, valueInfo;
};

/// OperatorSetIdProto.
struct OperatorSet {
  std::string_view domain;
  int64_t version = 0;
};

/// FunctionProto; nodes, default attributes and value infos as bytes.
struct Function {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<std::string_view> defaults, nodes, valueInfo;
  std::vector<OperatorSet> opsets;
};

/// ModelProto; functions as bytes.
struct Model {
  std::optional<int64_t> irVersion;
  std::string_view producerName, producerVersion;
  std::vector<OperatorSet> opsets;
  Message graph;
  std::vector<std::string_view> functions;
};

/// Reads one message; what `into` held before is merged with it.
Failure read(std::string_view bytes, Model &into);
Failure read(std::string_view bytes, Graph &into);
Failure read(std::string_view bytes, Function &into);
Failure read(std::string_view bytes, Node &into);
Failure read(std::string_view bytes, Attribute &into);
Failure read(std::string_view bytes, Tensor &into);
Failure read(std::string_view bytes, ValueInfo &into);
Failure read(std::string_view bytes, Type &into);

/// Reads all parts of a message into a new value.
template <typename T> Failure read(const Message &message, T &into) {
  into = T();
  for (std::string_view part : message.parts)
    if (Failure failure = read(part, into))
      return failure;
  return {};
}

/// Reads one message into a new value.
template <typename T> Failure readNew(std::string_view bytes, T &into) {
  into = T();
  return read(bytes, into);
}

/// The number of elements in a repeated field. Each visitor below fails
/// before the first call if there are more than `limit`.
Failure count(const Numbers &numbers, unsigned fixedSize, size_t &elements);
Failure visitInts(const Numbers &numbers, size_t limit,
                  const std::function<void(uint64_t)> &visit);
Failure visitFloats(const Numbers &numbers, size_t limit,
                    const std::function<void(uint32_t bits)> &visit);
Failure visitDoubles(const Numbers &numbers, size_t limit,
                     const std::function<void(uint64_t bits)> &visit);

/// The product of the dims, or why they are no shape of a tensor.
Failure elementCount(const std::vector<int64_t> &dims, int64_t &elements);

/// Names the format of a file that is recognizably something else than ONNX;
/// null otherwise. The first 512 bytes suffice.
const char *foreignFormat(std::string_view head);

} // namespace ingot::wire

#endif // INGOT_LIB_IMPORT_WIRE_H
