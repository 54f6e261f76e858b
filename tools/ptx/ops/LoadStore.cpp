//===- LoadStore.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ld, ldu, st, prefetch and what else only hints ("Data Movement and
// Conversion Instructions", "Cache Operators").
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Access.h"
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

namespace {

uint64_t maskBits(unsigned bits) {
  return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
}

/// Values of the memory as the registers hold them: signed ones are extended.
uint64_t extend(uint64_t value, const Instr &in, unsigned destBits) {
  switch (in.type) {
  case Type::S8:
    value = uint64_t(int64_t(int8_t(value)));
    break;
  case Type::S16:
    value = uint64_t(int64_t(int16_t(value)));
    break;
  case Type::S32:
    value = uint64_t(int64_t(int32_t(value)));
    break;
  default:
    return value;
  }
  return value & maskBits(destBits);
}

template <unsigned kBytes> uint64_t readBytes(const uint8_t *from) {
  uint64_t value = 0;
  memcpy(&value, from, kBytes);
  return value;
}

uint64_t readValue(const uint8_t *from, unsigned bytes) {
  switch (bytes) {
  case 1:
    return readBytes<1>(from);
  case 2:
    return readBytes<2>(from);
  case 4:
    return readBytes<4>(from);
  default:
    return readBytes<8>(from);
  }
}

void load(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const Operand *dests = w.elements(ops[0]);
  Addresses addresses(w, ops[1]);
  Space space = spaceOf(in, ops[1]);
  unsigned size = bytesOf(in.type), count = ops[0].count;
  // Kernel parameters are the same for all lanes.
  bool uniform = space == Space::Param && ops[1].slot < 0;
  if (uniform) {
    uint8_t *from = access(w, in, __builtin_ctz(m), space, addresses[0],
                           size * count, Access::Read);
    if (!from)
      return;
    for (unsigned i = 0; i < count; ++i) {
      if (dests[i].sink)
        continue;
      uint64_t value =
          extend(readValue(from + i * size, size), in, dests[i].bits);
      setLanes(w.dst(dests[i]), m, [=](unsigned) { return value; });
    }
    return;
  }
  // The address register may be a destination too: all lanes keep their own.
  forLanes(m, [&](unsigned lane) {
    uint8_t *from =
        access(w, in, lane, space, addresses[lane], size * count, Access::Read);
    if (!from)
      return;
    for (unsigned i = 0; i < count; ++i)
      if (!dests[i].sink)
        w.dst(dests[i])[lane] =
            extend(readValue(from + i * size, size), in, dests[i].bits);
  });
}

void store(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const Operand *sources = w.elements(ops[1]);
  Addresses addresses(w, ops[0]);
  Space space = spaceOf(in, ops[0]);
  unsigned size = bytesOf(in.type), count = ops[1].count;
  forLanes(m, [&](unsigned lane) {
    uint8_t *to = access(w, in, lane, space, addresses[lane], size * count,
                         Access::Write);
    if (!to)
      return;
    for (unsigned i = 0; i < count; ++i) {
      uint64_t value = w.src(sources[i])[lane];
      memcpy(to + i * size, &value, size);
    }
  });
}

/// b128 in one register, that is two rows.
void load128(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses addresses(w, ops[1]);
  uint64_t *low = w.dst(ops[0]), *high = low + kWarpSize;
  forLanes(m, [&](unsigned lane) {
    uint8_t *from = access(w, in, lane, spaceOf(in, ops[1]), addresses[lane],
                           16, Access::Read);
    if (!from)
      return;
    low[lane] = readBytes<8>(from);
    high[lane] = readBytes<8>(from + 8);
  });
}

void store128(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses addresses(w, ops[0]);
  const uint64_t *low = w.src(ops[1]), *high = low + kWarpSize;
  forLanes(m, [&](unsigned lane) {
    uint8_t *to = access(w, in, lane, spaceOf(in, ops[0]), addresses[lane], 16,
                         Access::Write);
    if (!to)
      return;
    memcpy(to, &low[lane], 8);
    memcpy(to + 8, &high[lane], 8);
  });
}

void nothing(Warp &, const Instr &, uint32_t) {}

} // namespace

/// Takes what only tells caches what to do, and orders that the interpreter,
/// which runs instructions one after the other, has anyway.
static void takeHints(Decoder &d, Instr &in) {
  std::string_view rest;
  int kind = 0, scope = 0;
  while ((kind = d.takeOneOf(
              {"acquire", "release", "volatile", "relaxed", "mmio"})) >= 0) {
    in.synchronises = true;
    in.acquires |= kind == 0;
    in.releases |= kind == 1;
  }
  while ((scope = d.takeOneOf({"cta", "cluster", "gpu", "sys", "ca", "cg", "cs",
                               "lu", "cv", "wb", "wt", "nc", "weak",
                               "unified"})) >= 0)
    if (scope <= 1)
      in.acquires = in.releases = false;
  while (d.takePrefixed("L1::", rest) || d.takePrefixed("L2::", rest))
    ;
}

static bool hasCacheHint(Decoder &d) { return d.take("L2::cache_hint"); }

static bool decodeLoadStore(Decoder &d, Instr &in, bool isStore) {
  bool hint = hasCacheHint(d);
  takeHints(d, in);
  in.type = d.takeType();
  static constexpr uint8_t kCounts[] = {2, 4, 8};
  int vector = d.takeOneOf({"v2", "v4", "v8"});
  in.lanes = vector < 0 ? 1 : kCounts[vector];
  in.space = d.takeSpace();
  if (d.numArgs() != (hint ? 3u : 2u))
    return d.fail("wrong number of operands");
  const Arg &value = d.arg(isStore ? 1 : 0), &address = d.arg(isStore ? 0 : 1);
  size_t count = value.kind == Arg::Vector ? value.parts.size() : 1;
  if (in.type == Type::None || in.type == Type::Pred || count != in.lanes)
    return d.fail("type and operands do not fit");
  if (in.type == Type::B128) {
    in.run = isStore ? store128 : load128;
    return in.lanes == 1 &&
           (isStore ? d.add(in, 'a', address) && d.add(in, 's', value)
                    : d.add(in, 'd', value) && d.add(in, 'a', address));
  }
  if (in.lanes * bytesOf(in.type) > 32)
    return d.fail("vector too large");
  in.run = isStore ? store : load;
  if (isStore)
    return d.add(in, 'a', address) && d.add(in, 'V', value, in.type);
  return d.add(in, 'D', value) && d.add(in, 'a', address);
}

/// Hints without an effect that could be seen. Operands are not looked at.
static bool decodeHint(Decoder &d, Instr &in) {
  std::string_view rest;
  while (d.takePrefixed("", rest))
    ;
  in.run = nothing;
  return true;
}

/// createpolicy: any value will do.
static bool decodePolicy(Decoder &d, Instr &in) {
  std::string_view rest;
  while (d.takePrefixed("", rest))
    ;
  in.run = [](Warp &w, const Instr &in, uint32_t m) {
    setLanes(w.dst(w.operands(in)[0]), m, [](unsigned) { return uint64_t(1); });
  };
  return d.numArgs() > 0 && d.add(in, 'd', d.arg(0));
}

void ingot::ptx::addMemoryOps(DecodeTable &table) {
  table["ld"] = table["ldu"] = [](Decoder &d, Instr &in) {
    return decodeLoadStore(d, in, false);
  };
  table["st"] = [](Decoder &d, Instr &in) {
    return decodeLoadStore(d, in, true);
  };
  table["prefetch"] = table["prefetchu"] = table["discard"] =
      table["applypriority"] = decodeHint;
  table["createpolicy"] = decodePolicy;
}
