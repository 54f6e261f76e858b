//===- UndefinedTest.cpp --------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What depends on memory that was never written, followed lane by lane.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/Kernels.h"

#include <gtest/gtest.h>

using namespace ingot::ptx;

namespace {
constexpr uint32_t kEven = 0x55555555, kOdd = ~kEven;

struct Found {
  Fault fault;
  /// The lanes whose results are undefined.
  uint32_t undefined = 0;
};

/// Runs a piece of PTX that finds in %x a word of memory that only even lanes
/// have written, its address in %at, its lane's number in %me, whether that is
/// even in %even and 1 in %one, and leaves its result in %y. There are %p, %q,
/// %r0 to %r15 and 1 KiB of shared memory `sh`, of which nothing is written.
Found follow(const std::string &body) {
  const std::string text =
      ".version 8.0\n.target sm_80\n.address_size 64\n"
      ".shared .align 16 .b8 sh[1024];\n"
      ".visible .entry k(.param .u64 in, .param .u64 out) {\n"
      ".reg .pred %p, %q, %even; .reg .b64 %at, %to, %l<4>;\n"
      ".reg .b32 %x, %y, %me, %one, %r<16>;\n"
      "ld.param.u64 %at, [in];\nld.param.u64 %to, [out];\n"
      "mov.u32 %me, %tid.x;\nmov.b32 %one, 1;\n"
      "mad.wide.u32 %at, %me, 4, %at;\nmad.wide.u32 %to, %me, 4, %to;\n"
      "and.b32 %r0, %me, 1;\nsetp.eq.u32 %even, %r0, 0;\n"
      "ld.global.b32 %x, [%at];\nmov.b32 %y, %x;\n" +
      body + "\nst.global.b32 [%to], %y;\nret;\n}\n";
  KernelRun run;
  run.options.checkUninitialised = false;
  run.options.trackUndefined = true;
  DeviceBuffer in(run.memory, 128, false), out(run.memory, 128, false);
  for (unsigned lane = 0; lane < 32; lane += 2) {
    in.as<uint32_t>()[lane] = lane + 1;
    run.memory.find(in.base)->init.mark(4 * lane, 4);
  }
  run.config.block[0] = 32;
  run.param(in.base);
  run.param(out.base);
  run.run(text, "k");
  Found found{run.outcome.fault, 0};
  const InitMap &results = run.memory.find(out.base)->init;
  for (unsigned lane = 0; lane < 32; ++lane)
    found.undefined |= uint32_t(results.firstUnmarked(4 * lane, 4) < 4) << lane;
  return found;
}

void expectUndefined(const std::string &body, uint32_t lanes) {
  Found found = follow(body);
  EXPECT_EQ(found.fault.message, "") << body;
  EXPECT_EQ(found.undefined, lanes) << body;
}

void expectFault(const std::string &body, const std::string &what) {
  Found found = follow(body);
  EXPECT_EQ(found.fault.kind, Fault::Uninitialised) << body;
  EXPECT_NE(found.fault.message.find(what + " depends on memory that was never "
                                            "written, read at line"),
            std::string::npos)
      << body << ": " << found.fault.message;
}
} // namespace

TEST(PtxUndefined, ArithmeticPropagates) {
  expectUndefined("", kOdd);
  expectUndefined("add.s32 %y, %x, 3;", kOdd);
  expectUndefined("mad.lo.s32 %y, %me, %me, %x;", kOdd);
  expectUndefined("mov.b32 %y, %me;", 0);
  expectUndefined("add.s32 %y, %x, %me;\nmov.b32 %y, %one;", 0);
  expectUndefined("setp.lt.u32 %p, %x, 5;\nselp.b32 %y, 1, 2, %p;", kOdd);
}

TEST(PtxUndefined, WhatIsNotChosenDoesNotMatter) {
  expectUndefined("selp.b32 %y, %x, 7, %even;", 0);
  expectUndefined("selp.b32 %y, 7, %x, %even;", kOdd);
  expectUndefined("selp.b32 %r1, -1, 0, %even;\nand.b32 %y, %x, %r1;", 0);
  expectUndefined("selp.b32 %r1, 0, 1, %even;\nand.b32 %y, %x, %r1;", kOdd);
}

TEST(PtxUndefined, LanesExchangeIt) {
  expectUndefined("shfl.sync.bfly.b32 %y|%p, %x, 1, 31, -1;", kEven);
  expectUndefined("shfl.sync.bfly.b32 %y|%p, %x, 2, 31, -1;", kOdd);
  expectUndefined("shfl.sync.idx.b32 %x|%p, %x, 4, 31, -1;\nmov.b32 %y, %x;",
                  0);
  expectUndefined("setp.eq.u32 %p, %x, 9;\nvote.sync.ballot.b32 %y, %p, -1;",
                  kAllLanes);
}

TEST(PtxUndefined, MemoryKeepsIt) {
  const std::string shared = "mov.b32 %r1, sh;\nshl.b32 %r2, %me, 2;\n"
                             "add.s32 %r1, %r1, %r2;\n";
  expectUndefined(shared + "st.shared.b32 [%r1], %x;\nbar.warp.sync -1;\n"
                           "ld.shared.b32 %y, [%r1];",
                  kOdd);
  expectUndefined(shared + "st.shared.b32 [%r1], %x;\n"
                           "st.shared.b32 [%r1], %me;\nbar.warp.sync -1;\n"
                           "ld.shared.b32 %y, [%r1];",
                  0);
  // Of a vector, the elements that were written.
  expectUndefined(shared + "add.s32 %r1, %r1, %r2;\n"
                           "st.shared.b32 [%r1], %me;\n"
                           "ld.shared.v2.b32 {%y, %r3}, [%r1];",
                  0);
  expectUndefined(shared + "add.s32 %r1, %r1, %r2;\n"
                           "st.shared.b32 [%r1], %me;\n"
                           "ld.shared.v2.b32 {%r3, %y}, [%r1];",
                  kAllLanes);
  expectUndefined(shared + "cp.async.ca.shared.global [%r1], [%at], 4;\n"
                           "cp.async.wait_all;\nld.shared.b32 %y, [%r1];",
                  kOdd);
}

// A row of a matrix, of a product its row, and of the right factor its column.
TEST(PtxUndefined, Matrices) {
  const std::string rows =
      "mov.b32 %r1, sh;\nshl.b32 %r2, %me, 4;\nadd.s32 %r1, %r1, %r2;\n"
      "setp.ne.u32 %p, %me, 2;\nmov.b32 %r0, 0;\n"
      "@%p st.shared.v4.b32 [%r1], {%r0, %r0, %r0, %r0};\nbar.warp.sync -1;\n";
  const std::string load = ".sync.aligned.m8n8.x1.shared.b16 {%y}, [%r1];";
  expectUndefined(rows + "ldmatrix" + load, 0xfu << 8);
  expectUndefined(rows + "ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%y}, "
                         "[%r1];",
                  0x22222222);
  const std::string product =
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%r4, %r5, %r6, %r7}, "
      "{%r8, %r9, %r0, %r0}, {%r10, %r0}, {%r11, %r0, %r0, %r0};\n";
  const std::string zeros =
      "mov.b32 %r0, 0;\nmov.b32 %r8, 0;\nmov.b32 %r9, 0;\n"
      "mov.b32 %r10, 0;\nmov.b32 %r11, 0;\n";
  const std::string fourth = "setp.eq.u32 %p, %me, 13;\n"
                             "selp.b32 %x, %x, 0, %p;\n";
  auto expectProduct = [&](const std::string &which, const std::string &result,
                           uint32_t lanes) {
    expectUndefined(zeros + fourth + "mov.b32 " + which + ", %x;\n" + product +
                        "mov.b32 %y, " + result + ";",
                    lanes);
  };
  expectProduct("%r8", "%r4", 0xfu << 12);
  expectProduct("%r8", "%r6", 0);
  expectProduct("%r9", "%r7", 0xfu << 12);
  expectProduct("%r10", "%r4", 0);
  expectProduct("%r10", "%r5", 0x22222222);
  expectProduct("%r11", "%r4", 1u << 13);
  expectProduct("%r11", "%r5", 0);
}

TEST(PtxUndefined, DecisionsAreFaults) {
  expectFault("setp.eq.u32 %p, %x, 3;\n@%p bra L;\nmov.b32 %y, 1;\nL:",
              "a condition");
  expectFault("mul.wide.u32 %l0, %x, 4;\nadd.s64 %l0, %l0, %to;\n"
              "st.global.b32 [%l0], %me;",
              "an address");
  expectFault("mov.b32 %r1, sh;\nadd.s32 %r1, %r1, %x;\n"
              "ld.shared.b8 %r2, [%r1];",
              "an address");
  // Not of lanes that do not take part.
  expectUndefined(
      "@!%even bra L;\nsetp.lt.u32 %p, %x, 99;\n@%p mov.b32 %y, 1;\n"
      "L:",
      kOdd);
}
