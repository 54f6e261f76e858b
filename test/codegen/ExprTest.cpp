//===- ExprTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Expr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace mlir;
using namespace ingot;
using vecmath::Expr;

namespace {

/// Builds formulas over constants and lets the folders of their ops, which are
/// MLIR's own, compute the value.
struct ExprTest : testing::Test {
  MLIRContext context;
  std::mt19937 random{5};

  ExprTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        LLVM::LLVMDialect>();
  }

  /// The constant that a formula of constants is.
  Attribute valueOf(function_ref<Expr(OpBuilder &, Location)> formula) {
    OpBuilder b(&context);
    Location loc = b.getUnknownLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    b.setInsertionPointToStart(module->getBody());
    auto function =
        func::FuncOp::create(b, loc, "f", b.getFunctionType({}, {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    Value value = formula(b, loc).value();
    function.setFunctionType(b.getFunctionType({}, {value.getType()}));
    auto ret = func::ReturnOp::create(b, loc, value);
    EXPECT_TRUE(succeeded(applyPatternsGreedily(*module, {})));
    Attribute result;
    EXPECT_TRUE(matchPattern(ret->getOperand(0), m_Constant(&result)));
    return result;
  }

  template <typename Formula> float floatOf(Formula formula) {
    auto value = dyn_cast_or_null<FloatAttr>(valueOf(formula));
    EXPECT_TRUE(value);
    return value ? value.getValue().convertToFloat() : NAN;
  }

  template <typename Formula> int64_t integerOf(Formula formula) {
    auto value = dyn_cast_or_null<IntegerAttr>(valueOf(formula));
    EXPECT_TRUE(value);
    return value ? value.getValue().getSExtValue() : 0;
  }

  static Expr number(OpBuilder &b, Location loc, float v) {
    return {b, loc, arith::ConstantOp::create(b, loc, b.getF32FloatAttr(v))};
  }
  static Expr integer(OpBuilder &b, Location loc, int32_t v) {
    return {b, loc, arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(v))};
  }

  /// A number with any mantissa and an exponent in [-20, 20].
  float pick() {
    return std::ldexp(1 + float(random() % (1 << 23)) / float(1 << 23),
                      int(random() % 41) - 20) *
           (random() % 2 ? 1.0f : -1.0f);
  }
};

// hi + lo is a + b without any error: doubles hold the sum of two such floats.
TEST_F(ExprTest, TwoSumIsExact) {
  for (int i = 0; i < 100; ++i) {
    float a = pick(), b = pick();
    auto sum = [&](bool low) {
      return floatOf([&](OpBuilder &at, Location loc) {
        auto pair = twoSum(number(at, loc, a), number(at, loc, b));
        return low ? pair.lo : pair.hi;
      });
    };
    float hi = sum(false), lo = sum(true);
    EXPECT_EQ(double(hi) + double(lo), double(a) + double(b));
    EXPECT_EQ(hi, a + b);
  }
}

TEST_F(ExprTest, FastTwoSumIsExactForOrderedOperands) {
  for (int i = 0; i < 100; ++i) {
    float a = pick(), b = pick();
    if (std::abs(a) < std::abs(b))
      std::swap(a, b);
    auto sum = [&](bool low) {
      return floatOf([&](OpBuilder &at, Location loc) {
        auto pair = fastTwoSum(number(at, loc, a), number(at, loc, b));
        return low ? pair.lo : pair.hi;
      });
    };
    EXPECT_EQ(double(sum(false)) + double(sum(true)), double(a) + double(b));
  }
}

TEST_F(ExprTest, OperatorsFollowTheElementType) {
  EXPECT_EQ(floatOf([&](OpBuilder &b, Location loc) {
              Expr x = number(b, loc, 3);
              return 10.0 - (x * 2 + 1) / 2.0;
            }),
            6.5f);
  EXPECT_EQ(integerOf([&](OpBuilder &b, Location loc) {
              Expr x = integer(b, loc, 3);
              return ((x * 5 - 1) << 4) ^ 0x0f;
            }),
            (14 << 4) ^ 0x0f);
  // >> shifts in zeros, and a literal is cut to the width.
  EXPECT_EQ(integerOf([&](OpBuilder &b, Location loc) {
              return (integer(b, loc, -1) >> 28) & 0xff00000005;
            }),
            5);
}

TEST_F(ExprTest, BitsAndFloatsAreTheSame) {
  for (int i = 0; i < 50; ++i) {
    float x = pick();
    int32_t bits;
    memcpy(&bits, &x, 4);
    EXPECT_EQ(integerOf([&](OpBuilder &b, Location loc) {
                return bitsOf(number(b, loc, x));
              }),
              bits);
    EXPECT_EQ(floatOf([&](OpBuilder &b, Location loc) {
                return vecmath::floatOf(integer(b, loc, bits));
              }),
              x);
  }
}

// A NaN stays what it is, unlike with minnum and maxnum.
TEST_F(ExprTest, LimitsKeepNaN) {
  auto limited = [&](float x, bool above) {
    return floatOf([&](OpBuilder &b, Location loc) {
      Expr e = number(b, loc, x);
      return above ? atMost(e, 2.0) : atLeast(e, 2.0);
    });
  };
  EXPECT_EQ(limited(3, true), 2);
  EXPECT_EQ(limited(1, true), 1);
  EXPECT_EQ(limited(3, false), 3);
  EXPECT_EQ(limited(1, false), 2);
  EXPECT_TRUE(std::isnan(limited(NAN, true)));
  EXPECT_TRUE(std::isnan(limited(NAN, false)));
}

TEST_F(ExprTest, ComparisonsWithNaNAreFalse) {
  auto holds = [&](function_ref<Expr(const Expr &)> compare) {
    return integerOf([&](OpBuilder &b, Location loc) {
      return toWidth(compare(number(b, loc, NAN)), 32);
    });
  };
  EXPECT_EQ(holds([](const Expr &x) { return x < 1.0; }), 0);
  EXPECT_EQ(holds([](const Expr &x) { return x >= 1.0; }), 0);
  EXPECT_EQ(holds([](const Expr &x) { return x == x; }), 0);
  EXPECT_EQ(holds([](const Expr &x) { return x != x; }), 1);
  EXPECT_EQ(holds([](const Expr &x) { return isNan(x); }), 1);
}

TEST_F(ExprTest, LiteralsTakeVectorTypes) {
  Attribute value = valueOf([&](OpBuilder &b, Location loc) {
    auto type = VectorType::get({4}, b.getF32Type());
    Expr x(
        b, loc,
        arith::ConstantOp::create(
            b, loc, DenseElementsAttr::get(type, ArrayRef<float>{1, 2, 3, 4})));
    return x * 2.0 + 1.0;
  });
  auto elements = dyn_cast_or_null<DenseFPElementsAttr>(value);
  ASSERT_TRUE(elements);
  float expected = 3;
  for (const APFloat &element : elements) {
    EXPECT_EQ(element.convertToFloat(), expected);
    expected += 2;
  }
}

} // namespace
