//===- TensorProto.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Tensors/Tensor.h"

#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_reader.hpp>

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

int64_t ingot::elementBytesOf(int32_t dtype) {
  switch (dtype) {
  case 2:  // uint8
  case 3:  // int8
  case 9:  // bool
  case 17: // float8 forms
  case 18:
  case 19:
  case 20:
    return 1;
  case 4:
  case 5:
  case 10:
  case 16:
    return 2;
  case 1:
  case 6:
  case 12:
    return 4;
  case 7:
  case 11:
  case 13:
    return 8;
  default:
    return 0;
  }
}

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

bool ingot::parseTensorProto(const std::string &bytes, Tensor &tensor,
                             std::string &error) {
  try {
    // The type decides how int32_data is narrowed, and may come after it.
    protozero::pbf_reader types(bytes);
    while (types.next(DataType))
      tensor.dtype = types.get_int32();
    int64_t size = elementBytesOf(tensor.dtype);
    if (!size) {
      error =
          "element type " + std::to_string(tensor.dtype) + " has no dense form";
      return false;
    }
    protozero::pbf_reader reader(bytes);
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
    int64_t expected = size;
    for (int64_t dim : tensor.dims) {
      if (dim < 0 || (dim > 0 && expected > (int64_t(1) << 40) / dim)) {
        error = "unreasonable dimension " + std::to_string(dim);
        return false;
      }
      expected *= dim;
    }
    if (int64_t(tensor.data.size()) != expected) {
      error = "holds " + std::to_string(tensor.data.size()) +
              " bytes, its shape needs " + std::to_string(expected);
      return false;
    }
    return true;
  } catch (const protozero::exception &e) {
    error = std::string("not a TensorProto: ") + e.what();
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
