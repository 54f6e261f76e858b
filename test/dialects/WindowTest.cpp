//===- WindowTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/WindowShape.h"
#include "test/dialects/Symbols.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ingot;
using ingot::test::Symbols;

namespace {

struct WindowTest : testing::Test, Symbols {
  SmallVector<int64_t> kernel, strides, dilations, pads;

  /// Random attributes of one axis.
  onnx::WindowAttributes pickAttributes() {
    kernel = {pick(1, 4)};
    strides = {pick(1, 3)};
    dilations = {pick(1, 3)};
    pads = {pick(0, 3), pick(0, 3)};
    onnx::WindowAttributes attributes;
    attributes.kernel = kernel;
    attributes.strides = strides;
    attributes.dilations = dilations;
    attributes.pads = pads;
    return attributes;
  }

  int64_t span() const { return (kernel[0] - 1) * dilations[0] + 1; }

  AffineExpr size(int64_t value) { return onnx::constantDim(value, &context); }
};

TEST_F(WindowTest, ResultsAreTheWindowsThatFit) {
  for (int i = 0; i < 1000; ++i) {
    onnx::WindowAttributes attributes = pickAttributes();
    int64_t input = pick(1, 12), padded = input + pads[0] + pads[1];
    int64_t windows = 0;
    while (windows * strides[0] + span() <= padded)
      ++windows;
    auto found = onnx::resolveWindow(std::nullopt, attributes, {size(input)});
    if (failed(found)) {
      EXPECT_EQ(windows, 0);
      continue;
    }
    ASSERT_EQ(onnx::constantValue(found->output[0]), windows)
        << input << " kernel " << kernel[0] << " stride " << strides[0];
    // A window may reach outside exactly where there is a pad for it.
    if (windows > 0) {
      bool reaches =
          pads[0] > 0 || (windows - 1) * strides[0] - pads[0] + span() > input;
      EXPECT_TRUE(found->padded[0] || !reaches);
    }
  }
}

TEST_F(WindowTest, SamePadsKeepTheSize) {
  for (int i = 0; i < 1000; ++i) {
    onnx::WindowAttributes attributes = pickAttributes();
    attributes.pads = std::nullopt;
    bool upper = pick(0, 1);
    attributes.autoPad = upper ? "SAME_UPPER" : "SAME_LOWER";
    int64_t input = pick(1, 20);
    auto found = onnx::resolveWindow(std::nullopt, attributes, {size(input)});
    ASSERT_TRUE(succeeded(found));
    int64_t output = (input + strides[0] - 1) / strides[0];
    EXPECT_EQ(onnx::constantValue(found->output[0]), output);
    int64_t total =
        std::max<int64_t>(0, (output - 1) * strides[0] + span() - input);
    EXPECT_EQ(onnx::constantValue(found->padsBegin[0]),
              upper ? total / 2 : total - total / 2);
    EXPECT_EQ(onnx::constantValue(found->padsEnd[0]),
              upper ? total - total / 2 : total / 2);
  }
}

TEST_F(WindowTest, SymbolicAndStaticSizesAgree) {
  int compared = 0;
  for (int i = 0; i < 500; ++i) {
    onnx::WindowAttributes attributes = pickAttributes();
    if (pick(0, 1)) {
      attributes.pads = std::nullopt;
      attributes.autoPad = pick(0, 1) ? "SAME_UPPER" : "VALID";
    }
    auto symbolic = onnx::resolveWindow(std::nullopt, attributes, {symbols[0]});
    ASSERT_TRUE(succeeded(symbolic));
    for (int64_t input : {9, 10, 11, 12, 40}) {
      sizes[0] = input;
      auto constant =
          onnx::resolveWindow(std::nullopt, attributes, {size(input)});
      if (failed(constant))
        continue;
      ++compared;
      for (auto [a, b] :
           {std::pair(symbolic->output[0], constant->output[0]),
            std::pair(symbolic->padsBegin[0], constant->padsBegin[0]),
            std::pair(symbolic->padsEnd[0], constant->padsEnd[0])})
        EXPECT_EQ(evaluate(a), onnx::constantValue(b)) << input;
    }
  }
  EXPECT_GT(compared, 2000);
}

// A transposed window gives back the size that the window was slid over.
TEST_F(WindowTest, TransposedWindowsInvertSizes) {
  for (int i = 0; i < 1000; ++i) {
    onnx::WindowAttributes attributes = pickAttributes();
    int64_t input = pick(1, 12);
    auto found = onnx::resolveTransposedWindow(
        std::nullopt, attributes, std::nullopt, std::nullopt, {size(input)});
    int64_t expected = (input - 1) * strides[0] + span() - pads[0] - pads[1];
    if (failed(found)) {
      EXPECT_LE(expected, 0);
      continue;
    }
    ASSERT_EQ(onnx::constantValue(found->output[0]), expected);
    if (expected + pads[0] + pads[1] < span())
      continue;
    auto forward =
        onnx::resolveWindow(std::nullopt, attributes, {found->output[0]});
    ASSERT_TRUE(succeeded(forward));
    EXPECT_EQ(onnx::constantValue(forward->output[0]), input);
  }
}

TEST_F(WindowTest, BadAttributesAreRefused) {
  struct Case {
    const char *what;
    SmallVector<int64_t> kernel, strides, dilations, pads;
  };
  const Case cases[] = {{"stride 0", {3}, {0}, {1}, {0, 0}},
                        {"stride -1", {3}, {-1}, {1}, {0, 0}},
                        {"dilation 0", {3}, {1}, {0}, {0, 0}},
                        {"negative pad", {3}, {1}, {1}, {-1, 0}},
                        {"huge pad", {3}, {1}, {1}, {0, int64_t(1) << 40}},
                        {"kernel 0", {0}, {1}, {1}, {0, 0}},
                        {"two strides", {3}, {1, 1}, {1}, {0, 0}},
                        {"one pad", {3}, {1}, {1}, {0}},
                        {"too large a window", {9}, {1}, {1}, {0, 0}}};
  for (const Case &bad : cases) {
    onnx::WindowAttributes attributes;
    attributes.kernel = bad.kernel;
    attributes.strides = bad.strides;
    attributes.dilations = bad.dilations;
    attributes.pads = bad.pads;
    EXPECT_TRUE(
        failed(onnx::resolveWindow(std::nullopt, attributes, {size(5)})))
        << bad.what;
  }
}

} // namespace
