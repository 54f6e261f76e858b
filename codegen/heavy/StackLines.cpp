//===- StackLines.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/StackLines.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

void StackLines::allocateRoom(OpBuilder &b, int64_t elements) {
  Value count =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(elements));
  Value pointer =
      LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                             storageType(factors), count, /*alignment=*/64);
  room = {pointer, factors, {}};
}

std::pair<Value, Value> StackLines::existing(OpBuilder &b, Value first,
                                             Value size, int64_t length) {
  auto clamp = [&](Value v, Value least) -> Value {
    v = arith::MinSIOp::create(b, loc, v, constant(b, length));
    return arith::MaxSIOp::create(b, loc, v, least);
  };
  Value zero = constant(b, 0);
  Value from = clamp(sub(b, zero, first), zero);
  return {from, clamp(sub(b, size, first), from)};
}

void StackLines::copyFloats(OpBuilder &b, Value source, Value target,
                            Value begin, Value end, int64_t lanes) {
  auto loop = scf::ForOp::create(b, loc, begin, end, constant(b, lanes));
  OpBuilder at(loop.getBody()->getTerminator());
  Value i = loop.getInductionVar();
  Type type = factors;
  if (lanes > 1)
    type = VectorType::get({lanes}, factors);
  Value value =
      context.loadFloats(at, loc, input.elementType, type,
                         context.address(at, loc, input, add(at, source, i)));
  context.store(at, loc, LaneValue::varying(value), room,
                LaneValue::linear(add(at, target, i), lanes > 1),
                Lanes{lanes, Value()});
}

void StackLines::storeZeros(OpBuilder &b, Value target) {
  auto type = VectorType::get({width}, factors);
  Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  context.store(b, loc, LaneValue::varying(zeros), room,
                LaneValue::linear(target, 1), Lanes{width, Value()});
}
