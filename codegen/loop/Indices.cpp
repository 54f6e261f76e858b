//===- Indices.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the emitters of loops compute of indices.
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/LoopEmitter.h"

using namespace mlir;
using namespace ingot;

SmallVector<Value> ingot::delinearize(OpBuilder &b, Location loc,
                                      KernelContext &context, Value item,
                                      ArrayRef<AffineExpr> dims) {
  SmallVector<Value> indices(dims.size());
  for (size_t i = dims.size(); i-- > 1;) {
    Value size = context.expand(b, loc, dims[i]);
    indices[i] = arith::RemUIOp::create(b, loc, item, size);
    item = arith::DivUIOp::create(b, loc, item, size);
  }
  if (!dims.empty())
    indices[0] = item;
  return indices;
}

Value ingot::laneMask(OpBuilder &b, Location loc, Value count, int64_t width) {
  auto type = VectorType::get({width}, b.getI32Type());
  SmallVector<int32_t> lanes(width);
  for (int64_t i = 0; i < width; ++i)
    lanes[i] = i;
  Value iota = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef(lanes)));
  Value limit = arith::IndexCastOp::create(b, loc, b.getI32Type(), count);
  return arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::slt, iota,
      vector::BroadcastOp::create(b, loc, type, limit));
}
