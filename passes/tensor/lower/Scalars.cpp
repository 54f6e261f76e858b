//===- Scalars.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

Value Scalars::add(Value x, Value y) const {
  if (isFloat(x))
    return arith::AddFOp::create(b, loc, x, y);
  return arith::AddIOp::create(b, loc, x, y);
}

Value Scalars::sub(Value x, Value y) const {
  if (isFloat(x))
    return arith::SubFOp::create(b, loc, x, y);
  return arith::SubIOp::create(b, loc, x, y);
}

Value Scalars::mul(Value x, Value y) const {
  if (isFloat(x))
    return arith::MulFOp::create(b, loc, x, y);
  return arith::MulIOp::create(b, loc, x, y);
}

Value Scalars::div(Value x, Value y) const {
  return arith::DivFOp::create(b, loc, x, y);
}

Value Scalars::min(Value x, Value y) const {
  if (isFloat(x))
    return arith::MinNumFOp::create(b, loc, x, y);
  return arith::MinSIOp::create(b, loc, x, y);
}

Value Scalars::max(Value x, Value y) const {
  if (isFloat(x))
    return arith::MaxNumFOp::create(b, loc, x, y);
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value Scalars::less(Value x, Value y) const {
  if (isFloat(x))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value Scalars::lessOrEqual(Value x, Value y) const {
  if (isFloat(x))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, x, y);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, x, y);
}

Value Scalars::equal(Value x, Value y) const {
  if (isFloat(x))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}

Value Scalars::both(Value x, Value y) const {
  return arith::AndIOp::create(b, loc, x, y);
}

Value Scalars::either(Value x, Value y) const {
  return arith::OrIOp::create(b, loc, x, y);
}

Value Scalars::select(Value condition, Value x, Value y) const {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value Scalars::quotient(Value x, Value y) const {
  return arith::DivUIOp::create(b, loc, x, y);
}

Value Scalars::remainder(Value x, Value y) const {
  return arith::RemUIOp::create(b, loc, x, y);
}

Value Scalars::clamp(Value x, Value low, Value high) const {
  return min(max(x, low), high);
}

Value Scalars::isIn(Value x, Value size) const {
  // A negative index is a huge unsigned one.
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, size);
}

Value Scalars::floor(Value x) const { return math::FloorOp::create(b, loc, x); }

Value Scalars::roundEven(Value x) const {
  return math::RoundEvenOp::create(b, loc, x);
}

Value Scalars::abs(Value x) const { return math::AbsFOp::create(b, loc, x); }

Value Scalars::toFloat(Value index, Type floatType) const {
  Value word =
      arith::IndexCastOp::create(b, loc, b.getI32Type(), index).getResult();
  return arith::SIToFPOp::create(b, loc, floatType, word);
}

Value Scalars::toIndex(Value x) const {
  Value word = arith::FPToSIOp::create(b, loc, b.getI32Type(), x);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), word);
}

Value Scalars::convertFloat(Value x, Type to) const {
  unsigned from = x.getType().getIntOrFloatBitWidth();
  if (x.getType() == to)
    return x;
  if (from < to.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, to, x);
  return arith::TruncFOp::create(b, loc, to, x);
}

Value Scalars::widen(Value x, bool isUnsigned, Type to) const {
  if (x.getType() == to)
    return x;
  if (isUnsigned)
    return arith::ExtUIOp::create(b, loc, to, x);
  return arith::ExtSIOp::create(b, loc, to, x);
}
