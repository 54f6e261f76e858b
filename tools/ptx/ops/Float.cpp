//===- Float.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Floating-Point Instructions" of f32 and f64. Approximations (.approx, .full)
// are computed in double and rounded once: within the bounds that the ISA
// gives for them (2 ulp for div.full, 2^-22.x relative for ex2, lg2, rsqrt and
// rcp, 2^-20.x absolute for sin and cos, 2^-11 relative for tanh), but more
// accurate than the hardware.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

#include <cfenv>
#include <cmath>

using namespace ingot::ptx;

namespace {

/// The NaN that arithmetic on f32 returns.
constexpr uint32_t kNan = 0x7fffffff;

uint64_t finish(float value, bool ftz, bool saturate) {
  if (ftz)
    value = flush(value);
  if (saturate) {
    // A NaN becomes zero.
    value = value > 0 ? value : 0.0f;
    value = value < 1 ? value : 1.0f;
  }
  uint32_t bits = bitCast<uint32_t>(value);
  return value != value ? kNan : bits;
}

/// Calls `f` in a rounding mode of the host; `f` must not be inlined into code
/// that assumes another.
template <typename F> auto inMode(Rounding rounding, F f) -> decltype(f()) {
  int mode = rounding == Rounding::Zero   ? FE_TOWARDZERO
             : rounding == Rounding::Down ? FE_DOWNWARD
             : rounding == Rounding::Up   ? FE_UPWARD
                                          : FE_TONEAREST;
  fesetround(mode);
  auto result = f();
  fesetround(FE_TONEAREST);
  return result;
}

template <typename F>
void mapFloats(Warp &w, const Instr &in, uint32_t m, unsigned sources, F f) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  const uint64_t *b = sources > 1 ? w.src(ops[2]) : a;
  const uint64_t *c = sources > 2 ? w.src(ops[3]) : a;
  bool ftz = in.ftz, saturate = in.saturate;
  auto read = [=](uint64_t bits) {
    float value = asFloat(bits);
    return ftz ? flush(value) : value;
  };
  if (in.rounding != Rounding::NearestEven) {
    uint64_t *d = w.dst(ops[0]);
    forLanes(m, [&](unsigned lane) {
      volatile float x = read(a[lane]), y = read(b[lane]), z = read(c[lane]);
      float value = inMode(in.rounding, [&] {
        volatile float result = f(float(x), float(y), float(z));
        return float(result);
      });
      d[lane] = finish(value, ftz, saturate);
    });
    return;
  }
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return finish(f(read(a[lane]), read(b[lane]), read(c[lane])), ftz,
                  saturate);
  });
}

template <typename F>
void mapDoubles(Warp &w, const Instr &in, uint32_t m, unsigned sources, F f) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  const uint64_t *b = sources > 1 ? w.src(ops[2]) : a;
  const uint64_t *c = sources > 2 ? w.src(ops[3]) : a;
  uint64_t *d = w.dst(ops[0]);
  forLanes(m, [&](unsigned lane) {
    volatile double x = asDouble(a[lane]), y = asDouble(b[lane]),
                    z = asDouble(c[lane]);
    d[lane] = bitsOfDouble(inMode(in.rounding, [&] {
      volatile double result = f(double(x), double(y), double(z));
      return double(result);
    }));
  });
}

/// Both widths of an operation in the host's arithmetic.
#define INGOT_PTX_FLOAT_OP(NAME, SOURCES, NARROW, WIDE)                        \
  void NAME##F32(Warp &w, const Instr &in, uint32_t m) {                       \
    mapFloats(w, in, m, SOURCES,                                               \
              [](float a, float b, float c) -> float { return NARROW; });      \
  }                                                                            \
  void NAME##F64(Warp &w, const Instr &in, uint32_t m) {                       \
    mapDoubles(w, in, m, SOURCES,                                              \
               [](double a, double b, double c) -> double { return WIDE; });   \
  }
INGOT_PTX_FLOAT_OP(add, 2, ((void)c, a + b), ((void)c, a + b))
INGOT_PTX_FLOAT_OP(sub, 2, ((void)c, a - b), ((void)c, a - b))
INGOT_PTX_FLOAT_OP(mul, 2, ((void)c, a *b), ((void)c, a *b))
INGOT_PTX_FLOAT_OP(div, 2, ((void)c, a / b), ((void)c, a / b))
INGOT_PTX_FLOAT_OP(fma, 3, __builtin_fmaf(a, b, c), __builtin_fma(a, b, c))
INGOT_PTX_FLOAT_OP(rcp, 1, ((void)b, (void)c, 1 / a), ((void)b, (void)c, 1 / a))
INGOT_PTX_FLOAT_OP(sqrt, 1, ((void)b, (void)c, __builtin_sqrtf(a)),
                   ((void)b, (void)c, __builtin_sqrt(a)))
INGOT_PTX_FLOAT_OP(rsqrt, 1,
                   ((void)b, (void)c, float(1 / std::sqrt(double(a)))),
                   ((void)b, (void)c, 1 / std::sqrt(a)))

/// Functions that are only approximated: f32 through double.
#define INGOT_PTX_APPROX_OP(NAME, EXPRESSION)                                  \
  void NAME(Warp &w, const Instr &in, uint32_t m) {                            \
    mapFloats(w, in, m, 1, [](float value, float, float) {                     \
      double a = value;                                                        \
      return float(EXPRESSION);                                                \
    });                                                                        \
  }
INGOT_PTX_APPROX_OP(sine, std::sin(a))
INGOT_PTX_APPROX_OP(cosine, std::cos(a))
INGOT_PTX_APPROX_OP(exp2Approx, std::exp2(a))
INGOT_PTX_APPROX_OP(log2Approx, std::log2(a))
INGOT_PTX_APPROX_OP(tanhApprox, std::tanh(a))

//===----------------------------------------------------------------------===//
// min, max, abs, neg, copysign.
//===----------------------------------------------------------------------===//

enum MinMaxMode : uint8_t {
  IsMax = 1,
  PropagatesNan = 2,
  XorSign = 4,
  Abs = 8
};

/// -0 is less than +0. Without .NaN the other operand of a NaN is the result.
template <typename T> T pick(T a, T b, unsigned mode) {
  bool negative = std::signbit(a) != std::signbit(b);
  if (mode & Abs) {
    a = std::fabs(a);
    b = std::fabs(b);
  }
  T result;
  if (a != a || b != b)
    result = (mode & PropagatesNan) || (a != a && b != b) ? T(NAN)
             : a != a                                     ? b
                                                          : a;
  else if (a == b)
    result = (std::signbit(a) != 0) == ((mode & IsMax) == 0) ? a : b;
  else
    result = (a > b) == ((mode & IsMax) != 0) ? a : b;
  if ((mode & XorSign) && result == result)
    result = std::copysign(result, negative ? T(-1) : T(1));
  return result;
}

template <unsigned kSources>
void minMaxF32(Warp &w, const Instr &in, uint32_t m) {
  unsigned mode = in.mode;
  mapFloats(w, in, m, kSources, [mode](float a, float b, float c) {
    float result = pick(a, b, mode);
    return kSources == 3 ? pick(result, c, mode) : result;
  });
}
void minMaxF64(Warp &w, const Instr &in, uint32_t m) {
  unsigned mode = in.mode;
  mapDoubles(w, in, m, 2,
             [mode](double a, double b, double) { return pick(a, b, mode); });
}

/// Only the sign changes; a NaN keeps its bits.
template <int kWidth> void signOf(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  constexpr uint64_t kSign = uint64_t(1) << (kWidth - 1);
  bool ftz = in.ftz, negate = in.mode;
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    uint64_t bits = a[lane];
    if (ftz)
      bits = bitsOfFloat(flush(asFloat(bits)));
    return negate ? bits ^ kSign : bits & ~kSign;
  });
}

/// The sign of the first operand on the second.
template <int kWidth> void copySign(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  constexpr uint64_t kSign = uint64_t(1) << (kWidth - 1);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return (a[lane] & kSign) | (b[lane] & (kSign - 1));
  });
}

enum TestMode : uint8_t {
  Finite,
  Infinite,
  Number,
  NotANumber,
  Normal,
  Subnormal
};

template <typename T> bool test(T value, unsigned mode) {
  switch (mode) {
  case Finite:
    return std::isfinite(value);
  case Infinite:
    return std::isinf(value);
  case Number:
    return !std::isnan(value);
  case NotANumber:
    return std::isnan(value);
  case Normal:
    return std::isnormal(value) || value == 0;
  default:
    return std::fpclassify(value) == FP_SUBNORMAL;
  }
}

void testProperty(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  w.setPred(ops[0], m, maskOf([&](unsigned lane) {
              return in.type == Type::F64 ? test(asDouble(a[lane]), in.mode)
                                          : test(asFloat(a[lane]), in.mode);
            }));
}

/// An operation of the table: handlers and letters of the operands.
struct FloatOp {
  std::string_view name;
  Handler f32, f64;
  std::string_view letters;
};

} // namespace

static constexpr FloatOp kFloatOps[] = {
    {"add", addF32, addF64, "dss"},
    {"sub", subF32, subF64, "dss"},
    {"mul", mulF32, mulF64, "dss"},
    {"div", divF32, divF64, "dss"},
    {"mad", fmaF32, fmaF64, "dsss"},
    {"fma", fmaF32, fmaF64, "dsss"},
    {"rcp", rcpF32, rcpF64, "ds"},
    {"sqrt", sqrtF32, sqrtF64, "ds"},
    {"rsqrt", rsqrtF32, rsqrtF64, "ds"},
    {"sin", sine, nullptr, "ds"},
    {"cos", cosine, nullptr, "ds"},
    {"ex2", exp2Approx, nullptr, "ds"},
    {"lg2", log2Approx, nullptr, "ds"},
    {"tanh", tanhApprox, nullptr, "ds"},
    {"min", minMaxF32<2>, minMaxF64, "dss"},
    {"max", minMaxF32<2>, minMaxF64, "dss"},
    {"abs", signOf<32>, signOf<64>, "ds"},
    {"neg", signOf<32>, signOf<64>, "ds"},
    {"copysign", copySign<32>, copySign<64>, "dss"},
};

bool ingot::ptx::decodeFloatArithmetic(Decoder &d, Instr &in) {
  std::string_view name = d.statement().mnemonic;
  name = name.substr(0, name.find('.'));
  in.type = d.takeType();
  // Mixed precision add.f32.f16 has a second type.
  if (in.type != Type::F32 && in.type != Type::F64)
    return decodeHalfArithmetic(d, in);
  d.takeRounding(in);
  in.ftz = d.take("ftz");
  in.saturate = d.take("sat");
  d.takeOneOf({"approx", "full"});
  if (name == "min" || name == "max") {
    in.mode = name == "max" ? IsMax : 0;
    if (d.take("NaN"))
      in.mode |= PropagatesNan;
    if (d.take("xorsign"))
      in.mode |= XorSign;
    if (d.take("abs"))
      in.mode |= Abs;
  }
  if (name == "neg")
    in.mode = 1;
  for (const FloatOp &op : kFloatOps) {
    if (op.name != name)
      continue;
    in.run = in.type == Type::F32 ? op.f32 : op.f64;
    if (op.f32 == minMaxF32<2> && d.numArgs() == 4 && in.type == Type::F32) {
      in.run = minMaxF32<3>;
      return d.operands(in, "dsss", in.type);
    }
    return d.operands(in, op.letters, in.type);
  }
  return false;
}

void ingot::ptx::addFloatOps(DecodeTable &table) {
  for (const char *name : {"fma", "rcp", "sqrt", "rsqrt", "sin", "cos", "ex2",
                           "lg2", "tanh", "copysign"})
    table[name] = decodeFloatArithmetic;
  table["testp"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    int mode = d.takeOneOf(
        {"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
    in.mode = uint8_t(mode);
    if (mode >= 0 && (in.type == Type::F32 || in.type == Type::F64))
      in.run = testProperty;
    return d.operands(in, "Ps", in.type);
  };
}
