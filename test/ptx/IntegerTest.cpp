//===- IntegerTest.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integer arithmetic, logic, shifts and bit fields, against values computed by
// hand.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/RunPtx.h"

TEST(PtxInteger, AddSubMulWrap) {
  EXPECT_EQ(eval("add.s32 %rd, %ra, %rb;", {0x7fffffff, 1}), 0x80000000u);
  EXPECT_EQ(eval("sub.s32 %rd, %ra, %rb;", {0, 1}), 0xffffffffu);
  EXPECT_EQ(eval("add.sat.s32 %rd, %ra, %rb;", {0x7fffffff, 1}), 0x7fffffffu);
  EXPECT_EQ(eval("sub.sat.s32 %rd, %ra, %rb;", {0x80000000, 1}), 0x80000000u);
  EXPECT_EQ(eval("mul.lo.s32 %rd, %ra, %rb;", {0x10001, 0x10001}), 0x20001u);
  EXPECT_EQ(eval("mul.hi.u32 %rd, %ra, %rb;", {0xffffffff, 0xffffffff}),
            0xfffffffeu);
  EXPECT_EQ(eval("mul.hi.s32 %rd, %ra, %rb;", {0xffffffff, 0xffffffff}), 0u);
  EXPECT_EQ(eval64("mul.hi.s64 %d, %a, %b;", {~0ull, 5}), ~0ull);
  EXPECT_EQ(eval64("mul.hi.u64 %d, %a, %b;", {~0ull, 5}), 4u);
  EXPECT_EQ(eval64("mul.wide.s32 %d, %ra, %rb;", {0xffffffff, 2}), ~1ull);
  EXPECT_EQ(eval64("mul.wide.u32 %d, %ra, %rb;", {0xffffffff, 2}),
            0x1fffffffeull);
  EXPECT_EQ(eval("mul.wide.s16 %rd, %ha, %hb;", {0xffff, 3}), 0xfffffffdu);
  EXPECT_EQ(eval("mad.lo.s32 %rd, %ra, %rb, %rc;", {3, 4, 5}), 17u);
  EXPECT_EQ(eval64("mad.wide.s32 %d, %ra, %rb, %c;", {0xffffffff, 3, 1}),
            uint64_t(-2));
  EXPECT_EQ(eval16("add.s16 %hd, %ha, %hb;", {0xffff, 2}), 1u);
  EXPECT_EQ(eval16("mul.lo.s16 %hd, %ha, %hb;", {0xffff, 0xffff}), 1u);
}

TEST(PtxInteger, DivideAndRemainder) {
  EXPECT_EQ(eval("div.s32 %rd, %ra, %rb;", {uint32_t(-7), 2}), uint32_t(-3));
  EXPECT_EQ(eval("rem.s32 %rd, %ra, %rb;", {uint32_t(-7), 2}), uint32_t(-1));
  EXPECT_EQ(eval("div.u32 %rd, %ra, %rb;", {uint32_t(-7), 2}), 0x7ffffffcu);
  EXPECT_EQ(eval("div.s32 %rd, %ra, %rb;", {0x80000000, uint32_t(-1)}),
            0x80000000u);
  EXPECT_EQ(eval("div.u32 %rd, %ra, %rb;", {5, 0}), 0xffffffffu);
  EXPECT_EQ(eval64("rem.s64 %d, %a, %b;", {uint64_t(-9), 5}), uint64_t(-4));
}

TEST(PtxInteger, MinMaxAbsNegSad) {
  EXPECT_EQ(eval("min.s32 %rd, %ra, %rb;", {uint32_t(-1), 1}), 0xffffffffu);
  EXPECT_EQ(eval("min.u32 %rd, %ra, %rb;", {uint32_t(-1), 1}), 1u);
  EXPECT_EQ(eval("max.s32 %rd, %ra, %rb;", {uint32_t(-1), 1}), 1u);
  EXPECT_EQ(eval("max.relu.s32 %rd, %ra, %rb;", {uint32_t(-1), uint32_t(-2)}),
            0u);
  EXPECT_EQ(eval("abs.s32 %rd, %ra;", {0x80000000}), 0x80000000u);
  EXPECT_EQ(eval("neg.s32 %rd, %ra;", {5}), uint32_t(-5));
  EXPECT_EQ(eval("sad.s32 %rd, %ra, %rb, %rc;", {uint32_t(-2), 3, 10}), 15u);
  EXPECT_EQ(eval("add.u16x2 %rd, %ra, %rb;", {0xffff0001, 0x00010001}), 2u);
  EXPECT_EQ(eval("max.s16x2 %rd, %ra, %rb;", {0xffff0001, 0x0000ffff}), 1u);
}

TEST(PtxInteger, DotProducts) {
  EXPECT_EQ(
      eval("dp4a.s32.s32 %rd, %ra, %rb, %rc;", {0xff02ff01, 0x0304fe7f, 10}),
      uint32_t(-3 + 8 + 2 + 127 + 10));
  EXPECT_EQ(eval("dp4a.u32.s32 %rd, %ra, %rb, %rc;", {0xff, 0xff, 0}),
            uint32_t(-255));
  EXPECT_EQ(
      eval("dp2a.lo.s32.s32 %rd, %ra, %rb, %rc;", {0x0002ffff, 0x00000305, 1}),
      uint32_t(-5 + 6 + 1));
}

TEST(PtxInteger, CarriesGoOn) {
  std::string body = "cvt.u32.u64 %r0, %a; shr.u64 %l0, %a, 32; cvt.u32.u64 "
                     "%r1, %l0; cvt.u32.u64 %r2, %b; shr.u64 %l1, %b, 32; "
                     "cvt.u32.u64 %r3, %l1;";
  EXPECT_EQ(eval64(body + "add.cc.u32 %r4, %r0, %r2; addc.u32 %r5, %r1, %r3; "
                          "mov.b64 %d, {%r4, %r5};",
                   {0x1ffffffffull, 0x300000001ull}),
            0x500000000ull);
  EXPECT_EQ(eval64(body + "sub.cc.u32 %r4, %r0, %r2; subc.u32 %r5, %r1, %r3; "
                          "mov.b64 %d, {%r4, %r5};",
                   {0x300000000ull, 0x100000001ull}),
            0x1ffffffffull);
}

TEST(PtxBits, LogicAndShifts) {
  EXPECT_EQ(eval("and.b32 %rd, %ra, %rb;", {0xff00ff, 0x0ff0ff0}), 0xff00f0u);
  EXPECT_EQ(eval("xor.b32 %rd, %ra, %rb;", {5, 3}), 6u);
  EXPECT_EQ(eval("not.b32 %rd, %ra;", {5}), ~5u);
  EXPECT_EQ(eval("cnot.b32 %rd, %ra;", {0}), 1u);
  EXPECT_EQ(eval("shl.b32 %rd, %ra, %rb;", {1, 31}), 0x80000000u);
  EXPECT_EQ(eval("shl.b32 %rd, %ra, %rb;", {1, 32}), 0u);
  EXPECT_EQ(eval("shr.u32 %rd, %ra, %rb;", {0x80000000, 31}), 1u);
  EXPECT_EQ(eval("shr.s32 %rd, %ra, %rb;", {0x80000000, 99}), 0xffffffffu);
  EXPECT_EQ(eval("shr.u32 %rd, %ra, %rb;", {0x80000000, 99}), 0u);
  EXPECT_EQ(eval64("shl.b64 %d, %a, %rb;", {1, 63}), 1ull << 63);
  EXPECT_EQ(eval64("shl.b64 %d, %a, %rb;", {1, 64}), 0u);
  EXPECT_EQ(eval16("shr.s16 %hd, %ha, %rb;", {0x8000, 15}), 0xffffu);
  EXPECT_EQ(
      eval("shf.l.wrap.b32 %rd, %ra, %rb, %rc;", {0x80000001, 0x12345678, 4}),
      0x23456788u);
  EXPECT_EQ(eval("shf.r.clamp.b32 %rd, %ra, %rb, %rc;", {1, 2, 40}), 2u);
  EXPECT_EQ(eval("lop3.b32 %rd, %ra, %rb, %rc, 0xE8;", {12, 10, 6}),
            uint32_t((12 & 10) | (12 & 6) | (10 & 6)));
}

TEST(PtxBits, FieldsAndCounts) {
  EXPECT_EQ(eval("bfe.u32 %rd, %ra, %rb, %rc;", {0xabcd1234, 8, 8}), 0x12u);
  EXPECT_EQ(eval("bfe.s32 %rd, %ra, %rb, %rc;", {0x0000f000, 12, 4}),
            0xffffffffu);
  EXPECT_EQ(eval("bfe.s32 %rd, %ra, %rb, %rc;", {0x80000000, 28, 8}),
            0xfffffff8u);
  EXPECT_EQ(eval("bfe.u32 %rd, %ra, %rb, %rc;", {0xffffffff, 4, 0}), 0u);
  EXPECT_EQ(eval("bfi.b32 %rd, %ra, %rb, 8, 4;", {0xf, 0x12345678}),
            0x12345f78u);
  EXPECT_EQ(eval("bfind.u32 %rd, %ra;", {0x10}), 4u);
  EXPECT_EQ(eval("bfind.s32 %rd, %ra;", {0xffffffff}), 0xffffffffu);
  EXPECT_EQ(eval("bfind.shiftamt.u32 %rd, %ra;", {0x10}), 27u);
  EXPECT_EQ(eval("clz.b32 %rd, %ra;", {1}), 31u);
  EXPECT_EQ(eval("clz.b32 %rd, %ra;", {0}), 32u);
  EXPECT_EQ(eval("clz.b64 %rd, %a;", {1}), 63u);
  EXPECT_EQ(eval("popc.b64 %rd, %a;", {~0ull}), 64u);
  EXPECT_EQ(eval("brev.b32 %rd, %ra;", {1}), 0x80000000u);
  EXPECT_EQ(eval("bmsk.clamp.b32 %rd, %ra, %rb;", {4, 8}), 0xff0u);
}

TEST(PtxBits, Permute) {
  Lane lane{0x33221100, 0x77665544, 0x7520};
  EXPECT_EQ(eval("prmt.b32 %rd, %ra, %rb, %rc;", lane), 0x77552200u);
  lane.c = 0xb;
  lane.a = 0x80000000;
  EXPECT_EQ(eval("prmt.b32 %rd, %ra, %rb, %rc;", lane) & 0xff, 0xffu);
  lane = {0x33221100, 0x77665544, 1};
  EXPECT_EQ(eval("prmt.b32.f4e %rd, %ra, %rb, %rc;", lane), 0x44332211u);
  EXPECT_EQ(eval("prmt.b32.rc8 %rd, %ra, %rb, %rc;", lane), 0x11111111u);
}
