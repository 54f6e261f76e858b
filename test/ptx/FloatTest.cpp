//===- FloatTest.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Floating-point arithmetic, conversions and comparisons, with NaN, signed
// zeros, subnormal numbers, saturation and all directions of rounding.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/RunPtx.h"

#include <cmath>

static constexpr uint64_t kNan = 0x7fffffff;

/// a op b in f32.
static uint64_t f32Op(const std::string &op, float a, float b, float c = 0) {
  bool three = op.rfind("fma", 0) == 0;
  return eval(op + " %rd, %ra, %rb" + (three ? ", %rc;" : ";"),
              {f32(a), f32(b), f32(c)});
}
static uint64_t f32Op(const std::string &op, float a) {
  return eval(op + " %rd, %ra;", {f32(a)});
}

TEST(PtxFloat, RoundsInAllDirections) {
  float one = 1, tiny = 0x1p-30f;
  EXPECT_EQ(f32Op("add.rn.f32", one, tiny), f32(1));
  EXPECT_EQ(f32Op("add.rp.f32", one, tiny), f32(0x1.000002p0f));
  EXPECT_EQ(f32Op("add.rz.f32", one, -tiny), f32(0x1.fffffep-1f));
  EXPECT_EQ(f32Op("add.rm.f32", one, -tiny), f32(0x1.fffffep-1f));
  EXPECT_EQ(f32Op("add.rp.f32", one, -tiny), f32(1));
  // (1 + 2^-12 + 2^-23)^2 lies between two floats, above the middle.
  float factor = 0x1.001002p0f;
  EXPECT_EQ(f32Op("mul.rn.f32", factor, factor), f32(0x1.002006p0f));
  EXPECT_EQ(f32Op("mul.rz.f32", factor, factor), f32(0x1.002004p0f));
  // A product that no float holds: 2^-22 + 2^-46 is a tie, and even wins.
  EXPECT_EQ(f32Op("fma.rn.f32", 0x1.000002p0f, 0x1.000002p0f, -1),
            f32(0x1p-22f));
  EXPECT_EQ(f32Op("fma.rp.f32", 0x1.000002p0f, 0x1.000002p0f, -1),
            f32(0x1.000002p-22f));
  EXPECT_EQ(f32Op("div.rn.f32", 1, 3), f32(1.0f / 3));
  EXPECT_EQ(f32Op("sqrt.rn.f32", 2), f32(std::sqrt(2.0f)));
  EXPECT_EQ(f32Op("rcp.rn.f32", 3), f32(1.0f / 3));
}

TEST(PtxFloat, FlushesAndSaturates) {
  float subnormal = 0x1p-130f;
  EXPECT_EQ(f32Op("add.f32", subnormal, 0), f32(subnormal));
  EXPECT_EQ(f32Op("add.ftz.f32", subnormal, 0), f32(0));
  EXPECT_EQ(f32Op("mul.ftz.f32", -0x1p-70f, 0x1p-70f), f32(-0.0f));
  EXPECT_EQ(f32Op("add.sat.f32", 0.75f, 0.75f), f32(1));
  EXPECT_EQ(f32Op("add.sat.f32", -1, 0.5f), f32(0));
  EXPECT_EQ(f32Op("add.sat.f32", NAN, 0.5f), f32(0));
  EXPECT_EQ(f32Op("add.f32", INFINITY, -INFINITY), kNan);
}

TEST(PtxFloat, MinMaxSignsAndTests) {
  EXPECT_EQ(f32Op("min.f32", NAN, 2), f32(2));
  EXPECT_EQ(f32Op("max.f32", 3, NAN), f32(3));
  EXPECT_EQ(f32Op("min.NaN.f32", NAN, 2), kNan);
  EXPECT_EQ(f32Op("min.f32", 0.0f, -0.0f), f32(-0.0f));
  EXPECT_EQ(f32Op("max.f32", -0.0f, 0.0f), f32(0.0f));
  EXPECT_EQ(f32Op("neg.f32", 0.0f), f32(-0.0f));
  EXPECT_EQ(f32Op("abs.f32", -2.0f), f32(2));
  EXPECT_EQ(f32Op("copysign.f32", -1.0f, 5.0f), f32(-5.0f));
  EXPECT_EQ(eval("testp.subnormal.f32 %p, %ra; selp.u32 %rd, 1, 0, %p;",
                 {f32(0x1p-130f)}),
            1u);
  EXPECT_EQ(eval("testp.finite.f32 %p, %ra; selp.u32 %rd, 1, 0, %p;",
                 {f32(INFINITY)}),
            0u);
}

TEST(PtxFloat, Approximations) {
  EXPECT_NEAR(ingot::ptx::asFloat(f32Op("ex2.approx.f32", 1.5f)),
              std::exp2(1.5), 1e-6);
  EXPECT_NEAR(ingot::ptx::asFloat(f32Op("lg2.approx.f32", 10.0f)),
              std::log2(10.0), 1e-6);
  EXPECT_NEAR(ingot::ptx::asFloat(f32Op("rsqrt.approx.f32", 10.0f)),
              1 / std::sqrt(10.0), 1e-6);
  EXPECT_NEAR(ingot::ptx::asFloat(f32Op("tanh.approx.f32", 0.5f)),
              std::tanh(0.5), 1e-3);
  EXPECT_EQ(f32Op("lg2.approx.f32", 0), f32(-INFINITY));
  EXPECT_EQ(f32Op("lg2.approx.f32", -1), kNan);
  EXPECT_EQ(f32Op("ex2.approx.ftz.f32", -INFINITY), f32(0));
}

TEST(PtxFloat, Doubles) {
  EXPECT_EQ(eval64("add.f64 %d, %a, %b;", {f64(1), f64(0x1p-60)}), f64(1));
  EXPECT_EQ(eval64("add.rp.f64 %d, %a, %b;", {f64(1), f64(0x1p-60)}),
            f64(0x1.0000000000001p0));
  EXPECT_EQ(eval64("fma.rn.f64 %d, %a, %b, %c;", {f64(3), f64(4), f64(5)}),
            f64(17));
  EXPECT_EQ(eval64("div.rn.f64 %d, %a, %b;", {f64(1), f64(3)}), f64(1.0 / 3));
  EXPECT_EQ(eval64("min.f64 %d, %a, %b;", {f64(NAN), f64(3)}), f64(3));
}

TEST(PtxHalf, ArithmeticRoundsOnce) {
  // 1 + 2^-11 is a tie; anything more rounds up.
  EXPECT_EQ(eval16("add.rn.f16 %hd, %ha, %hb;", {0x3c00, 0x1000}), 0x3c00u);
  EXPECT_EQ(eval16("add.rn.f16 %hd, %ha, %hb;", {0x3c00, 0x1001}), 0x3c01u);
  EXPECT_EQ(eval16("mul.f16 %hd, %ha, %hb;", {0x7bff, 0x4000}), 0x7c00u);
  EXPECT_EQ(eval16("fma.rn.f16 %hd, %ha, %hb, %hc;", {0x3c03, 0x3c03, 0xbc00}),
            0x1e02u);
  EXPECT_EQ(eval("add.rn.f16x2 %rd, %ra, %rb;", {0x40003c00, 0x40003c00}),
            0x44004000u);
  EXPECT_EQ(eval("fma.rn.bf16x2 %rd, %ra, %rb, %rc;",
                 {0x40003f80, 0x40003f80, 0x3f803f80}),
            0x40a04000u);
  EXPECT_EQ(eval("fma.rn.relu.f16x2 %rd, %ra, %rb, %rc;",
                 {0xbc003c00, 0x3c003c00, 0}),
            0x3c00u);
  // A product just above a tie, and a sum with a tiny part far below it.
  EXPECT_EQ(eval16("fma.rn.bf16 %hd, %ha, %hb, %hc;", {0x3f81, 0x3f81, 0x0080}),
            0x3f82u);
  EXPECT_EQ(eval16("max.NaN.bf16 %hd, %ha, %hb;", {0x7fc0, 0x3f80}), 0x7fffu);
  EXPECT_EQ(eval16("neg.bf16 %hd, %ha;", {0x3f80}), 0xbf80u);
  EXPECT_EQ(eval16("ex2.approx.f16 %hd, %ha;", {0x4000}), 0x4400u);
}

TEST(PtxConvert, BetweenFloats) {
  EXPECT_EQ(eval16("cvt.rn.f16.f32 %hd, %ra;", {f32(65520.0f)}), 0x7c00u);
  EXPECT_EQ(eval16("cvt.rz.f16.f32 %hd, %ra;", {f32(65520.0f)}), 0x7bffu);
  EXPECT_EQ(eval16("cvt.rn.f16.f32 %hd, %ra;", {f32(0x1p-25f)}), 0u);
  EXPECT_EQ(eval16("cvt.rn.f16.f32 %hd, %ra;", {f32(0x1.8p-25f)}), 1u);
  EXPECT_EQ(eval("cvt.f32.f16 %rd, %ha;", {0x0001}), f32(0x1p-24f));
  EXPECT_EQ(eval16("cvt.rn.bf16.f32 %hd, %ra;", {0x3f808000}), 0x3f80u);
  EXPECT_EQ(eval16("cvt.rn.bf16.f32 %hd, %ra;", {0x3f818000}), 0x3f82u);
  EXPECT_EQ(eval("cvt.rn.bf16x2.f32 %rd, %ra, %rb;", {f32(1), f32(2)}),
            0x3f804000u);
  auto tf32 = [](uint64_t bits) {
    return eval("cvt.rna.tf32.f32 %rd, %ra;", {bits});
  };
  EXPECT_EQ(tf32(0x3f800fff), 0x3f800000u);
  EXPECT_EQ(tf32(0x3f801000), 0x3f802000u);
  EXPECT_EQ(tf32(0xbf801000), 0xbf802000u);
  EXPECT_EQ(tf32(0x3f802fff), 0x3f802000u);
  EXPECT_EQ(tf32(0x00000fff), 0u);
  EXPECT_EQ(tf32(0x7f7fffff), 0x7f800000u);
  EXPECT_EQ(tf32(0xff800000), 0xff800000u);
  EXPECT_GT(tf32(0x7f800001) & 0x7fffffff, 0x7f800000u);
  EXPECT_EQ(eval("cvt.rn.f32.f64 %rd, %a;", {f64(1 + 0x1p-24)}), f32(1));
  EXPECT_EQ(eval("cvt.rp.f32.f64 %rd, %a;", {f64(1 + 0x1p-24)}),
            f32(0x1.000002p0f));
  EXPECT_EQ(eval64("cvt.f64.f32 %d, %ra;", {f32(0.1f)}), f64(0.1f));
  EXPECT_EQ(eval("cvt.sat.f32.f32 %rd, %ra;", {f32(2)}), f32(1));
  EXPECT_EQ(eval("cvt.rni.f32.f32 %rd, %ra;", {f32(2.5f)}), f32(2));
  EXPECT_EQ(eval("cvt.rmi.f32.f32 %rd, %ra;", {f32(-2.5f)}), f32(-3));
  EXPECT_EQ(eval("cvt.rpi.f32.f32 %rd, %ra;", {f32(-0.5f)}), f32(-0.0f));
}

TEST(PtxConvert, EightBitFloats) {
  EXPECT_EQ(
      eval16("cvt.rn.satfinite.e4m3x2.f32 %hd, %ra, %rb;", {f32(1), f32(1000)}),
      0x387eu);
  EXPECT_EQ(eval16("cvt.rn.satfinite.e5m2x2.f32 %hd, %ra, %rb;",
                   {f32(1.125f), f32(NAN)}),
            0x3c7fu);
  EXPECT_EQ(eval("cvt.rn.f16x2.e4m3x2 %rd, %ha;", {0x387e}), 0x3c005f00u);
  EXPECT_EQ(eval16("cvt.rn.satfinite.relu.e4m3x2.f32 %hd, %ra, %rb;",
                   {f32(-1), f32(0x1p-9f)}),
            0x0001u);
}

TEST(PtxConvert, ToAndFromIntegers) {
  EXPECT_EQ(eval("cvt.rzi.s32.f32 %rd, %ra;", {f32(-2.7f)}), uint32_t(-2));
  EXPECT_EQ(eval("cvt.rni.s32.f32 %rd, %ra;", {f32(2.5f)}), 2u);
  EXPECT_EQ(eval("cvt.rzi.s32.f32 %rd, %ra;", {f32(3e9f)}), 0x7fffffffu);
  EXPECT_EQ(eval("cvt.rzi.s32.f32 %rd, %ra;", {f32(NAN)}), 0u);
  EXPECT_EQ(eval("cvt.rzi.u32.f32 %rd, %ra;", {f32(-1)}), 0u);
  EXPECT_EQ(eval("cvt.rn.f32.s32 %rd, %ra;", {0x1000001}), f32(16777216.0f));
  EXPECT_EQ(eval("cvt.rp.f32.s32 %rd, %ra;", {0x1000001}), f32(16777218.0f));
  EXPECT_EQ(eval("cvt.rn.f32.u64 %rd, %a;", {~0ull}), f32(0x1p64f));
  EXPECT_EQ(eval64("cvt.rn.f64.s64 %d, %a;", {uint64_t(-3)}), f64(-3));
  EXPECT_EQ(eval64("cvt.rz.f64.u64 %d, %a;", {~0ull}),
            f64(0x1.fffffffffffffp63));
  EXPECT_EQ(eval("cvt.s32.s8 %rd, %ra;", {0x80}), 0xffffff80u);
  EXPECT_EQ(eval("cvt.u32.u8 %rd, %ra;", {0x180}), 0x80u);
  EXPECT_EQ(eval("cvt.sat.s8.s32 %rd, %ra;", {300}), 127u);
  EXPECT_EQ(eval("cvt.sat.u8.s32 %rd, %ra;", {uint32_t(-5)}), 0u);
  EXPECT_EQ(eval64("cvt.s64.s32 %d, %ra;", {0x80000000}),
            0xffffffff80000000ull);
  EXPECT_EQ(eval("cvt.pack.sat.s8.s32.b32 %rd, %ra, %rb, %rc;",
                 {300, uint32_t(-300), 0x1234}),
            0x12347f80u);
}

TEST(PtxCompare, OrderedAndUnordered) {
  auto compare = [](const std::string &how, Lane lane) {
    return eval("setp." + how + " %p, %ra, %rb; selp.u32 %rd, 1, 0, %p;", lane);
  };
  Lane nan{f32(NAN), f32(1)}, zeros{f32(0.0f), f32(-0.0f)};
  EXPECT_EQ(compare("lt.f32", nan), 0u);
  EXPECT_EQ(compare("ltu.f32", nan), 1u);
  EXPECT_EQ(compare("ne.f32", nan), 0u);
  EXPECT_EQ(compare("neu.f32", nan), 1u);
  EXPECT_EQ(compare("nan.f32", nan), 1u);
  EXPECT_EQ(compare("num.f32", nan), 0u);
  EXPECT_EQ(compare("eq.f32", zeros), 1u);
  EXPECT_EQ(compare("lt.s32", {uint32_t(-1), 1}), 1u);
  EXPECT_EQ(compare("lt.u32", {uint32_t(-1), 1}), 0u);
  EXPECT_EQ(compare("hi.u32", {uint32_t(-1), 1}), 1u);
  EXPECT_EQ(eval("setp.eq.u32 %q, %rc, 1; setp.lt.and.s32 %p|%q, %ra, %rb, "
                 "%q; selp.u32 %rd, 1, 0, %p;",
                 {1, 2, 1}),
            1u);
  EXPECT_EQ(eval("set.gt.u32.f32 %rd, %ra, %rb;", {f32(2), f32(1)}),
            0xffffffffu);
  EXPECT_EQ(eval("set.gt.f32.s32 %rd, %ra, %rb;", {2, 1}), f32(1));
  EXPECT_EQ(eval("slct.b32.s32 %rd, %ra, %rb, %rc;", {1, 2, uint32_t(-1)}), 2u);
}
