//===- StubDriver.h - a driver that fails on demand -------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libcuda.so.1 for tests of the runtime: its devices are memory of the
// process, it knows the kernels of fake_gpu_model.c by name, and each of its
// functions can be told to fail. What PTX means is not its business: that is
// tested with the interpreter.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_RUNTIME_GPU_STUBDRIVER_H
#define INGOT_TEST_RUNTIME_GPU_STUBDRIVER_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ingot::test {

/// Everything a test sets and sees.
struct StubDriver {
  int version = 13000;
  /// Compute capabilities of the devices.
  std::vector<int> devices = {80};
  int multiprocessors = 4;
  /// Bytes of each device.
  uint64_t memory = uint64_t(1) << 30;
  /// Functions that the driver does not have are null for dlsym().

  /// Fails call number `nth` of `function` from now on with `result`.
  void fail(const std::string &function, int result, int nth = 1) {
    failures[function] = {nth, result};
  }
  struct Failure {
    int nth, result;
  };
  std::map<std::string, Failure> failures;
  /// What every call returns once a sticky failure was met.
  int sticky = 0;

  /// Names of all calls, in order.
  std::vector<std::string> calls;
  int count(const std::string &function) const {
    int n = 0;
    for (const std::string &call : calls)
      n += call == function;
    return n;
  }

  /// What is alive of everything that has to be given back.
  int allocations = 0, pinned = 0, streams = 0, modules = 0, primaries = 0,
      graphs = 0, events = 0, links = 0;
  int alive() const {
    return allocations + pinned + streams + modules + primaries + graphs +
           events + links;
  }
  uint64_t used = 0;
  /// Depth of the calling thread's stack of current contexts.
  int depth = 0;
  /// Set by a test while a caller records its stream.
  bool isCapturing = false;
  /// Counters that k0_mul has, and bytes of room for sums. Each time it runs,
  /// it notes what the counters hold and where the room is, and overwrites
  /// both, like one that did not come to its end.
  unsigned counters = 0, room = 0;
  std::vector<uint32_t> counted;
  std::vector<uint64_t> rooms;
  /// Grid of the last launch.
  unsigned grid = 0;
  unsigned cluster = 0;
  /// The largest block of memory of a device.
  const void *(*largest)() = nullptr;
};

/// The one of the process; exported by the stub.
extern "C" StubDriver *ingotStubDriver();

} // namespace ingot::test

#endif // INGOT_TEST_RUNTIME_GPU_STUBDRIVER_H
