//===- Races.h - who may see what in shared memory --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_RACES_H
#define INGOT_TOOLS_PTX_RACES_H

#include "tools/ptx/Memory.h"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace ingot::ptx {

class Warp;
class Cta;
class Cluster;
struct Instr;

/// How far the others are known to have come: one count per agent. Agents are
/// warps, and the engines that work for them.
class Clock {
public:
  uint32_t operator[](uint32_t agent) const {
    return agent < counts.size() ? counts[agent] : 0;
  }
  void raise(uint32_t agent, uint32_t count) {
    if (agent >= counts.size())
      counts.resize(agent + 1, 0);
    if (counts[agent] < count)
      counts[agent] = count;
  }
  void join(const Clock &other) {
    for (uint32_t i = 0; i < other.counts.size(); ++i)
      raise(i, other.counts[i]);
  }
  void clear() { counts.clear(); }

private:
  std::vector<uint32_t> counts;
};

/// How far agents of other clusters are known to have come, by the cluster.
using Known = std::map<uint64_t, Clock>;
void join(Known &known, const Known &other);

/// What a barrier hands from those who arrive to those who wait.
struct Sync {
  Clock pending, done, pendingProxy, doneProxy;
  Known pendingKnown, doneKnown;
};

/// A point in the life of an agent.
struct Epoch {
  uint32_t agent = 0, count = 0;
};

/// Which engines work for a warp.
enum class Engine : uint8_t { Threads, ThreadCopies, Mma, BulkStores };

/// Finds accesses to shared memory that are not ordered by barriers and waits:
/// happens-before by vector clocks, for each byte the last write and some
/// reads. A second clock says which writes a proxy fence has made visible to
/// the engines. Of global memory it finds reads of what another cluster wrote
/// that no release and acquire order; see GlobalOrder.
class Races {
public:
  explicit Races(Cluster &cluster);

  static uint32_t agentOf(const Warp &warp, Engine engine);
  /// An agent that is no warp's.
  uint32_t newAgent() { return nextAgent++; }
  Epoch now(const Warp &warp) const;

  /// An access by a lane's own instruction. `atomic` accesses order each other.
  void access(Warp &warp, const Instr &in, int lane, Cta &cta, uint64_t offset,
              uint64_t bytes, bool write, bool atomic);
  /// An access by an engine, some time between now and the point `epoch`.
  void asyncAccess(Warp &warp, const Instr &in, Cta &cta, uint64_t offset,
                   uint64_t bytes, bool write, Epoch epoch, bool asyncProxy);

  /// An access to global memory by a lane's own instruction; strong ones are
  /// atomic, volatile or have an order.
  void globalAccess(Warp &warp, const Instr &in, int lane, uint64_t address,
                    uint64_t bytes, bool read, bool write, bool strong);
  /// A fence at the scope of the device.
  void fence(Warp &warp, bool acquires, bool releases);

  void release(Warp &warp, Sync &sync);
  void complete(Sync &sync);
  void acquire(Warp &warp, const Sync &sync);
  /// A synchronising access (an atomic one, or with .acquire, .release,
  /// .relaxed or .volatile): hands on what came before at that address.
  void synchronise(Warp &warp, uint64_t address, bool write);
  /// The warp has waited for an engine up to a point.
  void observe(Warp &warp, Epoch epoch);
  /// Threads of the warp have met: their accesses are ordered.
  void warpSynced(Warp &warp);
  void proxyFence(Warp &warp);
  /// The warp has exited by that instruction. When its CTA ends with it, all
  /// that others did to its shared memory must be ordered before.
  void exit(Warp &warp, const Instr &in);

private:
  struct Access {
    const Instr *in = nullptr;
    uint32_t agent = 0, count = 0;
    uint32_t warpSync = 0;
    uint8_t lane = 0;
    bool async = false, atomic = false;
  };
  static constexpr unsigned kReads = 4;
  struct Byte {
    Access write;
    Access reads[kReads];
  };
  struct WarpState {
    Clock clock, proxy;
    uint32_t warpSync = 1;
    /// Of other clusters: what is known, what a fence would make known, and,
    /// with this one's, what a fence has released.
    Known known, observed, fenced;
  };
  bool isOutside(const Access &access, const Warp &warp) const;

  std::vector<Byte> &bytesOf(Cta &cta);
  WarpState &stateOf(const Warp &warp);
  void publish(Warp &warp, Known &known);
  bool ordered(const WarpState &state, const Warp &warp, int lane,
               const Access &earlier, const Access &later) const;
  void report(Warp &warp, const Instr &in, int lane, Cta &cta, uint64_t offset,
              const char *what, const Access &earlier);
  void touch(Warp &warp, const Instr &in, int lane, Cta &cta, uint64_t offset,
             uint64_t bytes, bool write, const Access &access, bool needsFence);

  Cluster &cluster;
  uint32_t nextAgent = 0;
  std::vector<WarpState> states;
  std::vector<std::vector<Byte>> shadow;
  /// Of each CTA, what its warps knew when they exited.
  std::vector<Clock> ends;
  std::unordered_map<uint64_t, Sync> flags;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_RACES_H
