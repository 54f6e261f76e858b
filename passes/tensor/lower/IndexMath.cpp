//===- IndexMath.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/IndexMath.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ingot;

static std::optional<int64_t> constantOf(Value v) {
  APInt value;
  if (matchPattern(v, m_ConstantInt(&value)))
    return value.getSExtValue();
  return std::nullopt;
}

Value IndexMath::add(Value x, Value y) {
  if (constantOf(x) == 0)
    return y;
  if (constantOf(y) == 0)
    return x;
  return arith::AddIOp::create(b, loc, x, y);
}

Value IndexMath::sub(Value x, Value y) {
  std::optional<int64_t> subtrahend = constantOf(y);
  if (subtrahend == 0)
    return x;
  // Sums keep their form under vectorisation.
  if (subtrahend)
    return add(x, constant(-*subtrahend));
  return arith::SubIOp::create(b, loc, x, y);
}

Value IndexMath::mul(Value x, Value y) {
  if (constantOf(x) == 1)
    return y;
  if (constantOf(y) == 1)
    return x;
  return arith::MulIOp::create(b, loc, x, y);
}

Value IndexMath::min(Value x, Value y) {
  return arith::MinSIOp::create(b, loc, x, y);
}

Value IndexMath::max(Value x, Value y) {
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value IndexMath::clamp(Value x, Value low, Value high) {
  return max(min(x, high), low);
}

Value IndexMath::div(Value x, Value y) {
  return constantOf(y) == 1 ? x : arith::DivUIOp::create(b, loc, x, y);
}

Value IndexMath::mod(Value x, Value y) {
  return arith::RemUIOp::create(b, loc, x, y);
}

Value IndexMath::floorMod(Value x, Value y) {
  Value remainder = arith::RemSIOp::create(b, loc, x, y);
  return wrap(remainder, y);
}

Value IndexMath::compare(arith::CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, loc, predicate, x, y);
}

Value IndexMath::both(Value x, Value y) {
  return arith::AndIOp::create(b, loc, x, y);
}

Value IndexMath::either(Value x, Value y) {
  return arith::OrIOp::create(b, loc, x, y);
}

Value IndexMath::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value IndexMath::fromInteger(Value integer) {
  if (integer.getType().isIndex())
    return integer;
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), integer);
}

Value IndexMath::toInteger(Value x, Type type) {
  if (type.isIndex())
    return x;
  return arith::IndexCastOp::create(b, loc, type, x);
}

Value IndexMath::wrap(Value x, Value size) {
  return select(less(x, constant(0)), add(x, size), x);
}

void IndexMath::fault(Value condition, int64_t code) {
  kernel::FaultOp::create(b, loc, condition, b.getI64IntegerAttr(code));
}

Value IndexMath::checkedIndex(Value x, Value size) {
  Value front = wrap(x, size);
  // As unsigned numbers, negative ones are out of range too.
  fault(compare(arith::CmpIPredicate::uge, front, size), faultIndex);
  return clamp(front, constant(0), sub(size, constant(1)));
}

Value ingot::loadInteger(Body &body, Value list, int64_t i) {
  SmallVector<Value> at(cast<RankedTensorType>(list.getType()).getRank(),
                        body.constant(i));
  IndexMath math{body.b, body.loc};
  return math.fromInteger(body.load(list, at));
}

SmallVector<Value> ingot::pointOf(Body &body, int64_t rank) {
  SmallVector<Value> point;
  for (int64_t d = 0; d < rank; ++d)
    point.push_back(body.index(d));
  return point;
}

bool ingot::isMovable(Value tensor) {
  return getElementTypeOrSelf(tensor.getType()).isIntOrFloat();
}
