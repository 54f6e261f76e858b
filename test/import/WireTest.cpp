//===- WireTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/Wire.h"

#include <gtest/gtest.h>

using namespace ingot;
using namespace ingot::wire;

namespace {

/// The elements of a repeated field of integers.
std::vector<uint64_t> ints(const Numbers &numbers) {
  std::vector<uint64_t> values;
  EXPECT_FALSE(
      visitInts(numbers, 100, [&](uint64_t v) { values.push_back(v); }));
  return values;
}

TEST(WireTest, ReadsPackedAndUnpackedElementsInOrder) {
  // ints = 1, 300 unpacked, then 2, 3 packed, then 4 unpacked.
  std::string bytes = "\x40\x01\x40\xac\x02\x42\x02\x02\x03\x40\x04";
  Attribute attribute;
  ASSERT_FALSE(read(bytes, attribute));
  EXPECT_EQ((std::vector<uint64_t>{1, 300, 2, 3, 4}), ints(attribute.ints));
  EXPECT_EQ(3u, attribute.ints.runs.size());
}

TEST(WireTest, AKeyOfTwoBytesDoesNotJoinARun) {
  // The second key is 8 written as 0x88 0x00 + wire type: same field.
  std::string bytes("\x40\x01\xc0\x00\x02", 5);
  Attribute attribute;
  ASSERT_FALSE(read(bytes, attribute));
  EXPECT_EQ((std::vector<uint64_t>{1, 2}), ints(attribute.ints));
}

TEST(WireTest, LimitsTheElementsOfAList) {
  Attribute attribute;
  ASSERT_FALSE(read("\x42\x04\x01\x02\x03\x04", attribute));
  auto ignore = [](uint64_t) {};
  EXPECT_FALSE(visitInts(attribute.ints, 4, ignore));
  EXPECT_EQ(Code::LimitExceeded, visitInts(attribute.ints, 3, ignore)->code);
}

TEST(WireTest, AnotherKindOfTypeReplacesTheFirst) {
  // tensor_type { elem_type: 1 } sequence_type {} tensor_type { shape {} }
  std::string bytes("\x0a\x02\x08\x01\x22\x00\x0a\x02\x12\x00", 10);
  Type type;
  ASSERT_FALSE(read(bytes, type));
  EXPECT_EQ(Type::Tensor, type.kind);
  EXPECT_EQ(DataType::Undefined, type.elementType);
  ASSERT_TRUE(type.shape.has_value());
  EXPECT_TRUE(type.shape->empty());
}

TEST(WireTest, MessagesInPartsMerge) {
  Message message;
  message.parts = {std::string_view("\x12\x01\x61"),
                   std::string_view("\x12\x01\x62")};
  Graph graph;
  ASSERT_FALSE(read(message, graph));
  EXPECT_EQ("b", graph.name);
}

TEST(WireTest, ProductsOfDimensionsDoNotOverflow) {
  int64_t elements = 0;
  EXPECT_FALSE(elementCount({}, elements));
  EXPECT_EQ(1, elements);
  EXPECT_FALSE(elementCount({int64_t(1) << 62, 0, int64_t(1) << 62}, elements));
  EXPECT_EQ(0, elements);
  EXPECT_TRUE(elementCount({int64_t(1) << 32, int64_t(1) << 32}, elements));
  EXPECT_TRUE(elementCount({-1}, elements));
  EXPECT_TRUE(elementCount({0, -1}, elements));
}

TEST(WireTest, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ("'a\\x1Bb\\x0A'", quoted("a\x1b"
                                     "b\n"));
  EXPECT_EQ("\\xFF", escaped("\xff"));
  EXPECT_EQ("\xc3\xa9", escaped("\xc3\xa9"));
  EXPECT_EQ("\\xE2\\x80\\xAE", escaped("\xe2\x80\xae"));
  EXPECT_EQ("aaaa...", escaped("aaaaaaaa", 4));
  EXPECT_EQ("\\xC0\\x80", escaped("\xc0\x80")) << "an overlong zero";
}

TEST(WireTest, FindsCodesByNumberAndText) {
  ASSERT_TRUE(findCode("IG1004"));
  EXPECT_EQ(Code::MalformedModel, findCode("ig1004")->code);
  EXPECT_EQ(findCode("1004"), findCode(1004u));
  EXPECT_FALSE(findCode("IG9999"));
  EXPECT_FALSE(findCode("IG"));
  EXPECT_FALSE(findCode("IG10x4"));
  EXPECT_EQ("[IG1004] ", tag(Code::MalformedModel));
  size_t count = 0;
  const CodePage *pages = allCodes(count);
  for (size_t i = 1; i < count; ++i)
    EXPECT_LT(unsigned(pages[i - 1].code), unsigned(pages[i].code));
}

} // namespace
