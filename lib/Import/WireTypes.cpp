//===- WireTypes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is known of element types, shapes and other formats' first bytes.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/Limits.h"
#include "lib/Import/Wire.h"

#include <algorithm>

using namespace ingot;
using namespace ingot::wire;

namespace {
struct TypeRow {
  std::string_view name;
  unsigned bits;
};
} // namespace

/// Indexed by DataType.
static const TypeRow typeRows[] = {
    {"undefined", 0},      {"float", 32},     {"uint8", 8},
    {"int8", 8},           {"uint16", 16},    {"int16", 16},
    {"int32", 32},         {"int64", 64},     {"string", 0},
    {"bool", 8},           {"float16", 16},   {"double", 64},
    {"uint32", 32},        {"uint64", 64},    {"complex64", 64},
    {"complex128", 128},   {"bfloat16", 16},  {"float8e4m3fn", 8},
    {"float8e4m3fnuz", 8}, {"float8e5m2", 8}, {"float8e5m2fnuz", 8},
    {"uint4", 4},          {"int4", 4},       {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},      {"int2", 2},
    {"float6e2m3", 6},     {"float6e3m2", 6},
};

static const TypeRow &rowOf(DataType type) {
  size_t index = size_t(uint32_t(type));
  return typeRows[index < std::size(typeRows) ? index : 0];
}

unsigned wire::bitWidth(DataType type) { return rowOf(type).bits; }
std::string_view wire::typeName(DataType type) { return rowOf(type).name; }

Failure wire::elementCount(const std::vector<int64_t> &dims,
                           int64_t &elements) {
  elements = 1;
  for (int64_t dim : dims)
    if (dim < 0)
      return Error{Code::BadTensorShape,
                   "a dimension is negative: " + std::to_string(dim)};
  // A zero anywhere makes an empty tensor, whatever the rest multiplies to.
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) {
    elements = 0;
    return {};
  }
  for (int64_t dim : dims)
    if (__builtin_mul_overflow(elements, dim, &elements) ||
        elements > limits::kTensorBytes * 8)
      return Error{Code::BadTensorShape,
                   "the product of the dimensions is too large"};
  return {};
}

const char *wire::foreignFormat(std::string_view head) {
  auto at = [&](size_t offset, std::string_view magic) {
    return head.size() >= offset + magic.size() &&
           head.substr(offset, magic.size()) == magic;
  };
  struct Magic {
    size_t offset;
    std::string_view bytes;
    const char *format;
  };
  static const Magic magics[] = {
      {0, "version https://git-lfs", "a Git-LFS pointer, not the model itself"},
      {0, "\x1f\x8b", "gzip data"},
      {0, "PK\x03\x04", "a zip archive (PyTorch's .pt files are zip archives)"},
      {0, "BZh", "bzip2 data"},
      {0,
       std::string_view("\xfd"
                        "7zXZ\0",
                        6),
       "xz data"},
      {0, "\x28\xb5\x2f\xfd", "zstd data"},
      {0, "\x80\x02", "a Python pickle"},
      {0, "\x80\x03", "a Python pickle"},
      {0, "\x80\x04", "a Python pickle"},
      {0, "\x80\x05", "a Python pickle"},
      {0,
       "\x7f"
       "ELF",
       "an ELF file; a compiled model.so is run, not compiled"},
      {0, "\x89HDF", "an HDF5 file (Keras)"},
      {0, "\x89PNG", "a PNG image"},
      {0, "GGUF", "a GGUF file"},
      {0, "%PDF", "a PDF document"},
      {0, "\x93NUMPY", "a NumPy array"},
      {4, "TFL3", "a TensorFlow Lite model"},
      {4, "ORTM", "an ONNX Runtime .ort model"},
      {8, "{\"", "a safetensors file"},
      {257, "ustar", "a tar archive"},
  };
  for (const Magic &magic : magics)
    if (at(magic.offset, magic.bytes))
      return magic.format;
  // The rest are texts; leading white space does not matter.
  while (!head.empty() && (head.front() == ' ' || head.front() == '\n' ||
                           head.front() == '\r' || head.front() == '\t'))
    head.remove_prefix(1);
  if (at(0, "<!") || at(0, "<html") || at(0, "<HTML") || at(0, "<?xml"))
    return "a web page or XML";
  if (at(0, "ir_version") || at(0, "graph {") || at(0, "producer_name"))
    return "an ONNX model as protobuf text; only the binary form is read";
  if (at(0, "module") || at(0, "func.func"))
    return "MLIR in text form";
  bool text =
      head.size() >= 16 &&
      std::all_of(head.begin(), head.end(), [](unsigned char c) {
        return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
      });
  return text ? "plain text" : nullptr;
}
