//===- WarpWide.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// shfl, vote, match, redux, elect, activemask: lanes of a warp exchange values
// ("Parallel Synchronization and Communication Instructions").
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

namespace {

enum ShuffleMode : uint8_t { Up, Down, Butterfly, Indexed };

/// Operands: d, p, a, b, c, member mask.
void shuffle(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[2]), *b = w.src(ops[3]), *c = w.src(ops[4]);
  uint64_t values[kWarpSize], results[kWarpSize];
  memcpy(values, a, sizeof(values));
  uint32_t inRange = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    unsigned bval = b[lane] & 31, cval = c[lane] & 31;
    unsigned segment = c[lane] >> 8 & 31;
    unsigned most = (lane & segment) | (cval & ~segment & 31);
    unsigned least = lane & segment;
    int from = 0;
    bool valid = false;
    switch (in.mode) {
    case Up:
      from = int(lane) - int(bval);
      valid = from >= int(most);
      break;
    case Down:
      from = int(lane + bval);
      valid = from <= int(most);
      break;
    case Butterfly:
      from = int(lane ^ bval);
      valid = from <= int(most);
      break;
    default:
      from = int(least | (bval & ~segment & 31));
      valid = from <= int(most);
      break;
    }
    if (!valid)
      from = int(lane);
    else
      inRange |= 1u << lane;
    results[lane] = uint32_t(values[from]);
    // Reading a lane that does not take part gives an undefined value.
    if ((m >> lane & 1) && !(m >> from & 1))
      results[lane] = 0xdeadbeef;
  }
  if (!ops[0].sink)
    setLanes(w.dst(ops[0]), m, [&](unsigned lane) { return results[lane]; });
  if (!ops[1].sink)
    w.setPred(ops[1], m, inRange);
}

enum VoteMode : uint8_t { All, Any, Uniform, Ballot };

void vote(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  uint32_t votes = w.pred(ops[1]) & m;
  if (in.mode == Ballot) {
    setLanes(w.dst(ops[0]), m, [=](unsigned) { return uint64_t(votes); });
    return;
  }
  bool value = in.mode == All   ? votes == m
               : in.mode == Any ? votes != 0
                                : votes == 0 || votes == m;
  w.setPred(ops[0], m, value ? kAllLanes : 0);
}

/// Operands: d, p, a, member mask; mode: all.
void match(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[2]);
  uint64_t mask = in.type == Type::B64 ? ~uint64_t(0) : 0xffffffff;
  uint64_t results[kWarpSize] = {};
  bool all = true;
  unsigned first = __builtin_ctz(m);
  forLanes(m, [&](unsigned lane) {
    uint32_t equal = 0;
    forLanes(m, [&](unsigned other) {
      equal |= uint32_t(((a[lane] ^ a[other]) & mask) == 0) << other;
    });
    results[lane] = equal;
    all &= ((a[lane] ^ a[first]) & mask) == 0;
  });
  uint64_t *d = w.dst(ops[0]);
  bool isAll = in.mode;
  forLanes(m, [&](unsigned lane) {
    d[lane] = isAll ? (all ? m : 0) : results[lane];
  });
  if (isAll && !ops[1].sink)
    w.setPred(ops[1], m, all ? kAllLanes : 0);
}

enum ReduxMode : uint8_t {
  ReduxAdd,
  ReduxMin,
  ReduxMax,
  ReduxAnd,
  ReduxOr,
  ReduxXor
};

void reduce(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  bool isSigned = in.type == Type::S32;
  uint32_t result = uint32_t(a[__builtin_ctz(m)]);
  forLanes(m & (m - 1), [&](unsigned lane) {
    uint32_t value = uint32_t(a[lane]);
    bool less = isSigned ? int32_t(value) < int32_t(result) : value < result;
    switch (in.mode) {
    case ReduxAdd:
      result += value;
      break;
    case ReduxMin:
      result = less ? value : result;
      break;
    case ReduxMax:
      result = less ? result : value;
      break;
    case ReduxAnd:
      result &= value;
      break;
    case ReduxOr:
      result |= value;
      break;
    default:
      result ^= value;
      break;
    }
  });
  setLanes(w.dst(ops[0]), m, [=](unsigned) { return uint64_t(result); });
}

/// Any lane may be elected; here the lowest.
void elect(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  unsigned leader = __builtin_ctz(m);
  if (!ops[0].sink)
    setLanes(w.dst(ops[0]), m, [=](unsigned) { return uint64_t(leader); });
  w.setPred(ops[1], m, 1u << leader);
}

void activeMask(Warp &w, const Instr &in, uint32_t m) {
  setLanes(w.dst(w.operands(in)[0]), m, [=](unsigned) { return uint64_t(m); });
}

} // namespace

/// Adds destinations written as d or d|p.
static bool addPair(Decoder &d, Instr &in, const Arg &arg) {
  Arg none;
  bool pair = arg.kind == Arg::Pair;
  return d.add(in, 'd', pair ? arg.parts[0] : arg) &&
         d.add(in, 'P', pair ? arg.parts[1] : none);
}

static bool decodeShuffle(Decoder &d, Instr &in) {
  int mode = d.takeOneOf({"up", "down", "bfly", "idx"});
  if (!d.take("sync") || mode < 0 || d.takeType() != Type::B32 ||
      d.numArgs() != 5 || !addPair(d, in, d.arg(0)))
    return false;
  in.mode = uint8_t(mode);
  in.run = shuffle;
  in.flow = Flow::Collective;
  in.sync = 5;
  for (int i = 1; i < 5; ++i)
    if (!d.add(in, 's', d.arg(i)))
      return false;
  return true;
}

static bool decodeVote(Decoder &d, Instr &in) {
  int mode = d.takeOneOf({"all", "any", "uni", "ballot"});
  d.takeType();
  if (!d.take("sync") || mode < 0)
    return false;
  in.mode = uint8_t(mode);
  in.run = vote;
  in.flow = Flow::Collective;
  in.sync = 2;
  return d.operands(in, mode == Ballot ? "dps" : "Pps");
}

static bool decodeMatch(Decoder &d, Instr &in) {
  in.mode = d.takeOneOf({"any", "all"}) == 1;
  in.type = d.takeType();
  if (!d.take("sync") || d.numArgs() != 3 || !addPair(d, in, d.arg(0)))
    return false;
  in.run = match;
  in.flow = Flow::Collective;
  in.sync = 3;
  return d.add(in, 's', d.arg(1), in.type) && d.add(in, 's', d.arg(2));
}

static bool decodeRedux(Decoder &d, Instr &in) {
  in.type = d.takeType();
  int mode = d.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  if (!d.take("sync") || mode < 0 || bitsOf(in.type) != 32 ||
      in.type == Type::F32)
    return false;
  in.mode = uint8_t(mode);
  in.run = reduce;
  in.flow = Flow::Collective;
  in.sync = 2;
  return d.requireTarget(80, 0, "redux.sync") && d.operands(in, "dss");
}

void ingot::ptx::addWarpOps(DecodeTable &table) {
  table["shfl"] = decodeShuffle;
  table["vote"] = decodeVote;
  table["match"] = decodeMatch;
  table["redux"] = decodeRedux;
  table["elect"] = [](Decoder &d, Instr &in) {
    if (!d.take("sync") || d.numArgs() != 2 || !addPair(d, in, d.arg(0)))
      return false;
    in.run = elect;
    in.flow = Flow::Collective;
    in.sync = 2;
    return d.requireTarget(90, 0, "elect.sync") && d.add(in, 's', d.arg(1));
  };
  table["activemask"] = [](Decoder &d, Instr &in) {
    in.run = activeMask;
    d.takeType();
    return d.operands(in, "d");
  };
}
