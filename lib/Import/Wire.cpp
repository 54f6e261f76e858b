//===- Wire.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The messages, field by field; the numbers of the fields are onnx.proto's.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/Limits.h"
#include "lib/Import/WireGuard.h"

#include <protozero/types.hpp>
#include <protozero/varint.hpp>

#include <cstring>

using namespace ingot;
using namespace ingot::wire;
using protozero::pbf_wire_type;

namespace {

/// Walks the fields of one message. protozero's own pbf_reader keeps lengths
/// in 32 bits, so a length of 2^32 + 5 would read as 5; this keeps 64.
class Cursor {
public:
  Cursor(std::string_view bytes, const char *message)
      : at(bytes.data()), end(bytes.data() + bytes.size()), message(message) {}

  bool next() {
    if (at == end)
      return false;
    uint64_t key = protozero::decode_varint(&at, end);
    if (key >> 3 == 0 || key >> 3 > (1u << 29) - 1)
      malformed(std::string(message) + " has a field with the invalid number " +
                std::to_string(key >> 3));
    field = unsigned(key >> 3);
    type = pbf_wire_type(key & 7);
    switch (type) {
    case pbf_wire_type::varint:
    case pbf_wire_type::fixed64:
    case pbf_wire_type::length_delimited:
    case pbf_wire_type::fixed32:
      return true;
    default:
      malformed(std::string(message) + " has field " + std::to_string(field) +
                " of unknown wire type " + std::to_string(key & 7));
    }
  }

  uint64_t varint() {
    expect(pbf_wire_type::varint);
    return protozero::decode_varint(&at, end);
  }
  std::string_view bytes() {
    expect(pbf_wire_type::length_delimited);
    return take(protozero::decode_varint(&at, end));
  }
  std::string_view name() {
    std::string_view text = bytes();
    if (text.size() > limits::kNameBytes)
      throw Error{Code::LimitExceeded,
                  std::string(message) + " has a name of " +
                      std::to_string(text.size()) + " bytes; the limit is " +
                      std::to_string(limits::kNameBytes)};
    return text;
  }
  float fixedFloat() {
    expect(pbf_wire_type::fixed32);
    float value;
    memcpy(&value, take(4).data(), 4);
    return value;
  }

  /// One occurrence of a repeated number field, packed or not. Elements that
  /// follow each other become one run.
  void numbers(Numbers &into, pbf_wire_type unpacked) {
    if (type == pbf_wire_type::length_delimited) {
      push(into, {bytes(), true});
      return;
    }
    if (type != unpacked)
      expect(unpacked);
    const char *start = at;
    skip();
    if (!into.runs.empty() && !into.runs.back().packed) {
      std::string_view &run = into.runs.back().bytes;
      // A key of one byte lies between two adjacent elements.
      const char *last = run.data() + run.size();
      if (start - last == 1) {
        run = {run.data(), size_t(at - run.data())};
        return;
      }
    }
    push(into, {{start, size_t(at - start)}, false});
  }

  void skip() {
    switch (type) {
    case pbf_wire_type::varint:
      protozero::decode_varint(&at, end);
      return;
    case pbf_wire_type::fixed64:
      take(8);
      return;
    case pbf_wire_type::fixed32:
      take(4);
      return;
    default:
      bytes();
    }
  }

  unsigned field = 0;
  pbf_wire_type type = pbf_wire_type::unknown;

private:
  static void push(Numbers &into, Numbers::Run run) {
    if (into.runs.size() == limits::kListElements)
      throw Error{Code::LimitExceeded, "a list is split into too many parts"};
    into.runs.push_back(run);
  }
  void expect(pbf_wire_type wanted) {
    if (type != wanted)
      malformed("field " + std::to_string(field) + " of " + message +
                " has wire type " + std::to_string(unsigned(type)) +
                " instead of " + std::to_string(unsigned(wanted)));
  }
  std::string_view take(uint64_t size) {
    if (size > uint64_t(end - at))
      malformed(std::string(message) + " ends early: a field of " +
                std::to_string(size) + " bytes, " + std::to_string(end - at) +
                " left");
    std::string_view result(at, size_t(size));
    at += size;
    return result;
  }

  const char *at, *end, *message;
};

/// Appends to a repeated field, which must stay below a limit: an element of
/// two bytes in the file takes eight times as much here.
template <typename T, typename V>
void append(std::vector<T> &list, V &&value,
            size_t limit = limits::kListElements) {
  if (list.size() == limit)
    throw Error{Code::LimitExceeded,
                "a list has more than " + std::to_string(limit) + " elements"};
  list.push_back(std::forward<V>(value));
}

void readEntry(std::string_view bytes, Entry &into) {
  for (Cursor c(bytes, "StringStringEntryProto"); c.next();) {
    switch (c.field) {
    case 1:
      into.key = c.bytes();
      break;
    case 2:
      into.value = c.bytes();
      break;
    default:
      c.skip();
    }
  }
}

void readOperatorSet(std::string_view bytes, OperatorSet &into) {
  for (Cursor c(bytes, "OperatorSetIdProto"); c.next();) {
    switch (c.field) {
    case 1:
      into.domain = c.name();
      break;
    case 2:
      into.version = int64_t(c.varint());
      break;
    default:
      c.skip();
    }
  }
}

void readDim(std::string_view bytes, Dim &into) {
  for (Cursor c(bytes, "Dimension"); c.next();) {
    switch (c.field) {
    case 1:
      into = {int64_t(c.varint()), {}};
      break;
    case 2:
      into = {{}, c.name()};
      break;
    default:
      c.skip();
    }
  }
}

void readShape(std::string_view bytes, std::vector<Dim> &into) {
  for (Cursor c(bytes, "TensorShapeProto"); c.next();) {
    if (c.field != 1) {
      c.skip();
      continue;
    }
    if (into.size() == limits::kRank)
      throw Error{Code::LimitExceeded, "a shape has more than " +
                                           std::to_string(limits::kRank) +
                                           " dimensions"};
    readDim(c.bytes(), into.emplace_back());
  }
}

void readTensorType(std::string_view bytes, Type &into) {
  for (Cursor c(bytes, "TypeProto.Tensor"); c.next();) {
    switch (c.field) {
    case 1:
      into.elementType = DataType(int32_t(c.varint()));
      break;
    case 2:
      if (!into.shape)
        into.shape.emplace();
      readShape(c.bytes(), *into.shape);
      break;
    default:
      c.skip();
    }
  }
}

/// TypeProto.Sequence, Optional and Map: the element or value type.
void readElementType(std::string_view bytes, unsigned field, Type &into) {
  for (Cursor c(bytes, "TypeProto"); c.next();) {
    if (c.field == field)
      append(into.element.parts, c.bytes());
    else
      c.skip();
  }
}

} // namespace

Failure wire::read(std::string_view bytes, Type &into) {
  return guarded("TypeProto", [&] {
    for (Cursor c(bytes, "TypeProto"); c.next();) {
      Type::Kind kind = c.field == 1   ? Type::Tensor
                        : c.field == 4 ? Type::Sequence
                        : c.field == 5 ? Type::Map
                        : c.field == 7 ? Type::Opaque
                        : c.field == 8 ? Type::SparseTensor
                        : c.field == 9 ? Type::Optional
                                       : Type::None;
      if (kind == Type::None) {
        c.skip();
        continue;
      }
      // A oneof: another kind replaces, the same kind merges.
      if (kind != into.kind)
        into = Type();
      into.kind = kind;
      std::string_view value = c.bytes();
      if (kind == Type::Tensor || kind == Type::SparseTensor)
        readTensorType(value, into);
      else if (kind != Type::Opaque)
        readElementType(value, kind == Type::Map ? 2 : 1, into);
    }
  });
}

Failure wire::read(std::string_view bytes, ValueInfo &into) {
  return guarded("ValueInfoProto", [&] {
    for (Cursor c(bytes, "ValueInfoProto"); c.next();) {
      switch (c.field) {
      case 1:
        into.name = c.name();
        break;
      case 2:
        append(into.type.parts, c.bytes());
        break;
      default:
        c.skip();
      }
    }
  });
}

Failure wire::read(std::string_view bytes, Tensor &into) {
  return guarded("TensorProto", [&] {
    Numbers dims;
    for (Cursor c(bytes, "TensorProto"); c.next();) {
      switch (c.field) {
      case 1:
        c.numbers(dims, pbf_wire_type::varint);
        break;
      case 2:
        into.type = DataType(int32_t(c.varint()));
        break;
      case 3:
        c.bytes();
        into.hasSegment = true;
        break;
      case 4:
        c.numbers(into.floats, pbf_wire_type::fixed32);
        break;
      case 5:
        c.numbers(into.int32s, pbf_wire_type::varint);
        break;
      case 6:
        append(into.strings, c.bytes());
        break;
      case 7:
        c.numbers(into.int64s, pbf_wire_type::varint);
        break;
      case 8:
        into.name = c.name();
        break;
      case 9:
        into.raw = c.bytes();
        break;
      case 10:
        c.numbers(into.doubles, pbf_wire_type::fixed64);
        break;
      case 11:
        c.numbers(into.uint64s, pbf_wire_type::varint);
        break;
      case 13:
        append(into.external, Entry());
        readEntry(c.bytes(), into.external.back());
        break;
      case 14:
        into.isExternal = c.varint() == 1;
        break;
      default:
        c.skip();
      }
    }
    if (!dims)
      return;
    Failure failure = visitInts(dims, limits::kRank, [&](uint64_t dim) {
      into.dims.push_back(int64_t(dim));
    });
    if (failure || into.dims.size() > limits::kRank)
      throw Error{Code::BadTensorShape,
                  "tensor " + quoted(into.name) + " has more than " +
                      std::to_string(limits::kRank) + " dimensions"};
  });
}

Failure wire::read(std::string_view bytes, Attribute &into) {
  return guarded("AttributeProto", [&] {
    for (Cursor c(bytes, "AttributeProto"); c.next();) {
      switch (c.field) {
      case 1:
        into.name = c.name();
        break;
      case 2:
        into.f = c.fixedFloat();
        break;
      case 3:
        into.i = int64_t(c.varint());
        break;
      case 4:
        into.s = c.bytes();
        break;
      case 5:
        append(into.tensor.parts, c.bytes());
        break;
      case 6:
        append(into.graph.parts, c.bytes());
        break;
      case 7:
        c.numbers(into.floats, pbf_wire_type::fixed32);
        break;
      case 8:
        c.numbers(into.ints, pbf_wire_type::varint);
        break;
      case 9:
        append(into.strings, c.bytes());
        break;
      case 10:
        append(into.tensors, c.bytes());
        break;
      case 11:
        append(into.graphs, c.bytes());
        break;
      case 14:
        append(into.typeProto.parts, c.bytes());
        break;
      case 15:
        append(into.types, c.bytes());
        break;
      case 20:
        into.type = int32_t(c.varint());
        break;
      case 21:
        into.reference = c.name();
        break;
      case 22:
        append(into.sparseTensor.parts, c.bytes());
        break;
      case 23:
        append(into.sparseTensors, c.bytes());
        break;
      default:
        c.skip();
      }
    }
  });
}

Failure wire::read(std::string_view bytes, Node &into) {
  return guarded("NodeProto", [&] {
    for (Cursor c(bytes, "NodeProto"); c.next();) {
      switch (c.field) {
      case 1:
        append(into.inputs, c.name());
        break;
      case 2:
        append(into.outputs, c.name());
        break;
      case 3:
        into.name = c.name();
        break;
      case 4:
        into.opType = c.name();
        break;
      case 5:
        append(into.attributes, c.bytes());
        break;
      case 7:
        into.domain = c.name();
        break;
      case 8:
        into.overload = c.name();
        break;
      default:
        c.skip();
      }
    }
  });
}

Failure wire::read(std::string_view bytes, Graph &into) {
  return guarded("GraphProto", [&] {
    for (Cursor c(bytes, "GraphProto"); c.next();) {
      switch (c.field) {
      case 1:
        append(into.nodes, c.bytes(), limits::kNodes);
        break;
      case 2:
        into.name = c.name();
        break;
      case 5:
        append(into.initializers, c.bytes());
        break;
      case 11:
        append(into.inputs, c.bytes());
        break;
      case 12:
        append(into.outputs, c.bytes());
        break;
      case 13:
        append(into.valueInfo, c.bytes());
        break;
      case 15:
        append(into.sparseInitializers, c.bytes());
        break;
      default:
        c.skip();
      }
    }
  });
}

Failure wire::read(std::string_view bytes, Function &into) {
  return guarded("FunctionProto", [&] {
    for (Cursor c(bytes, "FunctionProto"); c.next();) {
      switch (c.field) {
      case 1:
        into.name = c.name();
        break;
      case 4:
        append(into.inputs, c.name());
        break;
      case 5:
        append(into.outputs, c.name());
        break;
      case 6:
        append(into.attributes, c.name());
        break;
      case 7:
        append(into.nodes, c.bytes(), limits::kNodes);
        break;
      case 9:
        append(into.opsets, OperatorSet());
        readOperatorSet(c.bytes(), into.opsets.back());
        break;
      case 10:
        into.domain = c.name();
        break;
      case 11:
        append(into.defaults, c.bytes());
        break;
      case 12:
        append(into.valueInfo, c.bytes());
        break;
      case 13:
        into.overload = c.name();
        break;
      default:
        c.skip();
      }
    }
  });
}

Failure wire::read(std::string_view bytes, Model &into) {
  return guarded("ModelProto", [&] {
    for (Cursor c(bytes, "ModelProto"); c.next();) {
      switch (c.field) {
      case 1:
        into.irVersion = int64_t(c.varint());
        break;
      case 2:
        into.producerName = c.name();
        break;
      case 3:
        into.producerVersion = c.name();
        break;
      case 7:
        append(into.graph.parts, c.bytes());
        break;
      case 8:
        append(into.opsets, OperatorSet());
        readOperatorSet(c.bytes(), into.opsets.back());
        break;
      case 25:
        append(into.functions, c.bytes());
        break;
      default:
        c.skip();
      }
    }
  });
}
