//===- Patch.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Patch.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

/// Bytes that a patch may take of the stack, and of the first-level cache.
constexpr int64_t mostBytes = 16 << 10;

bool Patch::allocate(OpBuilder &b, const TileShape &shape) {
  if (!op.getInputChannelsFirst() || op.getSpatialRank() != 2 ||
      op.getGroup() != 1 || (op.getKernel()[0] == 1 && op.getKernel()[1] == 1))
    return false;
  for (AffineExpr dim : onnx::getDims(op.getInputType()))
    if (!onnx::constantValue(dim))
      return false;
  width = shape.width;
  // A vector more, so that whole vectors can be stored from anywhere on.
  pitch = llvm::alignTo(span(shape.rows), width) + width;
  int64_t elements = op.getKernel()[0] * op.getChannels() * pitch;
  if (elements * storageBytes(factors) > mostBytes)
    return false;
  Value count =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(elements));
  Value room =
      LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                             factors, count, /*alignment=*/64);
  patch = {room, factors, {}};
  return true;
}

/// Zeros, then the elements [from, to) of the line.
void Patch::copyLine(OpBuilder &b, Value source, Value target, Value from,
                     Value to) {
  Lanes whole{width, Value()};
  auto type = VectorType::get({width}, factors);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  for (int64_t x = 0; x + width < pitch; x += width)
    context.store(b, loc, LaneValue::varying(zero), patch,
                  LaneValue::linear(add(b, target, constant(b, x)), 1), whole);
  auto copy = [&](OpBuilder &at, Value x, const Lanes &lanes) {
    int64_t step = lanes.width > 1;
    Value v = context.loadFloats(
        at, loc, input.elementType, step ? Type(type) : factors,
        context.address(at, loc, input, add(at, source, x)));
    context.store(at, loc, LaneValue::varying(v), patch,
                  LaneValue::linear(add(at, target, x), step), lanes);
  };
  Value length = arith::SubIOp::create(b, loc, to, from);
  Value rest = arith::RemUIOp::create(b, loc, length, constant(b, width));
  Value end = arith::SubIOp::create(b, loc, to, rest);
  auto vectors = scf::ForOp::create(b, loc, from, end, constant(b, width));
  OpBuilder inner(vectors.getBody()->getTerminator());
  copy(inner, vectors.getInductionVar(), whole);
  if (context.machine.getMasks()) {
    // Only the load is masked: what follows is zero, and a store under a mask
    // would keep the loads of the tile waiting.
    Lanes left{width, laneMask(b, loc, rest, width)};
    Value v = context.loadFloats(
        b, loc, input.elementType, type,
        context.address(b, loc, input, add(b, source, end)), left.mask);
    return context.store(b, loc, LaneValue::varying(v), patch,
                         LaneValue::linear(add(b, target, end), 1), whole);
  }
  auto last = scf::ForOp::create(b, loc, end, to, constant(b, 1));
  OpBuilder single(last.getBody()->getTerminator());
  copy(single, last.getInductionVar(), Lanes{});
}

void Patch::fill(OpBuilder &b, Value image, Value row, Value column,
                 int64_t results) {
  onnx::Dims dims = onnx::getDims(op.getInputType());
  int64_t height = *onnx::constantValue(dims[2]);
  int64_t columns = *onnx::constantValue(dims[3]);
  Value zero = constant(b, 0);
  auto clamp = [&](Value v, Value low, int64_t high) -> Value {
    v = arith::MaxSIOp::create(b, loc, v, low);
    return arith::MinSIOp::create(b, loc, v, constant(b, high));
  };
  // Where the line begins in the image, and what of it lies inside.
  Value x0 = arith::SubIOp::create(b, loc, mul(b, column, op.getStrides()[1]),
                                   constant(b, op.getPadsBegin()[1]));
  int64_t length = span(results);
  Value from = clamp(arith::SubIOp::create(b, loc, zero, x0), zero, length);
  Value to = clamp(arith::SubIOp::create(b, loc, constant(b, columns), x0),
                   from, length);
  Value y0 = arith::SubIOp::create(b, loc, mul(b, row, op.getStrides()[0]),
                                   constant(b, op.getPadsBegin()[0]));
  Value start = mul(b, image, op.getChannels() * height * columns);

  int64_t channels = op.getChannels();
  auto rows = scf::ForOp::create(b, loc, zero, constant(b, op.getKernel()[0]),
                                 constant(b, 1));
  OpBuilder outer(rows.getBody()->getTerminator());
  Value ky = rows.getInductionVar();
  Value y = add(outer, y0, mul(outer, ky, op.getDilations()[0]));
  Value inside = arith::CmpIOp::create(outer, loc, arith::CmpIPredicate::ult, y,
                                       constant(outer, height));
  Value end = arith::SelectOp::create(outer, loc, inside, to, from);
  for (int64_t c = 0; c < channels; ++c) {
    Value source = add(outer, start, add(outer, mul(outer, y, columns), x0));
    source = add(outer, source, constant(outer, c * height * columns));
    Value target = mul(outer, ky, channels * pitch);
    target = add(outer, target, constant(outer, c * pitch));
    copyLine(outer, source, target, from, end);
  }
}

SmallVector<Value> Patch::taps(OpBuilder &b, const TileShape &shape,
                               const BufferRef &panel, ArrayRef<Value> sums) {
  int64_t channels = op.getChannels(), panelWidth = *op.getPanel();
  int64_t columns = op.getKernel()[1];
  Value zero = constant(b, 0), one = constant(b, 1);
  auto rows = scf::ForOp::create(b, loc, zero, constant(b, op.getKernel()[0]),
                                 one, ValueRange(sums));
  OpBuilder outer = OpBuilder::atBlockEnd(rows.getBody());
  auto taps = scf::ForOp::create(outer, loc, zero, constant(outer, columns),
                                 one, rows.getRegionIterArgs());
  OpBuilder inner = OpBuilder::atBlockEnd(taps.getBody());
  Value ky = rows.getInductionVar(), kx = taps.getInductionVar();
  TileOperands operands;
  operands.elementType = factors;
  operands.bType = panel.elementType;
  operands.depthStride = pitch;
  operands.bStride = constant(inner, panelWidth);
  Value at = add(inner, mul(inner, ky, columns), kx);
  operands.b =
      context.address(inner, loc, panel, mul(inner, at, channels * panelWidth));
  Value base = add(inner, mul(inner, ky, channels * pitch),
                   mul(inner, kx, op.getDilations()[1]));
  for (int64_t r = 0; r < shape.rows; ++r)
    operands.rowPointers.push_back(context.address(
        inner, loc, patch,
        add(inner, base, constant(inner, r * op.getStrides()[1]))));
  SmallVector<Value> carried(taps.getRegionIterArgs());
  scf::YieldOp::create(inner, loc,
                       emitTile(inner, loc, context, shape, operands,
                                constant(inner, channels), channels, carried));
  scf::YieldOp::create(outer, loc, taps.getResults());
  return SmallVector<Value>(rows.getResults());
}
