//===- TensorDataTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/TensorData.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <random>

using namespace mlir;
using namespace ingot::graph;

namespace {

struct TensorDataTest : testing::Test {
  MLIRContext context;
  Builder b{&context};
  std::mt19937_64 random{11};

  /// Every type of element that has raw bits.
  SmallVector<Type> elementTypes() {
    return {b.getI1Type(),
            b.getIntegerType(8),
            b.getIntegerType(8, false),
            b.getIntegerType(16),
            b.getIntegerType(16, false),
            b.getI32Type(),
            b.getIntegerType(32, false),
            b.getI64Type(),
            b.getIntegerType(64, false),
            b.getF16Type(),
            b.getBF16Type(),
            b.getF32Type(),
            b.getF64Type()};
  }
};

TEST_F(TensorDataTest, ElementsSurviveAnAttribute) {
  for (Type element : elementTypes())
    for (int64_t size : {1, 3, 17, 300, 20000}) {
      auto type = RankedTensorType::get({size}, element);
      TensorData data = TensorData::zeros(type);
      uint64_t mask =
          element.getIntOrFloatBitWidth() == 64
              ? ~uint64_t(0)
              : (uint64_t(1) << element.getIntOrFloatBitWidth()) - 1;
      SmallVector<uint64_t> expected;
      for (int64_t i = 0; i < size; ++i) {
        expected.push_back(random() & mask);
        data.store(i, expected.back());
      }
      std::optional<TensorData> again = TensorData::of(data.toAttr());
      ASSERT_TRUE(again);
      ASSERT_EQ(again->size(), size);
      for (int64_t i = 0; i < size; ++i)
        ASSERT_EQ(again->load(i), expected[i]) << i << " of " << size;
    }
}

TEST_F(TensorDataTest, SplatsHoldOneElement) {
  auto huge = RankedTensorType::get({1 << 20, 1 << 20}, b.getF32Type());
  TensorData data = TensorData::splat(huge, 0x40400000);
  EXPECT_TRUE(data.isSplat() && data.isFree());
  EXPECT_EQ(data.loadDouble((int64_t(1) << 40) - 1), 3.0);
  std::optional<TensorData> again = TensorData::of(data.toAttr());
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->isSplat());
  EXPECT_EQ(again->load(12345), 0x40400000u);
}

TEST_F(TensorDataTest, ViewsAreOfTheSameBytes) {
  auto type = RankedTensorType::get({4, 6}, b.getI32Type());
  TensorData data = TensorData::zeros(type);
  for (int64_t i = 0; i < 24; ++i)
    data.store(i, 100 + i);
  TensorData row =
      data.viewed(RankedTensorType::get({2, 3}, b.getI32Type()), 6);
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(row.load(i), uint64_t(106 + i));
}

TEST_F(TensorDataTest, NumbersAreRoundedOnce) {
  auto half = TensorData::zeros(RankedTensorType::get({1}, b.getF16Type()));
  // Rounded to f32 first, this would round up.
  half.storeDouble(0, 1 + 0x1p-11 - 0x1p-30);
  EXPECT_EQ(half.loadDouble(0), 1.0);
  half.storeDouble(0, 1 + 0x1p-11 + 0x1p-30);
  EXPECT_EQ(half.loadDouble(0), 1 + 0x1p-10);
}

TEST_F(TensorDataTest, BlobsOfTheWrongSizeAreRefused) {
  auto type = RankedTensorType::get({4}, b.getF32Type());
  static const char bytes[12] = {};
  auto handle =
      DenseResourceElementsHandle::getManagerInterface(&context).insert(
          "short", UnmanagedAsmResourceBlob::allocateWithAlign(bytes, 4));
  EXPECT_FALSE(TensorData::of(DenseResourceElementsAttr::get(type, handle)));
}

} // namespace
