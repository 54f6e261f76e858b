//===- EmulatorTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The emulator against plain C++. The instructions are executed as a program
// does, so a machine that has them would not come here.
//
//===----------------------------------------------------------------------===//
#include "test/amx/TileEmulator.h"

#include <gtest/gtest.h>

#include <cpuid.h>
#include <csignal>
#include <cstring>
#include <immintrin.h>
#include <random>
#include <vector>

#define TILES __attribute__((target("amx-tile,amx-int8")))

namespace {

struct alignas(64) Configuration {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t columnBytes[16] = {};
  uint8_t rows[16] = {};

  Configuration &tile(int t, int r, int bytes) {
    rows[t] = uint8_t(r);
    columnBytes[t] = uint16_t(bytes);
    return *this;
  }
};
static_assert(sizeof(Configuration) == 64);

TILES void configure(const Configuration &c) { _tile_loadconfig(&c); }

struct EmulatorTest : testing::Test {
  EmulatorTest() {
    GTEST_FLAG_SET(death_test_style, "fast");
    amx::installHandler();
  }
  void SetUp() override {
    unsigned a, b, c, d = 0;
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    constexpr unsigned hasTiles = 1u << 24;
    if (d & hasTiles)
      GTEST_SKIP() << "this processor has tile registers";
  }
  void TearDown() override {
    if (!IsSkipped())
      release();
  }
  TILES static void release() { _tile_release(); }

  std::vector<uint8_t> random(size_t bytes) {
    std::vector<uint8_t> result(bytes);
    for (uint8_t &v : result)
      v = uint8_t(generator());
    return result;
  }
  std::mt19937 generator{1};
};

enum Kind { SS, SU, US, UU };

TILES void multiply(Kind kind) {
  switch (kind) {
  case SS:
    return _tile_dpbssd(0, 1, 2);
  case SU:
    return _tile_dpbsud(0, 1, 2);
  case US:
    return _tile_dpbusd(0, 1, 2);
  case UU:
    return _tile_dpbuud(0, 1, 2);
  }
}

TILES void loadAll(const uint8_t *c, const uint8_t *a, const uint8_t *b,
                   size_t stride) {
  _tile_loadd(0, c, stride);
  _tile_loadd(1, a, stride);
  _tile_stream_loadd(2, b, stride);
}
TILES void storeSums(uint8_t *c, size_t stride) { _tile_stored(0, c, stride); }

struct Sizes {
  int m, n, k; // rows, columns, words of the depth
};

TEST_F(EmulatorTest, products) {
  for (Sizes size : {Sizes{16, 16, 16}, {1, 1, 1}, {13, 7, 5}, {16, 3, 16}})
    for (Kind kind : {SS, SU, US, UU}) {
      configure(Configuration()
                    .tile(0, size.m, 4 * size.n)
                    .tile(1, size.m, 4 * size.k)
                    .tile(2, size.k, 4 * size.n));
      constexpr size_t stride = 72;
      auto a = random(16 * stride), b = random(16 * stride),
           c = random(16 * stride);
      auto expected = c;
      for (int m = 0; m < size.m; ++m)
        for (int n = 0; n < size.n; ++n) {
          uint32_t sum;
          std::memcpy(&sum, &c[m * stride + 4 * n], 4);
          for (int k = 0; k < 4 * size.k; ++k) {
            uint8_t x = a[m * stride + k];
            uint8_t y = b[k / 4 * stride + 4 * n + k % 4];
            int left = kind == SS || kind == SU ? int8_t(x) : x;
            int right = kind == SS || kind == US ? int8_t(y) : y;
            sum += uint32_t(left * right);
          }
          std::memcpy(&expected[m * stride + 4 * n], &sum, 4);
        }
      loadAll(c.data(), a.data(), b.data(), stride);
      multiply(kind);
      storeSums(c.data(), stride);
      EXPECT_EQ(c, expected) << "kind " << kind << ", m " << size.m;
    }
}

TILES void zero() { _tile_zero(0); }

TEST_F(EmulatorTest, storesOnlyWhatIsConfigured) {
  configure(Configuration().tile(0, 3, 8));
  std::vector<uint8_t> memory(4 * 64, 7);
  zero();
  storeSums(memory.data(), 64);
  for (int i = 0; i < 4 * 64; ++i)
    EXPECT_EQ(memory[i], i / 64 < 3 && i % 64 < 8 ? 0 : 7);
}

TILES void storeConfiguration(Configuration &c) { _tile_storeconfig(&c); }

TEST_F(EmulatorTest, configurationsAreReadBack) {
  Configuration set = Configuration().tile(0, 16, 64).tile(7, 5, 12), got;
  configure(set);
  storeConfiguration(got);
  EXPECT_EQ(std::memcmp(&set, &got, sizeof(set)), 0);
  release();
  storeConfiguration(got);
  Configuration none;
  none.palette = 0;
  EXPECT_EQ(std::memcmp(&none, &got, sizeof(none)), 0);
}

// A new configuration clears the tiles.
TEST_F(EmulatorTest, configuringClears) {
  Configuration c = Configuration().tile(0, 1, 4);
  configure(c);
  std::vector<uint8_t> memory{1, 2, 3, 4};
  uint8_t *at = memory.data();
  asm volatile("tileloadd (%0,%1), %%tmm0" ::"r"(at), "r"(uint64_t(64)));
  configure(c);
  storeSums(at, 64);
  EXPECT_EQ(memory, std::vector<uint8_t>(4, 0));
}

// All forms of addresses: base and index of any register, scale, short and
// long displacements.
TEST_F(EmulatorTest, addresses) {
  configure(Configuration().tile(0, 2, 4));
  std::vector<uint8_t> memory = random(4096);
  auto check = [&](size_t first, size_t second) {
    uint8_t got[8];
    storeSums(got, 4);
    EXPECT_EQ(std::memcmp(got, &memory[first], 4), 0);
    EXPECT_EQ(std::memcmp(got + 4, &memory[second], 4), 0);
  };
  const uint8_t *base = memory.data();
  uint64_t stride = 24;
  register const uint8_t *high asm("r13") = base;
  register uint64_t highStride asm("r12") = stride;
  asm volatile("tileloadd 8(%0,%1,4), %%tmm0" ::"r"(base), "r"(stride));
  check(8, 8 + 96);
  asm volatile("tileloadd -16(%0,%1,1), %%tmm0" ::"r"(base + 100), "r"(stride));
  check(84, 108);
  asm volatile("tileloadd 1000(%0,%1,2), %%tmm0" ::"r"(high), "r"(highStride));
  check(1000, 1048);
  asm volatile("tileloadd (%0), %%tmm0" ::"r"(base + 40));
  check(40, 40);
}

using DeathTest = EmulatorTest;

TEST_F(DeathTest, refusesWhatProcessorsRefuse) {
  auto refused = testing::KilledBySignal(SIGILL);
  uint8_t memory[64 * 16] = {};
  EXPECT_EXIT(storeSums(memory, 64), refused, "not configured");
  EXPECT_EXIT(configure(Configuration().tile(0, 17, 64)), refused, "too large");
  EXPECT_EXIT(configure(Configuration().tile(0, 1, 68)), refused, "too large");
  EXPECT_EXIT(configure(Configuration().tile(0, 1, 0)), refused, "alone");
  EXPECT_EXIT(configure(Configuration().tile(8, 1, 4)), refused, "reserved");
  Configuration palette;
  palette.palette = 2;
  EXPECT_EXIT(configure(palette), refused, "palette");

  auto product = [](const Configuration &c) {
    configure(c);
    multiply(US);
  };
  auto shapes = [](int m, int n, int k, int k2) {
    return Configuration().tile(0, m, n).tile(1, 16, k).tile(2, k2, 64);
  };
  EXPECT_EXIT(product(shapes(15, 64, 64, 16)), refused, "do not match");
  EXPECT_EXIT(product(shapes(16, 60, 64, 16)), refused, "do not match");
  EXPECT_EXIT(product(shapes(16, 64, 60, 16)), refused, "do not match");
  EXPECT_EXIT(product(shapes(16, 64, 62, 16)), refused, "whole words");
  EXPECT_EXIT(
      {
        configure(shapes(16, 64, 64, 16));
        // tdpbusd %tmm1, %tmm1, %tmm0, which assemblers refuse too.
        asm volatile(".byte 0xc4, 0xe2, 0x71, 0x5e, 0xc1");
      },
      refused, "three different");
  EXPECT_EXIT(__builtin_trap(), refused, "none of AMX");
}

TEST_F(EmulatorTest, countsWhatItExecutes) {
  uint64_t instructions = amx::executedInstructions();
  uint64_t products = amx::executedProducts();
  configure(Configuration().tile(0, 16, 64).tile(1, 16, 64).tile(2, 16, 64));
  multiply(UU);
  EXPECT_EQ(amx::executedInstructions(), instructions + 2);
  EXPECT_EQ(amx::executedProducts(), products + 1);
}

} // namespace
