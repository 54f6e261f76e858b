//===- NBitsStream.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/NBitsStream.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

/// Bytes between use and request of the weights, which are read once, in order.
constexpr int64_t streamAhead = 16384;

Value NBitsStream::constant(OpBuilder &b, int64_t v) {
  return arith::ConstantIndexOp::create(b, loc, v);
}

Value NBitsStream::add(OpBuilder &b, Value x, Value y) {
  return arith::AddIOp::create(b, loc, x, y);
}

Value NBitsStream::mul(OpBuilder &b, Value x, int64_t factor) {
  return arith::MulIOp::create(b, loc, x, constant(b, factor));
}

Value NBitsStream::fma(OpBuilder &b, Value x, Value y, Value sum) {
  return vector::FMAOp::create(b, loc, x, y, sum);
}

Value NBitsStream::integers(OpBuilder &b, uint32_t v) {
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vectorOf(b.getI32Type()), APInt(32, v)));
}

Value NBitsStream::floats(OpBuilder &b, float v) {
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vectorOf(b.getF32Type()), APFloat(v)));
}

Value NBitsStream::bytesAt(OpBuilder &b, Value base, Value offset) {
  BufferRef bytes{base, b.getI8Type(), {}};
  return context.address(b, loc, bytes, offset);
}

Value NBitsStream::load(OpBuilder &b, Type element, Value base,
                        int64_t offset) {
  return LLVM::LoadOp::create(b, loc, vectorOf(element),
                              bytesAt(b, base, constant(b, offset)),
                              /*alignment=*/1);
}

Value NBitsStream::splat(OpBuilder &b, Type element, Value base, Value offset) {
  Value scalar = LLVM::LoadOp::create(b, loc, element, bytesAt(b, base, offset),
                                      /*alignment=*/4);
  return vector::BroadcastOp::create(b, loc, vectorOf(element), scalar);
}

NBitsHeader NBitsStream::header(OpBuilder &b, Value bytes, int64_t vectors) {
  NBitsHeader result;
  prefetch(b, bytes, op.getHeaderBytes());
  bool half = op.getHalfScales();
  int64_t scaleBytes = half ? 2 : 4;
  auto single = vectorOf(b.getF32Type());
  for (int64_t v = 0; v < vectors; ++v) {
    Value scale = load(b, half ? Type(b.getF16Type()) : b.getF32Type(), bytes,
                       v * width * scaleBytes);
    if (half)
      scale = arith::ExtFOp::create(b, loc, single, scale);
    result.scales.push_back(scale);
  }
  int64_t first = int64_t(*op.getPanel()) * scaleBytes;
  for (int64_t v = 0; v < vectors && !op.getZeroPoint(); ++v) {
    Value zero = load(b, b.getI8Type(), bytes, first + v * width);
    zero = arith::ExtUIOp::create(b, loc, vectorOf(b.getI32Type()), zero);
    result.zeros.push_back(arith::SIToFPOp::create(b, loc, single, zero));
  }
  return result;
}

void NBitsStream::prefetch(OpBuilder &b, Value bytes, int64_t size) {
  constexpr int64_t line = 64;
  constexpr unsigned intoSecondLevel = 2, isData = 1;
  for (int64_t at = 0; at < size; at += line)
    LLVM::Prefetch::create(b, loc,
                           bytesAt(b, bytes, constant(b, streamAhead + at)),
                           /*rw=*/0, intoSecondLevel, isData);
}

SmallVector<Value> NBitsStream::loop(OpBuilder &b, int64_t steps,
                                     ArrayRef<Value> carried, Body body) {
  SmallVector<Value> values(carried);
  if (steps == 0)
    return values;
  if (steps == 1) {
    body(b, constant(b, 0), values);
    return values;
  }
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, steps),
                                 constant(b, 1), ValueRange(carried));
  // A loop that carries nothing has its end already.
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  if (carried.empty())
    inner.setInsertionPoint(loop.getBody()->getTerminator());
  values.assign(loop.getRegionIterArgs().begin(),
                loop.getRegionIterArgs().end());
  body(inner, loop.getInductionVar(), values);
  if (!carried.empty())
    scf::YieldOp::create(inner, loc, values);
  return SmallVector<Value>(loop.getResults());
}
