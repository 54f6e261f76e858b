//===- DimsTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Infer.h"
#include "test/dialects/Symbols.h"

#include "mlir/AsmParser/AsmParser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ingot;
using ingot::test::Symbols;
using onnx::Dims;

namespace {

struct DimsTest : testing::Test, Symbols {};

TEST_F(DimsTest, TextReadsBackAsTheSameExpression) {
  for (int i = 0; i < 300; ++i) {
    Dims dims{expression(3), symbols[0]};
    Attribute attribute = onnx::DimsAttr::get(&context, dims);
    std::string text;
    llvm::raw_string_ostream(text) << attribute;
    auto again =
        dyn_cast_or_null<onnx::DimsAttr>(parseAttribute(text, &context));
    ASSERT_TRUE(again) << text;
    for (int trial = 0; trial < 3; ++trial) {
      pickSizes(0, 20);
      EXPECT_EQ(evaluate(dims[0]), evaluate(again.getDims()[0])) << text;
    }
    // Once read, it is written and read without change.
    std::string second;
    llvm::raw_string_ostream(second) << Attribute(again);
    EXPECT_EQ(parseAttribute(second, &context), again) << second;
  }
}

TEST_F(DimsTest, TypesKeepTheirDimensions) {
  Type f32 = Float32Type::get(&context);
  Dims dims{symbols[0], onnx::constantDim(3, &context), symbols[1] * 2};
  RankedTensorType type = onnx::tensorOf(dims, f32);
  EXPECT_EQ(onnx::getDims(type), dims);
  EXPECT_TRUE(type.isDynamicDim(0) && !type.isDynamicDim(1));
  // Static types have no encoding, so that equal types are one.
  EXPECT_EQ(onnx::tensorOf({dims[1]}, f32), RankedTensorType::get({3}, f32));
  // Two unnamed sizes are never taken to be equal.
  auto unnamed =
      RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, f32);
  Dims fresh = onnx::getDims(unnamed);
  EXPECT_NE(fresh[0], fresh[1]);
}

TEST_F(DimsTest, SimplifiedSumsAreEqual) {
  for (int i = 0; i < 500; ++i) {
    AffineExpr expr = sum(6);
    AffineExpr simple = onnx::simplifySum(expr);
    for (int trial = 0; trial < 3; ++trial) {
      pickSizes(-50, 50);
      ASSERT_EQ(evaluate(expr), evaluate(simple));
    }
    // Whatever the order of the terms, differences cancel.
    AffineExpr more = sum(2);
    EXPECT_EQ(
        onnx::constantValue(onnx::simplifySum((more + expr) - (expr + more))),
        0);
  }
}

TEST_F(DimsTest, SumsThatOverflowAreLeftAlone) {
  AffineExpr huge = symbols[0] * INT64_MAX;
  EXPECT_EQ(onnx::simplifySum(huge + huge + symbols[1]),
            huge + huge + symbols[1]);
}

/// NumPy's rule for two sizes; 0 for an error (the tests have no size 0).
int64_t broadcastSize(int64_t a, int64_t b) {
  return a == b || b == 1 ? a : a == 1 ? b : 0;
}

TEST_F(DimsTest, StaticShapesBroadcastAsInNumPy) {
  for (int i = 0; i < 2000; ++i) {
    Dims a, b;
    SmallVector<int64_t> expected;
    int64_t rankA = pick(0, 4), rankB = pick(0, 4);
    for (int64_t d = 0; d < rankA; ++d)
      a.push_back(onnx::constantDim(pick(1, 3), &context));
    for (int64_t d = 0; d < rankB; ++d)
      b.push_back(onnx::constantDim(pick(1, 3), &context));
    bool valid = true;
    for (int64_t d = std::max(rankA, rankB); d > 0; --d) {
      int64_t x = d > rankA ? 1 : *onnx::constantValue(a[rankA - d]);
      int64_t y = d > rankB ? 1 : *onnx::constantValue(b[rankB - d]);
      expected.push_back(broadcastSize(x, y));
      valid &= expected.back() != 0;
    }
    for (auto &[first, second] : {std::pair(a, b), std::pair(b, a)}) {
      FailureOr<Dims> result = onnx::broadcast(first, second);
      ASSERT_EQ(succeeded(result), valid);
      if (!valid)
        continue;
      ASSERT_EQ(result->size(), expected.size());
      for (auto [dim, size] : llvm::zip(*result, expected))
        EXPECT_EQ(onnx::constantValue(dim), size);
    }
  }
}

TEST_F(DimsTest, SymbolsBroadcastToWhatTheyMeet) {
  AffineExpr one = onnx::constantDim(1, &context),
             four = onnx::constantDim(4, &context);
  auto size = [&](AffineExpr a, AffineExpr b) {
    FailureOr<Dims> result = onnx::broadcast({a}, {b});
    return succeeded(result) ? (*result)[0] : AffineExpr();
  };
  EXPECT_EQ(size(symbols[0], symbols[0]), symbols[0]);
  EXPECT_EQ(size(symbols[0], one), symbols[0]);
  EXPECT_EQ(size(one, symbols[0]), symbols[0]);
  // A size that is not 4 must be 1, or the run fails.
  EXPECT_EQ(size(symbols[0], four), four);
}

TEST_F(DimsTest, QuotientsTimesDivisorsAreDividends) {
  int exact = 0;
  for (int i = 0; i < 500; ++i) {
    Dims divisor, dividend;
    for (int64_t n = pick(1, 3); n > 0; --n)
      divisor.push_back(pick(0, 1) ? symbols[pick(0, 2)]
                                   : onnx::constantDim(pick(1, 6), &context));
    dividend = divisor;
    for (int64_t n = pick(0, 2); n > 0; --n)
      dividend.push_back(symbols[pick(0, 2)] * pick(1, 4));
    std::shuffle(dividend.begin(), dividend.end(), random);
    FailureOr<AffineExpr> result = onnx::quotient(dividend, divisor, &context);
    ASSERT_TRUE(succeeded(result));
    pickSizes(1, 9);
    int64_t above = 1, below = 1;
    for (AffineExpr dim : dividend)
      above *= evaluate(dim);
    for (AffineExpr dim : divisor)
      below *= evaluate(dim);
    EXPECT_EQ(evaluate(*result) * below, above);
    exact += result->getKind() != AffineExprKind::FloorDiv;
  }
  EXPECT_EQ(exact, 500) << "common factors must cancel";
  AffineExpr six = onnx::constantDim(6, &context),
             four = onnx::constantDim(4, &context),
             zero = onnx::constantDim(0, &context);
  EXPECT_TRUE(failed(onnx::quotient({six}, {four}, &context)));
  EXPECT_TRUE(failed(onnx::quotient({six}, {zero}, &context)));
}

TEST_F(DimsTest, EqualProductsAreEqualForAllSizes) {
  int same = 0;
  for (int i = 0; i < 2000; ++i) {
    Dims a, b;
    for (Dims *dims : {&a, &b})
      for (int64_t n = pick(1, 3); n > 0; --n)
        dims->push_back(pick(0, 2) ? symbols[pick(0, 1)]
                                   : onnx::constantDim(pick(1, 4), &context));
    if (pick(0, 1)) {
      b = a;
      std::shuffle(b.begin(), b.end(), random);
      EXPECT_TRUE(onnx::sameProduct(a, b));
    }
    if (!onnx::sameProduct(a, b))
      continue;
    ++same;
    for (int trial = 0; trial < 4; ++trial) {
      pickSizes(0, 30);
      ASSERT_EQ(evaluate(onnx::product(a, &context)),
                evaluate(onnx::product(b, &context)));
    }
  }
  EXPECT_GT(same, 900);
}

TEST_F(DimsTest, AxesCountFromBothEnds) {
  for (int64_t rank = 1; rank < 6; ++rank)
    for (int64_t axis = -rank - 2; axis < rank + 2; ++axis) {
      FailureOr<int64_t> front = onnx::normalizeAxis(std::nullopt, axis, rank);
      ASSERT_EQ(succeeded(front), axis >= -rank && axis < rank);
      if (succeeded(front))
        EXPECT_EQ(*front, (axis + rank) % rank);
    }
  EXPECT_TRUE(failed(onnx::normalizeAxis(std::nullopt, INT64_MIN, 3)));
  EXPECT_TRUE(failed(onnx::normalizeAxes(std::nullopt, {1, -2}, 3)));
  EXPECT_EQ(*onnx::normalizeAxes(std::nullopt, {-1, 0}, 3),
            (SmallVector<int64_t>{0, 2}));
}

TEST_F(DimsTest, LongExpressionsEnd) {
  AffineExpr expr = symbols[0];
  for (int i = 0; i < 10; ++i)
    expr = expr * (expr + i); // 2^10 operators, written out
  EXPECT_FALSE(onnx::isShort(expr));
  SmallVector<Type> types;
  ASSERT_TRUE(succeeded(onnx::addResult(std::nullopt, {expr},
                                        Float32Type::get(&context), types)));
  EXPECT_TRUE(isa<AffineSymbolExpr>(
      onnx::getDims(cast<RankedTensorType>(types[0]))[0]));
}

} // namespace
