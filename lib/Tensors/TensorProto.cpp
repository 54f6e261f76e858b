//===- TensorProto.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Tensors/Tensor.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_reader.hpp>

#include <algorithm>
#include <cstring>

using namespace ingot;

namespace {
/// Field numbers of onnx.TensorProto.
enum Field : uint32_t {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  Name = 8,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11
};
} // namespace

/// Appends a value in `bytes` bytes, little endian.
template <typename T>
static void append(std::vector<char> &data, T value, int64_t bytes) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  data.insert(data.end(), raw, raw + std::min<int64_t>(bytes, sizeof(T)));
}

template <typename Range>
static void appendAll(std::vector<char> &data, Range range, int64_t bytes) {
  for (auto value : range)
    append(data, value, bytes);
}

/// A SequenceProto or OptionalProto keeps its values where a TensorProto has
/// none.
static bool isSequence(std::string_view bytes) {
  protozero::pbf_reader reader(bytes.data(), bytes.size());
  bool hasValues = false;
  while (reader.next()) {
    if (reader.tag() >= FloatData && reader.tag() != Name)
      return false;
    hasValues |= reader.tag() == 3;
    reader.skip();
  }
  return hasValues;
}

bool ingot::parseTensorProto(std::string_view bytes, Tensor &tensor,
                             std::string &error) {
  try {
    if (isSequence(bytes)) {
      error = "holds a sequence, a map or an optional value, and the model "
              "takes tensors only";
      return false;
    }
    // The type decides how int32_data is narrowed, and may come after it.
    protozero::pbf_reader types(bytes.data(), bytes.size());
    while (types.next(DataType))
      tensor.dtype = types.get_int32();
    uint32_t bits = ingot_dtype_bits(tensor.dtype);
    if (bits == 0) {
      error = std::string("has elements of type ") +
              ingot_dtype_name(tensor.dtype) + ", which has no dense form";
      return false;
    }
    int64_t size = std::max<int64_t>(1, bits / 8);
    protozero::pbf_reader reader(bytes.data(), bytes.size());
    auto packed = [&](protozero::pbf_wire_type type) {
      return reader.wire_type() == protozero::pbf_wire_type::length_delimited &&
             type != protozero::pbf_wire_type::length_delimited;
    };
    using Wire = protozero::pbf_wire_type;
    while (reader.next()) {
      switch (reader.tag()) {
      case Dims:
        if (packed(Wire::varint))
          for (int64_t dim : reader.get_packed_int64())
            tensor.dims.push_back(dim);
        else
          tensor.dims.push_back(reader.get_int64());
        break;
      case Name:
        tensor.name = reader.get_string();
        break;
      case RawData: {
        auto view = reader.get_view();
        tensor.data.assign(view.data(), view.data() + view.size());
        break;
      }
      case FloatData:
        if (packed(Wire::fixed32))
          appendAll(tensor.data, reader.get_packed_float(), size);
        else
          append(tensor.data, reader.get_float(), size);
        break;
      case DoubleData:
        if (packed(Wire::fixed64))
          appendAll(tensor.data, reader.get_packed_double(), size);
        else
          append(tensor.data, reader.get_double(), size);
        break;
      case Int32Data:
        if (packed(Wire::varint))
          appendAll(tensor.data, reader.get_packed_int32(), size);
        else
          append(tensor.data, reader.get_int32(), size);
        break;
      case Int64Data:
        if (packed(Wire::varint))
          appendAll(tensor.data, reader.get_packed_int64(), size);
        else
          append(tensor.data, reader.get_int64(), size);
        break;
      case Uint64Data:
        if (packed(Wire::varint))
          appendAll(tensor.data, reader.get_packed_uint64(), size);
        else
          append(tensor.data, reader.get_uint64(), size);
        break;
      default:
        reader.skip();
      }
    }
    int64_t expected = 0;
    if (!countBytes(tensor.dtype, tensor.dims, expected)) {
      error = "has a negative or unreasonable dimension";
      return false;
    }
    if (int64_t(tensor.data.size()) != expected) {
      error = "holds " + std::to_string(tensor.data.size()) +
              " bytes, its shape needs " + std::to_string(expected);
      return false;
    }
    if (tensor.dtype == INGOT_BOOL)
      for (char &c : tensor.data)
        c = c != 0;
    return true;
  } catch (const protozero::exception &e) {
    error = std::string("is not a TensorProto: ") + e.what();
    return false;
  }
}

std::string ingot::serializeTensorProto(const Tensor &tensor) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(Dims, tensor.dims.begin(), tensor.dims.end());
  writer.add_int32(DataType, tensor.dtype);
  if (!tensor.name.empty())
    writer.add_string(Name, tensor.name);
  writer.add_bytes(RawData, tensor.data.data(), tensor.data.size());
  return bytes;
}
