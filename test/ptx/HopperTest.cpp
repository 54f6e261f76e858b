//===- HopperTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clusters with multicast, matrix descriptors of every layout, and left factors
// in registers.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/Kernels.h"

#include "tools/ptx/Numbers.h"

#include <gtest/gtest.h>

using namespace ingot::ptx;

static Outcome runCluster(const std::string &text, uint64_t seed) {
  KernelRun run;
  constexpr unsigned kThreads = 128, kCtas = 4;
  DeviceBuffer from(run.memory, 512, true);
  DeviceBuffer out(run.memory, kThreads * kCtas * 4, false);
  for (unsigned i = 0; i < kThreads; ++i)
    from.as<uint32_t>()[i] = 3 * i;
  run.config.grid[0] = 2;
  run.config.block[0] = kThreads;
  run.options.seed = seed;
  run.options.races = true;
  run.param(tensorMap2d(from.base, 4, 32, 4, 32, 4, TensorMap::None));
  run.param(out.base);
  run.run(text, "pairs");
  run.outcome.right = true;
  for (unsigned i = 0; i < 2 * kThreads; ++i) {
    unsigned other = i < kThreads ? 1 : 0;
    uint32_t want = kThreads * 1000 + 3 * (i % kThreads) + other;
    run.outcome.right &= out.as<uint32_t>()[i] == want;
  }
  return run.outcome;
}

TEST(PtxHopper, ClustersShareMemory) {
  std::string text = readKernel("cluster.ptx");
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Outcome outcome = runCluster(text, seed);
    EXPECT_EQ(outcome.fault.message, "");
    EXPECT_TRUE(outcome.right);
  }
}

TEST(PtxHopper, MissingClusterBarriersAreFound) {
  std::string text = readKernel("cluster.ptx");
  const std::string pairs[] = {
      "  barrier.cluster.arrive.release.aligned;\n"
      "  barrier.cluster.wait.acquire.aligned;\n",
      "  barrier.cluster.arrive.aligned;\n  barrier.cluster.wait.aligned;\n"};
  for (const std::string &pair : pairs) {
    std::string changed = text;
    ASSERT_NE(changed.find(pair), std::string::npos);
    changed.erase(changed.find(pair), pair.size());
    unsigned caught = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed)
      caught += runCluster(changed, seed).caught();
    EXPECT_GE(caught, 19u) << pair;
  }
}

// Each CTA reads the other's memory and then meets it once more: without that,
// the other may have ended.
TEST(PtxHopper, MissingClusterBarrierAtTheEndIsFound) {
  std::string text = readKernel("cluster.ptx");
  const std::string pair = "  barrier.cluster.arrive.aligned;\n"
                           "  barrier.cluster.wait.aligned;\n";
  size_t last = text.rfind(pair);
  ASSERT_NE(last, std::string::npos);
  text.erase(last, pair.size());
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ingot::ptx::Fault fault = runCluster(text, seed).fault;
    EXPECT_TRUE(fault.kind == ingot::ptx::Fault::Race ||
                fault.kind == ingot::ptx::Fault::IllegalAddress);
    EXPECT_NE(fault.message.find("end"), std::string::npos) << fault.message;
  }
}

// The same of arrivals at mbarriers that the other CTA does not wait for.
TEST(PtxHopper, ArrivalsAtEndedCtasAreFound) {
  const std::string text = R"(.version 8.0
.target sm_90
.address_size 64
.shared .align 8 .b64 empty;
.visible .entry pairs(.param .align 64 .b8 from[128], .param .u64 out)
.reqnctapercluster 2, 1, 1
{
  .reg .pred %p<2>; .reg .b32 %r<8>;
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %cluster_ctarank;
  mov.b32 %r3, empty;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 mbarrier.init.shared.b64 [%r3], 2;
  @%p1 fence.mbarrier_init.release.cluster;
  barrier.cluster.arrive.aligned;
  barrier.cluster.wait.aligned;
  xor.b32 %r4, %r2, 1;
  mapa.shared::cluster.u32 %r5, %r3, %r4;
  @%p1 mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r5];
  END
  ret;
}
)";
  auto with = [&](const std::string &end, uint64_t seed) {
    std::string changed = text;
    changed.replace(changed.find("END"), 3, end);
    return runCluster(changed, seed).fault;
  };
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(with("barrier.cluster.arrive.aligned;\n"
                   "barrier.cluster.wait.aligned;\n",
                   seed)
                  .message,
              "");
    EXPECT_NE(with("", seed).message.find("end"), std::string::npos);
  }
}

//===----------------------------------------------------------------------===//
// Descriptors. The image of shared memory is built here, by the tables of
// "Asynchronous Warpgroup Level Matrix Shared Memory Layout".
//===----------------------------------------------------------------------===//

namespace {

constexpr unsigned kSide = 64, kDepth = 16;

/// A descriptor and where it puts element (row, k).
struct Layout {
  uint64_t descriptor;
  std::function<unsigned(unsigned row, unsigned k)> place;
};

uint64_t descriptor(unsigned start, unsigned leading, unsigned stride,
                    uint64_t kind) {
  return uint64_t(start >> 4) | uint64_t(leading >> 4) << 16 |
         uint64_t(stride >> 4) << 32 | kind << 62;
}

/// The 16-byte columns of `lines` rows of 128 bytes, exchanged by the row.
unsigned swizzle(unsigned offset, unsigned width) {
  unsigned column = offset / 16 % 8, line = offset / 128 % 8;
  return (offset & ~0x70u) | (column ^ (line % (width / 16))) << 4;
}

/// Contiguous along k: eight rows of `width` bytes make a block.
Layout alongK(unsigned start, unsigned width) {
  if (width == 16) // core matrices of 8 rows by 16 bytes
    return {descriptor(start, 128, 256, 0), [=](unsigned row, unsigned k) {
              return start + row / 8 * 256 + k / 8 * 128 + row % 8 * 16 +
                     k % 8 * 2;
            }};
  uint64_t kind = width == 128 ? 1 : width == 64 ? 2 : 3;
  return {descriptor(start, 16, 8 * width, kind),
          [=](unsigned row, unsigned k) {
            return swizzle(start + row * width + k * 2, width);
          }};
}

/// Contiguous along the rows: eight values of k make a block.
Layout alongRows(unsigned start, unsigned width) {
  if (width == 16)
    return {descriptor(start, 1024, 128, 0), [=](unsigned row, unsigned k) {
              return start + row / 8 * 128 + k / 8 * 1024 + k % 8 * 16 +
                     row % 8 * 2;
            }};
  uint64_t kind = width == 128 ? 1 : width == 64 ? 2 : 3;
  unsigned per = width / 2, block = 8 * width;
  // Blocks of the same k stand `leading` apart.
  return {descriptor(start, 2 * block, block, kind),
          [=](unsigned row, unsigned k) {
            unsigned offset = row / per * 2 * block + k / 8 * block +
                              k % 8 * width + row % per * 2;
            return swizzle(start + offset, width);
          }};
}

void expectProduct(const Layout &a, const Layout &b, bool transposed,
                   const std::string &name) {
  KernelRun run;
  DeviceBuffer image(run.memory, 16384, true);
  DeviceBuffer out(run.memory, kSide * kSide * 4, false);
  memset(image.as<uint8_t>(), 0x7f, 16384);
  float left[kSide][kDepth], right[kSide][kDepth];
  unsigned state = 5;
  for (unsigned row = 0; row < kSide; ++row)
    for (unsigned k = 0; k < kDepth; ++k) {
      left[row][k] = smallValue(state);
      right[row][k] = smallValue(state);
      uint16_t bits = uint16_t(encode(left[row][k], kBF16));
      memcpy(image.as<uint8_t>() + a.place(row, k), &bits, 2);
      bits = uint16_t(encode(right[row][k], kBF16));
      memcpy(image.as<uint8_t>() + b.place(row, k), &bits, 2);
    }
  run.config.block[0] = 128;
  run.config.dynamicShared = 16384;
  run.options.races = true;
  run.param(image.base);
  run.param(out.base);
  run.param(a.descriptor);
  run.param(b.descriptor);
  run.param(uint32_t(transposed));
  run.run(readKernel("wgmma-layouts.ptx"), "product");
  ASSERT_EQ(run.outcome.fault.message, "") << name;
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned i = 0; i < 32; ++i) {
      unsigned row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
      unsigned column = i / 4 * 8 + thread % 4 * 2 + i % 2;
      float sum = 0;
      for (unsigned k = 0; k < kDepth; ++k)
        sum += left[row][k] * right[column][k];
      ASSERT_EQ(out.as<float>()[thread * 32 + i], sum)
          << name << " row " << row << " column " << column;
    }
}

} // namespace

TEST(PtxHopper, DescriptorsAlongK) {
  for (unsigned a : {16, 32, 64, 128})
    for (unsigned b : {16, 32, 64, 128})
      expectProduct(alongK(0, a), alongK(8192, b), false,
                    std::to_string(a) + " and " + std::to_string(b));
}

TEST(PtxHopper, DescriptorsAlongRows) {
  for (unsigned a : {16, 32, 64, 128})
    for (unsigned b : {16, 32, 64, 128})
      expectProduct(alongRows(0, a), alongRows(8192, b), true,
                    std::to_string(a) + " and " + std::to_string(b));
}

namespace {

/// A product whose left factor is in registers, by "Register Fragments for
/// wgmma.mma_async": register i of lane 4 * g + t has row g (i odd: g + 8) and
/// columns 2 * t and 2 * t + 1 (i above 1: 8 more). Warps have 16 rows each.
Outcome runRegisters(const std::string &text, const Layout &b, bool transposed,
                     uint64_t seed) {
  KernelRun run;
  DeviceBuffer image(run.memory, 16384, true);
  DeviceBuffer from(run.memory, 128 * 16, true);
  DeviceBuffer out(run.memory, kSide * kSide * 4, false);
  memset(image.as<uint8_t>(), 0x7f, 16384);
  float left[kSide][kDepth], right[kSide][kDepth];
  unsigned state = 5;
  for (unsigned row = 0; row < kSide; ++row)
    for (unsigned k = 0; k < kDepth; ++k) {
      left[row][k] = smallValue(state);
      right[row][k] = smallValue(state);
      uint16_t bits = uint16_t(encode(right[row][k], kBF16));
      memcpy(image.as<uint8_t>() + b.place(row, k), &bits, 2);
      unsigned lane = row % 8 * 4 + k % 8 / 2;
      unsigned thread = row / 16 * 32 + lane, i = row / 8 % 2 + k / 8 * 2;
      bits = uint16_t(encode(left[row][k], kBF16));
      memcpy(from.as<uint8_t>() + thread * 16 + i * 4 + k % 2 * 2, &bits, 2);
    }
  run.config.block[0] = 128;
  run.config.dynamicShared = 16384;
  run.options.races = true;
  run.options.seed = seed;
  run.param(image.base);
  run.param(out.base);
  run.param(from.base);
  run.param(b.descriptor);
  run.param(uint32_t(transposed));
  run.run(text, "product");
  run.outcome.right = true;
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned i = 0; i < 32; ++i) {
      unsigned row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
      unsigned column = i / 4 * 8 + thread % 4 * 2 + i % 2;
      float sum = 0;
      for (unsigned k = 0; k < kDepth; ++k)
        sum += left[row][k] * right[column][k];
      run.outcome.right &= out.as<float>()[thread * 32 + i] == sum;
    }
  return run.outcome;
}

} // namespace

TEST(PtxHopper, LeftFactorInRegisters) {
  std::string text = readKernel("wgmma-registers.ptx");
  for (bool transposed : {false, true})
    for (unsigned width : {16, 32, 64, 128}) {
      Layout b = transposed ? alongRows(8192, width) : alongK(8192, width);
      Outcome outcome = runRegisters(text, b, transposed, 1);
      EXPECT_EQ(outcome.fault.message, "") << width;
      EXPECT_TRUE(outcome.right) << width;
    }
}

// Registers of the left factor belong to the product from its fence to its
// wait.
TEST(PtxHopper, RegistersOfTheLeftFactorAreGuarded) {
  std::string text = readKernel("wgmma-registers.ptx");
  auto message = [&](const std::string &before, const std::string &added) {
    std::string changed = text;
    size_t at = changed.find(before);
    EXPECT_NE(at, std::string::npos);
    changed.insert(at, added);
    return runRegisters(changed, alongK(8192, 128), false, 1).fault.message;
  };
  const char *wait = "  wgmma.wait_group.sync.aligned 0;",
             *commit = "  wgmma.commit_group.sync.aligned;",
             *branch = "  @%p2 bra TRANSPOSED;";
  for (const char *place : {wait, commit})
    for (const char *use :
         {"add.s32 %r54, %r54, 1;\n", "add.s32 %r9, %r54, 1;\n"})
      EXPECT_NE(
          message(place, use)
              .find("a register of an unfinished wgmma is used before its "
                    "wait"),
          std::string::npos)
          << place << use;
  EXPECT_NE(message(branch, "add.s32 %r54, %r54, 0;\n")
                .find("registers of a wgmma were written without a "
                      "wgmma.fence before it"),
            std::string::npos);
  EXPECT_EQ(message("  // 32 values", "add.s32 %r54, %r54, 1;\n"), "");
}
