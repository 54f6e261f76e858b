//===- Races.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Races.h"

#include "tools/ptx/Machine.h"

using namespace ingot::ptx;

static constexpr uint32_t kEngines = 4;

static uint32_t indexOf(const Warp &warp) {
  return warp.cta.rank * warp.state.numWarps + warp.id;
}

Races::Races(Cluster &cluster) : cluster(cluster) {
  uint32_t warps = cluster.state.clusterSize * cluster.state.numWarps;
  states.resize(warps);
  for (uint32_t i = 0; i < warps; ++i)
    states[i].clock.raise(i * kEngines, 1);
  nextAgent = warps * kEngines;
  shadow.resize(cluster.state.clusterSize);
  ends.resize(cluster.state.clusterSize);
}

uint32_t Races::agentOf(const Warp &warp, Engine engine) {
  return indexOf(warp) * kEngines + uint32_t(engine);
}

Races::WarpState &Races::stateOf(const Warp &warp) {
  return states[indexOf(warp)];
}

Epoch Races::now(const Warp &warp) const {
  uint32_t agent = agentOf(warp, Engine::Threads);
  return {agent, states[indexOf(warp)].clock[agent]};
}

std::vector<Races::Byte> &Races::bytesOf(Cta &cta) {
  std::vector<Byte> &bytes = shadow[cta.rank];
  if (bytes.empty())
    bytes.resize(cta.sharedBytes);
  return bytes;
}

void Races::report(Warp &warp, const Instr &in, int lane, Cta &cta,
                   uint64_t offset, const char *what, const Access &earlier) {
  std::string message = std::string("race in shared memory: ") + what +
                        " of byte " + std::to_string(offset) + " of CTA " +
                        cta.name() + " after " +
                        warp.program.describe(*earlier.in);
  uint32_t index = earlier.agent / kEngines;
  if (index < states.size())
    message += " by warp " + std::to_string(index % cluster.state.numWarps);
  warp.fault(in, lane, Fault::Race, message);
}

bool Races::ordered(const WarpState &state, const Warp &warp, int lane,
                    const Access &earlier, const Access &later) const {
  if (!earlier.in || (earlier.atomic && later.atomic))
    return true;
  // What this warp's own threads did before is ordered if the same thread did
  // it, or if the threads have met since.
  if (earlier.agent == agentOf(warp, Engine::Threads) && !earlier.async)
    return lane < 0 || earlier.lane == lane ||
           earlier.warpSync < state.warpSync || earlier.in == later.in;
  // Accesses of one engine under one wait are not told apart.
  if (later.async && earlier.agent == later.agent &&
      earlier.count == later.count)
    return true;
  return state.clock[earlier.agent] >= earlier.count;
}

void Races::touch(Warp &warp, const Instr &in, int lane, Cta &cta,
                  uint64_t offset, uint64_t bytes, bool write,
                  const Access &access, bool needsFence) {
  std::vector<Byte> &all = bytesOf(cta);
  WarpState &state = stateOf(warp);
  for (uint64_t at = offset; at < offset + bytes; ++at) {
    Byte &byte = all[at];
    if (!ordered(state, warp, lane, byte.write, access))
      return report(warp, in, lane, cta, at,
                    byte.write.async ? (write ? "write before the end of a copy"
                                              : "read before the end of a copy")
                                     : (write ? "write" : "read"),
                    byte.write);
    if (needsFence && byte.write.in && !byte.write.async &&
        state.proxy[byte.write.agent] < byte.write.count)
      return report(warp, in, lane, cta, at,
                    "access by an engine without fence.proxy.async",
                    byte.write);
    if (write) {
      for (Access &read : byte.reads) {
        if (!ordered(state, warp, lane, read, access))
          return report(warp, in, lane, cta, at, "write", read);
        read = Access();
      }
      byte.write = access;
      continue;
    }
    // A read that is ordered before this one need not be remembered.
    Access *place = &byte.reads[at % kReads];
    for (Access &read : byte.reads)
      if (!read.in || read.agent == access.agent ||
          (!access.async && state.clock[read.agent] >= read.count)) {
        place = &read;
        break;
      }
    *place = access;
  }
}

void Races::access(Warp &warp, const Instr &in, int lane, Cta &cta,
                   uint64_t offset, uint64_t bytes, bool write, bool atomic) {
  Epoch epoch = now(warp);
  Access access;
  access.in = &in;
  access.agent = epoch.agent;
  access.count = epoch.count;
  access.warpSync = stateOf(warp).warpSync;
  access.lane = uint8_t(lane);
  access.atomic = atomic;
  touch(warp, in, lane, cta, offset, bytes, write, access, false);
}

void Races::asyncAccess(Warp &warp, const Instr &in, Cta &cta, uint64_t offset,
                        uint64_t bytes, bool write, Epoch epoch,
                        bool asyncProxy) {
  Access access;
  access.in = &in;
  access.agent = epoch.agent;
  access.count = epoch.count;
  access.async = true;
  touch(warp, in, -1, cta, offset, bytes, write, access, asyncProxy && !write);
}

void Races::release(Warp &warp, Sync &sync) {
  WarpState &state = stateOf(warp);
  sync.pending.join(state.clock);
  sync.pendingProxy.join(state.proxy);
  join(sync.pendingKnown, state.known);
  Epoch epoch = now(warp);
  state.clock.raise(epoch.agent, epoch.count + 1);
}

void Races::complete(Sync &sync) {
  sync.done.join(sync.pending);
  sync.doneProxy.join(sync.pendingProxy);
  join(sync.doneKnown, sync.pendingKnown);
  sync.pending.clear();
  sync.pendingProxy.clear();
  sync.pendingKnown.clear();
}

void Races::acquire(Warp &warp, const Sync &sync) {
  WarpState &state = stateOf(warp);
  state.clock.join(sync.done);
  state.proxy.join(sync.doneProxy);
  join(state.known, sync.doneKnown);
  ++state.warpSync;
}

void Races::synchronise(Warp &warp, uint64_t address, bool write) {
  Sync &flag = flags[address];
  acquire(warp, flag);
  if (!write)
    return;
  release(warp, flag);
  complete(flag);
}

void Races::observe(Warp &warp, Epoch epoch) {
  stateOf(warp).clock.raise(epoch.agent, epoch.count);
}

void Races::warpSynced(Warp &warp) { ++stateOf(warp).warpSync; }

void Races::proxyFence(Warp &warp) {
  WarpState &state = stateOf(warp);
  state.proxy.join(state.clock);
}

/// Whether an access to the warp's CTA was made by another one, or by an engine
/// that does not end with its threads.
bool Races::isOutside(const Access &access, const Warp &warp) const {
  if (!access.in)
    return false;
  uint32_t index = access.agent / kEngines, numWarps = cluster.state.numWarps;
  return index / numWarps != warp.cta.rank ||
         access.agent % kEngines == uint32_t(Engine::BulkStores);
}

void Races::exit(Warp &warp, const Instr &in) {
  Clock &end = ends[warp.cta.rank];
  end.join(stateOf(warp).clock);
  if (!warp.cta.ended)
    return;
  std::vector<Byte> &bytes = shadow[warp.cta.rank];
  auto check = [&](const Access &access, uint64_t offset) {
    if (!isOutside(access, warp) || end[access.agent] >= access.count)
      return true;
    report(warp, in, -1, warp.cta, offset,
           "end of the CTA, without waiting for a use", access);
    return false;
  };
  for (uint64_t at = 0; at < bytes.size(); ++at) {
    if (!check(bytes[at].write, at))
      return;
    for (const Access &read : bytes[at].reads)
      if (!check(read, at))
        return;
  }
}
