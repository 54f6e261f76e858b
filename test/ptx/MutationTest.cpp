//===- MutationTest.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels with one wait, barrier, fence or swizzle taken away or changed must
// not pass: 19 of 20 seeds at least have to notice. Whole ones always pass.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/Kernels.h"

#include <gtest/gtest.h>

namespace {

constexpr unsigned kSeeds = 20;

/// A change of the text: the nth place of `find` becomes `replacement`.
struct Mutation {
  const char *name;
  const char *find;
  const char *replacement;
  unsigned nth = 0;
};

std::string mutated(std::string text, const Mutation &mutation) {
  size_t at = 0;
  for (unsigned i = 0;; ++i, ++at) {
    at = text.find(mutation.find, at);
    if (at == std::string::npos)
      return "";
    if (i == mutation.nth)
      break;
  }
  return text.replace(at, strlen(mutation.find), mutation.replacement);
}

void expectAllPass(const char *file, const Runner &runner) {
  std::string text = readKernel(file);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed)
    for (bool races : {false, true}) {
      Outcome outcome = runner(text, seed, races);
      EXPECT_EQ(outcome.fault.message, "") << file << " seed " << seed;
      EXPECT_TRUE(outcome.right) << file << " seed " << seed;
    }
}

void expectCaught(const char *file, const Runner &runner,
                  const std::vector<Mutation> &mutations) {
  std::string text = readKernel(file);
  for (const Mutation &mutation : mutations) {
    std::string changed = mutated(text, mutation);
    ASSERT_NE(changed, "") << mutation.name << ": not found in " << file;
    unsigned caught = 0;
    std::string message = "wrong result";
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      Outcome outcome = runner(changed, seed, true);
      ASSERT_NE(outcome.fault.kind, ingot::ptx::Fault::InvalidLaunch)
          << mutation.name << ": " << outcome.fault.message;
      caught += outcome.caught();
      if (!outcome.fault.message.empty())
        message = outcome.fault.message;
    }
    EXPECT_GE(caught, kSeeds * 95 / 100) << file << ": " << mutation.name;
    if (getenv("INGOT_PTX_VERBOSE"))
      printf("%s: %s: %u of %u: %s\n", file, mutation.name, caught, kSeeds,
             message.substr(0, 250).c_str());
  }
}

} // namespace

TEST(PtxKernels, Reverse) { expectAllPass("reverse.ptx", runReverse); }
TEST(PtxKernels, SharedSum) { expectAllPass("shared-sum.ptx", runSharedSum); }
TEST(PtxKernels, MmaGemm) { expectAllPass("gemm-mma.ptx", runMmaGemm); }
TEST(PtxKernels, WgmmaGemm) { expectAllPass("gemm-wgmma.ptx", runWgmmaGemm); }
TEST(PtxKernels, TmaScale) { expectAllPass("tma-scale.ptx", runTmaScale); }

TEST(PtxMutations, Reverse) {
  expectCaught("reverse.ptx", runReverse,
               {{"first barrier", "bar.sync 0;", "", 0},
                {"barrier before reuse", "bar.sync 0;", "", 1},
                {"last barrier", "bar.sync 0;", "", 2}});
}

constexpr const char kCount[] =
    "atom.acq_rel.gpu.global.inc.u32 %r7, [%rd3], %r6;";

// Fences do what the order of the atomic access does.
TEST(PtxKernels, SharedSumWithFences) {
  std::string text = mutated(
      readKernel("shared-sum.ptx"),
      {"", kCount,
       "fence.acq_rel.gpu; atom.relaxed.gpu.global.inc.u32 %r7, [%rd3], %r6; "
       "fence.acq_rel.gpu;"});
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Outcome outcome = runSharedSum(text, seed, true);
    EXPECT_EQ(outcome.fault.message, "") << "seed " << seed;
    EXPECT_TRUE(outcome.right) << "seed " << seed;
  }
}

TEST(PtxMutations, SharedSum) {
  expectCaught(
      "shared-sum.ptx", runSharedSum,
      {{"no order", kCount, "atom.global.inc.u32 %r7, [%rd3], %r6;"},
       {"no release", kCount,
        "atom.acquire.gpu.global.inc.u32 %r7, [%rd3], %r6;"},
       {"no acquire", kCount,
        "atom.release.gpu.global.inc.u32 %r7, [%rd3], %r6;"},
       {"too narrow a scope", kCount,
        "atom.acq_rel.cta.global.inc.u32 %r7, [%rd3], %r6;"},
       {"only a fence before", kCount,
        "fence.acq_rel.gpu; atom.relaxed.gpu.global.inc.u32 %r7, [%rd3], "
        "%r6;"},
       {"no fence of the device", kCount,
        "fence.acq_rel.cta; atom.relaxed.gpu.global.inc.u32 %r7, [%rd3], %r6; "
        "fence.acq_rel.cta;"},
       {"no barrier before counting", "bar.sync 0;", ""},
       {"counter not reset", kCount,
        "atom.acq_rel.gpu.global.add.u32 %r7, [%rd3], 1;"}});
}

TEST(PtxMutations, MmaGemm) {
  expectCaught("gemm-mma.ptx", runMmaGemm,
               {{"no wait", "cp.async.wait_group \t1;", ""},
                {"wait for one less", "cp.async.wait_group \t1;",
                 "cp.async.wait_group 2;"},
                {"no barrier", "bar.sync \t0;", ""},
                {"barrier for one warp", "bar.sync \t0;", "bar.warp.sync -1;"},
                {"no commit", "cp.async.commit_group;", "", 0},
                {"swizzle of the writer", "xor.b64 \t%rd11, %rd70, %rd4;",
                 "mov.b64 %rd11, %rd70;"},
                {"swizzle of the reader", "xor.b64 \t%rd123, %rd121, %rd122;",
                 "mov.b64 %rd123, %rd121;"},
                {"not transposed", "x4.trans", "x4", 0}});
}

// The first wait_group 1 follows the first commit_group and waits for nothing,
// so it is not among them; nor is the second wgmma.fence, before which no
// register is written.
TEST(PtxMutations, WgmmaGemm) {
  expectCaught(
      "gemm-wgmma.ptx", runWgmmaGemm,
      {{"no wait for a free slot",
        "mbarrier.try_wait.parity.shared.b64 P1, [%r50], %r60, %r51;",
        "setp.eq.b32 P1, %r50, %r50;"},
       {"no wait for the first slot",
        "mbarrier.try_wait.parity.shared.b64 P1, [%r15], %r127, %r16;",
        "setp.eq.b32 P1, %r15, %r15;"},
       {"no wait for a full slot",
        "mbarrier.try_wait.parity.shared.b64 P1, [%r24], %r128, %r25;",
        "setp.eq.b32 P1, %r24, %r24;"},
       {"no barrier after initialisation", "bar.sync \t0;", ""},
       {"no fence after initialisation", "fence.mbarrier_init.release.cluster;",
        ""},
       {"no first wgmma.fence", "wgmma.fence.sync.aligned;", "", 0},
       {"no wait_group", "wgmma.wait_group.sync.aligned \t1;", "", 1},
       {"wait_group for one less", "wgmma.wait_group.sync.aligned \t1;",
        "wgmma.wait_group.sync.aligned 2;", 1},
       {"no last wait_group", "wgmma.wait_group.sync.aligned \t0;", ""},
       {"last wait_group for one less", "wgmma.wait_group.sync.aligned \t0;",
        "wgmma.wait_group.sync.aligned 1;"},
       {"no commit_group", "wgmma.commit_group.sync.aligned;", "", 1},
       {"too few bytes expected", "mov.b32 \t%r54, 32768;",
        "mov.b32 %r54, 16384;"},
       {"too many bytes expected", "mov.b32 \t%r54, 32768;",
        "mov.b32 %r54, 32784;"},
       {"count of free slots too small", "mov.b32 \t%r13, 8;",
        "mov.b32 %r13, 7;"},
       {"count of free slots too large", "mov.b32 \t%r13, 8;",
        "mov.b32 %r13, 9;"},
       {"no release of slots", "mbarrier.arrive.shared.b64 \t%rd32, [%rd5];",
        ""}});
}

TEST(PtxMutations, WgmmaSwizzles) {
  using ingot::ptx::TensorMap;
  std::string text = readKernel("gemm-wgmma.ptx");
  for (TensorMap::Swizzle swizzle : {TensorMap::None, TensorMap::Bytes64})
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      EXPECT_TRUE(
          runSwizzledGemm(text, seed, swizzle, TensorMap::Bytes128).caught());
      EXPECT_TRUE(
          runSwizzledGemm(text, seed, TensorMap::Bytes128, swizzle).caught());
    }
}

// The last barrier is not among them: the wait for the next load, which begins
// after the store, orders the same accesses.
TEST(PtxMutations, TmaScale) {
  expectCaught(
      "tma-scale.ptx", runTmaScale,
      {{"no wait for the load", "@!%p2 bra WAIT;", ""},
       {"no fence of proxies", "fence.proxy.async.shared::cta;", ""},
       {"no fence after initialisation", "fence.mbarrier_init.release.cluster;",
        ""},
       {"no barrier after initialisation", "bar.sync 0;", "", 0},
       {"no barrier before the store", "bar.sync 0;", "", 1},
       {"no wait for the store", "cp.async.bulk.wait_group.read 0;", ""},
       {"store for one less", "cp.async.bulk.wait_group.read 0;",
        "cp.async.bulk.wait_group.read 1;"},
       {"no commit of the store", "cp.async.bulk.commit_group;", ""},
       {"too many bytes expected", "_, [%r3], 8192;", "_, [%r3], 8208;"}});
}
