//===- TensorsTest.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading of damaged files; values of element types that no other tool reads.
// Whole files are read and written by test/tools/test_ingot_run.py.
//
//===----------------------------------------------------------------------===//
#include "lib/Tensors/Tensor.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <fstream>

using namespace ingot;

namespace {

/// A tensor of raw bytes.
Tensor raw(int32_t dtype, std::vector<int64_t> dims,
           std::vector<uint8_t> data) {
  return {"t", dtype, dims, {data.begin(), data.end()}};
}

/// A small .npy file.
std::string npy(const Tensor &tensor) {
  std::string text, error;
  EXPECT_TRUE(npyHeader(tensor, text, error)) << error;
  return text.append(tensor.data.begin(), tensor.data.end());
}

TEST(Npy, RoundTrip) {
  for (std::vector<int64_t> dims :
       {std::vector<int64_t>{}, {1}, {4}, {2, 2}, {0, 3}}) {
    Tensor tensor{"", 1, dims, {}};
    fillRandom(tensor, 3);
    std::string error, bytes = npy(tensor);
    EXPECT_EQ((bytes.size() - tensor.data.size()) % 64, 0u);
    Tensor back;
    ASSERT_TRUE(parseNpy(bytes, back, error)) << error;
    EXPECT_EQ(back.dims, tensor.dims);
    EXPECT_EQ(back.data, tensor.data);
    EXPECT_EQ(back.dtype, 1);
  }
}

TEST(Npy, EveryTruncationIsRefused) {
  std::string bytes = npy(raw(2, {2, 3}, {1, 2, 3, 4, 5, 6}));
  for (size_t size = 0; size < bytes.size(); ++size) {
    Tensor tensor;
    std::string error;
    // A copy of that size, so that a sanitizer sees reads past the end.
    std::string part(bytes, 0, size);
    EXPECT_FALSE(parseNpy(part, tensor, error)) << size;
    EXPECT_FALSE(error.empty());
  }
}

TEST(Npy, EveryChangedByteIsReadOrRefused) {
  std::string bytes = npy(raw(2, {2, 3}, {1, 2, 3, 4, 5, 6}));
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int value :
         std::initializer_list<int>{0, '(', ')', ',', '\'', '9', ' ', 255}) {
      std::string changed = bytes;
      changed[at] = char(value);
      Tensor tensor;
      std::string error;
      if (!parseNpy(changed, tensor, error))
        EXPECT_FALSE(error.empty());
      else
        EXPECT_LE(tensor.data.size(), bytes.size());
    }
}

TEST(Npy, HugeShapesAreRefused) {
  std::string bytes = npy(raw(2, {2, 3}, {1, 2, 3, 4, 5, 6}));
  size_t at = bytes.find("(2,3,)");
  ASSERT_NE(at, std::string::npos);
  for (const char *shape :
       {"(999999999999999999,999999999999999999,)", "(-2,-3,)", "(2,3", "2,3",
        "(2,3.0)", "(99999999999999999999,)"}) {
    std::string changed = bytes;
    changed.replace(at, 6, shape);
    // The length of the header must fit again: take it from the spaces.
    changed.erase(changed.find('}') + 1, strlen(shape) - 6);
    Tensor tensor;
    std::string error;
    EXPECT_FALSE(parseNpy(changed, tensor, error)) << shape;
  }
}

TEST(Npy, NoTypeOfLessThanAByte) {
  std::string header, error;
  EXPECT_FALSE(npyHeader(raw(22, {2}, {0x21}), header, error));
  EXPECT_NE(error.find("int4"), std::string::npos);
}

TEST(Npz, DamagedArchivesAreRefused) {
  std::string path = testing::TempDir() + "/damaged.npz", error;
  ASSERT_TRUE(writeNpz(path, {raw(2, {6}, {1, 2, 3, 4, 5, 6})}, error));
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::vector<Tensor> tensors;
  ASSERT_TRUE(readNpz(path, tensors, error)) << error;
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "t");
  int refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = char(changed[at] ^ 0x55);
    std::ofstream(path, std::ios::binary) << changed;
    tensors.clear();
    refused += !readNpz(path, tensors, error);
  }
  // The check sum covers the array; some fields of the directory mean nothing.
  EXPECT_GT(refused, 128);
  std::remove(path.c_str());
}

TEST(TensorProto, RoundTrip) {
  Tensor tensor = raw(16, {3}, {0xC0, 0x3F, 0, 0x80, 0x80, 0x7F}), back;
  std::string error, bytes = serializeTensorProto(tensor);
  ASSERT_TRUE(parseTensorProto(bytes, back, error)) << error;
  EXPECT_EQ(back.name, "t");
  EXPECT_EQ(back.dims, tensor.dims);
  EXPECT_EQ(back.data, tensor.data);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Tensor part;
    EXPECT_FALSE(parseTensorProto(std::string(bytes, 0, size), part, error));
  }
}

TEST(TensorProto, BoolsBecomeZeroOrOne) {
  Tensor back;
  std::string error;
  ASSERT_TRUE(parseTensorProto(
      serializeTensorProto(raw(9, {4}, {0, 1, 2, 255})), back, error));
  EXPECT_EQ(back.data, (std::vector<char>{0, 1, 1, 1}));
}

TEST(Elements, Values) {
  // float16: 1.5, -0, smallest, infinity.
  Tensor half = raw(10, {4}, {0x00, 0x3E, 0x00, 0x80, 0x01, 0x00, 0x00, 0x7C});
  EXPECT_EQ(elementValue(half, 0), 1.5);
  EXPECT_TRUE(std::signbit(elementValue(half, 1)));
  EXPECT_EQ(elementValue(half, 2), std::ldexp(1, -24));
  EXPECT_TRUE(std::isinf(elementValue(half, 3)));
  // float8e4m3fn has no infinity, float8e5m2 has.
  EXPECT_EQ(elementValue(raw(17, {1}, {0x7E}), 0), 448);
  EXPECT_TRUE(std::isnan(elementValue(raw(17, {1}, {0x7F}), 0)));
  EXPECT_EQ(elementValue(raw(19, {1}, {0x7B}), 0), 57344);
  EXPECT_TRUE(std::isinf(elementValue(raw(19, {1}, {0x7C}), 0)));
  EXPECT_EQ(elementValue(raw(18, {1}, {0x7F}), 0), 240);
  EXPECT_TRUE(std::isnan(elementValue(raw(20, {1}, {0x80}), 0)));
  EXPECT_EQ(elementValue(raw(24, {1}, {130}), 0), 8);
  // Two elements in a byte, the first in the low bits.
  EXPECT_EQ(elementValue(raw(22, {3}, {0x7F, 0x08}), 0), -1);
  EXPECT_EQ(elementValue(raw(22, {3}, {0x7F, 0x08}), 1), 7);
  EXPECT_EQ(elementValue(raw(22, {3}, {0x7F, 0x08}), 2), -8);
  EXPECT_EQ(elementValue(raw(21, {2}, {0xF1}), 1), 15);
  EXPECT_EQ(elementValue(raw(23, {2}, {0x17}), 0), 6);
  EXPECT_EQ(elementValue(raw(23, {2}, {0x17}), 1), 0.5);
}

TEST(Elements, RandomValuesAreUsable) {
  for (int32_t dtype = 1; dtype <= 26; ++dtype) {
    Tensor tensor{"", dtype, {200}, {}}, again = tensor, other = tensor;
    int64_t bytes = 0;
    if (!countBytes(dtype, tensor.dims, bytes))
      continue;
    fillRandom(tensor, 5);
    fillRandom(again, 5);
    fillRandom(other, 6);
    EXPECT_EQ(tensor.data, again.data);
    EXPECT_NE(tensor.data, other.data) << dtype;
    bool isIndex = dtype == 6 || dtype == 7 || dtype == 9 || dtype == 13;
    for (int64_t i = 0; i < 200; ++i) {
      double value = elementValue(tensor, i);
      EXPECT_TRUE(std::isfinite(value)) << dtype;
      if (isIndex)
        EXPECT_TRUE(value == 0 || value == 1) << value;
    }
  }
}

TEST(Elements, RandomFloatsAreNormal) {
  Tensor tensor{"", 1, {40000}, {}};
  fillRandom(tensor, 1);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < 40000; ++i) {
    double value = elementValue(tensor, i);
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 40000, 0, 0.03);
  EXPECT_NEAR(squares / 40000, 1, 0.03);
}

} // namespace
