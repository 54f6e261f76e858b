//===- Expr.cpp - arithmetic on IR values written as formulas -------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Expr.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace ingot::vecmath {

static bool isFloat(const Expr &e) { return isa<FloatType>(e.elementType()); }

Type Expr::typeOf(Type element) const {
  if (auto vector = dyn_cast<VectorType>(type()))
    return vector.clone(element);
  return element;
}

Value Arg::resolve(const Expr &like) const {
  if (expr)
    return expr->value();
  Type element = like.elementType();
  TypedAttr scalar;
  if (auto type = dyn_cast<FloatType>(element))
    scalar = FloatAttr::get(type, real);
  else
    scalar = IntegerAttr::get(
        element, APInt(element.getIntOrFloatBitWidth(), uint64_t(integer),
                       /*isSigned=*/true, /*implicitTrunc=*/true));
  if (auto shaped = dyn_cast<ShapedType>(like.type()))
    scalar = DenseElementsAttr::get(shaped, Attribute(scalar));
  return arith::ConstantOp::create(like.builder(), like.loc(), scalar);
}

template <typename OpTy> static Expr binary(const Expr &a, const Arg &b) {
  return a.with(
      OpTy::create(a.builder(), a.loc(), a.value(), b.resolve(a)).getResult());
}

template <typename FloatOp, typename IntOp>
static Expr arithmetic(const Expr &a, const Arg &b) {
  return isFloat(a) ? binary<FloatOp>(a, b) : binary<IntOp>(a, b);
}

Expr operator+(const Expr &a, const Arg &b) {
  return arithmetic<arith::AddFOp, arith::AddIOp>(a, b);
}
Expr operator-(const Expr &a, const Arg &b) {
  return arithmetic<arith::SubFOp, arith::SubIOp>(a, b);
}
Expr operator-(double a, const Expr &b) { return b.constant(a) - b; }
Expr operator*(const Expr &a, const Arg &b) {
  return arithmetic<arith::MulFOp, arith::MulIOp>(a, b);
}
Expr operator/(const Expr &a, const Arg &b) {
  return binary<arith::DivFOp>(a, b);
}
Expr operator/(double a, const Expr &b) { return b.constant(a) / b; }
Expr operator-(const Expr &a) {
  return a.with(arith::NegFOp::create(a.builder(), a.loc(), a.value()));
}

Expr operator&(const Expr &a, const Arg &b) {
  return binary<arith::AndIOp>(a, b);
}
Expr operator|(const Expr &a, const Arg &b) {
  return binary<arith::OrIOp>(a, b);
}
Expr operator^(const Expr &a, const Arg &b) {
  return binary<arith::XOrIOp>(a, b);
}
Expr operator<<(const Expr &a, const Arg &b) {
  return binary<arith::ShLIOp>(a, b);
}
Expr operator>>(const Expr &a, const Arg &b) {
  return binary<arith::ShRUIOp>(a, b);
}
Expr operator!(const Expr &mask) { return mask ^ 1; }

static Expr compare(const Expr &a, const Arg &b, arith::CmpFPredicate onFloat,
                    arith::CmpIPredicate onInt) {
  Value rhs = b.resolve(a);
  if (isFloat(a))
    return a.with(
        arith::CmpFOp::create(a.builder(), a.loc(), onFloat, a.value(), rhs));
  return a.with(
      arith::CmpIOp::create(a.builder(), a.loc(), onInt, a.value(), rhs));
}

Expr operator<(const Expr &a, const Arg &b) {
  return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt);
}
Expr operator<=(const Expr &a, const Arg &b) {
  return compare(a, b, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle);
}
Expr operator>(const Expr &a, const Arg &b) {
  return compare(a, b, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt);
}
Expr operator>=(const Expr &a, const Arg &b) {
  return compare(a, b, arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge);
}
Expr operator==(const Expr &a, const Arg &b) {
  return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq);
}
Expr operator!=(const Expr &a, const Arg &b) {
  return compare(a, b, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne);
}

template <typename OpTy, typename... Args>
static Expr intrinsic(const Expr &like, Args... operands) {
  return like.with(
      OpTy::create(like.builder(), like.loc(), like.type(), operands...));
}

Expr fma(const Expr &a, const Arg &b, const Arg &c) {
  return intrinsic<LLVM::FMAOp>(a, a.value(), b.resolve(a), c.resolve(a));
}
Expr sqrt(const Expr &x) { return intrinsic<LLVM::SqrtOp>(x, x.value()); }
Expr abs(const Expr &x) { return intrinsic<LLVM::FAbsOp>(x, x.value()); }
Expr copySign(const Expr &magnitude, const Expr &sign) {
  return intrinsic<LLVM::CopySignOp>(magnitude, magnitude.value(),
                                     sign.value());
}
Expr roundEven(const Expr &x) {
  return intrinsic<LLVM::RoundEvenOp>(x, x.value());
}
Expr truncate(const Expr &x) { return intrinsic<LLVM::FTruncOp>(x, x.value()); }

Expr isNan(const Expr &x) {
  return x.with(arith::CmpFOp::create(
      x.builder(), x.loc(), arith::CmpFPredicate::UNO, x.value(), x.value()));
}

Expr select(const Expr &mask, const Expr &yes, const Arg &no) {
  return yes.with(arith::SelectOp::create(
      yes.builder(), yes.loc(), mask.value(), yes.value(), no.resolve(yes)));
}
Expr select(const Expr &mask, double yes, const Expr &no) {
  return select(mask, no.constant(yes), no);
}

Expr atMost(const Expr &x, const Arg &bound) {
  Expr limit = x.with(bound.resolve(x));
  return select(limit < x, limit, x);
}
Expr atLeast(const Expr &x, const Arg &bound) {
  Expr limit = x.with(bound.resolve(x));
  return select(limit > x, limit, x);
}

static Expr bitcast(const Expr &x, Type element) {
  return x.with(arith::BitcastOp::create(x.builder(), x.loc(),
                                         x.typeOf(element), x.value()));
}
Expr bitsOf(const Expr &x) {
  return bitcast(x, x.builder().getIntegerType(x.width()));
}
Expr floatOf(const Expr &bits) {
  OpBuilder &b = bits.builder();
  return bitcast(bits, bits.width() == 64   ? Type(b.getF64Type())
                       : bits.width() == 32 ? Type(b.getF32Type())
                                            : Type(b.getF16Type()));
}

static Expr toFloat(const Expr &x, FloatType element) {
  if (x.elementType() == element)
    return x;
  Type type = x.typeOf(element);
  if (x.width() < element.getWidth())
    return x.with(arith::ExtFOp::create(x.builder(), x.loc(), type, x.value()));
  return x.with(arith::TruncFOp::create(x.builder(), x.loc(), type, x.value()));
}
Expr toF64(const Expr &x) { return toFloat(x, x.builder().getF64Type()); }
Expr toF32(const Expr &x) { return toFloat(x, x.builder().getF32Type()); }

Expr toWidth(const Expr &x, unsigned width) {
  if (x.width() == width)
    return x;
  Type type = x.typeOf(x.builder().getIntegerType(width));
  if (x.width() < width)
    return x.with(
        arith::ExtUIOp::create(x.builder(), x.loc(), type, x.value()));
  return x.with(arith::TruncIOp::create(x.builder(), x.loc(), type, x.value()));
}

Expr intToFloat(const Expr &x, Type element) {
  return x.with(arith::SIToFPOp::create(x.builder(), x.loc(), x.typeOf(element),
                                        x.value()));
}

Expr floatToInt(const Expr &x, Type element) {
  return x.with(arith::FPToSIOp::create(x.builder(), x.loc(), x.typeOf(element),
                                        x.value()));
}

Expr horner(const Expr &x, ArrayRef<double> c) {
  Expr sum = x.constant(c.back());
  for (double a : llvm::reverse(c.drop_back()))
    sum = fma(sum, x, a);
  return sum;
}

Pair twoSum(const Expr &a, const Expr &b) {
  Expr sum = a + b;
  Expr bPart = sum - a;
  Expr lo = (a - (sum - bPart)) + (b - bPart);
  return {sum, lo};
}
Pair fastTwoSum(const Expr &a, const Expr &b) {
  Expr sum = a + b;
  return {sum, b - (sum - a)};
}
Pair twoProduct(const Expr &a, const Arg &b) {
  Expr product = a * b;
  return {product, fma(a, b, -product)};
}
Pair operator+(const Pair &a, const Pair &b) {
  Pair sum = twoSum(a.hi, b.hi);
  return fastTwoSum(sum.hi, sum.lo + (a.lo + b.lo));
}
Pair operator*(const Pair &a, const Pair &b) {
  Pair product = twoProduct(a.hi, b.hi);
  Expr lo = fma(a.hi, b.lo, fma(a.lo, b.hi, product.lo));
  return fastTwoSum(product.hi, lo);
}

} // namespace ingot::vecmath
