//===- MachineTest.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Control flow, exchange between lanes, memory, barriers, matrices, and what
// is reported as a fault.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/RunPtx.h"

static std::vector<Lane> lanesOf(unsigned count) {
  std::vector<Lane> lanes(count);
  for (unsigned i = 0; i < count; ++i)
    lanes[i] = {i, i * 3u + 1, 100u - i};
  return lanes;
}

static std::vector<uint64_t> runLanes(const std::string &body,
                                      unsigned count = 32,
                                      const std::string &declarations = "") {
  PtxSnippet snippet;
  snippet.body = body;
  snippet.declarations = declarations;
  return snippet.run(lanesOf(count));
}

static bool contains(const std::string &text, const std::string &piece) {
  return text.find(piece) != std::string::npos;
}

static std::string faultOfBody(const std::string &body, unsigned threads = 1) {
  PtxSnippet snippet;
  snippet.body = body;
  snippet.options.races = threads > 1;
  return faultOf(snippet, threads);
}

TEST(PtxControl, LoopsOfDifferentLengths) {
  std::vector<uint64_t> out =
      runLanes("LOOP: add.s32 %rd, %rd, 2; sub.s32 %ra, %ra, 1;\n"
               "setp.ge.s32 %p, %ra, 0; @%p bra LOOP;");
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], 2u * (i + 1));
}

TEST(PtxControl, BranchTables) {
  std::vector<uint64_t> out =
      runLanes("rem.u32 %r0, %ra, 3;\nTABLE: .branchtargets A, B, C;\n"
               "brx.idx %r0, TABLE;\nA: mov.b32 %rd, 10; bra E;\n"
               "B: mov.b32 %rd, 20; bra E;\nC: mov.b32 %rd, 30;\nE:");
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], 10u * (i % 3 + 1));
}

TEST(PtxControl, CallsOfFunctions) {
  std::vector<uint64_t> out = runLanes(
      "{ .param .b32 p0; .param .b32 r0; st.param.b32 [p0], %ra;\n"
      "call.uni (r0), twice, (p0); ld.param.b32 %rd, [r0]; }",
      64,
      ".func (.param .b32 out) twice(.param .b32 x) { .reg .b32 %r<3>;\n"
      ".reg .pred %p; ld.param.b32 %r1, [x]; setp.lt.s32 %p, %r1, 10;\n"
      "@%p bra SMALL; shl.b32 %r2, %r1, 1; st.param.b32 [out], %r2; ret;\n"
      "SMALL: st.param.b32 [out], %r1; ret; }");
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(out[i], i < 10 ? i : 2 * i);
}

TEST(PtxControl, WaitingLanesDoNotStarveOthers) {
  // Lane 1 waits for lane 0, whose code stands behind.
  EXPECT_EQ(runLanes("mov.b32 %r1, sh; setp.eq.u32 %p, %ra, 0;\n"
                     "@%p st.shared.b32 [%r1], 0; bar.sync 0;\n"
                     "@%p bra SET;\nWAIT: ld.volatile.shared.b32 %rd, [%r1];\n"
                     "setp.eq.u32 %q, %rd, 0; @%q bra WAIT; bra END;\n"
                     "SET: st.volatile.shared.b32 [%r1], 7; mov.b32 %rd, 7;\n"
                     "END:",
                     2),
            (std::vector<uint64_t>{7, 7}));
}

TEST(PtxWarp, Shuffles) {
  std::vector<uint64_t> up =
      runLanes("shfl.sync.up.b32 %rd|%p, %ra, 1, 0, -1;");
  std::vector<uint64_t> down =
      runLanes("shfl.sync.down.b32 %rd|%p, %ra, 2, 0x1f, -1;\n"
               "@!%p mov.b32 %rd, 99;");
  std::vector<uint64_t> cross =
      runLanes("shfl.sync.bfly.b32 %rd, %rb, 16, 0x1f, 0xffffffff;");
  std::vector<uint64_t> segment =
      runLanes("shfl.sync.idx.b32 %rd, %ra, 0, 0x181f, -1;");
  for (unsigned i = 0; i < 32; ++i) {
    EXPECT_EQ(up[i], i ? i - 1 : 0);
    EXPECT_EQ(down[i], i < 30 ? i + 2 : 99);
    EXPECT_EQ(cross[i], (i ^ 16) * 3 + 1);
    EXPECT_EQ(segment[i], i / 8 * 8);
  }
}

TEST(PtxWarp, VotesAndReductions) {
  EXPECT_EQ(runLanes("setp.lt.u32 %p, %ra, 5;\n"
                     "vote.sync.ballot.b32 %rd, %p, -1;")[9],
            31u);
  EXPECT_EQ(runLanes("redux.sync.add.s32 %rd, %ra, -1;")[3], 496u);
  EXPECT_EQ(runLanes("redux.sync.min.s32 %rd, %rc, -1;")[3], 69u);
  EXPECT_EQ(runLanes("shr.u32 %r0, %ra, 3; match.any.sync.b32 %rd, %r0, "
                     "-1;")[9],
            0xff00u);
  EXPECT_EQ(runLanes("match.all.sync.b32 %rd|%p, 4, -1;")[9], 0xffffffffu);
  EXPECT_EQ(runLanes("elect.sync %r0|%p, -1; selp.u32 %rd, 1, 0, %p;")[0], 1u);
  // Halves that part and each vote for themselves.
  std::vector<uint64_t> halves =
      runLanes("setp.lt.u32 %p, %ra, 16; @%p bra LOW;\n"
               "redux.sync.add.s32 %rd, %ra, 0xffff0000; bra END;\n"
               "LOW: redux.sync.add.s32 %rd, %ra, 0xffff;\nEND:");
  EXPECT_EQ(halves[0], 120u);
  EXPECT_EQ(halves[31], 376u);
}

TEST(PtxMemory, VectorsAtomicsAndSpaces) {
  EXPECT_EQ(runLanes("mov.b32 %r1, sh; shl.b32 %r2, %ra, 4; add.s32 %r1, %r1, "
                     "%r2;\nst.shared.v4.b32 [%r1], {%ra, %rb, %rc, 5};\n"
                     "ld.shared.v2.b32 {%r3, %rd}, [%r1];")[7],
            22u);
  EXPECT_EQ(runLanes("mov.b32 %r1, sh; setp.eq.u32 %p, %ra, 0;\n"
                     "@%p st.shared.b32 [%r1], 0; bar.sync 0;\n"
                     "red.shared.add.u32 [%r1], %ra; bar.sync 0;\n"
                     "ld.shared.b32 %rd, [%r1];",
                     96)[50],
            95u * 96 / 2);
  EXPECT_EQ(runLanes("mov.b64 %l0, sh; cvta.shared.u64 %l0, %l0;\n"
                     "mad.wide.u32 %l0, %ra, 4, %l0; st.b32 [%l0], %rb;\n"
                     "isspacep.shared %p, %l0; ld.b32 %rd, [%l0];\n"
                     "@!%p mov.b32 %rd, 0;")[4],
            13u);
  EXPECT_EQ(runLanes("{ .local .align 8 .b8 d[16]; mov.b64 %l0, d;\n"
                     "cvta.local.u64 %l1, %l0; st.local.b32 [%l0+4], %ra;\n"
                     "ld.b32 %rd, [%l1+4]; }")[4],
            4u);
  EXPECT_EQ(runLanes("mov.b64 %l0, table; mad.wide.u32 %l0, %ra, 4, %l0;\n"
                     "ld.global.nc.b32 %rd, [%l0];",
                     3, ".global .align 4 .b32 table[3] = {7, -1, 0x10};"),
            (std::vector<uint64_t>{7, 0xffffffff, 16}));
}

TEST(PtxBarrier, ReductionsAndNamedBarriers) {
  EXPECT_EQ(runLanes("setp.lt.u32 %p, %ra, 40;\n"
                     "barrier.cta.red.popc.aligned.u32 %rd, 1, %p;",
                     96)[80],
            40u);
  // Warp 0 produces for warp 1 through a barrier on which it does not wait.
  EXPECT_EQ(runLanes("mov.b32 %r1, sh; setp.lt.u32 %p, %ra, 32;\n"
                     "@!%p bra CONSUMER; st.shared.b32 [%r1], 5;\n"
                     "bar.arrive 2, 64; bra END;\nCONSUMER: bar.sync 2, 64;\n"
                     "ld.shared.b32 %rd, [%r1];\nEND:",
                     64)[63],
            5u);
}

TEST(PtxMatrix, LoadTransposeAndMultiply) {
  // An 8x8 matrix with element (row, column) = 8 row + column.
  std::string fill = "mov.b32 %r1, sh; shl.b32 %r2, %ra, 2; add.s32 %r3, %r1, "
                     "%r2;\nshl.b32 %r4, %ra, 1; cvt.u16.u32 %h0, %r4;\n"
                     "add.s16 %h1, %h0, 1; mov.b32 %r5, {%h0, %h1};\n"
                     "st.shared.b32 [%r3], %r5; bar.sync 0;\n"
                     "and.b32 %r6, %ra, 7; mad.lo.s32 %r6, %r6, 16, %r1;\n";
  std::vector<uint64_t> plain =
      runLanes(fill + "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%rd}, [%r6];");
  std::vector<uint64_t> turned = runLanes(
      fill + "ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%rd}, [%r6];");
  std::vector<uint64_t> moved =
      runLanes(fill + "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r7}, [%r6];\n"
                      "movmatrix.sync.aligned.m8n8.trans.b16 %rd, %r7;");
  for (unsigned i = 0; i < 32; ++i) {
    unsigned row = i / 4, column = i % 4 * 2;
    EXPECT_EQ(plain[i], (8 * row + column) | (8 * row + column + 1) << 16);
    EXPECT_EQ(turned[i], (8 * column + row) | (8 * (column + 1) + row) << 16);
    EXPECT_EQ(moved[i], turned[i]);
  }
  // A[r][k] = r + k for row 0..15 in s8, B[k][n] = n - k.
  std::vector<uint64_t> product = runLanes(
      "shr.u32 %r10, %ra, 2; and.b32 %r11, %ra, 3; shl.b32 %r11, %r11, 2;\n"
      "add.s32 %r12, %r10, %r11; mad.lo.s32 %r13, %r12, 0x01010101, "
      "0x03020100;\nadd.s32 %r14, %r12, 8; mad.lo.s32 %r15, %r14, 0x01010101, "
      "0x03020100;\nadd.s32 %r16, %r12, 16; mad.lo.s32 %r17, %r16, "
      "0x01010101, 0x03020100;\nadd.s32 %r18, %r12, 24; mad.lo.s32 %r19, "
      "%r18, 0x01010101, 0x03020100;\nmov.b32 %r20, 0x01010101;\n"
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r1, %r2, %r3, %r4}, "
      "{%r13, %r15, %r17, %r19}, {%r20, %r20}, {%ra, %ra, %ra, %ra};\n"
      "mov.b32 %rd, %r3;");
  // Rows of ones: the sum over k of (row + 8 + k), k = 0..31, and c.
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_EQ(product[i], 32 * (i / 4 + 8) + 31 * 32 / 2 + i);
}

// A[r][k] = 8 * r + k by the unit matrix, in each of the result's registers.
// Bits that tf32 has not are set, and must not count.
TEST(PtxMatrix, ProductsOfTf32) {
  std::vector<Lane> lanes(32);
  for (unsigned i = 0; i < 32; ++i) {
    unsigned group = i / 4, thread = i % 4;
    lanes[i] = {f32(float(8 * group + thread)), f32(thread == group),
                f32(thread + 4 == group)};
  }
  for (unsigned result = 0; result < 4; ++result) {
    PtxSnippet snippet;
    snippet.body =
        "add.f32 %r1, %ra, 0f42800000;\nadd.f32 %r2, %ra, 0f40800000;\n"
        "add.f32 %r3, %ra, 0f42880000;\n"
        "or.b32 %r0, %ra, 0x1fff; or.b32 %r1, %r1, 0x1fff;\n"
        "or.b32 %r2, %r2, 0x1000; or.b32 %r3, %r3, 1;\n"
        "or.b32 %r4, %rb, 0x1fff; or.b32 %r5, %rc, 0x1800;\n"
        "mov.b32 %r6, 0f3F000000;\n"
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%r7, %r8, %r9, "
        "%r10}, {%r0, %r1, %r2, %r3}, {%r4, %r5}, {%r6, %r6, %r6, %r6};\n"
        "mov.b32 %rd, %r" +
        std::to_string(7 + result) + ";";
    std::vector<uint64_t> sums = snippet.run(lanes);
    for (unsigned i = 0; i < 32; ++i) {
      unsigned row = i / 4 + result / 2 * 8, column = i % 4 * 2 + result % 2;
      EXPECT_EQ(sums[i], f32(float(8 * row + column) + 0.5f));
    }
  }
}

TEST(PtxFault, MemoryIsChecked) {
  EXPECT_TRUE(contains(faultOfBody("ld.global.b32 %rd, [%in+65536];"),
                       "outside of global memory"));
  EXPECT_TRUE(contains(faultOfBody("ld.global.b32 %rd, [%in+2];"),
                       "not a multiple of 4"));
  EXPECT_TRUE(contains(faultOfBody("mov.b32 %r1, sh; ld.shared.b32 %rd, "
                                   "[%r1];"),
                       "never written"));
  EXPECT_TRUE(contains(faultOfBody("mov.b32 %r1, sh; st.shared.b32 "
                                   "[%r1+1024], 1;"),
                       "outside of shared memory"));
  EXPECT_TRUE(
      contains(faultOfBody("ld.global.b32 %rd, [%out];"), "never written"));
}

TEST(PtxFault, ProgramsAreChecked) {
  EXPECT_TRUE(
      contains(faultOfBody("frobnicate.b32 %rd, %ra;"), "unknown instruction"));
  EXPECT_TRUE(contains(faultOfBody("add.frob.s32 %rd, %ra, %rb;"),
                       "unknown modifier .frob"));
  EXPECT_TRUE(contains(faultOfBody("add.s32 %rd, %ra;"), "3 operands"));
  EXPECT_TRUE(contains(faultOfBody("mbarrier.arrive.shared.b64;"),
                       "number of operands"));
  EXPECT_TRUE(contains(faultOfBody("bra NOWHERE;"), "no label 'NOWHERE'"));
  EXPECT_TRUE(contains(faultOfBody("trap;"), "trap"));
  PtxSnippet endless;
  endless.body = "L: bra L;";
  endless.options.budget = 1 << 20;
  EXPECT_TRUE(contains(faultOf(endless), "does not end"));
  PtxSnippet old;
  old.target = "sm_75";
  old.body = "redux.sync.add.s32 %rd, %ra, -1;";
  EXPECT_TRUE(contains(faultOf(old), "needs target 80"));
}

TEST(PtxFault, DeadlocksAreReported) {
  std::string message =
      faultOfBody("setp.lt.u32 %p, %me, 32; @%p bar.sync 1, 64;\n"
                  "@!%p bar.sync 2, 64;",
                  64);
  EXPECT_TRUE(contains(message, "deadlock")) << message;
  EXPECT_TRUE(contains(message, "waits at barrier")) << message;
}

TEST(PtxFault, RacesWithinAWarpAreReported) {
  std::string exchange = "mov.b32 %r1, sh; shl.b32 %r2, %me, 2;\n"
                         "add.s32 %r3, %r1, %r2; st.shared.b32 [%r3], %me;\n";
  std::string read = "xor.b32 %r2, %r2, 4; add.s32 %r3, %r1, %r2;\n"
                     "ld.shared.b32 %rd, [%r3];";
  EXPECT_TRUE(contains(faultOfBody(exchange + read, 32), "race"));
  EXPECT_EQ(faultOfBody(exchange + "bar.warp.sync -1;\n" + read, 32), "");
}

TEST(PtxFault, FlagsAndAtomicsOrder) {
  // Warp 0 writes and raises a flag; warp 1 waits for it.
  auto handOver = [](const std::string &store, const std::string &load) {
    return faultOfBody("mov.b32 %r1, sh; setp.eq.u32 %p, %me, 0;\n"
                       "@%p st.shared.b32 [%r1], 0; bar.sync 0;\n"
                       "setp.ge.u32 %q, %me, 32; @%q bra WAIT;\n"
                       "@!%p bra END; st.shared.b32 [%r1+4], 5;\n" +
                           store + "\nbra END;\nWAIT: " + load +
                           "\nsetp.eq.u32 %p, %r2, 0; @%p bra WAIT;\n"
                           "ld.shared.b32 %rd, [%r1+4];\nEND:",
                       64);
  };
  EXPECT_EQ(handOver("st.release.cta.shared.b32 [%r1], 1;",
                     "ld.acquire.cta.shared.b32 %r2, [%r1];"),
            "");
  EXPECT_EQ(handOver("atom.shared.exch.b32 %r3, [%r1], 1;",
                     "atom.shared.or.b32 %r2, [%r1], 0;"),
            "");
  EXPECT_TRUE(
      contains(handOver("st.shared.b32 [%r1], 1;", "ld.shared.b32 %r2, [%r1];"),
               "race"));
}
