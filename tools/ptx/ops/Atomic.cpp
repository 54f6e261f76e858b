//===- Atomic.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// atom and red ("Parallel Synchronization and Communication Instructions").
// Lanes act one after the other.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Access.h"
#include "tools/ptx/ops/Lanes.h"

#include <cmath>

using namespace ingot::ptx;

namespace {

enum AtomicOp : uint8_t {
  OpAdd,
  OpMin,
  OpMax,
  OpAnd,
  OpOr,
  OpXor,
  OpExch,
  OpCas,
  OpInc,
  OpDec,
};

template <typename T> T updateInteger(unsigned op, T old, T b, T c) {
  using U = std::make_unsigned_t<T>;
  switch (op) {
  case OpAdd:
    return T(U(old) + U(b));
  case OpMin:
    return old < b ? old : b;
  case OpMax:
    return old > b ? old : b;
  case OpAnd:
    return old & b;
  case OpOr:
    return old | b;
  case OpXor:
    return old ^ b;
  case OpExch:
    return b;
  case OpCas:
    return old == b ? c : old;
  case OpInc:
    return U(old) >= U(b) ? T(0) : T(old + 1);
  default:
    return old == 0 || U(old) > U(b) ? b : T(old - 1);
  }
}

uint32_t narrowUpdate(unsigned op, uint32_t x, uint32_t y,
                      const Format &format) {
  double a = decode(x & 0xffff, format), b = decode(y & 0xffff, format);
  if (op == OpAdd)
    return encode(addToOdd(a, b), format);
  if (a != a || b != b)
    return encode(a != a ? b : a, format);
  return encode((a < b) == (op == OpMin) ? a : b, format);
}

uint64_t update(const Instr &in, uint64_t old, uint64_t b, uint64_t c) {
  unsigned op = in.mode;
  switch (in.type) {
  case Type::U32:
    return updateInteger<uint32_t>(op, uint32_t(old), uint32_t(b), uint32_t(c));
  case Type::S32:
    return uint32_t(
        updateInteger<int32_t>(op, int32_t(old), int32_t(b), int32_t(c)));
  case Type::U64:
    return updateInteger<uint64_t>(op, old, b, c);
  case Type::S64:
    return uint64_t(
        updateInteger<int64_t>(op, int64_t(old), int64_t(b), int64_t(c)));
  case Type::B16:
    return updateInteger<uint16_t>(op, uint16_t(old), uint16_t(b), uint16_t(c));
  case Type::B32:
    return updateInteger<uint32_t>(op, uint32_t(old), uint32_t(b), uint32_t(c));
  case Type::B64:
    return updateInteger<uint64_t>(op, old, b, c);
  case Type::F32: {
    float x = asFloat(old), y = asFloat(b);
    // atom.add.f32 on global memory flushes nothing, on shared memory neither.
    float sum = op == OpAdd   ? x + y
                : op == OpMin ? std::fmin(x, y)
                              : std::fmax(x, y);
    return bitsOfFloat(sum);
  }
  case Type::F64:
    return bitsOfDouble(asDouble(old) + asDouble(b));
  case Type::F16:
  case Type::BF16:
    return narrowUpdate(op, uint32_t(old), uint32_t(b),
                        in.type == Type::F16 ? kF16 : kBF16);
  case Type::F16x2:
  case Type::BF16x2: {
    const Format &format = in.type == Type::F16x2 ? kF16 : kBF16;
    return narrowUpdate(op, uint32_t(old), uint32_t(b), format) |
           uint64_t(
               narrowUpdate(op, uint32_t(old >> 16), uint32_t(b >> 16), format))
               << 16;
  }
  default:
    return old;
  }
}

/// Replaces the value in memory in one step, also against other threads of the
/// host, and returns the old one.
template <typename T>
uint64_t exchangeBy(uint8_t *place, const Instr &in, uint64_t b, uint64_t c) {
  T *target = reinterpret_cast<T *>(place);
  T old = __atomic_load_n(target, __ATOMIC_RELAXED), next;
  do {
    next = T(update(in, old, b, c));
  } while (!__atomic_compare_exchange_n(target, &old, next, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  return old;
}

/// Operands: an optional destination first, the address, the values.
void atomic(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  bool wantsOld = in.mode2;
  const Operand *rest = ops + wantsOld;
  Addresses addresses(w, rest[0]);
  unsigned size = bytesOf(in.type);
  const Operand *values = w.elements(rest[1]);
  unsigned count = rest[1].count;
  const uint64_t *c = in.mode == OpCas ? w.src(rest[2]) : nullptr;
  const Operand *dests = wantsOld ? w.elements(ops[0]) : nullptr;
  w.cluster.spins = 0;
  forLanes(m, [&](unsigned lane) {
    uint8_t *place = access(w, in, lane, in.space, addresses[lane],
                            size * count, Access::Atomic);
    if (!place)
      return;
    for (unsigned i = 0; i < count; ++i) {
      uint64_t b = w.src(values[i])[lane], third = c ? c[lane] : 0;
      uint8_t *at = place + i * size;
      uint64_t old = size == 2   ? exchangeBy<uint16_t>(at, in, b, third)
                     : size == 4 ? exchangeBy<uint32_t>(at, in, b, third)
                                 : exchangeBy<uint64_t>(at, in, b, third);
      if (dests && !dests[i].sink)
        w.dst(dests[i])[lane] = old;
    }
  });
}

bool isAllowed(unsigned op, Type type) {
  bool bitwise =
      op == OpAnd || op == OpOr || op == OpXor || op == OpExch || op == OpCas;
  switch (type) {
  case Type::B16:
    return op == OpCas;
  case Type::B32:
  case Type::B64:
    return bitwise;
  case Type::U32:
    return !bitwise;
  case Type::S32:
  case Type::U64:
  case Type::S64:
    return op == OpAdd || op == OpMin || op == OpMax;
  case Type::F32:
  case Type::F64:
    return op == OpAdd;
  case Type::F16:
  case Type::F16x2:
  case Type::BF16:
  case Type::BF16x2:
    return op == OpAdd || op == OpMin || op == OpMax;
  default:
    return false;
  }
}

} // namespace

static bool decodeAtomic(Decoder &d, Instr &in, bool wantsOld) {
  // Without an order it is relaxed; without a scope that of the device.
  int order = d.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  int scope = d.takeOneOf({"cta", "cluster", "gpu", "sys"});
  bool wide = scope < 0 || scope >= 2;
  in.acquires = wide && (order == 1 || order == 3);
  in.releases = wide && (order == 2 || order == 3);
  d.take("noftz");
  bool hint = d.take("L2::cache_hint");
  in.space = d.takeSpace();
  in.type = d.takeType();
  int op = d.takeOneOf(
      {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  static constexpr uint8_t kCounts[] = {2, 4, 8};
  int vector = d.takeOneOf({"v2", "v4", "v8"});
  unsigned count = vector < 0 ? 1 : kCounts[vector];
  if (op < 0 || !isAllowed(op, in.type))
    return d.fail("no such operation on this type");
  in.mode = uint8_t(op);
  in.mode2 = wantsOld;
  size_t wanted = wantsOld + 2 + (op == OpCas) + hint;
  if (d.numArgs() != wanted)
    return d.fail("wrong number of operands");
  size_t at = 0;
  if (wantsOld && !d.add(in, 'D', d.arg(at++)))
    return false;
  if (!d.add(in, 'a', d.arg(at)) || !d.add(in, 'V', d.arg(at + 1), in.type))
    return false;
  if (d.program.operands.back().count != count)
    return d.fail("type and operands do not fit");
  if (op == OpCas && !d.add(in, 's', d.arg(at + 2), in.type))
    return false;
  in.run = atomic;
  return true;
}

void ingot::ptx::addAtomicOps(DecodeTable &table) {
  table["atom"] = [](Decoder &d, Instr &in) {
    return decodeAtomic(d, in, true);
  };
  table["red"] = [](Decoder &d, Instr &in) {
    if (d.take("async"))
      return d.fail("red.async is not supported");
    return decodeAtomic(d, in, false);
  };
}
