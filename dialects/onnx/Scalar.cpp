//===- Scalar.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Scalar.h"
#include "dialects/onnx/Dims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ingot;
using onnx::Literal;
using onnx::Scalar;

Type onnx::computeType(Type type) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return floatType.getWidth() < 32 ? Float32Type::get(type.getContext())
                                     : type;
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(), integer.getWidth());
  return type;
}

Literal::Literal(const APFloat &number) {
  APFloat wide = number;
  bool lost;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  value = wide.convertToDouble();
}

// A bool is ordered as an unsigned number is: false < true.
Scalar::Scalar(OpBuilder &b, Location loc, Value value, Type from)
    : Scalar(b, loc, value,
             onnx::isUnsigned(from) ||
                 getElementTypeOrSelf(from).isSignlessInteger(1)) {}

Scalar Scalar::constant(Literal literal) const {
  if (isFloat())
    return with(arith::ConstantOp::create(
        *b, *loc, b->getFloatAttr(type(), literal.value)));
  return constant(
      APInt(64, uint64_t(int64_t(literal.value))).sextOrTrunc(width()));
}

Scalar Scalar::constant(const APInt &bits) const {
  return with(
      arith::ConstantOp::create(*b, *loc, b->getIntegerAttr(type(), bits)),
      unsignedFlag);
}

/// Makes `x Op y` of x's type and signedness.
template <typename Op> static Scalar make(Scalar x, Scalar y) {
  return x.with(Op::create(x.builder(), x.getLoc(), Value(x), Value(y)),
                x.isUnsigned());
}
template <typename Op> static Scalar make(Scalar x) {
  return x.with(Op::create(x.builder(), x.getLoc(), Value(x)), x.isUnsigned());
}
template <typename FloatOp, typename IntOp>
static Scalar makeByType(Scalar a, Scalar b) {
  return a.isFloat() ? make<FloatOp>(a, b) : make<IntOp>(a, b);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Scalar onnx::operator+(Scalar a, Scalar b) {
  return makeByType<arith::AddFOp, arith::AddIOp>(a, b);
}
Scalar onnx::operator-(Scalar a, Scalar b) {
  return makeByType<arith::SubFOp, arith::SubIOp>(a, b);
}
Scalar onnx::operator*(Scalar a, Scalar b) {
  return makeByType<arith::MulFOp, arith::MulIOp>(a, b);
}
Scalar onnx::operator-(Scalar x) {
  return x.isFloat() ? make<arith::NegFOp>(x) : x.constant(0) - x;
}

/// The divisor with the values replaced by 1 for which a division traps: 0,
/// and -1 of signed integers.
static Scalar safeDivisor(Scalar b) {
  Scalar bad = b == 0;
  if (!b.isUnsigned())
    bad = bad | (b == b.constant(APInt::getAllOnes(b.width())));
  return select(bad, 1, b);
}

Scalar onnx::operator/(Scalar a, Scalar b) {
  if (a.isFloat())
    return make<arith::DivFOp>(a, b);
  Scalar safe = safeDivisor(b);
  if (a.isUnsigned())
    return make<arith::DivUIOp>(a, safe);
  Scalar minusOne = b.constant(APInt::getAllOnes(b.width()));
  return select(b == minusOne, -a, make<arith::DivSIOp>(a, safe));
}

Scalar onnx::truncMod(Scalar a, Scalar b) {
  if (a.isFloat())
    return make<arith::RemFOp>(a, b);
  // The remainder by 1 is 0, which is right for -1 too.
  Scalar safe = safeDivisor(b);
  return a.isUnsigned() ? make<arith::RemUIOp>(a, safe)
                        : make<arith::RemSIOp>(a, safe);
}

Scalar onnx::floorMod(Scalar a, Scalar b) {
  Scalar rest = truncMod(a, b);
  if (!a.isFloat() && a.isUnsigned())
    return rest;
  Scalar moved = select((rest < 0) != (b < 0), rest + b, rest);
  if (a.isFloat())
    return select(rest == 0, copysign(rest, b), moved);
  return select(rest == 0, rest, moved);
}

//===----------------------------------------------------------------------===//
// Comparisons and bits
//===----------------------------------------------------------------------===//

static Scalar compare(Scalar a, Scalar b, arith::CmpFPredicate ofFloats,
                      arith::CmpIPredicate ofSigned,
                      arith::CmpIPredicate ofUnsigned) {
  OpBuilder &at = a.builder();
  Value result =
      a.isFloat()
          ? arith::CmpFOp::create(at, a.getLoc(), ofFloats, a, b).getResult()
          : arith::CmpIOp::create(at, a.getLoc(),
                                  a.isUnsigned() ? ofUnsigned : ofSigned, a, b)
                .getResult();
  return a.with(result, /*isUnsigned=*/true);
}

Scalar onnx::operator<(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt,
                 arith::CmpIPredicate::ult);
}
Scalar onnx::operator<=(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle,
                 arith::CmpIPredicate::ule);
}
Scalar onnx::operator>(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt,
                 arith::CmpIPredicate::ugt);
}
Scalar onnx::operator>=(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge,
                 arith::CmpIPredicate::uge);
}
Scalar onnx::operator==(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq,
                 arith::CmpIPredicate::eq);
}
Scalar onnx::operator!=(Scalar a, Scalar b) {
  return compare(a, b, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne,
                 arith::CmpIPredicate::ne);
}
Scalar onnx::isNan(Scalar x) { return x != x; }

Scalar onnx::operator&(Scalar a, Scalar b) { return make<arith::AndIOp>(a, b); }
Scalar onnx::operator|(Scalar a, Scalar b) { return make<arith::OrIOp>(a, b); }
Scalar onnx::operator^(Scalar a, Scalar b) { return make<arith::XOrIOp>(a, b); }
Scalar onnx::operator~(Scalar x) {
  return x ^ x.constant(APInt::getAllOnes(x.width()));
}

/// The amount read as unsigned, at most the width less one, and whether it was
/// less than the width.
static std::pair<Scalar, Scalar> shiftAmount(Scalar amount) {
  Scalar count = amount.with(amount, /*isUnsigned=*/true);
  Scalar last = count.constant(int(count.width()) - 1);
  return {min(count, last), count <= last};
}

Scalar onnx::shiftLeft(Scalar x, Scalar amount) {
  auto [count, inside] = shiftAmount(amount);
  return select(inside, make<arith::ShLIOp>(x, count), 0);
}

Scalar onnx::shiftRight(Scalar x, Scalar amount) {
  auto [count, inside] = shiftAmount(amount);
  if (x.isUnsigned())
    return select(inside, make<arith::ShRUIOp>(x, count), 0);
  return make<arith::ShRSIOp>(x, count);
}

Scalar onnx::max(Scalar a, Scalar b) {
  if (!a.isFloat() && a.isUnsigned())
    return make<arith::MaxUIOp>(a, b);
  return makeByType<arith::MaximumFOp, arith::MaxSIOp>(a, b);
}

Scalar onnx::min(Scalar a, Scalar b) {
  if (!a.isFloat() && a.isUnsigned())
    return make<arith::MinUIOp>(a, b);
  return makeByType<arith::MinimumFOp, arith::MinSIOp>(a, b);
}

Scalar onnx::select(Scalar condition, Scalar yes, Scalar no) {
  return yes.with(
      arith::SelectOp::create(yes.builder(), yes.getLoc(), condition, yes, no),
      yes.isUnsigned());
}

Scalar onnx::abs(Scalar x) {
  if (x.isFloat())
    return make<math::AbsFOp>(x);
  return x.isUnsigned() ? x : max(x, -x);
}

Scalar onnx::sign(Scalar x) {
  if (!x.isFloat() && x.isUnsigned())
    return min(x, 1);
  return select(x > 0, 1, select(x < 0, -1, x));
}

//===----------------------------------------------------------------------===//
// Functions of floats
//===----------------------------------------------------------------------===//

Scalar onnx::acos(Scalar x) { return make<math::AcosOp>(x); }
Scalar onnx::acosh(Scalar x) { return make<math::AcoshOp>(x); }
Scalar onnx::asin(Scalar x) { return make<math::AsinOp>(x); }
Scalar onnx::asinh(Scalar x) { return make<math::AsinhOp>(x); }
Scalar onnx::atan(Scalar x) { return make<math::AtanOp>(x); }
Scalar onnx::atanh(Scalar x) { return make<math::AtanhOp>(x); }
Scalar onnx::ceil(Scalar x) { return make<math::CeilOp>(x); }
Scalar onnx::copysign(Scalar magnitude, Scalar sign) {
  return make<math::CopySignOp>(magnitude, sign);
}
Scalar onnx::cos(Scalar x) { return make<math::CosOp>(x); }
Scalar onnx::cosh(Scalar x) { return make<math::CoshOp>(x); }
Scalar onnx::erf(Scalar x) { return make<math::ErfOp>(x); }
Scalar onnx::exp(Scalar x) { return make<math::ExpOp>(x); }
Scalar onnx::expm1(Scalar x) { return make<math::ExpM1Op>(x); }
Scalar onnx::floor(Scalar x) { return make<math::FloorOp>(x); }
Scalar onnx::log(Scalar x) { return make<math::LogOp>(x); }
Scalar onnx::log1p(Scalar x) { return make<math::Log1pOp>(x); }
Scalar onnx::roundEven(Scalar x) { return make<math::RoundEvenOp>(x); }
Scalar onnx::sin(Scalar x) { return make<math::SinOp>(x); }
Scalar onnx::sinh(Scalar x) { return make<math::SinhOp>(x); }
Scalar onnx::sqrt(Scalar x) { return make<math::SqrtOp>(x); }
Scalar onnx::tan(Scalar x) { return make<math::TanOp>(x); }
Scalar onnx::tanh(Scalar x) { return make<math::TanhOp>(x); }
Scalar onnx::sigmoid(Scalar x) { return 1 / (exp(-x) + 1); }
Scalar onnx::softplus(Scalar x) { return max(x, 0) + log1p(exp(-abs(x))); }
Scalar onnx::mish(Scalar x) {
  // tanh(log(1 + e)) is n / (n + 2) with n = e * (e + 2) and e = exp(x); beyond
  // the bound it is 1.
  Scalar e = exp(min(x, 30));
  Scalar n = e * (e + 2);
  return x * (n / (n + 2));
}

/// Integer powers by squaring, one step per bit of the exponent; a negative
/// exponent truncates the real result (0 but for the base 1 and -1).
static Scalar integerPow(Scalar x, Scalar y) {
  Scalar result = x.constant(1), square = x;
  unsigned bits = y.isUnsigned() ? y.width() : y.width() - 1;
  for (unsigned bit = 0; bit < bits; ++bit) {
    Scalar set = (y & y.constant(APInt::getOneBitSet(y.width(), bit))) != 0;
    result = select(set, result * square, result);
    if (bit + 1 < bits)
      square = square * square;
  }
  if (y.isUnsigned())
    return result;
  Scalar odd = (y & y.constant(1)) != 0;
  Scalar minusOne = x.constant(-1);
  Scalar inverse = select(
      x == 1, x, select(x == minusOne, select(odd, x, 1), x.constant(0)));
  return select(y < 0, inverse, result);
}

Scalar onnx::pow(Scalar x, Scalar y) {
  if (!x.isFloat() && !y.isFloat())
    return integerPow(x, y);
  bool wide = !x.isFloat() || (y.isFloat() && y.width() == 64);
  Type type = wide ? x.builder().getF64Type() : x.type();
  Scalar power = make<math::PowFOp>(cast(x, type), cast(y, type));
  return cast(power, x.type());
}

//===----------------------------------------------------------------------===//
// Cast
//===----------------------------------------------------------------------===//

template <typename Op>
static Scalar convert(Scalar x, Type to, bool isUnsigned = false) {
  return x.with(Op::create(x.builder(), x.getLoc(), to, Value(x)), isUnsigned);
}

/// Whether a float type holds no more than the 11 bits of f16.
static bool isNarrow(Type element) {
  auto type = dyn_cast<FloatType>(element);
  return type && type.getWidth() < 32;
}

/// f64 to f32 with the last bit set wherever it is inexact, so that rounding
/// again, to f16 or bf16, gives what rounding once does.
static Scalar roundToOdd(Scalar x) {
  Type f32 = x.builder().getF32Type(), i32 = x.builder().getI32Type();
  Scalar nearest = convert<arith::TruncFOp>(x, f32);
  Scalar back = convert<arith::ExtFOp>(nearest, x.type());
  Scalar bits = convert<arith::BitcastOp>(nearest, i32);
  Scalar lower = select(abs(back) > abs(x), bits - 1, bits);
  Scalar odd = select(back == x, bits, lower | lower.constant(1));
  return convert<arith::BitcastOp>(odd, f32);
}

static Scalar castFloat(Scalar x, Type element) {
  Type to = onnx::computeType(element);
  if (to == x.type())
    return x;
  if (to.getIntOrFloatBitWidth() > x.width())
    return convert<arith::ExtFOp>(x, to);
  if (isNarrow(element))
    return roundToOdd(x);
  return convert<arith::TruncFOp>(x, to);
}

/// Truncates into the range of integers of that width. Comparing this way
/// round sends NaN to the lower end.
static Scalar truncateInto(Scalar x, unsigned width, bool isUnsigned) {
  OpBuilder &b = x.builder();
  auto floatType = cast<FloatType>(x.type());
  auto nearest = [&](const APInt &bound) {
    APFloat value(floatType.getFloatSemantics());
    value.convertFromAPInt(bound, !isUnsigned, APFloat::rmTowardZero);
    return x.with(arith::ConstantOp::create(b, x.getLoc(),
                                            b.getFloatAttr(floatType, value)));
  };
  Scalar low = nearest(isUnsigned ? APInt::getMinValue(width)
                                  : APInt::getSignedMinValue(width));
  Scalar high = nearest(isUnsigned ? APInt::getMaxValue(width)
                                   : APInt::getSignedMaxValue(width));
  Scalar inside = select(x > low, x, low);
  inside = select(inside < high, inside, high);
  Type type = b.getIntegerType(width);
  if (isUnsigned)
    return convert<arith::FPToUIOp>(inside, type, true);
  return convert<arith::FPToSIOp>(inside, type);
}

static Scalar castInteger(Scalar x, Type to) {
  unsigned from = x.width(), width = to.getIntOrFloatBitWidth();
  if (from == width)
    return x;
  if (width < from)
    return convert<arith::TruncIOp>(x, to);
  if (x.isUnsigned())
    return convert<arith::ExtUIOp>(x, to);
  return convert<arith::ExtSIOp>(x, to);
}

static Scalar floatToInteger(Scalar x, IntegerType element) {
  unsigned width = element.getWidth();
  if (width == 64 && element.isUnsigned())
    // A negative number wraps, as it does for the narrower types.
    return select(x < 0, truncateInto(x, 64, /*isUnsigned=*/false),
                  truncateInto(x, 64, /*isUnsigned=*/true));
  bool wide = width == 64 || (width == 32 && element.isUnsigned());
  return castInteger(truncateInto(x, wide ? 64 : 32, /*isUnsigned=*/false),
                     onnx::computeType(element));
}

Scalar onnx::cast(Scalar x, Type element) {
  Type to = computeType(element);
  if (element.isSignlessInteger(1))
    return x.type() == to ? x : x != 0;
  if (x.isFloat() && isa<FloatType>(element))
    return castFloat(x, element);
  if (x.isFloat())
    return floatToInteger(x, mlir::cast<IntegerType>(element));
  if (!isa<FloatType>(element))
    return x.with(castInteger(x, to), onnx::isUnsigned(element));
  if (x.isUnsigned())
    return convert<arith::UIToFPOp>(x, to);
  return convert<arith::SIToFPOp>(x, to);
}
