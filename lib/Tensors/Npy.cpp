//===- Npy.cpp - NumPy's file of one array --------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is "\x93NUMPY", a version, a header that is a Python dictionary
// with the keys descr, fortran_order and shape, and the data.
//
//===----------------------------------------------------------------------===//
#include "lib/Tensors/Tensor.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <algorithm>
#include <cstring>

using namespace ingot;

namespace {
/// NumPy's letter and size of an element type that both sides have.
struct NpyType {
  char kind;
  int size;
  int32_t dtype;
};

/// What a header says.
struct Header {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// Reads the one form of Python dictionary that headers use.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}
  bool parse(Header &header);

private:
  void skipSpace() {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\n'))
      text.remove_prefix(1);
  }
  bool take(char c) {
    skipSpace();
    if (text.empty() || text[0] != c)
      return false;
    text.remove_prefix(1);
    return true;
  }
  bool takeWord(std::string_view word) {
    skipSpace();
    if (text.substr(0, word.size()) != word)
      return false;
    text.remove_prefix(word.size());
    return true;
  }
  bool takeString(std::string &value);
  bool takeShape(std::vector<int64_t> &shape);

  std::string_view text;
};
} // namespace

static const NpyType types[] = {
    {'b', 1, INGOT_BOOL},      {'i', 1, INGOT_INT8},
    {'i', 2, INGOT_INT16},     {'i', 4, INGOT_INT32},
    {'i', 8, INGOT_INT64},     {'u', 1, INGOT_UINT8},
    {'u', 2, INGOT_UINT16},    {'u', 4, INGOT_UINT32},
    {'u', 8, INGOT_UINT64},    {'f', 2, INGOT_FLOAT16},
    {'f', 4, INGOT_FLOAT32},   {'f', 8, INGOT_FLOAT64},
    {'c', 8, INGOT_COMPLEX64}, {'c', 16, INGOT_COMPLEX128},
};

static constexpr std::string_view magic = "\x93NUMPY";

bool HeaderParser::takeString(std::string &value) {
  skipSpace();
  if (text.empty() || (text[0] != '\'' && text[0] != '"'))
    return false;
  size_t end = text.find(text[0], 1);
  if (end == std::string_view::npos)
    return false;
  value = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return true;
}

bool HeaderParser::takeShape(std::vector<int64_t> &shape) {
  if (!take('('))
    return false;
  while (!take(')')) {
    skipSpace();
    int64_t value = 0;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9';
         ++digits) {
      if (digits == 18)
        return false;
      value = value * 10 + (text[digits] - '0');
    }
    if (digits == 0 || shape.size() == 64)
      return false;
    text.remove_prefix(digits);
    shape.push_back(value);
    if (!take(',') && (text.empty() || text[0] != ')'))
      return false;
  }
  return true;
}

bool HeaderParser::parse(Header &header) {
  bool hasDescr = false, hasOrder = false, hasShape = false;
  if (!take('{'))
    return false;
  while (!take('}')) {
    std::string key;
    if (!takeString(key) || !take(':'))
      return false;
    if (key == "descr") {
      hasDescr = takeString(header.descr);
      // A list is the description of a record.
      if (!hasDescr && take('[')) {
        header.descr = "[...]";
        return true;
      }
    } else if (key == "fortran_order") {
      header.fortranOrder = takeWord("True");
      hasOrder = header.fortranOrder || takeWord("False");
    } else if (key == "shape") {
      hasShape = takeShape(header.shape);
    } else {
      return false;
    }
    take(',');
    if (text.empty())
      return false;
  }
  return hasDescr && hasOrder && hasShape;
}

/// Reverses the bytes of every unit of `size`.
static void swapBytes(std::vector<char> &data, size_t size) {
  for (size_t i = 0; i + size <= data.size(); i += size)
    std::reverse(data.begin() + i, data.begin() + i + size);
}

/// From column-major to row-major order.
static std::vector<char> fromFortran(std::string_view data,
                                     const std::vector<int64_t> &dims,
                                     size_t size) {
  std::vector<char> result(data.size());
  std::vector<int64_t> index(dims.size(), 0), strides(dims.size(), 1);
  for (size_t d = 1; d < dims.size(); ++d)
    strides[d] = strides[d - 1] * dims[d - 1];
  int64_t from = 0;
  for (size_t to = 0; to < data.size(); to += size) {
    std::memcpy(&result[to], &data[from * size], size);
    for (size_t d = dims.size(); d-- > 0;) {
      from += strides[d];
      if (++index[d] < dims[d])
        break;
      from -= strides[d] * dims[d];
      index[d] = 0;
    }
  }
  return result;
}

bool ingot::parseNpy(std::string_view bytes, Tensor &tensor,
                     std::string &error) {
  if (bytes.size() < 12 || bytes.substr(0, magic.size()) != magic) {
    error = "is not an .npy file";
    return false;
  }
  unsigned major = uint8_t(bytes[6]);
  auto byte = [&](size_t i) { return size_t(uint8_t(bytes[i])); };
  size_t start = major == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (major > 1)
    length |= byte(10) << 16 | byte(11) << 24;
  Header header;
  if (major < 1 || major > 3 || length > bytes.size() - start ||
      !HeaderParser(bytes.substr(start, length)).parse(header)) {
    error = "has a damaged .npy header";
    return false;
  }
  // "<f4": byte order, kind, size.
  std::string_view descr = header.descr;
  char order = descr.empty() ? '|' : descr[0];
  if (order == '<' || order == '>' || order == '|' || order == '=')
    descr.remove_prefix(1);
  char kind = descr.empty() ? '?' : descr[0];
  int size = 0;
  for (char c : descr.substr(descr.empty() ? 0 : 1)) {
    if (c < '0' || c > '9' || size > 100) {
      size = 0;
      break;
    }
    size = size * 10 + (c - '0');
  }
  if (kind == '?' && descr.size() == 1)
    kind = 'b', size = 1;
  const NpyType *type = std::find_if(
      std::begin(types), std::end(types), [&](const NpyType &each) {
        return each.kind == kind && each.size == size;
      });
  bool opaque = kind == 'V' && (size == 1 || size == 2);
  if (type == std::end(types) && !opaque) {
    error = "has elements of NumPy type '" + header.descr +
            "', which no tensor has; convert the array with astype()";
    return false;
  }
  int64_t count = 0;
  std::string_view data = bytes.substr(start + length);
  if (!countElements(header.shape, count) ||
      uint64_t(count) * size != data.size()) {
    error = "holds " + std::to_string(data.size()) +
            " bytes, its shape needs " + std::to_string(count * size);
    return false;
  }
  tensor.dtype = opaque ? 0 : type->dtype;
  tensor.dims = header.shape;
  if (header.fortranOrder && header.shape.size() > 1)
    tensor.data = fromFortran(data, header.shape, size);
  else
    tensor.data.assign(data.begin(), data.end());
  if (order == '>')
    swapBytes(tensor.data, kind == 'c' ? size / 2 : size);
  return true;
}

bool ingot::npyHeader(const Tensor &tensor, std::string &header,
                      std::string &error) {
  const NpyType *type = std::find_if(
      std::begin(types), std::end(types),
      [&](const NpyType &each) { return each.dtype == tensor.dtype; });
  uint32_t bits = ingot_dtype_bits(tensor.dtype);
  if (type == std::end(types) && (bits < 8 || bits % 8)) {
    error = std::string("no NumPy type holds ") +
            ingot_dtype_name(tensor.dtype) + "; save to a folder instead";
    return false;
  }
  char kind = type == std::end(types) ? 'V' : type->kind;
  std::string dict = "{'descr': '";
  dict += bits == 8 || kind == 'V' ? '|' : '<';
  dict += kind + std::to_string(bits / 8) + "', 'fortran_order': False, " +
          "'shape': (";
  for (int64_t dim : tensor.dims)
    dict += std::to_string(dim) + ",";
  // One dimension is "(3,)", more are "(3, 4)"; a comma at the end is fine.
  dict += "), }";
  dict.resize((10 + dict.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  dict += '\n';
  header = magic;
  header += '\1';
  header += '\0';
  header += char(dict.size() & 0xFF);
  header += char(dict.size() >> 8);
  header += dict;
  return true;
}
