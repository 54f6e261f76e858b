//===- Move.cpp -----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mov, cvta, isspacep, mapa and getctarank ("Data Movement and Conversion
// Instructions").
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

namespace {

template <typename T> void move(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) { return a; });
}

void movePredicate(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  w.setPred(ops[0], m, w.pred(ops[1]));
}

/// {a, b} into one register, the first in the low bits.
void packVector(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const Operand *parts = w.elements(ops[1]);
  unsigned width = bitsOf(in.type) / ops[1].count;
  uint64_t mask = (uint64_t(1) << width) - 1;
  uint64_t *d = w.dst(ops[0]);
  forLanes(m, [&](unsigned lane) {
    uint64_t value = 0;
    for (unsigned i = 0; i < ops[1].count; ++i)
      value |= (w.src(parts[i])[lane] & mask) << i * width;
    d[lane] = value;
  });
}

void unpackVector(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const Operand *parts = w.elements(ops[0]);
  unsigned width = bitsOf(in.type) / ops[0].count;
  uint64_t mask = (uint64_t(1) << width) - 1;
  const uint64_t *a = w.src(ops[1]);
  forLanes(m, [&](unsigned lane) {
    uint64_t value = a[lane];
    for (unsigned i = 0; i < ops[0].count; ++i)
      if (!parts[i].sink)
        w.dst(parts[i])[lane] = value >> i * width & mask;
  });
}

/// b128: two rows.
void move128(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Operand to[2] = {ops[0], ops[0]}, from[2] = {ops[1], ops[1]};
  auto split = [&](const Operand &operand, Operand(&halves)[2]) {
    if (operand.kind == Operand::Vector) {
      halves[0] = w.elements(operand)[0];
      halves[1] = w.elements(operand)[1];
    } else {
      ++halves[1].slot;
    }
  };
  split(ops[0], to);
  split(ops[1], from);
  for (int i = 0; i < 2; ++i) {
    const uint64_t *a = w.src(from[i]);
    setLanes(w.dst(to[i]), m, [=](unsigned lane) { return a[lane]; });
  }
}

/// Registers that change while a kernel runs; mode: shift, imm: per what.
void readClock(Warp &w, const Instr &in, uint32_t m) {
  uint64_t value = w.cluster.stats.warpInstructions * (in.imm ? 1 : 4);
  value >>= in.mode;
  if (bitsOf(in.type) == 32)
    value = uint32_t(value);
  setLanes(w.dst(w.operands(in)[0]), m, [=](unsigned) { return value; });
}

uint64_t windowOf(Space space) {
  return space == Space::Shared  ? kSharedWindow
         : space == Space::Local ? kLocalWindow
         : space == Space::Param ? kParamWindow
                                 : 0;
}

/// mode 1: from the generic to the space.
void convertAddress(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  uint64_t window = windowOf(in.space);
  bool toSpace = in.mode;
  uint64_t mask = bitsOf(in.type) == 32 ? 0xffffffff : ~uint64_t(0);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return (toSpace ? a[lane] & ~(window ? kWindowMask : 0)
                    : a[lane] | window) &
           mask;
  });
}

void isInSpace(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  uint64_t window = windowOf(in.space);
  w.setPred(ops[0], m, maskOf([=](unsigned lane) {
              return (a[lane] & kWindowMask) == window;
            }));
}

/// The address of the same variable in another CTA of the cluster.
void mapAddress(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  uint64_t *d = w.dst(ops[0]);
  forLanes(m, [&](unsigned lane) {
    uint64_t rank = uint32_t(b[lane]);
    if (rank >= w.state.clusterSize)
      return w.fault(in, lane, Fault::IllegalAddress,
                     "no CTA of rank " + std::to_string(rank) +
                         " in the cluster");
    uint64_t window = a[lane] & kWindowMask;
    uint64_t high = rank == w.cta.rank ? 0 : (rank + 1) << kRankShift;
    d[lane] = window | high | (a[lane] & kSharedOffsetMask);
  });
}

void rankOfAddress(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  uint64_t own = w.cta.rank;
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    uint64_t rank = (a[lane] & ~kWindowMask) >> kRankShift;
    return rank ? rank - 1 : own;
  });
}

struct ClockName {
  std::string_view name;
  uint8_t shift;
  bool nanoseconds;
};

} // namespace

static constexpr ClockName kClocks[] = {
    {"%clock", 0, false},         {"%clock64", 0, false},
    {"%clock_hi", 32, false},     {"%globaltimer", 0, true},
    {"%globaltimer_lo", 0, true}, {"%globaltimer_hi", 32, true},
};

static bool decodeMove(Decoder &d, Instr &in) {
  in.type = d.takeType();
  if (d.numArgs() != 2)
    return false;
  const Arg &dest = d.arg(0), &from = d.arg(1);
  if (in.type == Type::Pred) {
    in.run = movePredicate;
    return d.operands(in, "Pp");
  }
  for (const ClockName &clock : kClocks)
    if (from.kind == Arg::Name && from.name == clock.name) {
      in.run = readClock;
      in.mode = clock.shift;
      in.imm = clock.nanoseconds;
      return d.add(in, 'd', dest);
    }
  if (in.type == Type::B128) {
    in.run = move128;
    return d.operands(in, dest.kind == Arg::Vector   ? "Ds"
                          : from.kind == Arg::Vector ? "dV"
                                                     : "ds");
  }
  if (dest.kind == Arg::Vector || from.kind == Arg::Vector) {
    bool unpack = dest.kind == Arg::Vector;
    const Arg &vector = unpack ? dest : from;
    unsigned bits = bitsOf(in.type);
    if (vector.parts.empty() || vector.parts.size() > 8 ||
        bits % vector.parts.size() || bits == vector.parts.size())
      return false;
    if (unpack && from.kind == Arg::Vector)
      return false;
    in.run = unpack ? unpackVector : packVector;
    return d.operands(in, unpack ? "Ds" : "dV", in.type);
  }
  in.isCopy = true;
  switch (bitsOf(in.type)) {
  case 16:
    in.run = move<uint16_t>;
    break;
  case 32:
    in.run = move<uint32_t>;
    break;
  case 64:
    in.run = move<uint64_t>;
    break;
  default:
    break;
  }
  return d.operands(in, "ds", in.type);
}

void ingot::ptx::addMoveOps(DecodeTable &table) {
  table["mov"] = decodeMove;
  table["cvta"] = [](Decoder &d, Instr &in) {
    in.mode = d.take("to");
    in.type = d.takeType();
    in.space = d.takeSpace();
    if (in.space != Space::Generic)
      in.run = convertAddress;
    return d.operands(in, "ds", Type::B64);
  };
  table["isspacep"] = [](Decoder &d, Instr &in) {
    in.space = d.takeSpace();
    if (in.space != Space::Generic)
      in.run = isInSpace;
    return d.operands(in, "Ps", Type::B64);
  };
  table["mapa"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    d.takeSpace();
    in.run = mapAddress;
    return d.requireTarget(90, 0, "mapa") && d.operands(in, "dss", in.type);
  };
  table["getctarank"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    d.takeSpace();
    in.run = rankOfAddress;
    return d.requireTarget(90, 0, "getctarank") &&
           d.operands(in, "ds", in.type);
  };
}
