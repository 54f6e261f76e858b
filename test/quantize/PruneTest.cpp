//===- PruneTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Prune.h"
#include "test/quantize/Values.h"

#include <algorithm>

using namespace ingot::quantize;
using llvm::MutableArrayRef;

namespace {

int64_t prune(std::vector<MutableArrayRef<float>> tensors, double fraction,
              bool isGlobal) {
  return good(pruneMagnitude(tensors, fraction, isGlobal));
}

TEST(Prune, SmallestMagnitudes) {
  std::vector<float> a = {1, -2, 3, -4}, b = {10, 20, -30, 0.5f};
  EXPECT_EQ(prune({a, b}, 0.5, false), 4);
  EXPECT_EQ(a, (std::vector<float>{0, 0, 3, -4}));
  EXPECT_EQ(b, (std::vector<float>{0, 20, -30, 0}));
  a = {1, -2, 3, -4}, b = {10, 20, -30, 0.5f};
  EXPECT_EQ(prune({a, b}, 0.5, true), 4);
  EXPECT_EQ(a, (std::vector<float>{0, 0, 0, -4}));
  EXPECT_EQ(b, (std::vector<float>{10, 20, -30, 0}));
}

TEST(Prune, ExactNumberWithTies) {
  std::vector<float> values(10, -1.f);
  EXPECT_EQ(prune({values}, 0.3, true), 3);
  EXPECT_EQ(values[2], 0);
  EXPECT_EQ(values[3], -1);
  // Zeros that are there count.
  EXPECT_EQ(prune({values}, 0.3, true), 3);
  EXPECT_EQ(prune({values}, 1, true), 10);
}

TEST(Prune, KeepsTheLargest) {
  std::vector<float> values = normal(1000, 1), pruned = values;
  EXPECT_EQ(prune({pruned}, 0.7, true), 700);
  float dropped = 0, kept = inf32;
  for (size_t i = 0; i < values.size(); ++i)
    if (pruned[i] == 0)
      dropped = std::max(dropped, std::fabs(values[i]));
    else
      kept = std::min(kept, std::fabs(values[i]));
  EXPECT_LE(dropped, kept);
}

TEST(Prune, Degenerate) {
  std::vector<float> none, one = {3}, bad = {1, nan32, 2};
  EXPECT_EQ(prune({}, 0.5, true), 0);
  EXPECT_EQ(prune({none}, 0.5, false), 0);
  EXPECT_EQ(prune({one}, 0.4, false), 0);
  MutableArrayRef<float> tensor = one;
  EXPECT_NE(message(pruneMagnitude(tensor, 1.5, true)), "");
  EXPECT_NE(message(pruneMagnitude(tensor, nan32, true)), "");
  tensor = bad;
  EXPECT_NE(message(pruneMagnitude(tensor, 0.5, true)), "");
  EXPECT_EQ(bad[0], 1);
}

TEST(TwoOfFour, AlongRows) {
  std::vector<float> values = {1, -5, 3, 2, 4, 4, 4, 4, 9};
  ChannelView view{1, 9, 1};
  EXPECT_FALSE(isTwoOfFour(values, view));
  EXPECT_EQ(good(pruneTwoOfFour(values, view)), 4);
  EXPECT_EQ(values, (std::vector<float>{0, -5, 3, 0, 0, 0, 4, 4, 9}));
  EXPECT_TRUE(isTwoOfFour(values, view));
}

TEST(TwoOfFour, AlongColumns) {
  std::vector<float> values = normal(2 * 8 * 3, 2);
  std::vector<float> before = values;
  ChannelView view = ChannelView::along({2, 8, 3}, 1);
  EXPECT_EQ(good(pruneTwoOfFour(values, view)), 24);
  EXPECT_TRUE(isTwoOfFour(values, view));
  // Of each four, the two that are left are the largest.
  for (int64_t o = 0; o < 2; ++o)
    for (int64_t c = 0; c < 8; c += 4)
      for (int64_t i = 0; i < 3; ++i) {
        std::vector<std::pair<float, float>> four;
        for (int64_t k = 0; k < 4; ++k) {
          int64_t at = (o * 8 + c + k) * 3 + i;
          four.push_back({-std::fabs(before[at]), values[at]});
        }
        std::sort(four.begin(), four.end());
        EXPECT_NE(four[0].second, 0);
        EXPECT_NE(four[1].second, 0);
        EXPECT_EQ(four[2].second, 0);
        EXPECT_EQ(four[3].second, 0);
      }
}

TEST(TwoOfFour, Degenerate) {
  std::vector<float> three = {1, 2, 3}, bad = {1, 2, 3, inf32};
  EXPECT_EQ(good(pruneTwoOfFour(three, {1, 3, 1})), 0);
  EXPECT_FALSE(isTwoOfFour(three, {1, 3, 1}));
  EXPECT_FALSE(isTwoOfFour({}, {0, 4, 1}));
  EXPECT_NE(message(pruneTwoOfFour(bad, {1, 4, 1})), "");
  EXPECT_NE(message(pruneTwoOfFour(three, {1, 4, 1})), "");
}

TEST(Prune, ZerosAreKept) {
  std::vector<float> weights = {1, 2, 3};
  applyZeros({0, 5, 0}, weights);
  EXPECT_EQ(weights, (std::vector<float>{0, 2, 0}));
}

} // namespace
