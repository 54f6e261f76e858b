//===- Machine.h - warps, CTAs and clusters ---------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_MACHINE_H
#define INGOT_TOOLS_PTX_MACHINE_H

#include "tools/ptx/Async.h"
#include "tools/ptx/Launch.h"
#include "tools/ptx/Undefined.h"

#include <atomic>
#include <deque>
#include <memory>

namespace ingot::ptx {

class Cta;
class Cluster;
class GlobalOrder;

/// A small generator, so that seeds mean the same everywhere.
struct Random {
  uint64_t state;

  explicit Random(uint64_t seed)
      : state(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du) {
    for (int i = 0; i < 4; ++i)
      next();
  }
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du >> 16;
  }
  unsigned below(unsigned bound) { return unsigned(next() % bound); }
};

/// What all threads of the host share during a launch.
struct LaunchState {
  const Program &program;
  const LaunchConfig &config;
  MemoryMap &memory;
  const LaunchOptions &options;
  uint32_t clusterShape[3];
  uint32_t clusterSize = 1;
  unsigned numWarps = 0;

  /// Null unless races are looked for.
  GlobalOrder *order = nullptr;

  std::mutex mutex{};
  std::atomic<bool> faulted{false};
  Fault fault{};
};

/// Lanes of a warp that stand at one instruction.
struct Group {
  enum Wait : uint8_t { Ready, Collective, WarpBarrier, Barrier, ClusterWait };
  uint32_t pc = 0;
  uint32_t mask = 0;
  Wait wait = Ready;
  uint8_t barrier = 0;
  uint32_t waitMask = 0;
  uint64_t phase = 0;
};

/// 32 threads.
class Warp {
public:
  Warp(Cta &cta, unsigned id);

  // For handlers.
  const Operand *operands(const Instr &in) const {
    return operandBase + in.first;
  }
  const Operand *elements(const Operand &vector) const {
    return elementBase + vector.slot;
  }
  const uint64_t *src(const Operand &operand) const {
    return operand.slot >= 0 ? regs + size_t(operand.slot) * kWarpSize
                             : constants + size_t(~operand.slot) * kWarpSize;
  }
  uint64_t *dst(const Operand &operand) {
    return regs + size_t(operand.slot) * kWarpSize;
  }
  uint32_t pred(const Operand &operand) const {
    uint32_t value = operand.slot >= 0 ? predicates[operand.slot]
                                       : predicateConstants[~operand.slot];
    return operand.negated ? ~value : value;
  }
  void setPred(const Operand &operand, uint32_t mask, uint32_t value) {
    uint32_t &place = predicates[operand.slot];
    place = (place & ~mask) | (value & mask);
  }

  /// Ends the launch with a message that names the place; lane -1 for the
  /// whole warp.
  void fault(const Instr &in, int lane, Fault::Kind kind, std::string what);

  /// Bytes of a thread's local memory.
  uint8_t *local(unsigned lane) {
    return localMemory.data() + size_t(lane) * localBytes;
  }

  /// Runs some instructions; false if the warp could not run any.
  bool runSlice(unsigned quantum);
  bool done() const { return live == 0; }
  /// Where its threads stand, for reports of deadlocks.
  std::string describeWaits() const;

  Cta &cta;
  Cluster &cluster;
  LaunchState &state;
  const Program &program;
  const unsigned id;
  uint32_t live = 0;
  std::vector<Group> groups;
  /// Set by instructions that cannot go on now.
  bool yield = false;
  /// Instructions since a wait failed: a warp that only waits has few.
  unsigned sinceFailedWait = 0;
  /// Null unless values that were never written are followed.
  std::unique_ptr<Undefined> undefined;
  /// Instruction being executed, for what happens below handlers.
  const Instr *current = nullptr;
  /// The allocation that was hit last.
  Allocation *lastHit = nullptr;
  /// The phase of the cluster's barrier at which each lane arrived.
  uint64_t clusterPhase[kWarpSize] = {};

  // Asynchronous work of the threads.
  Groups<ThreadCopy> copies[kWarpSize];
  Groups<std::function<void()>> bulkStores[kWarpSize];
  Groups<PendingMma> mmas;
  /// Delivers the oldest of the groups of a lane.
  void deliverCopies(std::vector<ThreadCopy> &group);
  /// Of each register: accumulates in the background; or was written since the
  /// last wgmma.fence. Empty in kernels without wgmma.
  std::vector<uint8_t> busy, unfenced;
  bool fencedOnce = false;

  uint64_t localBytes = 0;

private:
  friend class Cta;
  void execute(const Instr &in, uint32_t lanes) {
    if (undefined)
      undefined->run(*this, in, lanes);
    else
      in.run(*this, in, lanes);
  }
  size_t choose();
  void merge();
  void step(size_t index);
  void branch(size_t index, const Instr &in, uint32_t taken, uint32_t target);
  void indexedBranch(size_t index, const Instr &in, uint32_t taken);
  void collective(size_t index, const Instr &in, uint32_t lanes);
  void warpBarrier(size_t index, const Instr &in, uint32_t lanes);
  void arriveAtBarrier(size_t index, const Instr &in, uint32_t lanes);
  void waitForCluster(size_t index, const Instr &in, uint32_t lanes);
  void call(size_t index, const Instr &in, uint32_t lanes);
  void leave(size_t index, const Instr &in, uint32_t lanes);
  void exit(size_t index, const Instr &in, uint32_t lanes);
  /// Makes the lanes a group of their own and returns its index; the rest of
  /// the group goes on after the instruction.
  size_t separate(size_t index, uint32_t lanes);
  void recheckWaits();
  void fillSpecials();
  /// Faults if an instruction touches registers of an unfinished wgmma, and
  /// notes what it writes.
  void checkRegisters(const Instr &in);

  std::vector<uint64_t> registers;
  std::vector<uint32_t> predicates;
  uint64_t *regs;
  const uint64_t *constants;
  const uint32_t *predicateConstants;
  const Operand *operandBase;
  const Operand *elementBase;
  std::vector<uint8_t> localMemory;
  std::vector<uint32_t> returns[kWarpSize];
  unsigned preferRandom = 0;
};

/// One of the 16 barriers of a CTA.
struct CtaBarrier {
  uint32_t arrived = 0;
  uint32_t expected = 0; ///< Zero: all threads.
  uint32_t count = 0;    ///< Of true predicates, for bar.red.
  uint32_t voters = 0;
  uint64_t generation = 0;
  Sync sync;
};

/// A cooperative thread array with its shared memory.
class Cta {
public:
  Cta(Cluster &cluster, unsigned rank, const uint32_t (&index)[3]);

  void barrierArrive(unsigned id, uint32_t threads, uint32_t expected);
  void barrierCheck(unsigned id);
  /// Threads that have not exited.
  uint32_t liveThreads() const;
  /// A warp has exited by that instruction. With the last one the CTA's shared
  /// memory is gone, so nobody else may use it any more.
  void end(Warp &warp, const Instr &in);
  /// Faults if the CTA has ended, when a copy arrives for it.
  bool takesCopies(Warp &warp, const Instr &in, int lane);
  std::string name() const;

  Cluster &cluster;
  const unsigned rank;
  uint32_t index[3];
  std::vector<uint8_t> sharedStorage;
  uint8_t *shared = nullptr;
  uint64_t sharedBytes = 0;
  InitMap sharedInit;
  bool ended = false;
  CtaBarrier barriers[16];
  std::unordered_map<uint64_t, Mbarrier> mbarriers;
  std::vector<std::unique_ptr<Warp>> warps;

private:
  friend class Warp;
};

/// CTAs that run at the same time and see each other's shared memory.
class Cluster {
public:
  Cluster(LaunchState &state, uint64_t number);

  enum Result { Finished, Suspended, Faulted };
  /// Runs until the end, or about so many instructions.
  Result run(uint64_t instructions);

  /// A thread has arrived at the barrier of the cluster, or left for ever.
  void barrierCheck();
  /// The CTA that an address in shared memory means, seen from another; null
  /// if there is none.
  Cta *ctaOf(uint64_t address, Cta &from) {
    uint64_t rank = address >> kRankShift;
    return rank == 0             ? &from
           : rank <= ctas.size() ? ctas[rank - 1].get()
                                 : nullptr;
  }

  LaunchState &state;
  const uint64_t number;
  uint32_t index[3];
  std::vector<std::unique_ptr<Cta>> ctas;
  Random random;
  LaunchStats stats;
  uint64_t barrierPhase = 0;
  uint32_t barrierArrived = 0;
  /// Instructions in this launch by this thread of the host.
  uint64_t clock = 0;
  /// Failed waits in a row, while nothing else happened that could end one.
  uint64_t spins = 0;

  /// Work of the copy engine.
  std::vector<PendingWork> pending;
  void later(std::function<void()> work);
  /// A phase of an mbarrier ends when nothing is pending.
  void checkMbarrier(Mbarrier &barrier);

  /// Null unless races are looked for.
  std::unique_ptr<Races> races;
  Sync barrierSync;

private:
  void reportDeadlock();
  /// Runs the work that is due; all of it if nothing else can run.
  bool runPending(bool all);
  uint64_t round = 0;
  std::vector<Warp *> warps;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_MACHINE_H
