//===- PackBuffersTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/memory/PlanMemory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

using namespace ingot;
using Buffers = std::vector<PlannedBuffer>;

namespace {

struct PackBuffersTest : testing::Test {
  std::mt19937 random{7};

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }

  /// Buffers as the pass makes them: sizes in cache lines, short lives mostly.
  Buffers pickBuffers(int64_t count, int64_t steps) {
    Buffers buffers;
    for (int64_t i = 0; i < count; ++i) {
      int64_t first = pick(0, steps - 1);
      int64_t length = pick(0, 5) ? pick(0, 3) : pick(0, steps);
      buffers.push_back({64 * (pick(0, 3) ? pick(1, 8) : pick(1, 100)), first,
                         std::min(first + length, steps - 1)});
    }
    return buffers;
  }
};

bool meetInTime(const PlannedBuffer &a, const PlannedBuffer &b) {
  return a.first <= b.last && b.first <= a.last;
}

/// The bytes that the offsets need; fails if two buffers overlap.
int64_t check(const Buffers &buffers) {
  int64_t peak = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const PlannedBuffer &a = buffers[i];
    EXPECT_GE(a.offset, 0);
    EXPECT_EQ(a.offset % 64, 0);
    peak = std::max(peak, a.offset + a.bytes);
    for (size_t j = 0; j < i; ++j) {
      const PlannedBuffer &b = buffers[j];
      EXPECT_FALSE(meetInTime(a, b) && a.offset < b.offset + b.bytes &&
                   b.offset < a.offset + a.bytes)
          << i << " overlaps " << j;
    }
  }
  return peak;
}

int64_t liveBytesStepByStep(const Buffers &buffers) {
  int64_t most = 0;
  for (int64_t t = 0; t <= 200; ++t) {
    int64_t live = 0;
    for (const PlannedBuffer &x : buffers)
      live += x.first <= t && t <= x.last ? x.bytes : 0;
    most = std::max(most, live);
  }
  return most;
}

/// The least bytes of any order of placing buffers at the lowest free offset.
/// One of the orders gives an optimal packing.
int64_t leastBytes(Buffers buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  int64_t best = INT64_MAX;
  do {
    int64_t peak = 0;
    for (size_t n = 0; n < order.size(); ++n) {
      PlannedBuffer &x = buffers[order[n]];
      std::vector<std::pair<int64_t, int64_t>> taken;
      for (size_t m = 0; m < n; ++m)
        if (meetInTime(x, buffers[order[m]]))
          taken.push_back({buffers[order[m]].offset,
                           buffers[order[m]].offset + buffers[order[m]].bytes});
      std::sort(taken.begin(), taken.end());
      x.offset = 0;
      for (auto [from, to] : taken)
        if (from < x.offset + x.bytes && x.offset < to)
          x.offset = to;
      peak = std::max(peak, x.offset + x.bytes);
    }
    best = std::min(best, peak);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

TEST_F(PackBuffersTest, NothingNeedsNothing) {
  EXPECT_EQ(packBuffers({}), 0);
  EXPECT_EQ(liveBytes({}), 0);
}

TEST_F(PackBuffersTest, LiveBytesAreThoseOfTheFullestStep) {
  for (int i = 0; i < 200; ++i) {
    Buffers buffers = pickBuffers(pick(1, 40), pick(1, 60));
    EXPECT_EQ(liveBytes(buffers), liveBytesStepByStep(buffers));
  }
}

TEST_F(PackBuffersTest, BuffersAliveTogetherDoNotOverlap) {
  for (int i = 0; i < 200; ++i) {
    Buffers buffers = pickBuffers(pick(1, 60), pick(1, 60));
    int64_t peak = packBuffers(buffers);
    EXPECT_EQ(check(buffers), peak);
    EXPECT_GE(peak, liveBytes(buffers));
    // The same again: artifacts are the same bytes each time.
    Buffers again = buffers;
    EXPECT_EQ(packBuffers(again), peak);
    for (size_t b = 0; b < buffers.size(); ++b)
      EXPECT_EQ(again[b].offset, buffers[b].offset);
  }
}

TEST_F(PackBuffersTest, ManyBuffersArePackedInTime) {
  Buffers buffers = pickBuffers(3000, 3000);
  int64_t peak = packBuffers(buffers);
  EXPECT_EQ(check(buffers), peak);
}

// A chain of layers, where each value lives until the next is made, needs the
// two largest neighbours and no more.
TEST_F(PackBuffersTest, ChainsMeetTheBound) {
  for (int i = 0; i < 100; ++i) {
    Buffers buffers;
    for (int64_t t = 0, n = pick(2, 60); t < n; ++t)
      buffers.push_back({64 * pick(1, 50), t, t + 1});
    EXPECT_EQ(packBuffers(buffers), liveBytes(buffers));
  }
}

// Residual blocks: a value that skips two layers.
TEST_F(PackBuffersTest, ResidualBlocksMeetTheBound) {
  for (int i = 0; i < 100; ++i) {
    Buffers buffers;
    for (int64_t block = 0, n = pick(1, 20); block < n; ++block) {
      int64_t t = 3 * block, bytes = 64 * pick(1, 50);
      buffers.push_back({bytes, t, t + 3});
      buffers.push_back({64 * pick(1, 50), t + 1, t + 2});
      buffers.push_back({bytes, t + 2, t + 3});
    }
    EXPECT_EQ(packBuffers(buffers), liveBytes(buffers));
  }
}

TEST_F(PackBuffersTest, FewBuffersArePackedNearlyOptimally) {
  int64_t ours = 0, least = 0;
  for (int i = 0; i < 150; ++i) {
    Buffers buffers = pickBuffers(6, pick(2, 8));
    int64_t peak = packBuffers(buffers), optimum = leastBytes(buffers);
    EXPECT_GE(peak, optimum);
    EXPECT_LE(peak, optimum + optimum / 4);
    ours += peak;
    least += optimum;
  }
  EXPECT_LE(ours, least + least / 100);
}

TEST_F(PackBuffersTest, RandomBuffersAreWithinFivePercentOfTheBound) {
  int64_t ours = 0, bound = 0;
  for (int i = 0; i < 100; ++i) {
    Buffers buffers = pickBuffers(60, 60);
    ours += packBuffers(buffers);
    bound += liveBytes(buffers);
  }
  EXPECT_LE(ours, bound + bound / 20);
}

} // namespace
