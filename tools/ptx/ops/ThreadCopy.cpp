//===- ThreadCopy.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cp.async: copies that a thread starts and waits for ("Data Movement and
// Conversion Instructions: Non-bulk copy"). Data arrive as late as the waits
// allow, or early.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Access.h"
#include "tools/ptx/ops/Lanes.h"
#include "tools/ptx/ops/Mbarrier.h"

using namespace ingot::ptx;

namespace {

/// Operands: destination, source, perhaps the bytes to read; imm: the bytes.
void copy(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses to(w, ops[0]), from(w, ops[1]);
  uint32_t ignored = in.mode ? w.pred(ops[2]) : 0;
  const uint64_t *given = in.mode2 ? w.src(ops[2]) : nullptr;
  Races *races = w.cluster.races.get();
  forLanes(m, [&](unsigned lane) {
    ThreadCopy pending;
    pending.bytes = in.imm;
    pending.zeroFrom = given ? uint32_t(given[lane]) : in.imm;
    if (ignored >> lane & 1)
      pending.zeroFrom = 0;
    if (pending.zeroFrom > in.imm)
      return w.fault(in, lane, Fault::IllegalInstruction,
                     "more bytes to read than to write");
    Region target =
        region(w, in, int(lane), Space::Shared, to[lane], in.imm, in.imm);
    if (!target.data)
      return;
    if (pending.zeroFrom) {
      Region source = region(w, in, int(lane), Space::Global, from[lane],
                             pending.zeroFrom, 1);
      if (!source.data)
        return;
      if (from[lane] % in.imm)
        return w.fault(in, lane, Fault::Misaligned,
                       "source of a copy is not aligned to its size");
      if (source.init &&
          !source.init->covers(source.offset, pending.zeroFrom)) {
        if (w.state.options.checkUninitialised)
          return w.fault(in, lane, Fault::Uninitialised,
                         "copy of memory that was never written");
        if (w.undefined) {
          pending.fromInit = source.init;
          pending.fromOffset = source.offset;
        }
      }
      pending.from = reinterpret_cast<uint64_t>(source.data);
    }
    pending.to = target.data;
    pending.init = target.init;
    pending.initOffset = target.offset;
    Groups<ThreadCopy> &groups = w.copies[lane];
    if (races)
      races->asyncAccess(
          w, in, *target.cta, target.offset, in.imm, true,
          {Races::agentOf(w, Engine::ThreadCopies), groups.numCommitted + 1},
          false);
    groups.open.push_back(pending);
  });
}

void deliverOldest(Warp &w, unsigned lane) {
  Groups<ThreadCopy> &groups = w.copies[lane];
  w.deliverCopies(groups.committed.front());
  groups.committed.pop_front();
  ++groups.numDone;
}

void commit(Warp &w, const Instr &, uint32_t m) {
  bool early = w.cluster.random.below(8) == 0;
  forLanes(m, [&](unsigned lane) {
    w.copies[lane].commit();
    // The data may arrive at any time; nobody may count on it.
    if (early)
      for (std::vector<ThreadCopy> &group : w.copies[lane].committed)
        w.deliverCopies(group);
  });
}

/// imm: how many groups may stay pending; mode: all work, even uncommitted.
void wait(Warp &w, const Instr &in, uint32_t m) {
  uint32_t done = ~uint32_t(0);
  forLanes(m, [&](unsigned lane) {
    Groups<ThreadCopy> &groups = w.copies[lane];
    if (in.mode && !groups.open.empty())
      groups.commit();
    while (groups.committed.size() > in.imm)
      deliverOldest(w, lane);
    done = groups.numDone < done ? groups.numDone : done;
  });
  if (w.cluster.races)
    w.cluster.races->observe(w,
                             {Races::agentOf(w, Engine::ThreadCopies), done});
}

/// cp.async.mbarrier.arrive: arrives when all earlier copies are done; mode:
/// noinc.
void arriveWhenDone(Warp &w, const Instr &in, uint32_t m) {
  Addresses addresses(w, w.operands(in)[0]);
  forLanes(m, [&](unsigned lane) {
    Mbarrier *barrier =
        findMbarrier(w, in, lane, Space::Shared, addresses[lane]);
    if (!barrier)
      return;
    if (!in.mode)
      ++barrier->pending;
    Groups<ThreadCopy> &groups = w.copies[lane];
    if (!groups.open.empty())
      groups.commit();
    while (!groups.committed.empty())
      deliverOldest(w, lane);
    if (w.cluster.races)
      w.cluster.races->observe(
          w, {Races::agentOf(w, Engine::ThreadCopies), groups.numDone});
    arriveAt(w, in, lane, *barrier, 1);
  });
}

} // namespace

bool ingot::ptx::decodeThreadCopy(Decoder &d, Instr &in) {
  if (!d.requireTarget(80, 0, "cp.async"))
    return false;
  if (d.take("commit_group")) {
    in.run = commit;
    return d.numArgs() == 0;
  }
  if (d.take("wait_all")) {
    in.run = wait;
    in.mode = 1;
    return d.numArgs() == 0;
  }
  uint64_t value = 0;
  if (d.take("wait_group")) {
    in.run = wait;
    if (d.numArgs() != 1 || !d.immediate(d.arg(0), value))
      return false;
    in.imm = uint32_t(value);
    return true;
  }
  if (d.take("mbarrier")) {
    in.mode = d.take("noinc");
    d.take("arrive");
    d.takeSpace();
    d.takeType();
    in.run = arriveWhenDone;
    return d.operands(in, "a");
  }
  bool bypass = d.takeOneOf({"ca", "cg"}) == 1;
  std::string_view rest;
  bool hint = d.take("L2::cache_hint");
  while (d.takePrefixed("L2::", rest))
    ;
  // The destination's space, then the source's.
  if (d.takeOneOf({"shared", "shared::cta"}) < 0 || !d.take("global"))
    return d.fail("cp.async copies from global to shared memory");
  size_t numArgs = d.numArgs() - hint;
  if (numArgs < 3 || numArgs > 4 || !d.immediate(d.arg(2), value))
    return false;
  if ((value != 4 && value != 8 && value != 16) || (bypass && value != 16))
    return d.fail("cp.async copies 4, 8 or 16 bytes, with .cg 16");
  in.imm = uint32_t(value);
  in.run = copy;
  if (!d.add(in, 'a', d.arg(0)) || !d.add(in, 'a', d.arg(1)))
    return false;
  if (numArgs == 3)
    return true;
  // Either the bytes to read or a predicate that ignores the source.
  if (d.isPredicate(d.arg(3))) {
    in.mode = 1;
    return d.add(in, 'p', d.arg(3));
  }
  in.mode2 = 1;
  return d.add(in, 's', d.arg(3));
}
