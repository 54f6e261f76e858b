//===- Warp.cpp -----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads of a warp: which lanes run next, and how they part and meet
// ("Independent Thread Scheduling" in the CUDA programming guide).
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Machine.h"

#include <algorithm>

using namespace ingot::ptx;

static unsigned popcount(uint32_t mask) { return __builtin_popcount(mask); }

Warp::Warp(Cta &cta, unsigned id)
    : cta(cta), cluster(cta.cluster), state(cta.cluster.state),
      program(cta.cluster.state.program), id(id) {
  const uint32_t (&block)[3] = state.config.block;
  uint32_t threads = block[0] * block[1] * block[2] - id * kWarpSize;
  live = threads >= kWarpSize ? kAllLanes : (1u << threads) - 1;
  // What was never written reads as a pattern that is easy to recognise.
  registers.assign(size_t(program.numRows) * kWarpSize, 0xbadc0ffebadc0ffe);
  predicates.assign(program.numPredicates, 0xa5a5a5a5);
  regs = registers.data();
  constants = program.constants.data();
  predicateConstants = program.predicateConstants.data();
  operandBase = program.operands.data();
  elementBase = program.elements.data();
  localBytes = (program.localBytes + 15) & ~uint64_t(15);
  localMemory.assign(localBytes * kWarpSize, 0xcd);
  if (program.hasWgmma) {
    busy.assign(program.numRows, 0);
    unfenced.assign(program.numRows, 1);
  }
  if (state.options.trackUndefined)
    undefined = std::make_unique<Undefined>(program);
  Group all;
  all.mask = live;
  groups.push_back(all);
  fillSpecials();
}

void Warp::fillSpecials() {
  const LaunchConfig &config = state.config;
  const uint32_t (&block)[3] = config.block;
  const uint32_t (&shape)[3] = state.clusterShape;
  uint32_t within[3];
  for (int i = 0; i < 3; ++i)
    within[i] = cta.index[i] % shape[i];
  for (const auto &entry : program.specials) {
    Special special = entry.first;
    int32_t slot = entry.second;
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      uint32_t thread = id * kWarpSize + lane;
      int axis = 0;
      auto of = [&](Special first) {
        axis = int(special) - int(first);
        return axis >= 0 && axis < 3;
      };
      uint64_t value = 0;
      if (of(Special::TidX))
        value = axis == 0   ? thread % block[0]
                : axis == 1 ? thread / block[0] % block[1]
                            : thread / (block[0] * block[1]);
      else if (of(Special::NtidX))
        value = block[axis];
      else if (of(Special::CtaidX))
        value = cta.index[axis];
      else if (of(Special::NctaidX))
        value = config.grid[axis];
      else if (of(Special::ClusteridX))
        value = cta.index[axis] / shape[axis];
      else if (of(Special::NclusteridX))
        value = config.grid[axis] / shape[axis];
      else if (of(Special::ClusterCtaidX))
        value = within[axis];
      else if (of(Special::ClusterNctaidX))
        value = shape[axis];
      else
        switch (special) {
        case Special::Laneid:
          value = lane;
          break;
        case Special::Warpid:
          value = id;
          break;
        case Special::Nwarpid:
          value = state.numWarps;
          break;
        case Special::Smid:
          value = (cta.index[0] + cta.index[1] * config.grid[0]) %
                  state.options.multiprocessors;
          break;
        case Special::Nsmid:
          value = state.options.multiprocessors;
          break;
        case Special::LanemaskEq:
          value = 1u << lane;
          break;
        case Special::LanemaskLe:
          value = kAllLanes >> (31 - lane);
          break;
        case Special::LanemaskLt:
          value = (1u << lane) - 1;
          break;
        case Special::LanemaskGe:
          value = uint32_t(kAllLanes << lane);
          break;
        case Special::LanemaskGt:
          value = uint32_t(kAllLanes << lane) & ~(1u << lane);
          break;
        case Special::ClusterCtarank:
          value = cta.rank;
          break;
        case Special::ClusterNctarank:
          value = state.clusterSize;
          break;
        case Special::DynamicSmemSize:
          value = config.dynamicShared;
          break;
        case Special::TotalSmemSize:
          value = cta.sharedBytes;
          break;
        case Special::WarpSize:
          value = kWarpSize;
          break;
        default:
          break; // gridid
        }
      regs[size_t(slot) * kWarpSize + lane] = value;
    }
  }
}

void Warp::fault(const Instr &in, int lane, Fault::Kind kind,
                 std::string what) {
  std::lock_guard<std::mutex> lock(state.mutex);
  if (state.faulted)
    return;
  state.fault.kind = kind;
  std::string where = "kernel " + program.name + ", " + program.describe(in) +
                      ", CTA " + cta.name() + ", warp " + std::to_string(id);
  if (lane >= 0)
    where += ", thread " + std::to_string(id * kWarpSize + lane);
  state.fault.message = what + " (" + where + ")";
  state.faulted = true;
}

//===----------------------------------------------------------------------===//
// Groups of lanes.
//===----------------------------------------------------------------------===//

/// The ready group furthest behind, so that lanes meet again early; but now and
/// then another, because no thread may be starved.
size_t Warp::choose() {
  size_t best = groups.size();
  if (preferRandom) {
    --preferRandom;
    unsigned start = preferRandom * 7 + id;
    for (size_t i = 0; i < groups.size(); ++i) {
      size_t at = (start + i) % groups.size();
      if (groups[at].wait == Group::Ready)
        return at;
    }
    return best;
  }
  for (size_t i = 0; i < groups.size(); ++i)
    if (groups[i].wait == Group::Ready &&
        (best == groups.size() || groups[i].pc < groups[best].pc))
      best = i;
  return best;
}

void Warp::merge() {
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].mask) {
      groups.erase(groups.begin() + i--);
      continue;
    }
    if (groups[i].wait != Group::Ready)
      continue;
    for (size_t j = groups.size(); --j > i;)
      if (groups[j].wait == Group::Ready && groups[j].pc == groups[i].pc) {
        groups[i].mask |= groups[j].mask;
        groups.erase(groups.begin() + j);
      }
  }
}

size_t Warp::separate(size_t index, uint32_t lanes) {
  Group &group = groups[index];
  if (group.mask == lanes)
    return index;
  Group own = group;
  own.mask = lanes;
  group.mask &= ~lanes;
  ++group.pc;
  groups.push_back(own);
  return groups.size() - 1;
}

bool Warp::runSlice(unsigned quantum) {
  bool ran = false;
  yield = false;
  if (groups.size() > 1 && cluster.random.below(8) == 0)
    preferRandom = quantum / 2 + 1;
  for (unsigned i = 0; i < quantum && live && !yield; ++i) {
    size_t index =
        groups.size() == 1 && groups[0].wait == Group::Ready ? 0 : choose();
    if (index == groups.size())
      break;
    step(index);
    ran = true;
    if (groups.size() > 1)
      merge();
    if (state.faulted)
      return true;
  }
  // A group that spins must not keep the others of its warp from running.
  if (yield && groups.size() > 1)
    preferRandom = 1 + cluster.random.below(64);
  return ran;
}

void Warp::step(size_t index) {
  Group &group = groups[index];
  const Instr &in = program.code[group.pc];
  current = &in;
  uint32_t lanes = group.mask;
  if (undefined && !undefined->mayDecide(*this, in, lanes))
    return;
  if (in.guard >= 0)
    lanes &= in.guardNegated ? ~predicates[in.guard] : predicates[in.guard];
  ++cluster.stats.warpInstructions;
  cluster.stats.laneInstructions += popcount(lanes);
  // Longer than any loop that only waits: something goes on.
  if (++sinceFailedWait == 64)
    cluster.spins = 0;
  if (program.hasWgmma && lanes)
    checkRegisters(in);
  if (in.flow == Flow::Next) {
    ++group.pc;
    if (lanes)
      execute(in, lanes);
    return;
  }
  if (!lanes) {
    ++group.pc;
    return;
  }
  switch (in.flow) {
  case Flow::Next:
    return;
  case Flow::Branch:
    return branch(index, in, lanes, in.target);
  case Flow::IndexedBranch:
    return indexedBranch(index, in, lanes);
  case Flow::Call:
    return call(index, in, lanes);
  case Flow::Return:
    return leave(index, in, lanes);
  case Flow::Exit:
    return exit(index, in, lanes);
  case Flow::Collective:
  case Flow::Aligned:
    return collective(index, in, lanes);
  case Flow::WarpBarrier:
    return warpBarrier(index, in, lanes);
  case Flow::Barrier:
    return arriveAtBarrier(index, in, lanes);
  case Flow::ClusterWait:
    return waitForCluster(index, in, lanes);
  }
}

void Warp::checkRegisters(const Instr &in) {
  if (in.allowsBusy)
    return;
  auto check = [&](const Operand &operand) {
    if (operand.kind != Operand::Row && operand.kind != Operand::Address)
      return;
    if (operand.slot < 0)
      return;
    if (busy[operand.slot])
      fault(in, -1, Fault::Race,
            "a register of an unfinished wgmma is used before its wait");
    if (operand.written)
      unfenced[operand.slot] = 1;
  };
  const Operand *ops = operands(in);
  if (in.isCopy) {
    // Compilers copy registers wherever they like, and an assembler removes
    // those copies: they need a fence only if what they copy does.
    check(ops[0]);
    check(ops[1]);
    unfenced[ops[0].slot] =
        ops[1].slot >= 0 ? unfenced[ops[1].slot] : !fencedOnce;
    return;
  }
  for (unsigned i = 0; i < in.count; ++i) {
    if (ops[i].kind != Operand::Vector) {
      check(ops[i]);
      continue;
    }
    for (unsigned j = 0; j < ops[i].count; ++j)
      check(elements(ops[i])[j]);
  }
}

void Warp::deliverCopies(std::vector<ThreadCopy> &group) {
  for (const ThreadCopy &copy : group) {
    memset(copy.to, 0, copy.bytes);
    if (copy.zeroFrom)
      memcpy(copy.to, reinterpret_cast<const void *>(copy.from), copy.zeroFrom);
    copy.init->mark(copy.initOffset, copy.bytes);
    if (copy.fromInit)
      copy.init->copyFrom(copy.initOffset, copy.fromInit, copy.fromOffset,
                          copy.zeroFrom);
  }
  group.clear();
}

void Warp::branch(size_t index, const Instr &, uint32_t taken,
                  uint32_t target) {
  size_t own = separate(index, taken);
  groups[own].pc = target;
}

void Warp::indexedBranch(size_t index, const Instr &in, uint32_t taken) {
  const std::vector<uint32_t> &table = program.branchTables[in.target];
  const uint64_t *selector = src(operands(in)[0]);
  size_t own = separate(index, taken);
  Group model = groups[own];
  groups[own].mask = 0;
  while (taken) {
    unsigned lane = __builtin_ctz(taken);
    uint64_t value = uint32_t(selector[lane]);
    if (value >= table.size())
      return fault(in, lane, Fault::IllegalInstruction,
                   "index of a branch out of range");
    Group next = model;
    next.pc = table[value];
    next.mask = 0;
    for (unsigned other = lane; other < kWarpSize; ++other)
      if ((taken >> other & 1) && uint32_t(selector[other]) == value)
        next.mask |= 1u << other;
    taken &= ~next.mask;
    groups.push_back(next);
  }
  merge();
}

void Warp::call(size_t index, const Instr &in, uint32_t lanes) {
  const CallSite &site = program.calls[in.target];
  size_t own = separate(index, lanes);
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if (!(lanes >> lane & 1))
      continue;
    returns[lane].push_back(groups[own].pc);
    for (const LocalCopy &copy : site.before)
      memcpy(local(lane) + copy.to, local(lane) + copy.from, copy.bytes);
  }
  groups[own].pc = site.entry;
}

void Warp::leave(size_t index, const Instr &in, uint32_t lanes) {
  size_t own = separate(index, lanes);
  unsigned first = __builtin_ctz(lanes);
  if (returns[first].empty())
    return exit(own, in, lanes);
  while (lanes) {
    unsigned lane = __builtin_ctz(lanes);
    uint32_t site = returns[lane].back();
    Group back = groups[own];
    back.mask = 0;
    back.pc = site + 1;
    for (unsigned other = lane; other < kWarpSize; ++other)
      if ((lanes >> other & 1) && returns[other].back() == site) {
        back.mask |= 1u << other;
        returns[other].pop_back();
        const Instr &at = program.code[site];
        for (const LocalCopy &copy : program.calls[at.target].after)
          memcpy(local(other) + copy.to, local(other) + copy.from, copy.bytes);
      }
    lanes &= ~back.mask;
    groups[own].mask &= ~back.mask;
    groups.push_back(back);
  }
  merge();
}

void Warp::exit(size_t index, const Instr &in, uint32_t lanes) {
  size_t own = separate(index, lanes);
  groups.erase(groups.begin() + own);
  live &= ~lanes;
  if (!live)
    cta.end(*this, in);
  recheckWaits();
  for (unsigned i = 0; i < 16; ++i)
    cta.barrierCheck(i);
  cluster.barrierCheck();
}

//===----------------------------------------------------------------------===//
// Meeting other threads.
//===----------------------------------------------------------------------===//

void Warp::collective(size_t index, const Instr &in, uint32_t lanes) {
  uint32_t wanted = live;
  if (in.flow == Flow::Collective) {
    // Lanes with equal masks belong together.
    const uint64_t *masks = src(operands(in)[in.sync]);
    unsigned first = __builtin_ctz(lanes);
    wanted = uint32_t(masks[first]);
    uint32_t equal = 0;
    for (unsigned lane = first; lane < kWarpSize; ++lane)
      if ((lanes >> lane & 1) && uint32_t(masks[lane]) == wanted)
        equal |= 1u << lane;
    if (!(wanted >> first & 1))
      return fault(in, first, Fault::IllegalInstruction,
                   "the thread is not in its own member mask");
    uint32_t others = lanes & ~equal;
    if (others) {
      Group rest = groups[index];
      rest.mask = others;
      groups[index].mask &= ~others;
      groups.push_back(rest);
      lanes = equal;
    }
  }
  size_t own = separate(index, lanes);
  uint32_t arrived = lanes;
  for (const Group &group : groups)
    if (group.wait == Group::Collective && group.pc == groups[own].pc &&
        group.waitMask == (in.flow == Flow::Aligned ? kAllLanes : wanted))
      arrived |= group.mask;
  Group &group = groups[own];
  group.waitMask = in.flow == Flow::Aligned ? kAllLanes : wanted;
  if (wanted & live & ~arrived) {
    group.wait = Group::Collective;
    return;
  }
  uint32_t pc = group.pc, waitMask = group.waitMask;
  for (size_t i = 0; i < groups.size(); ++i)
    if (i != own && groups[i].wait == Group::Collective && groups[i].pc == pc &&
        groups[i].waitMask == waitMask)
      groups[i].mask = 0;
  groups[own].mask = arrived;
  groups[own].wait = Group::Ready;
  ++groups[own].pc;
  execute(in, arrived);
}

void Warp::warpBarrier(size_t index, const Instr &in, uint32_t lanes) {
  size_t own = separate(index, lanes);
  const uint64_t *masks = src(operands(in)[in.sync]);
  Group &group = groups[own];
  group.wait = Group::WarpBarrier;
  group.waitMask = uint32_t(masks[__builtin_ctz(lanes)]);
  if (!(group.waitMask & lanes))
    return fault(in, __builtin_ctz(lanes), Fault::IllegalInstruction,
                 "the thread is not in its own member mask");
  recheckWaits();
}

/// Lanes that exit are no longer waited for.
void Warp::recheckWaits() {
  for (size_t i = 0; i < groups.size(); ++i) {
    Group &group = groups[i];
    if (group.wait == Group::WarpBarrier) {
      uint32_t arrived = 0;
      for (const Group &other : groups)
        if (other.wait == Group::WarpBarrier &&
            other.waitMask == group.waitMask)
          arrived |= other.mask;
      if (group.waitMask & live & ~arrived)
        continue;
      if (cluster.races)
        cluster.races->warpSynced(*this);
      uint32_t mask = group.waitMask;
      for (Group &other : groups)
        if (other.wait == Group::WarpBarrier && other.waitMask == mask) {
          other.wait = Group::Ready;
          ++other.pc;
        }
    } else if (group.wait == Group::Collective) {
      // Runs again as if it had just arrived.
      uint32_t arrived = 0;
      for (const Group &other : groups)
        if (other.wait == Group::Collective && other.pc == group.pc &&
            other.waitMask == group.waitMask)
          arrived |= other.mask;
      if (!(group.waitMask & live & ~arrived))
        group.wait = Group::Ready;
    }
  }
}

void Warp::arriveAtBarrier(size_t index, const Instr &in, uint32_t lanes) {
  // mode: bit 0 waits, bit 1 aligned, bits 2.. the reduction.
  const Operand *ops = operands(in);
  unsigned first = __builtin_ctz(lanes);
  if (in.mode & 2) {
    // All threads of the warp come together first.
    uint32_t arrived = lanes;
    size_t own = separate(index, lanes);
    uint32_t pc = groups[own].pc;
    for (const Group &group : groups)
      if (group.wait == Group::Collective && group.pc == pc)
        arrived |= group.mask;
    groups[own].waitMask = kAllLanes;
    if (live & ~arrived) {
      groups[own].wait = Group::Collective;
      return;
    }
    for (size_t i = 0; i < groups.size(); ++i)
      if (i != own && groups[i].wait == Group::Collective && groups[i].pc == pc)
        groups[i].mask = 0;
    groups[own].mask = lanes = arrived;
    index = own;
  } else {
    index = separate(index, lanes);
  }
  uint64_t number = src(ops[in.mode2])[first];
  uint32_t expected = in.imm ? uint32_t(src(ops[in.mode2 + 1])[first]) : 0;
  if (number >= 16)
    return fault(in, first, Fault::IllegalInstruction,
                 "there are 16 barriers, not " + std::to_string(number + 1));
  if (expected % kWarpSize)
    return fault(in, first, Fault::IllegalInstruction,
                 "the number of threads of a barrier is no multiple of 32");
  CtaBarrier &barrier = cta.barriers[number];
  if (barrier.arrived && barrier.expected != expected)
    return fault(in, first, Fault::IllegalInstruction,
                 "threads disagree about the size of a barrier");
  unsigned reduction = in.mode >> 2;
  if (reduction) {
    uint32_t votes = pred(ops[in.count - 1]) & lanes;
    barrier.count += popcount(votes);
    barrier.voters += popcount(lanes);
  }
  if (cluster.races)
    cluster.races->release(*this, barrier.sync);
  Group &group = groups[index];
  if (in.mode & 1) {
    group.wait = Group::Barrier;
    group.barrier = uint8_t(number);
  } else {
    ++group.pc;
    group.wait = Group::Ready;
  }
  cta.barrierArrive(unsigned(number), expected ? kWarpSize : popcount(lanes),
                    expected);
  yield = true;
}

void Warp::waitForCluster(size_t index, const Instr &, uint32_t lanes) {
  size_t own = separate(index, lanes);
  groups[own].wait = Group::ClusterWait;
  groups[own].phase = clusterPhase[__builtin_ctz(lanes)];
  cluster.barrierCheck();
  yield = true;
}

std::string Warp::describeWaits() const {
  static const char *const kWaits[] = {"ready", "waits for its warp",
                                       "waits for its warp", "waits at barrier",
                                       "waits for cluster"};
  std::string text;
  for (const Group &group : groups) {
    char mask[16];
    snprintf(mask, sizeof(mask), "%08x", group.mask);
    text += "\n  CTA " + cta.name() + " warp " + std::to_string(id) +
            " lanes " + mask + " " + kWaits[group.wait] + " at " +
            program.describe(program.code[group.pc]);
  }
  return text;
}
