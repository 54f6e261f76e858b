//===- Launch.h - running a kernel ------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_LAUNCH_H
#define INGOT_TOOLS_PTX_LAUNCH_H

#include "tools/ptx/Memory.h"
#include "tools/ptx/Program.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::ptx {

/// What went wrong in a kernel.
struct Fault {
  enum Kind : uint8_t {
    None,
    /// Access outside of live allocations or of shared memory.
    IllegalAddress,
    Misaligned,
    /// Use that PTX leaves undefined, or trap.
    IllegalInstruction,
    Trap,
    Uninitialised,
    Race,
    Deadlock,
    /// More instructions than the budget allows.
    Timeout,
    /// The launch itself is not possible.
    InvalidLaunch,
  };
  Kind kind = None;
  std::string message;
};

struct LaunchConfig {
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  /// CTAs per cluster; zero takes the kernel's own, or one.
  uint32_t cluster[3] = {0, 0, 0};
  uint32_t dynamicShared = 0;
  /// Values of the parameters, laid out as Program::params says.
  std::vector<uint8_t> params;
};

struct LaunchOptions {
  /// Decides all schedules; equal seeds give equal runs.
  uint64_t seed = 1;
  /// Look for races in shared memory.
  bool races = false;
  /// Report reads of memory that was never written.
  bool checkUninitialised = true;
  /// Instead follow what is read of it, and report where it decides anything.
  bool trackUndefined = false;
  /// Instructions of warps until the kernel counts as endless.
  uint64_t budget = uint64_t(1) << 36;
  /// Threads of the host. More than one only without race checks.
  unsigned threads = 1;
  /// Multiprocessors: so many clusters may wait for each other.
  unsigned multiprocessors = 132;
};

/// Counts of what was executed.
struct LaunchStats {
  uint64_t warpInstructions = 0;
  uint64_t laneInstructions = 0;
  uint64_t tensorInstructions = 0;
};

/// Runs a kernel to its end. Returns false after a fault.
bool launch(const Program &program, const LaunchConfig &config,
            MemoryMap &memory, const LaunchOptions &options, Fault &fault,
            LaunchStats &stats);

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_LAUNCH_H
