//===- Mbarrier.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mbarrier objects ("Parallel Synchronization and Communication Instructions:
// mbarrier"). The state is kept beside the shared memory that holds the object.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Mbarrier.h"

#include "tools/ptx/Access.h"
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

Mbarrier *ingot::ptx::findMbarrier(Warp &w, const Instr &in, int lane,
                                   Space space, uint64_t address) {
  Region place = region(w, in, lane, space, address, 8, 8);
  if (!place.data)
    return nullptr;
  if (place.cta) {
    auto found = place.cta->mbarriers.find(place.offset);
    if (found != place.cta->mbarriers.end())
      return &found->second;
  }
  w.fault(in, lane, Fault::IllegalInstruction,
          "there is no initialised mbarrier at the address");
  return nullptr;
}

void ingot::ptx::arriveAt(Warp &w, const Instr &in, int lane, Mbarrier &barrier,
                          uint32_t count) {
  barrier.pending -= count;
  if (barrier.pending < 0)
    return w.fault(in, lane, Fault::IllegalInstruction,
                   "more arrivals at an mbarrier than its count");
  if (w.cluster.races)
    w.cluster.races->release(w, barrier.sync);
  w.cluster.checkMbarrier(barrier);
}

namespace {

/// The state that an arrival returns: the phase and what was pending.
uint64_t tokenOf(const Mbarrier &barrier) {
  return barrier.phase << 32 | uint32_t(barrier.pending);
}

void init(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses addresses(w, ops[0]);
  const uint64_t *counts = w.src(ops[1]);
  forLanes(m, [&](unsigned lane) {
    Region place = region(w, in, int(lane), in.space, addresses[lane], 8, 8);
    if (!place.data)
      return;
    uint32_t count = uint32_t(counts[lane]);
    if (!place.cta || !count || count > (1u << 20) - 1)
      return w.fault(in, lane, Fault::IllegalInstruction,
                     "an mbarrier is in shared memory and counts 1 to 2^20-1");
    Mbarrier barrier;
    barrier.expected = count;
    barrier.pending = count;
    barrier.initialiser = w.id;
    if (Races *races = w.cluster.races.get()) {
      barrier.agent = races->newAgent();
      // Others may only use it after they have met the initialiser.
      races->access(w, in, int(lane), *place.cta, place.offset, 8, true, false);
    }
    place.init->mark(place.offset, 8);
    place.cta->mbarriers[place.offset] = barrier;
  });
}

void invalidate(Warp &w, const Instr &in, uint32_t m) {
  Addresses addresses(w, w.operands(in)[0]);
  forLanes(m, [&](unsigned lane) {
    if (!findMbarrier(w, in, int(lane), in.space, addresses[lane]))
      return;
    Region place = region(w, in, int(lane), in.space, addresses[lane], 8, 8);
    place.cta->mbarriers.erase(place.offset);
  });
}

/// Uses of the object itself order each other; its initialisation must come
/// before.
void noteUse(Warp &w, const Instr &in, unsigned lane, uint64_t address) {
  if (!w.cluster.races)
    return;
  Region place = region(w, in, int(lane), in.space, address, 8, 8);
  if (place.cta)
    w.cluster.races->access(w, in, int(lane), *place.cta, place.offset, 8,
                            false, false);
}

enum ArriveMode : uint8_t { Plain, ExpectTx, Drop };

/// Operands: perhaps the state, the address, perhaps a count or bytes; mode2:
/// how many of the first and last.
void arrive(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  bool hasState = in.mode2 & 1, hasCount = in.mode2 & 2;
  const Operand *rest = ops + 1;
  Addresses addresses(w, rest[0]);
  const uint64_t *counts = hasCount ? w.src(rest[1]) : nullptr;
  forLanes(m, [&](unsigned lane) {
    Mbarrier *barrier =
        findMbarrier(w, in, int(lane), in.space, addresses[lane]);
    if (!barrier)
      return;
    noteUse(w, in, lane, addresses[lane]);
    uint32_t count = 1;
    if (in.mode == ExpectTx)
      barrier->bytes += uint32_t(counts[lane]);
    else if (hasCount)
      count = uint32_t(counts[lane]);
    if (in.mode == Drop)
      barrier->expected -= count;
    if (hasState)
      w.dst(ops[0])[lane] = tokenOf(*barrier);
    arriveAt(w, in, int(lane), *barrier, count);
  });
}

/// expect_tx and complete_tx alone; mode: complete.
void changeBytes(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses addresses(w, ops[0]);
  const uint64_t *counts = w.src(ops[1]);
  forLanes(m, [&](unsigned lane) {
    Mbarrier *barrier =
        findMbarrier(w, in, int(lane), in.space, addresses[lane]);
    if (!barrier)
      return;
    noteUse(w, in, lane, addresses[lane]);
    int64_t bytes = uint32_t(counts[lane]);
    barrier->bytes += in.mode ? -bytes : bytes;
    if (in.mode)
      w.cluster.checkMbarrier(*barrier);
  });
}

/// test_wait and try_wait; mode: by parity.
void testWait(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses addresses(w, ops[1]);
  const uint64_t *states = w.src(ops[2]);
  uint32_t done = 0;
  forLanes(m, [&](unsigned lane) {
    Mbarrier *barrier =
        findMbarrier(w, in, int(lane), in.space, addresses[lane]);
    if (!barrier)
      return;
    noteUse(w, in, lane, addresses[lane]);
    bool complete = in.mode ? (barrier->phase & 1) != (states[lane] & 1)
                            : barrier->phase > states[lane] >> 32;
    if (!complete)
      return;
    done |= 1u << lane;
    if (w.cluster.races)
      w.cluster.races->acquire(w, barrier->sync);
  });
  w.setPred(ops[0], m, done);
  if (done != m) {
    // Others get their turn.
    w.yield = true;
    w.sinceFailedWait = 0;
    ++w.cluster.spins;
  }
}

void pendingCount(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<uint64_t>(w, in, m,
                      [](uint64_t state) { return uint64_t(uint32_t(state)); });
}

} // namespace

static bool decodeMbarrier(Decoder &d, Instr &in) {
  if (d.numArgs() == 0)
    return d.fail("wrong number of operands");
  while (d.takeOneOf({"release", "acquire", "relaxed", "cta", "cluster",
                      "noComplete"}) >= 0)
    ;
  in.type = d.takeType();
  in.space = d.takeSpace();
  if (d.take("init")) {
    in.run = init;
    return d.operands(in, "as");
  }
  if (d.take("inval")) {
    in.run = invalidate;
    return d.operands(in, "a");
  }
  if (d.take("pending_count")) {
    in.run = pendingCount;
    return d.operands(in, "ds", Type::B64);
  }
  bool tryWait = d.take("try_wait");
  if (tryWait || d.take("test_wait")) {
    in.mode = d.take("parity");
    in.run = testWait;
    // How long a wait may take is not looked at.
    return (tryWait ? d.requireTarget(90, 0, "try_wait") : true) &&
           d.operands(in, d.numArgs() == 4 ? "Pass" : "Pas", Type::B64);
  }
  bool arrives = d.take("arrive"), drops = d.take("arrive_drop");
  bool expects = d.take("expect_tx");
  if (arrives || drops) {
    in.run = arrive;
    in.mode = drops ? Drop : expects ? ExpectTx : Plain;
    const Arg &first = d.arg(0);
    bool remote = first.kind == Arg::Address;
    size_t at = remote ? 0 : 1;
    Arg none;
    if (drops && expects)
      return d.fail("arrive_drop with expect_tx is not supported");
    if (d.numArgs() < at + 1 || !d.add(in, 'd', remote ? none : first) ||
        !d.add(in, 'a', d.arg(at)))
      return false;
    bool hasCount = d.numArgs() > at + 1;
    if (!remote && first.kind != Arg::Sink)
      in.mode2 |= 1;
    if (hasCount)
      in.mode2 |= 2;
    return hasCount ? d.add(in, 's', d.arg(at + 1)) : !expects;
  }
  if (expects || d.take("complete_tx")) {
    in.run = changeBytes;
    in.mode = !expects;
    return d.operands(in, "as");
  }
  return false;
}

void ingot::ptx::addMbarrierOps(DecodeTable &table) {
  table["mbarrier"] = decodeMbarrier;
  table["cp"] = [](Decoder &d, Instr &in) {
    if (!d.take("async"))
      return d.fail("unknown copy");
    return d.take("bulk") ? decodeBulkCopy(d, in) : decodeThreadCopy(d, in);
  };
}
