//===- Half.cpp -----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Half Precision Floating-Point Instructions": f16, bf16 and pairs of them.
// Computed in double, rounded to odd where that matters, and then once to the
// narrow type.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

#include <cmath>

using namespace ingot::ptx;

namespace {

enum HalfOp : uint8_t {
  Add,
  Sub,
  Mul,
  Fma,
  Min,
  Max,
  Abs,
  Neg,
  Exp2,
  Tanh,
};
enum HalfFlags : uint8_t { PropagatesNan = 1, XorSign = 2, AbsoluteOf = 4 };

/// The sum of three terms' worth, as one rounding sees it.
double compute(HalfOp op, double a, double b, double c) {
  switch (op) {
  case Add:
    return addToOdd(a, b);
  case Sub:
    return addToOdd(a, -b);
  case Mul:
    return a * b; // exact
  case Fma:
    return addToOdd(a * b, c);
  case Exp2:
    return std::exp2(a);
  case Tanh:
    return std::tanh(a);
  default:
    return a;
  }
}

struct Narrow {
  bool isBfloat, ftz, saturate, relu;
  Rounding rounding = Rounding::NearestEven;

  const Format &format() const { return isBfloat ? kBF16 : kF16; }

  double read(uint32_t bits) const {
    bits &= 0xffff;
    uint32_t exponents = isBfloat ? 0x7f80 : 0x7c00;
    if (ftz && !(bits & exponents))
      bits &= 0x8000;
    return isBfloat ? double(bfloatToFloat(bits)) : double(halfToFloat(bits));
  }

  uint32_t write(double value) const {
    if (relu && (value < 0 || (value == 0 && std::signbit(value))))
      value = 0;
    if (saturate)
      value = value > 0 ? (value < 1 ? value : 1) : 0;
    uint32_t bits = encode(value, format(), rounding);
    uint32_t exponents = isBfloat ? 0x7f80 : 0x7c00;
    if (ftz && !(bits & exponents))
      bits &= 0x8000;
    return bits;
  }

  uint32_t pickOf(bool isMax, unsigned flags, uint32_t x, uint32_t y) const {
    double a = read(x), b = read(y);
    bool negative = (x ^ y) & 0x8000;
    if (flags & AbsoluteOf) {
      a = std::fabs(a);
      b = std::fabs(b);
    }
    double result;
    if (a != a || b != b)
      result = (flags & PropagatesNan) || (a != a && b != b) ? NAN
               : a != a                                      ? b
                                                             : a;
    else if (a == b)
      result = (std::signbit(a) != 0) != isMax ? a : b;
    else
      result = (a > b) == isMax ? a : b;
    if ((flags & XorSign) && result == result)
      result = std::copysign(result, negative ? -1.0 : 1.0);
    return write(result);
  }

  uint32_t apply(HalfOp op, unsigned flags, uint32_t a, uint32_t b,
                 uint32_t c) const {
    switch (op) {
    case Min:
    case Max:
      return pickOf(op == Max, flags, a, b);
    case Abs:
    case Neg: {
      uint32_t bits = a & 0xffff;
      uint32_t exponents = isBfloat ? 0x7f80 : 0x7c00;
      if (ftz && !(bits & exponents))
        bits &= 0x8000;
      return op == Neg ? bits ^ 0x8000 : bits & 0x7fff;
    }
    default:
      return write(compute(op, read(a), read(b), read(c)));
    }
  }
};

template <unsigned kParts> void half(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  const uint64_t *b = in.count > 2 ? w.src(ops[2]) : a;
  const uint64_t *c = in.count > 3 ? w.src(ops[3]) : a;
  Narrow narrow{in.type == Type::BF16 || in.type == Type::BF16x2, in.ftz,
                in.saturate, in.relu, in.rounding};
  HalfOp op = HalfOp(in.mode);
  uint64_t *d = w.dst(ops[0]);
  forLanes(m, [&](unsigned lane) {
    uint32_t result = 0;
    for (unsigned part = 0; part < kParts; ++part) {
      unsigned at = 16 * part;
      result |= narrow.apply(op, in.mode2, uint32_t(a[lane] >> at),
                             uint32_t(b[lane] >> at), uint32_t(c[lane] >> at))
                << at;
    }
    d[lane] = result;
  });
}

/// The common cases of f16 in the host's own arithmetic, which rounds alike.
template <unsigned kParts, HalfOp kOp>
void fastHalf(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    uint32_t result = 0;
    for (unsigned part = 0; part < kParts; ++part) {
      unsigned at = 16 * part;
      float x = halfToFloat(a[lane] >> at), y = halfToFloat(b[lane] >> at);
      float r = kOp == Add ? x + y : kOp == Sub ? x - y : x * y;
      uint32_t bits = r != r ? 0x7fff : floatToHalf(r);
      result |= bits << at;
    }
    return uint64_t(result);
  });
}

/// add.f32.f16 and the like: a narrow first operand, the rest and the result
/// in f32.
void mixed(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  bool isBfloat = in.sourceType == Type::BF16;
  uint64_t *d = w.dst(ops[0]);
  forLanes(m, [&](unsigned lane) {
    auto narrow = [&](const Operand &operand) {
      uint64_t bits = w.src(operand)[lane];
      return isBfloat ? bfloatToFloat(bits) : halfToFloat(bits);
    };
    double a = narrow(ops[1]), result;
    if (in.mode == Fma)
      result = fmaToOdd(float(a), narrow(ops[2]), asFloat(w.src(ops[3])[lane]));
    else
      result = addToOdd(a, (in.mode == Sub ? -1.0 : 1.0) *
                               asFloat(w.src(ops[2])[lane]));
    if (in.saturate)
      result = result > 0 ? (result < 1 ? result : 1) : 0;
    d[lane] = encode(result, kF32, in.rounding);
  });
}

struct HalfName {
  std::string_view name;
  HalfOp op;
  std::string_view letters;
};

} // namespace

static constexpr HalfName kHalfNames[] = {
    {"add", Add, "dss"},  {"sub", Sub, "dss"}, {"mul", Mul, "dss"},
    {"fma", Fma, "dsss"}, {"min", Min, "dss"}, {"max", Max, "dss"},
    {"abs", Abs, "ds"},   {"neg", Neg, "ds"},  {"ex2", Exp2, "ds"},
    {"tanh", Tanh, "ds"},
};

static Handler fastHandler(const Instr &in, unsigned parts) {
  if (in.ftz || in.saturate || in.relu ||
      (in.type != Type::F16 && in.type != Type::F16x2))
    return nullptr;
  switch (in.mode) {
  case Add:
    return parts == 2 ? fastHalf<2, Add> : fastHalf<1, Add>;
  case Sub:
    return parts == 2 ? fastHalf<2, Sub> : fastHalf<1, Sub>;
  case Mul:
    return parts == 2 ? fastHalf<2, Mul> : fastHalf<1, Mul>;
  default:
    return nullptr;
  }
}

bool ingot::ptx::decodeHalfArithmetic(Decoder &d, Instr &in) {
  std::string_view name = d.statement().mnemonic;
  name = name.substr(0, name.find('.'));
  d.takeRounding(in);
  in.ftz = d.take("ftz");
  in.saturate = d.take("sat");
  in.relu = d.take("relu");
  d.take("approx");
  if (d.take("NaN"))
    in.mode2 |= PropagatesNan;
  if (d.take("xorsign"))
    in.mode2 |= XorSign;
  if (name != "abs" && d.take("abs"))
    in.mode2 |= AbsoluteOf;
  for (const HalfName &entry : kHalfNames) {
    if (entry.name != name)
      continue;
    in.mode = entry.op;
    unsigned parts = bitsOf(in.type) / 16;
    bool narrow = in.type == Type::F16 || in.type == Type::F16x2 ||
                  in.type == Type::BF16 || in.type == Type::BF16x2;
    if (!narrow)
      return d.fail("no such type for this instruction");
    if (d.take("f32")) {
      in.sourceType = in.type;
      in.run =
          in.mode == Add || in.mode == Sub || in.mode == Fma ? mixed : nullptr;
      return d.operands(in, entry.letters, Type::F32);
    }
    in.run = fastHandler(in, parts);
    if (!in.run)
      in.run = parts == 2 ? half<2> : half<1>;
    return d.operands(in, entry.letters, in.type);
  }
  return d.fail("no such type for this instruction");
}
