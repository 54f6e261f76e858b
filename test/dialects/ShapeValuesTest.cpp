//===- ShapeValuesTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/ShapeValues.h"
#include "test/dialects/Symbols.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ingot;
using ingot::test::Symbols;
using onnx::Dims;

namespace {

struct ShapeValuesTest : testing::Test, Symbols {
  OwningOpRef<ModuleOp> module;

  /// What the last op of a body computes, from %x of that type, its shape %s
  /// and the constants %zero to %three.
  Value computed(const std::string &type, const std::string &body) {
    std::string text = "func.func @f(%x: " + type +
                       ") {\n%s = onnx.Shape %x : (" + type +
                       ") -> tensor<3xi64>\n";
    const char *const names[] = {"zero", "one", "two", "three"};
    for (auto [i, name] : llvm::enumerate(names))
      text += std::string("%") + name + " = onnx.Constant {value = dense<" +
              std::to_string(i) + "> : tensor<i64>} : tensor<i64>\n";
    text += body + "\nreturn\n}\n";
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return {};
    Block &block = (*module->getOps<func::FuncOp>().begin()).getBody().front();
    return std::prev(block.end(), 2)->getResult(0);
  }

  /// The elements computed from a tensor of shape A x 4 x B, for sizes.
  std::optional<SmallVector<int64_t>> elements(const std::string &body,
                                               bool isStatic) {
    std::string type = isStatic
                           ? "tensor<" + std::to_string(sizes[0]) + "x4x" +
                                 std::to_string(sizes[1]) + "xf32>"
                           : "tensor<?x4x?xf32, #onnx.dims<[\"A\", 4, \"B\"]>>";
    Value value = computed(type, body);
    EXPECT_TRUE(value) << body;
    std::optional<Dims> dims =
        value ? onnx::symbolicIntegers(value) : std::nullopt;
    if (!dims)
      return std::nullopt;
    return llvm::map_to_vector(*dims,
                               [&](AffineExpr dim) { return evaluate(dim); });
  }
};

/// Parts of graphs as exporters write them.
const char *const bodies[] = {
    "%0 = onnx.Mul %s, %s : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>",
    "%0 = onnx.Gather %s, %two : (tensor<3xi64>, tensor<i64>) -> tensor<i64>",
    R"(%0 = onnx.Mul %s, %two : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
       %1 = onnx.Add %0, %s : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
       %2 = onnx.Concat %1, %s {axis = 0 : i64} : (tensor<3xi64>, tensor<3xi64>) -> tensor<6xi64>)",
    "%0 = onnx.Div %s, %two : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>",
    "%0 = onnx.Mod %s, %three : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>",
    R"(%0 = onnx.Cast %s {to = 1 : i64} : (tensor<3xi64>) -> tensor<3xf32>
       %1 = onnx.Floor %0 : (tensor<3xf32>) -> tensor<3xf32>
       %2 = onnx.Cast %1 {to = 7 : i64} : (tensor<3xf32>) -> tensor<3xi64>)",
    R"(%0 = onnx.Sub %s, %one : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
       %1 = onnx.Max %s, %0 : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
       %2 = onnx.Min %1, %0 : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>)",
    R"(%0 = onnx.Sub %zero, %one : (tensor<i64>, tensor<i64>) -> tensor<i64>
       %1 = onnx.Equal %s, %0 : (tensor<3xi64>, tensor<i64>) -> tensor<3xi1>
       %2 = onnx.Where %1, %three, %s : (tensor<3xi1>, tensor<i64>, tensor<3xi64>) -> tensor<3xi64>)",
};

// What is computed from symbols is, for any sizes, what is computed from these
// sizes as constants.
TEST_F(ShapeValuesTest, SymbolicAndStaticSizesAgree) {
  for (std::string body : bodies)
    for (int trial = 0; trial < 4; ++trial) {
      pickSizes(1, 40);
      auto symbolic = elements(body, false), constant = elements(body, true);
      ASSERT_TRUE(symbolic && constant) << body;
      EXPECT_EQ(*symbolic, *constant) << body;
    }
}

TEST_F(ShapeValuesTest, ElementsThatDependOnDataAreUnknown) {
  std::string type = "tensor<?x4x2xi64, #onnx.dims<[\"A\", 4, 2]>>";
  Value value = computed(
      type, "%0 = onnx.Gather %x, %zero : (" + type +
                ", tensor<i64>) -> tensor<4x2xi64>\n"
                "%1 = onnx.Gather %0, %zero : (tensor<4x2xi64>, tensor<i64>) "
                "-> tensor<2xi64>\n"
                "%2 = onnx.Concat %s, %1 {axis = 0 : i64} : (tensor<3xi64>, "
                "tensor<2xi64>) -> tensor<5xi64>");
  ASSERT_TRUE(value);
  EXPECT_FALSE(onnx::symbolicIntegers(value));
  std::optional<Dims> part = onnx::partialIntegers(value);
  if (part) {
    ASSERT_EQ(part->size(), 5u);
    EXPECT_EQ((*part)[0], symbols[0]);
    EXPECT_EQ(onnx::constantValue((*part)[1]), 4);
    EXPECT_FALSE((*part)[3] || (*part)[4]);
  }
}

TEST_F(ShapeValuesTest, WorkIsBounded) {
  // Each line doubles the paths to %s; there are 2^60.
  std::string body;
  for (int i = 0; i < 60; ++i) {
    std::string from = i == 0 ? "%s" : "%v" + std::to_string(i - 1);
    body += "%v" + std::to_string(i) + " = onnx.Add " + from + ", " + from +
            " : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>\n";
  }
  Value value = computed("tensor<?x4x2xi64, #onnx.dims<[\"A\", 4, 2]>>", body);
  ASSERT_TRUE(value);
  (void)onnx::symbolicIntegers(value);
}

TEST_F(ShapeValuesTest, NonNegativeIsSo) {
  int known = 0;
  for (int i = 0; i < 3000; ++i) {
    AffineExpr expr = i % 2 ? sum(2) : expression(2);
    if (!onnx::isNonNegative(expr))
      continue;
    ++known;
    for (int trial = 0; trial < 5; ++trial) {
      pickSizes(0, 12);
      ASSERT_GE(evaluate(expr), 0) << onnx::printDim(expr, &context);
    }
  }
  EXPECT_GT(known, 300);
}

} // namespace
