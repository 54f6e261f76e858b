//===- ByteProductTest.cpp ------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of 8-bit numbers by mma.sync and wgmma against sums written out,
// with the fragments of the PTX ISA.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/Kernels.h"
#include "test/ptx/RunPtx.h"
#include "tools/ptx/ops/MatrixMath.h"

#include <cmath>

using namespace ingot::ptx;

namespace {

constexpr unsigned kDepth = 32;

struct Kind {
  const char *name;
  Type left, right;
  bool isInteger() const { return left == Type::S8 || left == Type::U8; }
};

constexpr Kind kKinds[] = {
    {"s8.s8", Type::S8, Type::S8},
    {"u8.s8", Type::U8, Type::S8},
    {"u8.u8", Type::U8, Type::U8},
    {"s8.u8", Type::S8, Type::U8},
    {"e4m3.e4m3", Type::E4M3, Type::E4M3},
    {"e4m3.e5m2", Type::E4M3, Type::E5M2},
    {"e5m2.e4m3", Type::E5M2, Type::E4M3},
    {"e5m2.e5m2", Type::E5M2, Type::E5M2},
};

/// Numbers of the kind, written out anew: sign, exponent, fraction.
double valueOf(uint8_t bits, Type type) {
  if (type == Type::S8)
    return int8_t(bits);
  if (type == Type::U8)
    return bits;
  int fractionBits = type == Type::E4M3 ? 3 : 2;
  int bias = type == Type::E4M3 ? 7 : 15;
  int exponent = bits >> fractionBits & (type == Type::E4M3 ? 15 : 31);
  int fraction = bits & ((1 << fractionBits) - 1);
  double magnitude = exponent == 0
                         ? std::ldexp(fraction, 1 - bias - fractionBits)
                         : std::ldexp(fraction + (1 << fractionBits),
                                      exponent - bias - fractionBits);
  return bits & 0x80 ? -magnitude : magnitude;
}

/// A number of that type whose products with others are exact in f32.
uint8_t nextByte(unsigned &state, Type type) {
  state = state * 1664525 + 1013904223;
  uint8_t bits = uint8_t(state >> 24);
  if (type == Type::E4M3) // 2^-3 to 15
    return uint8_t((bits & 0x80) | (4 + (bits >> 3 & 7)) << 3 | (bits & 7));
  if (type == Type::E5M2) // 2^-4 to 14
    return uint8_t((bits & 0x80) | (11 + (bits >> 2 & 7)) << 2 | (bits & 3));
  return bits;
}

} // namespace

TEST(PtxByteProduct, MmaFragments) {
  for (const Kind &kind : kKinds) {
    unsigned state = 7;
    uint8_t a[16][kDepth], b[8][kDepth];
    for (auto &row : a)
      for (uint8_t &x : row)
        x = nextByte(state, kind.left);
    for (auto &column : b)
      for (uint8_t &x : column)
        x = nextByte(state, kind.right);
    // Lane 4 g + t: A in rows g and g + 8, depths 4 t to 4 t + 3 and 16 more;
    // B in column g.
    std::vector<Lane> lanes(32);
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned g = lane / 4, t = lane % 4 * 4;
      uint32_t a0, a1, a2, a3, b0, b1;
      memcpy(&a0, &a[g][t], 4);
      memcpy(&a1, &a[g + 8][t], 4);
      memcpy(&a2, &a[g][16 + t], 4);
      memcpy(&a3, &a[g + 8][16 + t], 4);
      memcpy(&b0, &b[g][t], 4);
      memcpy(&b1, &b[g][16 + t], 4);
      lanes[lane] = {a0 | uint64_t(a1) << 32, a2 | uint64_t(a3) << 32,
                     b0 | uint64_t(b1) << 32};
    }
    std::string types = kind.isInteger()
                            ? "s32." + std::string(kind.name) + ".s32"
                            : "f32." + std::string(kind.name) + ".f32";
    std::string start = kind.isInteger() ? "5" : "0f40A00000";
    for (unsigned i = 0; i < 4; ++i) {
      PtxSnippet snippet;
      snippet.body =
          "mov.b64 {%r1, %r2}, %a; mov.b64 {%r3, %r4}, %b;\n"
          "mov.b64 {%r5, %r6}, %c; mov.b32 %r7, " +
          start + ";\nmma.sync.aligned.m16n8k32.row.col." + types +
          " {%r10, %r11, %r12, %r13}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, "
          "{%r7, %r7, %r7, %r7};\nmov.b32 %rd, %r1" +
          std::to_string(i) + ";";
      Fault fault;
      std::vector<uint64_t> result = snippet.run(lanes, fault);
      ASSERT_EQ(fault.message, "") << kind.name;
      for (unsigned lane = 0; lane < 32; ++lane) {
        unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        double sum = 5;
        for (unsigned k = 0; k < kDepth; ++k)
          sum +=
              valueOf(a[row][k], kind.left) * valueOf(b[column][k], kind.right);
        double actual = int32_t(result[lane]);
        if (!kind.isInteger()) {
          float f;
          memcpy(&f, &result[lane], 4);
          actual = f;
        }
        ASSERT_EQ(actual, sum) << kind.name << " lane " << lane;
      }
    }
  }
}

/// The address of a byte in rows of 128 bytes, eight of which are swizzled.
static unsigned swizzled(unsigned row, unsigned byte) {
  unsigned at = row * 128 + byte;
  return at ^ (at >> 7 & 7) << 4;
}

TEST(PtxByteProduct, WarpgroupsAlongK) {
  for (const Kind &kind : kKinds) {
    std::string text = readKernel("wgmma-layouts.ptx");
    auto replace = [&](const std::string &from, const std::string &to) {
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
    };
    replace("version 8.0", "version 8.4");
    replace("n64k16.f32.bf16.bf16",
            "n64k32." + std::string(kind.isInteger() ? "s32." : "f32.") +
                kind.name);
    const char *scales = kind.isInteger() ? "" : ", 1, 1";
    replace(", 1, 1, 0, 0;", std::string(scales) + ";");
    replace(", 1, 1, 1, 1;", std::string(scales) + ";");
    KernelRun run;
    DeviceBuffer image(run.memory, 16384, true);
    DeviceBuffer out(run.memory, 64 * 64 * 4, false);
    memset(image.as<uint8_t>(), 0, 16384);
    uint8_t left[64][kDepth], right[64][kDepth];
    unsigned state = 3;
    for (unsigned row = 0; row < 64; ++row)
      for (unsigned k = 0; k < kDepth; ++k) {
        left[row][k] = nextByte(state, kind.left);
        right[row][k] = nextByte(state, kind.right);
        // The second step of the depth of the left tile.
        image.as<uint8_t>()[swizzled(row, 32 + k)] = left[row][k];
        image.as<uint8_t>()[8192 + swizzled(row, k)] = right[row][k];
      }
    run.config.block[0] = 128;
    run.config.dynamicShared = 16384;
    run.options.races = true;
    run.param(image.base);
    run.param(out.base);
    uint64_t form = uint64_t(1) << 62 | uint64_t(1024 >> 4) << 32 | 1 << 16;
    run.param(form + (32 >> 4));
    run.param(form + (8192 >> 4));
    run.param(uint32_t(0));
    run.run(text, "product");
    ASSERT_EQ(run.outcome.fault.message, "") << kind.name;
    for (unsigned thread = 0; thread < 128; ++thread)
      for (unsigned i = 0; i < 32; ++i) {
        unsigned row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
        unsigned column = i / 4 * 8 + thread % 4 * 2 + i % 2;
        double sum = 0;
        for (unsigned k = 0; k < kDepth; ++k)
          sum += valueOf(left[row][k], kind.left) *
                 valueOf(right[column][k], kind.right);
        double actual = kind.isInteger() ? out.as<int32_t>()[thread * 32 + i]
                                         : out.as<float>()[thread * 32 + i];
        ASSERT_EQ(actual, sum)
            << kind.name << " row " << row << " column " << column;
      }
  }
}

TEST(PtxByteProduct, FormsAreChecked) {
  auto faultFor = [](std::string form, std::string version) {
    PtxSnippet snippet;
    snippet.version = version;
    snippet.body = "mma.sync.aligned." + form +
                   " {%r1, %r2, %r3, %r4}, {%r5, %r6, %r7, %r8}, {%r9, %r10}, "
                   "{%r1, %r2, %r3, %r4};";
    Fault fault;
    snippet.run(std::vector<Lane>(32), fault);
    return fault.message;
  };
  EXPECT_NE(faultFor("m16n8k32.row.col.f32.e4m3.e4m3.f32", "8.3")
                .find("needs PTX 8.4"),
            std::string::npos);
  EXPECT_EQ(faultFor("m16n8k32.row.col.f32.e4m3.e4m3.f32", "8.4"), "");
  EXPECT_NE(faultFor("m16n8k32.row.col.f32.e4m3.s8.f32", "8.4")
                .find("no such shape and types"),
            std::string::npos);
  std::string text = readKernel("wgmma-layouts.ptx");
  auto wgmma = [&](const std::string &form, const std::string &version) {
    std::string changed = text;
    auto replace = [&](const std::string &from, const std::string &to) {
      for (size_t at; (at = changed.find(from)) != std::string::npos;)
        changed.replace(at, from.size(), to);
    };
    replace("version 8.0", "version " + version);
    replace("m64n64k16.f32.bf16.bf16", form);
    replace(", 1, 1, 0, 0;", ";");
    replace(", 1, 1, 1, 1;", ";");
    KernelRun run;
    DeviceBuffer buffer(run.memory, 16384, true);
    run.config.block[0] = 128;
    run.config.dynamicShared = 16384;
    run.run(changed, "product");
    return run.outcome.fault.message;
  };
  EXPECT_NE(wgmma("m64n64k32.s32.u8.s8", "8.3").find("needs PTX 8.4"),
            std::string::npos);
  EXPECT_NE(wgmma("m64n56k32.s32.s8.s8", "8.4").find("no such shape"),
            std::string::npos);
}
