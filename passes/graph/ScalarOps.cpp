//===- ScalarOps.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each scalar op computes. Only ops whose result is fixed to the last bit
// are here: exp, log and their like are not, since the code generated for them
// may differ from any library in the last place.
//
//===----------------------------------------------------------------------===//
#include "passes/graph/FloatBits.h"
#include "passes/graph/ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <functional>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

static uint64_t truncateTo(unsigned width, uint64_t bits) {
  return width >= 64 ? bits : bits & llvm::maskTrailingOnes<uint64_t>(width);
}

static int64_t signedValue(unsigned width, uint64_t bits) {
  return llvm::SignExtend64(bits, width);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// f(a, b, width) of zero-extended operands, wrapped to the width.
template <typename F>
static uint64_t onUnsigned(const Step &step, const uint64_t *slots, bool &) {
  return truncateTo(step.resultWidth, F()(slots[step.a], slots[step.b]));
}

/// Likewise of sign-extended operands, computed without signed overflow.
template <typename F>
static uint64_t onSigned(const Step &step, const uint64_t *slots, bool &) {
  return truncateTo(step.resultWidth,
                    uint64_t(F()(signedValue(step.width, slots[step.a]),
                                 signedValue(step.width, slots[step.b]))));
}

/// Division and shifts have no result for some operands.
template <typename F>
static uint64_t onPartial(const Step &step, const uint64_t *slots,
                          bool &failed) {
  return truncateTo(step.resultWidth,
                    F()(step.width, slots[step.a], slots[step.b], failed));
}

namespace {
struct Maximum {
  template <typename T> T operator()(T a, T b) const { return a < b ? b : a; }
};
struct Minimum {
  template <typename T> T operator()(T a, T b) const { return b < a ? b : a; }
};

struct DivideUnsigned {
  uint64_t operator()(unsigned, uint64_t a, uint64_t b, bool &failed) const {
    failed |= b == 0;
    return b ? a / b : 0;
  }
};
struct RemainderUnsigned {
  uint64_t operator()(unsigned, uint64_t a, uint64_t b, bool &failed) const {
    failed |= b == 0;
    return b ? a % b : 0;
  }
};
struct CeilDivideUnsigned {
  uint64_t operator()(unsigned, uint64_t a, uint64_t b, bool &failed) const {
    failed |= b == 0;
    return b ? a / b + (a % b != 0) : 0;
  }
};

enum class Rounding { Zero, Floor, Ceil };
template <Rounding rounding, bool wantRemainder> struct DivideSigned {
  uint64_t operator()(unsigned width, uint64_t ua, uint64_t ub,
                      bool &failed) const {
    int64_t a = signedValue(width, ua), b = signedValue(width, ub);
    // The least number divided by -1 overflows: no defined result.
    if (b == 0 || (b == -1 && ua == uint64_t(1) << (width - 1))) {
      failed = true;
      return 0;
    }
    int64_t quotient = a / b, remainder = a % b;
    if (wantRemainder)
      return uint64_t(remainder);
    bool negative = (a < 0) != (b < 0);
    if (rounding == Rounding::Floor && remainder && negative)
      --quotient;
    if (rounding == Rounding::Ceil && remainder && !negative)
      ++quotient;
    return uint64_t(quotient);
  }
};

struct ShiftLeft {
  uint64_t operator()(unsigned width, uint64_t a, uint64_t b,
                      bool &failed) const {
    failed |= b >= width;
    return b < width ? a << b : 0;
  }
};
struct ShiftRight {
  uint64_t operator()(unsigned width, uint64_t a, uint64_t b,
                      bool &failed) const {
    failed |= b >= width;
    return b < width ? a >> b : 0;
  }
};
struct ShiftRightSigned {
  uint64_t operator()(unsigned width, uint64_t a, uint64_t b,
                      bool &failed) const {
    failed |= b >= width;
    return b < width ? uint64_t(signedValue(width, a) >> b) : 0;
  }
};
} // namespace

static uint64_t absoluteInteger(const Step &step, const uint64_t *slots,
                                bool &) {
  int64_t a = signedValue(step.width, slots[step.a]);
  return truncateTo(step.width, a < 0 ? 0 - uint64_t(a) : uint64_t(a));
}

static uint64_t countOnes(const Step &step, const uint64_t *slots, bool &) {
  return llvm::popcount(slots[step.a]);
}

static uint64_t extendSigned(const Step &step, const uint64_t *slots, bool &) {
  return truncateTo(step.resultWidth,
                    uint64_t(signedValue(step.width, slots[step.a])));
}

static uint64_t resize(const Step &step, const uint64_t *slots, bool &) {
  return truncateTo(step.resultWidth, slots[step.a]);
}

static uint64_t compareIntegers(const Step &step, const uint64_t *slots,
                                bool &) {
  uint64_t a = slots[step.a], b = slots[step.b];
  int64_t sa = signedValue(step.width, a), sb = signedValue(step.width, b);
  switch (arith::CmpIPredicate(step.predicate)) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return sa < sb;
  case arith::CmpIPredicate::sle:
    return sa <= sb;
  case arith::CmpIPredicate::sgt:
    return sa > sb;
  case arith::CmpIPredicate::sge:
    return sa >= sb;
  case arith::CmpIPredicate::ult:
    return a < b;
  case arith::CmpIPredicate::ule:
    return a <= b;
  case arith::CmpIPredicate::ugt:
    return a > b;
  case arith::CmpIPredicate::uge:
    return a >= b;
  }
  return 0;
}

static uint64_t select(const Step &step, const uint64_t *slots, bool &) {
  return slots[step.a] & 1 ? slots[step.b] : slots[step.c];
}

//===----------------------------------------------------------------------===//
// Floating-point numbers
//===----------------------------------------------------------------------===//

template <typename F, typename T>
static uint64_t onFloats(const Step &step, const uint64_t *slots, bool &) {
  return toBits(T(F()(fromBits<T>(slots[step.a]), fromBits<T>(slots[step.b]))));
}

template <typename F, typename T>
static uint64_t onFloat(const Step &step, const uint64_t *slots, bool &) {
  return toBits(T(F()(fromBits<T>(slots[step.a]))));
}

template <typename F, typename T>
static uint64_t testFloat(const Step &step, const uint64_t *slots, bool &) {
  return F()(fromBits<T>(slots[step.a]));
}

namespace {
struct Remainder {
  template <typename T> T operator()(T a, T b) const { return std::fmod(a, b); }
};
/// arith.maximumf: a NaN wins, and +0 is greater than -0.
struct MaximumFloat {
  template <typename T> T operator()(T a, T b) const {
    if (a != a || b != b)
      return a != a ? a : b;
    if (a == b)
      return std::signbit(a) ? b : a;
    return a < b ? b : a;
  }
};
struct MinimumFloat {
  template <typename T> T operator()(T a, T b) const {
    if (a != a || b != b)
      return a != a ? a : b;
    if (a == b)
      return std::signbit(a) ? a : b;
    return a < b ? a : b;
  }
};
struct CopySign {
  template <typename T> T operator()(T a, T b) const {
    return std::copysign(a, b);
  }
};

#define INGOT_UNARY(name, expression)                                          \
  struct name {                                                                \
    template <typename T> auto operator()(T x) const { return expression; }    \
  };
INGOT_UNARY(Negate, -x)
INGOT_UNARY(Absolute, std::fabs(x))
INGOT_UNARY(SquareRoot, std::sqrt(x))
INGOT_UNARY(Floor, std::floor(x))
INGOT_UNARY(Ceil, std::ceil(x))
INGOT_UNARY(Truncate, std::trunc(x))
INGOT_UNARY(RoundAway, std::round(x))
INGOT_UNARY(RoundEven, std::nearbyint(x))
INGOT_UNARY(IsNaN, std::isnan(x))
INGOT_UNARY(IsInfinite, std::isinf(x))
INGOT_UNARY(IsFinite, std::isfinite(x))
#undef INGOT_UNARY
} // namespace

template <typename T>
static uint64_t fusedMultiplyAdd(const Step &step, const uint64_t *slots,
                                 bool &) {
  return toBits(std::fma(fromBits<T>(slots[step.a]), fromBits<T>(slots[step.b]),
                         fromBits<T>(slots[step.c])));
}

template <typename T>
static uint64_t compareFloats(const Step &step, const uint64_t *slots, bool &) {
  T a = fromBits<T>(slots[step.a]), b = fromBits<T>(slots[step.b]);
  bool unordered = a != a || b != b;
  using P = arith::CmpFPredicate;
  switch (P(step.predicate)) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  return 0;
}

static uint64_t convert(const Step &step, const uint64_t *slots, bool &) {
  return convertFloat(slots[step.a], *step.from, *step.to);
}

template <typename T>
static uint64_t fromSigned(const Step &step, const uint64_t *slots, bool &) {
  return toBits(T(signedValue(step.width, slots[step.a])));
}
template <typename T>
static uint64_t fromUnsigned(const Step &step, const uint64_t *slots, bool &) {
  return toBits(T(slots[step.a]));
}

template <typename T>
static uint64_t toSigned(const Step &step, const uint64_t *slots,
                         bool &failed) {
  T value = std::trunc(fromBits<T>(slots[step.a]));
  T limit = std::ldexp(T(1), step.resultWidth - 1);
  if (value >= -limit && value < limit)
    return truncateTo(step.resultWidth, uint64_t(int64_t(value)));
  failed = true;
  return 0;
}
template <typename T>
static uint64_t toUnsigned(const Step &step, const uint64_t *slots,
                           bool &failed) {
  T value = std::trunc(fromBits<T>(slots[step.a]));
  if (value >= 0 && value < std::ldexp(T(1), step.resultWidth))
    return uint64_t(value);
  failed = true;
  return 0;
}

//===----------------------------------------------------------------------===//
// Which op is which function
//===----------------------------------------------------------------------===//

const llvm::fltSemantics *SlotFormat::semantics(FloatType type) const {
  if (widenSingle && type.isF32())
    return &APFloat::IEEEdouble();
  return &type.getFloatSemantics();
}

/// The one of two functions for a float type's format in slots; null for the
/// narrow formats, in which bodies do not compute.
static StepFunction pick(SlotFormat format, Type type, StepFunction single,
                         StepFunction wide) {
  auto floatType = dyn_cast<FloatType>(type);
  if (!floatType)
    return nullptr;
  const llvm::fltSemantics *semantics = format.semantics(floatType);
  return semantics == &APFloat::IEEEsingle()   ? single
         : semantics == &APFloat::IEEEdouble() ? wide
                                               : nullptr;
}

template <typename F> static StepFunction binary(SlotFormat format, Type type) {
  return pick(format, type, onFloats<F, float>, onFloats<F, double>);
}
template <typename F> static StepFunction unary(SlotFormat format, Type type) {
  return pick(format, type, onFloat<F, float>, onFloat<F, double>);
}
template <typename F> static StepFunction test(SlotFormat format, Type type) {
  return pick(format, type, testFloat<F, float>, testFloat<F, double>);
}

static StepFunction integerFunction(Operation *op) {
  using DivI = DivideSigned<Rounding::Zero, false>;
  using RemI = DivideSigned<Rounding::Zero, true>;
  using FloorI = DivideSigned<Rounding::Floor, false>;
  using CeilI = DivideSigned<Rounding::Ceil, false>;
  return llvm::TypeSwitch<Operation *, StepFunction>(op)
      .Case([](arith::AddIOp) { return onUnsigned<std::plus<>>; })
      .Case([](arith::SubIOp) { return onUnsigned<std::minus<>>; })
      .Case([](arith::MulIOp) { return onUnsigned<std::multiplies<>>; })
      .Case([](arith::AndIOp) { return onUnsigned<std::bit_and<>>; })
      .Case([](arith::OrIOp) { return onUnsigned<std::bit_or<>>; })
      .Case([](arith::XOrIOp) { return onUnsigned<std::bit_xor<>>; })
      .Case([](arith::MaxUIOp) { return onUnsigned<Maximum>; })
      .Case([](arith::MinUIOp) { return onUnsigned<Minimum>; })
      .Case([](arith::MaxSIOp) { return onSigned<Maximum>; })
      .Case([](arith::MinSIOp) { return onSigned<Minimum>; })
      .Case([](arith::DivUIOp) { return onPartial<DivideUnsigned>; })
      .Case([](arith::RemUIOp) { return onPartial<RemainderUnsigned>; })
      .Case([](arith::CeilDivUIOp) { return onPartial<CeilDivideUnsigned>; })
      .Case([](arith::DivSIOp) { return onPartial<DivI>; })
      .Case([](arith::RemSIOp) { return onPartial<RemI>; })
      .Case([](arith::FloorDivSIOp) { return onPartial<FloorI>; })
      .Case([](arith::CeilDivSIOp) { return onPartial<CeilI>; })
      .Case([](arith::ShLIOp) { return onPartial<ShiftLeft>; })
      .Case([](arith::ShRUIOp) { return onPartial<ShiftRight>; })
      .Case([](arith::ShRSIOp) { return onPartial<ShiftRightSigned>; })
      .Case([](arith::CmpIOp) { return compareIntegers; })
      .Case([](math::AbsIOp) { return absoluteInteger; })
      .Case([](math::CtPopOp) { return countOnes; })
      .Case<arith::ExtSIOp, arith::IndexCastOp>(
          [](auto) { return extendSigned; })
      .Case<arith::ExtUIOp, arith::TruncIOp, arith::IndexCastUIOp>(
          [](auto) { return resize; })
      .Default(StepFunction());
}

static StepFunction floatFunction(Operation *op, SlotFormat format) {
  if (op->getNumOperands() == 0)
    return nullptr;
  Type type = op->getOperand(0).getType();
  Type result = op->getResult(0).getType();
  return llvm::TypeSwitch<Operation *, StepFunction>(op)
      .Case([&](arith::AddFOp) { return binary<std::plus<>>(format, type); })
      .Case([&](arith::SubFOp) { return binary<std::minus<>>(format, type); })
      .Case([&](arith::MulFOp) {
        return binary<std::multiplies<>>(format, type);
      })
      .Case([&](arith::DivFOp) { return binary<std::divides<>>(format, type); })
      .Case([&](arith::RemFOp) { return binary<Remainder>(format, type); })
      .Case(
          [&](arith::MaximumFOp) { return binary<MaximumFloat>(format, type); })
      .Case(
          [&](arith::MinimumFOp) { return binary<MinimumFloat>(format, type); })
      .Case([&](math::CopySignOp) { return binary<CopySign>(format, type); })
      .Case([&](arith::NegFOp) { return unary<Negate>(format, type); })
      .Case([&](math::AbsFOp) { return unary<Absolute>(format, type); })
      .Case([&](math::SqrtOp) { return unary<SquareRoot>(format, type); })
      .Case([&](math::FloorOp) { return unary<Floor>(format, type); })
      .Case([&](math::CeilOp) { return unary<Ceil>(format, type); })
      .Case([&](math::TruncOp) { return unary<Truncate>(format, type); })
      .Case([&](math::RoundOp) { return unary<RoundAway>(format, type); })
      .Case([&](math::RoundEvenOp) { return unary<RoundEven>(format, type); })
      .Case([&](math::IsNaNOp) { return test<IsNaN>(format, type); })
      .Case([&](math::IsInfOp) { return test<IsInfinite>(format, type); })
      .Case([&](math::IsFiniteOp) { return test<IsFinite>(format, type); })
      .Case([&](math::FmaOp) {
        return pick(format, type, fusedMultiplyAdd<float>,
                    fusedMultiplyAdd<double>);
      })
      .Case([&](arith::CmpFOp) {
        return pick(format, type, compareFloats<float>, compareFloats<double>);
      })
      .Case([&](arith::SIToFPOp) {
        return pick(format, result, fromSigned<float>, fromSigned<double>);
      })
      .Case([&](arith::UIToFPOp) {
        return pick(format, result, fromUnsigned<float>, fromUnsigned<double>);
      })
      .Case([&](arith::FPToSIOp) {
        return pick(format, type, toSigned<float>, toSigned<double>);
      })
      .Case([&](arith::FPToUIOp) {
        return pick(format, type, toUnsigned<float>, toUnsigned<double>);
      })
      .Default(StepFunction());
}

static unsigned widthOf(Type type) {
  return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 64;
}

std::optional<Step> graph::scalarStep(Operation *op, SlotFormat format) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 ||
      op->getNumOperands() > 3)
    return std::nullopt;
  Type type = op->getOperand(0).getType(), result = op->getResult(0).getType();
  for (Type each : {type, result})
    if (!isa<IntegerType, FloatType, IndexType>(each) || widthOf(each) > 64)
      return std::nullopt;
  Step step;
  step.width = widthOf(type);
  step.resultWidth = widthOf(result);
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    step.predicate = uint8_t(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    step.predicate = uint8_t(compare.getPredicate());
  if (isa<arith::SelectOp>(op)) {
    step.function = select;
  } else if (isa<UnrealizedConversionCastOp>(op)) {
    if (!isa<IntegerType>(type) || !isa<IntegerType>(result) ||
        step.width != step.resultWidth)
      return std::nullopt;
    step.kind = Step::Copy;
    return step;
  } else if (isa<arith::BitcastOp>(op)) {
    bool widened = format.widenSingle && (type.isF32() || result.isF32());
    if (widened)
      return std::nullopt;
    step.kind = Step::Copy;
    return step;
  } else if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    step.from = format.semantics(cast<FloatType>(type));
    step.to = format.semantics(cast<FloatType>(result));
    step.function = convert;
  } else if (StepFunction function = integerFunction(op)) {
    step.function = function;
  } else {
    step.function = floatFunction(op, format);
  }
  return step.function ? std::optional<Step>(step) : std::nullopt;
}

std::optional<uint64_t> graph::scalarConstant(Operation *op,
                                              SlotFormat format) {
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return std::nullopt;
  if (auto integer = dyn_cast<IntegerAttr>(constant.getValue())) {
    APInt value = integer.getValue();
    if (value.getBitWidth() <= 64)
      return value.getZExtValue();
  }
  if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
    if (widthOf(number.getType()) <= 64) {
      auto type = cast<FloatType>(number.getType());
      return convertFloat(number.getValue().bitcastToAPInt().getZExtValue(),
                          type.getFloatSemantics(), *format.semantics(type));
    }
  return std::nullopt;
}
