//===- RunPtx.h - pieces of PTX run in tests --------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_PTX_RUN_PTX_H
#define INGOT_TEST_PTX_RUN_PTX_H

#include "tools/ptx/Device.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

/// Values of the rows a, b and c in one lane.
struct Lane {
  uint64_t a = 0, b = 0, c = 0;
};

/// Runs a piece of PTX, one thread per lane, and returns what it leaves in %d.
/// It finds its inputs in %a, %b, %c (b64), %ra, %rb, %rc (b32) and %ha, %hb,
/// %hc (b16), and leaves a result in %d, or in %rd or %hd and names that width.
/// More registers: %p, %q (pred), %r0 to %r31 (b32), %l0 to %l31 (b64), %h0 to
/// %h31 (b16). `bytes` of shared memory `sh` are there.
struct PtxSnippet {
  std::string body;
  unsigned width = 32;
  std::string target = "sm_90a";
  std::string version = "8.6";
  std::string declarations;
  unsigned sharedBytes = 1024;
  ingot::ptx::LaunchOptions options;

  std::string text() const {
    std::string widen = width == 64   ? ""
                        : width == 32 ? "cvt.u64.u32 %d, %rd;\n"
                                      : "cvt.u64.u16 %d, %hd;\n";
    return ".version " + version + "\n.target " + target +
           "\n.address_size 64\n" + declarations +
           "\n.visible .entry k(.param .u64 in, .param .u64 out) {\n"
           ".reg .pred %p, %q;\n.reg .b64 %a, %b, %c, %d, %in, %out, %t;\n"
           ".reg .b32 %ra, %rb, %rc, %rd, %me;\n.reg .b16 %ha, %hb, %hc, "
           "%hd;\n"
           ".reg .b32 %r<32>;\n.reg .b64 %l<32>;\n.reg .b16 %h<32>;\n"
           ".shared .align 1024 .b8 sh[" +
           std::to_string(sharedBytes) +
           "];\nld.param.u64 %in, [in];\nld.param.u64 %out, [out];\n"
           "mov.u32 %me, %tid.x;\n"
           "mad.wide.u32 %t, %me, 24, %in;\nld.global.u64 %a, [%t];\n"
           "ld.global.u64 %b, [%t+8];\nld.global.u64 %c, [%t+16];\n"
           "cvt.u32.u64 %ra, %a;\ncvt.u32.u64 %rb, %b;\ncvt.u32.u64 %rc, %c;\n"
           "cvt.u16.u64 %ha, %a;\ncvt.u16.u64 %hb, %b;\ncvt.u16.u64 %hc, %c;\n"
           "mov.b64 %d, 0;\nmov.b32 %rd, 0;\nmov.b16 %hd, 0;\n" +
           body + "\n" + widen +
           "mad.wide.u32 %t, %me, 8, %out;\nst.global.u64 [%t], "
           "%d;\nret;\n}\n";
  }

  /// Writes the text to the folder INGOT_PTX_DUMP, for other assemblers.
  void dump() const {
    static int number = 0;
    if (const char *folder = getenv("INGOT_PTX_DUMP"))
      std::ofstream(std::string(folder) + "/" + std::to_string(number++) +
                    ".ptx")
          << text();
  }

  /// Runs it; `fault` says what went wrong, if anything.
  std::vector<uint64_t> run(const std::vector<Lane> &lanes,
                            ingot::ptx::Fault &fault) const {
    using namespace ingot::ptx;
    MemoryMap memory;
    std::string error;
    std::unique_ptr<LoadedModule> module =
        LoadedModule::load(text(), memory, error);
    if (!module) {
      fault.kind = Fault::InvalidLaunch;
      fault.message = error;
      return {};
    }
    dump();
    std::vector<uint64_t> out(lanes.size());
    uint64_t in = reinterpret_cast<uint64_t>(lanes.data());
    uint64_t results = reinterpret_cast<uint64_t>(out.data());
    memory.add(in, lanes.size() * sizeof(Lane), true);
    memory.add(results, out.size() * 8, false);
    LaunchConfig config;
    config.block[0] = uint32_t(lanes.size());
    config.params.resize(16);
    memcpy(&config.params[0], &in, 8);
    memcpy(&config.params[8], &results, 8);
    LaunchStats stats;
    launch(*module->kernel("k"), config, memory, options, fault, stats);
    return out;
  }

  std::vector<uint64_t> run(const std::vector<Lane> &lanes) const {
    ingot::ptx::Fault fault;
    std::vector<uint64_t> out = run(lanes, fault);
    EXPECT_EQ(fault.message, "");
    out.resize(lanes.size());
    return out;
  }
};

/// The result of one instruction in one lane.
inline uint64_t eval(const std::string &body, Lane lane, unsigned width = 32) {
  PtxSnippet snippet;
  snippet.body = body;
  snippet.width = width;
  return snippet.run({lane})[0];
}
inline uint64_t eval16(const std::string &body, Lane lane) {
  return eval(body, lane, 16);
}
inline uint64_t eval64(const std::string &body, Lane lane) {
  return eval(body, lane, 64);
}

/// The message of a piece that must not load or run.
inline std::string faultOf(PtxSnippet snippet, unsigned threads = 1) {
  ingot::ptx::Fault fault;
  snippet.run(std::vector<Lane>(threads), fault);
  return fault.message;
}

inline uint64_t f32(float value) { return ingot::ptx::bitsOfFloat(value); }
inline uint64_t f64(double value) { return ingot::ptx::bitsOfDouble(value); }

#endif // INGOT_TEST_PTX_RUN_PTX_H
