//===- SliceTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/SliceBounds.h"
#include "test/dialects/Symbols.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ingot;
using ingot::test::Symbols;

namespace {

struct SliceTest : testing::Test, Symbols {
  OwningOpRef<ModuleOp> module;

  /// The bounds of x[start : end : step], x of one dimension.
  FailureOr<onnx::SliceBounds> bounds(AffineExpr dim, int64_t start,
                                      int64_t end, int64_t step) {
    auto constant = [](const char *name, int64_t v) {
      return std::string("%") + name + " = onnx.Constant {value = dense<" +
             std::to_string(v) + "> : tensor<1xi64>} : tensor<1xi64>\n";
    };
    module = parseSourceString<ModuleOp>(
        "func.func @f() {\n" + constant("a", start) + constant("b", end) +
            constant("c", step) + "return\n}",
        &context);
    Block &block = (*module->getOps<func::FuncOp>().begin()).getBody().front();
    auto value = [&](int i) {
      return std::next(block.begin(), i)->getResult(0);
    };
    auto type = onnx::tensorOf({dim}, Float32Type::get(&context));
    return onnx::sliceBounds(std::nullopt, type, value(0), value(1), Value(),
                             value(2));
  }
};

/// The places that the specification's Slice takes: those of Python's, but that
/// walking backwards from before the front takes the first element.
SmallVector<int64_t> places(int64_t size, int64_t start, int64_t end,
                            int64_t step) {
  auto clamp = [&](int64_t bound, int64_t low, int64_t high) {
    if (bound < 0)
      bound = bound < -size ? low : bound + size;
    return std::max(low, std::min(bound, high));
  };
  SmallVector<int64_t> result;
  if (step > 0)
    for (int64_t i = clamp(start, 0, size), e = clamp(end, 0, size); i < e;
         i += step)
      result.push_back(i);
  else if (size > 0)
    for (int64_t i = clamp(start, 0, size - 1), e = clamp(end, -1, size - 1);
         i > e; i += step)
      result.push_back(i);
  return result;
}

TEST_F(SliceTest, StaticSlicesAreThoseOfTheSpecification) {
  for (int i = 0; i < 3000; ++i) {
    int64_t size = pick(0, 8), step = pick(-4, 4);
    int64_t start = pick(-12, 12), end = pick(-12, 12);
    if (i % 7 == 0)
      end = pick(0, 1) ? INT64_MAX : INT64_MIN;
    if (i % 11 == 0)
      start = pick(0, 1) ? INT64_MAX : INT64_MIN;
    auto found = bounds(onnx::constantDim(size, &context), start, end, step);
    ASSERT_EQ(succeeded(found), step != 0);
    if (failed(found))
      continue;
    SmallVector<int64_t> expected = places(size, start, end, step);
    const onnx::SliceBound &bound = found->front();
    ASSERT_EQ(onnx::constantValue(bound.size), int64_t(expected.size()))
        << size << ": " << start << " " << end << " " << step;
    if (!expected.empty()) {
      EXPECT_EQ(onnx::constantValue(bound.start), expected.front());
      EXPECT_EQ(bound.step, step);
    }
    EXPECT_TRUE(bound.staysInside(onnx::constantDim(size, &context)));
  }
}

// Where a symbolic slice says that it stays inside, it does for every size
// that the tensor is long enough for.
TEST_F(SliceTest, SymbolicSlicesStayInside) {
  int inside = 0;
  for (int i = 0; i < 1500; ++i) {
    int64_t start = pick(-4, 4), end = pick(0, 2) ? pick(-4, 4) : INT64_MAX;
    int64_t step = pick(0, 1) ? 1 : pick(2, 3);
    auto found = bounds(symbols[0], start, end, step);
    ASSERT_TRUE(succeeded(found));
    const onnx::SliceBound &bound = found->front();
    if (!bound.staysInside(symbols[0]))
      continue;
    ++inside;
    for (int64_t size : {0, 1, 2, 5, 17}) {
      sizes[0] = size;
      SmallVector<int64_t> expected = places(size, start, end, step);
      if (evaluate(bound.size) < 0)
        continue; // refused by the run
      ASSERT_EQ(evaluate(bound.size), int64_t(expected.size()))
          << size << ": " << start << " " << end << " " << step;
      if (!expected.empty())
        EXPECT_EQ(evaluate(bound.start), expected.front());
    }
  }
  EXPECT_GT(inside, 50);
}

} // namespace
