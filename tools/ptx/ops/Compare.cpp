//===- Compare.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Comparison and Selection Instructions".
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

namespace {

/// Comparisons as the set of relations that make them true.
enum Relation : uint8_t { Less = 1, Equal = 2, Greater = 4, Unordered = 8 };

enum Combine : uint8_t { NoCombine, CombineAnd, CombineOr, CombineXor };

template <typename T> uint8_t relation(T a, T b) {
  return a < b ? Less : a > b ? Greater : a == b ? Equal : Unordered;
}

template <typename T, uint8_t kSet>
uint32_t compareIntegers(const uint64_t *a, const uint64_t *b) {
  return maskOf([=](unsigned lane) {
    T x = T(a[lane]), y = T(b[lane]);
    return (kSet & Less && x < y) || (kSet & Equal && x == y) ||
           (kSet & Greater && x > y);
  });
}

template <typename T>
uint32_t compareSet(const uint64_t *a, const uint64_t *b, uint8_t set) {
  switch (set & 7) {
  case Less:
    return compareIntegers<T, Less>(a, b);
  case Equal:
    return compareIntegers<T, Equal>(a, b);
  case Less | Equal:
    return compareIntegers<T, Less | Equal>(a, b);
  case Greater:
    return compareIntegers<T, Greater>(a, b);
  case Less | Greater:
    return compareIntegers<T, Less | Greater>(a, b);
  default:
    return compareIntegers<T, Equal | Greater>(a, b);
  }
}

uint32_t compareFloats(const Instr &in, const uint64_t *a, const uint64_t *b,
                       unsigned shift = 0) {
  return maskOf([&](unsigned lane) {
    uint64_t x = a[lane] >> shift, y = b[lane] >> shift;
    switch (in.type) {
    case Type::F64:
      return (relation(asDouble(x), asDouble(y)) & in.mode) != 0;
    case Type::F32: {
      float u = asFloat(x), v = asFloat(y);
      if (in.ftz) {
        u = flush(u);
        v = flush(v);
      }
      return (relation(u, v) & in.mode) != 0;
    }
    case Type::F16:
    case Type::F16x2:
      return (relation(halfToFloat(x), halfToFloat(y)) & in.mode) != 0;
    default:
      return (relation(bfloatToFloat(x), bfloatToFloat(y)) & in.mode) != 0;
    }
  });
}

uint32_t compare(Warp &w, const Instr &in, const Operand *ops,
                 unsigned shift = 0) {
  const uint64_t *a = w.src(ops[0]), *b = w.src(ops[1]);
  switch (in.type) {
  case Type::U16:
  case Type::B16:
    return compareSet<uint16_t>(a, b, in.mode);
  case Type::S16:
    return compareSet<int16_t>(a, b, in.mode);
  case Type::U32:
  case Type::B32:
    return compareSet<uint32_t>(a, b, in.mode);
  case Type::S32:
    return compareSet<int32_t>(a, b, in.mode);
  case Type::U64:
  case Type::B64:
    return compareSet<uint64_t>(a, b, in.mode);
  case Type::S64:
    return compareSet<int64_t>(a, b, in.mode);
  default:
    return compareFloats(in, a, b, shift);
  }
}

uint32_t combine(unsigned how, uint32_t a, uint32_t b) {
  switch (how) {
  case CombineAnd:
    return a & b;
  case CombineOr:
    return a | b;
  case CombineXor:
    return a ^ b;
  default:
    return a;
  }
}

/// Operands: p, q, a, b and perhaps c.
void setPredicates(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  uint32_t result = compare(w, in, ops + 2);
  uint32_t c = in.mode2 ? w.pred(ops[4]) : 0;
  w.setPred(ops[0], m, combine(in.mode2, result, c));
  if (ops[1].sink)
    return;
  // f16x2 compares both halves; else q is the complement.
  if (in.type == Type::F16x2 || in.type == Type::BF16x2)
    w.setPred(ops[1], m, combine(in.mode2, compare(w, in, ops + 2, 16), c));
  else
    w.setPred(ops[1], m, combine(in.mode2, ~result, c));
}

/// set: all ones or 1.0 for true.
void setValue(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  uint32_t c = in.mode2 ? w.pred(ops[3]) : 0;
  uint32_t result = combine(in.mode2, compare(w, in, ops + 1), c);
  bool pair = in.type == Type::F16x2 || in.type == Type::BF16x2;
  uint32_t high = pair ? combine(in.mode2, compare(w, in, ops + 1, 16), c) : 0;
  uint64_t one = 0xffffffff;
  if (in.sourceType == Type::F32)
    one = bitsOfFloat(1.0f);
  else if (in.sourceType == Type::F16 || in.sourceType == Type::F16x2)
    one = 0x3c00;
  else if (in.sourceType == Type::BF16 || in.sourceType == Type::BF16x2)
    one = 0x3f80;
  else if (pair || bitsOf(in.sourceType) == 16)
    one = 0xffff;
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return ((result >> lane & 1) ? one : 0) |
           (pair && (high >> lane & 1) ? one << 16 : 0);
  });
}

void select(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  uint32_t p = w.pred(ops[3]);
  uint64_t mask = in.type == Type::None || bitsOf(in.type) == 64
                      ? ~uint64_t(0)
                      : (uint64_t(1) << bitsOf(in.type)) - 1;
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return ((p >> lane & 1) ? a[lane] : b[lane]) & mask;
  });
}

/// slct: by the sign of c; -0 counts as not negative.
void selectBySign(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]), *c = w.src(ops[3]);
  bool isFloat = in.sourceType == Type::F32, ftz = in.ftz;
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    float value = ftz ? flush(asFloat(c[lane])) : asFloat(c[lane]);
    bool first = isFloat ? value >= 0 : int32_t(c[lane]) >= 0;
    return first ? a[lane] : b[lane];
  });
}

struct ComparisonName {
  std::string_view name;
  uint8_t set;
};

} // namespace

static constexpr ComparisonName kComparisons[] = {
    {"eq", Equal},
    {"ne", Less | Greater},
    {"lt", Less},
    {"le", Less | Equal},
    {"gt", Greater},
    {"ge", Greater | Equal},
    {"lo", Less},
    {"ls", Less | Equal},
    {"hi", Greater},
    {"hs", Greater | Equal},
    {"equ", Equal | Unordered},
    {"neu", Less | Greater | Unordered},
    {"ltu", Less | Unordered},
    {"leu", Less | Equal | Unordered},
    {"gtu", Greater | Unordered},
    {"geu", Greater | Equal | Unordered},
    {"num", Less | Equal | Greater},
    {"nan", Unordered},
};

static bool takeComparison(Decoder &d, Instr &in) {
  for (const ComparisonName &entry : kComparisons)
    if (d.take(entry.name)) {
      in.mode = entry.set;
      in.mode2 = uint8_t(d.takeOneOf({"and", "or", "xor"}) + 1);
      in.ftz = d.take("ftz");
      return true;
    }
  return d.fail("unknown comparison");
}

static bool isComparable(Type type) {
  return isInteger(type) || type == Type::B16 || type == Type::B32 ||
         type == Type::B64 || type == Type::F32 || type == Type::F64 ||
         type == Type::F16 || type == Type::F16x2 || type == Type::BF16 ||
         type == Type::BF16x2;
}

static bool decodeSetp(Decoder &d, Instr &in) {
  in.type = d.takeType();
  if (!isComparable(in.type) || bitsOf(in.type) < 16)
    return d.fail("cannot compare this type");
  if (!takeComparison(d, in) || d.numArgs() != (in.mode2 ? 4u : 3u))
    return false;
  in.run = setPredicates;
  const Arg &dest = d.arg(0);
  Arg none;
  bool pair = dest.kind == Arg::Pair;
  if (!d.add(in, 'P', pair ? dest.parts[0] : dest) ||
      !d.add(in, 'P', pair ? dest.parts[1] : none) ||
      !d.add(in, 's', d.arg(1), in.type) || !d.add(in, 's', d.arg(2), in.type))
    return false;
  return !in.mode2 || d.add(in, 'p', d.arg(3));
}

static bool decodeSet(Decoder &d, Instr &in) {
  in.type = d.takeType();
  in.sourceType = d.takeType(); // of the result
  if (!isComparable(in.type) || in.sourceType == Type::None ||
      !takeComparison(d, in))
    return d.fail("cannot compare this type");
  in.run = setValue;
  return d.operands(in, in.mode2 ? "dssp" : "dss", in.type);
}

void ingot::ptx::addCompareOps(DecodeTable &table) {
  table["setp"] = decodeSetp;
  table["set"] = decodeSet;
  table["selp"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    if (in.type != Type::None && in.type != Type::Pred)
      in.run = select;
    return d.operands(in, "dssp", in.type);
  };
  table["slct"] = [](Decoder &d, Instr &in) {
    in.ftz = d.take("ftz");
    in.sourceType = d.takeType();
    in.type = d.takeType();
    if (in.sourceType == Type::S32 || in.sourceType == Type::F32)
      in.run = selectBySign;
    return d.operands(in, "dsss", in.type);
  };
}
