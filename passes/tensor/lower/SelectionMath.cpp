//===- SelectionMath.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/SelectionMath.h"

using namespace mlir;
using namespace ingot;

Value ElementOrder::isNan(Value x) {
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
}

Value ElementOrder::less(Value x, Value y) {
  if (!isa<FloatType>(x.getType())) {
    bool plain = isUnsigned || x.getType().isInteger(1);
    auto predicate =
        plain ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value below = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  Value number = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, x, x);
  Value nan = arith::AndIOp::create(b, loc, number, isNan(y));
  return arith::OrIOp::create(b, loc, below, nan);
}

Value ElementOrder::equal(Value x, Value y) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
  Value same = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y);
  Value nans = arith::AndIOp::create(b, loc, isNan(x), isNan(y));
  return arith::OrIOp::create(b, loc, same, nans);
}

Value ingot::notOf(OpBuilder &b, Location loc, Value condition) {
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, loc, condition, yes);
}

Value ingot::asInt64(OpBuilder &b, Location loc, Value index) {
  return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
}

SmallVector<Value> ingot::insertAt(ValueRange point, int64_t axis, Value at) {
  SmallVector<Value> indices(point);
  indices.insert(indices.begin() + axis, at);
  return indices;
}

Value ingot::carry(OpBuilder &b, Location loc, Value count, Value start,
                   function_ref<Value(OpBuilder &, Value i, Value)> body) {
  IndexMath math{b, loc};
  auto loop = scf::ForOp::create(
      b, loc, math.constant(0), count, math.constant(1), start,
      [&](OpBuilder &nested, Location at, Value i, ValueRange carried) {
        scf::YieldOp::create(nested, at, body(nested, i, carried[0]));
      });
  return loop.getResult(0);
}

Value ingot::choose(OpBuilder &b, Location loc, Value condition, Value other,
                    function_ref<Value(OpBuilder &)> then) {
  auto branch = scf::IfOp::create(
      b, loc, condition,
      [&](OpBuilder &nested, Location at) {
        scf::YieldOp::create(nested, at, then(nested));
      },
      [&](OpBuilder &nested, Location at) {
        scf::YieldOp::create(nested, at, other);
      });
  return branch.getResult(0);
}

void ingot::onlyIf(OpBuilder &b, Location loc, Value condition,
                   function_ref<void(OpBuilder &)> then) {
  scf::IfOp::create(b, loc, condition, [&](OpBuilder &nested, Location at) {
    then(nested);
    scf::YieldOp::create(nested, at);
  });
}
