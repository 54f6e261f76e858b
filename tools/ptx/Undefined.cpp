//===- Undefined.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Undefined.h"

#include "tools/ptx/Access.h"

using namespace ingot::ptx;

Undefined::Undefined(const Program &program)
    : rows(program.numRows, 0), predicates(program.numPredicates, 0),
      rowOrigins(program.numRows, nullptr),
      predicateOrigins(program.numPredicates, nullptr) {
  kinds.reserve(program.code.size());
  for (const Instr &in : program.code)
    kinds.push_back(kindOf(in));
}

Undefined::Kind Undefined::kindOf(const Instr &in) {
  std::string_view text = in.text;
  if (!text.empty() && text[0] == '@')
    text.remove_prefix(std::min(text.find_first_of(" \t"), text.size()));
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t'))
    text.remove_prefix(1);
  std::string_view name = text.substr(0, text.find_first_of(". \t;"));
  struct Entry {
    std::string_view name;
    Kind kind;
  };
  static constexpr Entry entries[] = {
      {"ld", Load},         {"ldu", Load},
      {"st", Store},        {"selp", Select},
      {"and", And},         {"shfl", Shuffle},
      {"vote", AllLanes},   {"match", AllLanes},
      {"redux", AllLanes},  {"movmatrix", AllLanes},
      {"mma", Multiply},    {"ldmatrix", LoadMatrix},
      {"wgmma", Ignored},   {"stmatrix", Ignored},
      {"prefetch", Ignored}};
  for (const Entry &entry : entries)
    if (entry.name == name)
      return entry.kind;
  return Plain;
}

uint32_t Undefined::of(const Operand &operand) const {
  if (operand.sink || operand.slot < 0 || operand.kind == Operand::Vector)
    return 0;
  return operand.kind == Operand::Predicate ? predicates[operand.slot]
                                            : rows[operand.slot];
}

/// The lanes in which something that the instruction reads is undefined.
uint32_t Undefined::sources(Warp &warp, const Instr &in) {
  uint32_t all = 0;
  auto visit = [&](const Operand &operand) {
    uint32_t lanes = operand.written ? 0 : of(operand);
    if (!lanes)
      return;
    all |= lanes;
    origin = operand.kind == Operand::Predicate ? predicateOrigins[operand.slot]
                                                : rowOrigins[operand.slot];
  };
  const Operand *ops = warp.operands(in);
  for (unsigned i = 0; i < in.count; ++i) {
    visit(ops[i]);
    for (unsigned j = 0; ops[i].kind == Operand::Vector && j < ops[i].count;
         ++j)
      visit(warp.elements(ops[i])[j]);
  }
  return all;
}

bool Undefined::report(Warp &warp, const Instr &in, uint32_t lanes,
                       const char *what) {
  std::string message =
      std::string(what) + " depends on memory that was never written";
  if (origin)
    message += ", read at " + warp.program.describe(*origin);
  warp.fault(in, __builtin_ctz(lanes), Fault::Uninitialised, message);
  return false;
}

bool Undefined::mayDecide(Warp &warp, const Instr &in, uint32_t lanes) {
  if (in.guard >= 0 && (predicates[in.guard] & lanes)) {
    origin = predicateOrigins[in.guard];
    return report(warp, in, predicates[in.guard] & lanes, "a condition");
  }
  if (in.flow != Flow::IndexedBranch)
    return true;
  uint32_t selector = sources(warp, in) & lanes;
  return !selector || report(warp, in, selector, "a branch");
}

void Undefined::set(const Operand &operand, uint32_t lanes, uint32_t value) {
  if (operand.sink || operand.slot < 0)
    return;
  bool predicate = operand.kind == Operand::Predicate;
  uint32_t &place = (predicate ? predicates : rows)[operand.slot];
  place = (place & ~lanes) | (value & lanes);
  if (value & lanes)
    (predicate ? predicateOrigins : rowOrigins)[operand.slot] = origin;
}

void Undefined::setAll(Warp &warp, const Instr &in, uint32_t lanes,
                       uint32_t value) {
  const Operand *ops = warp.operands(in);
  for (unsigned i = 0; i < in.count; ++i) {
    if (ops[i].written)
      set(ops[i], lanes, value);
    for (unsigned j = 0; ops[i].kind == Operand::Vector && j < ops[i].count;
         ++j)
      if (warp.elements(ops[i])[j].written)
        set(warp.elements(ops[i])[j], lanes, value);
  }
}

/// selp: what is not chosen does not matter.
uint32_t Undefined::selected(Warp &warp, const Instr &in) const {
  const Operand *ops = warp.operands(in);
  uint32_t taken = warp.pred(ops[3]);
  return of(ops[3]) | (of(ops[1]) & taken) | (of(ops[2]) & ~taken);
}

/// and: zeros do not depend on the other operand.
uint32_t Undefined::notMasked(Warp &warp, const Instr &in) const {
  const Operand *ops = warp.operands(in);
  uint32_t result = of(ops[1]) | of(ops[2]);
  if (!result || ops[1].kind != Operand::Row || ops[2].kind != Operand::Row)
    return result;
  uint32_t zeros = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 1; i < 3; ++i)
      if (warp.src(ops[i])[lane] == 0 && !(of(ops[i]) >> lane & 1))
        zeros |= uint32_t(1) << lane;
  return result & ~zeros;
}

/// shfl: executed once for the marks of its operand.
uint32_t Undefined::shuffled(Warp &warp, const Instr &in, uint32_t lanes) {
  const Operand *ops = warp.operands(in);
  uint32_t marks = of(ops[2]), rest = of(ops[3]) | of(ops[4]);
  if (!marks || ops[0].sink)
    return rest;
  uint64_t saved[kWarpSize];
  uint64_t *from = warp.dst(ops[2]);
  memcpy(saved, from, sizeof(saved));
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    from[lane] = marks >> lane & 1;
  in.run(warp, in, lanes);
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    if (warp.src(ops[0])[lane] == 1)
      rest |= uint32_t(1) << lane;
  memcpy(from, saved, sizeof(saved));
  return rest;
}

void Undefined::load(Warp &warp, const Instr &in, uint32_t lanes) {
  const Operand *ops = warp.operands(in);
  if (ops[0].kind != Operand::Vector) {
    in.run(warp, in, lanes);
    return setAll(warp, in, lanes, read);
  }
  Addresses now(warp, ops[1]);
  uint64_t addresses[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    addresses[lane] = now[lane];
  in.run(warp, in, lanes);
  unsigned size = bytesOf(in.type);
  for (unsigned i = 0; i < ops[0].count; ++i) {
    uint32_t missing = 0;
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      if (!(read & lanes & uint32_t(1) << lane))
        continue;
      Region place = region(warp, in, int(lane), spaceOf(in, ops[1]),
                            addresses[lane] + i * size, size, 1);
      if (place.init && !place.init->covers(place.offset, size))
        missing |= uint32_t(1) << lane;
    }
    set(warp.elements(ops[0])[i], lanes, missing);
  }
}

void Undefined::store(Warp &warp, const Instr &in, uint32_t lanes) {
  in.run(warp, in, lanes);
  const Operand *ops = warp.operands(in);
  bool vector = ops[1].kind == Operand::Vector;
  const Operand *values = vector ? warp.elements(ops[1]) : &ops[1];
  unsigned size = bytesOf(in.type), count = vector ? ops[1].count : 1;
  Addresses addresses(warp, ops[0]);
  for (unsigned i = 0; i < count; ++i)
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      if (!(of(values[i]) & lanes & uint32_t(1) << lane))
        continue;
      Region place = region(warp, in, int(lane), spaceOf(in, ops[0]),
                            addresses[lane] + i * size, size, 1);
      if (place.init)
        place.init->unmark(place.offset, size);
    }
}

/// Lane 8i+r has read row r of matrix i, which goes to other lanes.
void Undefined::loadMatrix(Warp &warp, const Instr &in) {
  const Operand &vector = warp.operands(in)[0];
  for (unsigned matrix = 0; matrix < vector.count; ++matrix) {
    uint32_t missing = read >> 8 * matrix & 0xff, value = 0;
    for (unsigned row = 0; row < 8; ++row)
      if (missing >> row & 1)
        value |= in.mode ? 0x11111111u << row / 2 : 0xfu << 4 * row;
    set(warp.elements(vector)[matrix], kAllLanes, value);
  }
}

/// Rows of A, columns of B, and the sums themselves.
void Undefined::multiply(Warp &warp, const Instr &in) {
  const Operand *ops = warp.operands(in);
  const Operand *d = warp.elements(ops[0]), *a = warp.elements(ops[1]),
                *b = warp.elements(ops[2]), *c = warp.elements(ops[3]);
  unsigned halves = in.shape / 8;
  uint32_t ofRows[2] = {0, 0}, ofColumns = 0;
  auto groups = [](uint32_t lanes) {
    uint32_t result = 0;
    for (unsigned group = 0; group < 8; ++group)
      result |= uint32_t((lanes >> 4 * group & 0xf) != 0) << group;
    return result;
  };
  for (unsigned r = 0; r < ops[1].count; ++r)
    ofRows[r % halves] |= groups(of(a[r]));
  for (unsigned r = 0; r < ops[2].count; ++r)
    ofColumns |= groups(of(b[r]));
  // Two sums of a row, or both in one register.
  unsigned perRow = ops[0].count / halves;
  for (unsigned i = 0; i < ops[0].count; ++i) {
    uint32_t value = of(c[i]);
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      uint32_t columns = (perRow == 2 ? 1u << i % 2 : 3u) << 2 * (lane % 4);
      if ((ofRows[i / perRow] >> lane / 4 & 1) || (ofColumns & columns))
        value |= uint32_t(1) << lane;
    }
    set(d[i], kAllLanes, value);
  }
}

void Undefined::run(Warp &warp, const Instr &in, uint32_t lanes) {
  Kind kind = kinds[&in - warp.program.code.data()];
  const Operand *ops = warp.operands(in);
  read = 0;
  for (unsigned i = 0; i < in.count; ++i)
    if (ops[i].kind == Operand::Address && (of(ops[i]) & lanes)) {
      origin = rowOrigins[ops[i].slot];
      report(warp, in, of(ops[i]) & lanes, "an address");
      return;
    }
  origin = &in;
  uint32_t value = kind == Ignored ? 0 : sources(warp, in) & lanes;
  switch (kind) {
  case Load:
    return load(warp, in, lanes);
  case Store:
    return store(warp, in, lanes);
  case LoadMatrix:
    in.run(warp, in, lanes);
    return loadMatrix(warp, in);
  case Multiply:
    in.run(warp, in, lanes);
    return multiply(warp, in);
  case Select:
    value = selected(warp, in);
    break;
  case And:
    value = notMasked(warp, in);
    break;
  case Shuffle:
    value = shuffled(warp, in, lanes);
    break;
  case AllLanes:
    value = value ? lanes : 0;
    break;
  default:
    break;
  }
  bool writes = false;
  for (unsigned i = 0; i < in.count; ++i)
    writes |= ops[i].written || ops[i].kind == Operand::Vector;
  if (!writes && (value & lanes)) {
    report(warp, in, value & lanes, "what an instruction does");
    return;
  }
  in.run(warp, in, lanes);
  setAll(warp, in, lanes, value | read);
}
