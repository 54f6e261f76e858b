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
  allocateRoom(b, elements);
  return true;
}

/// Zeros, then the elements [from, to) of the line.
void Patch::copyLine(OpBuilder &b, Value source, Value target, Value from,
                     Value to) {
  for (int64_t x = 0; x + width < pitch; x += width)
    storeZeros(b, add(b, target, constant(b, x)));
  Value length = sub(b, to, from);
  Value rest = arith::RemUIOp::create(b, loc, length, constant(b, width));
  Value end = sub(b, to, rest);
  copyFloats(b, source, target, from, end, width);
  if (!context.machine.getMasks())
    return copyFloats(b, source, target, end, to, 1);
  // Only the load is masked: what follows is zero, and a store under a mask
  // would keep the loads of the tile waiting.
  auto type = VectorType::get({width}, factors);
  Value v =
      context.loadFloats(b, loc, input.elementType, type,
                         context.address(b, loc, input, add(b, source, end)),
                         laneMask(b, loc, rest, width));
  context.store(b, loc, LaneValue::varying(v), room,
                LaneValue::linear(add(b, target, end), 1),
                Lanes{width, Value()});
}

void Patch::fill(OpBuilder &b, Value image, ArrayRef<Value> outerIndices,
                 Value column, int64_t results) {
  onnx::Dims dims = onnx::getDims(op.getInputType());
  int64_t height = *onnx::constantValue(dims[2]);
  int64_t columns = *onnx::constantValue(dims[3]);
  // Where the line begins in the image, and what of it lies inside.
  Value x0 = sub(b, mul(b, column, op.getStrides()[1]),
                 constant(b, op.getPadsBegin()[1]));
  auto [from, to] = existing(b, x0, constant(b, columns), span(results));
  Value y0 = sub(b, mul(b, outerIndices[0], op.getStrides()[0]),
                 constant(b, op.getPadsBegin()[0]));

  int64_t channels = op.getChannels();
  auto rows = scf::ForOp::create(
      b, loc, constant(b, 0), constant(b, op.getKernel()[0]), constant(b, 1));
  OpBuilder outer(rows.getBody()->getTerminator());
  Value ky = rows.getInductionVar();
  Value y = add(outer, y0, mul(outer, ky, op.getDilations()[0]));
  Value inside = arith::CmpIOp::create(outer, loc, arith::CmpIPredicate::ult, y,
                                       constant(outer, height));
  Value end = arith::SelectOp::create(outer, loc, inside, to, from);
  for (int64_t c = 0; c < channels; ++c) {
    Value source = add(outer, image, add(outer, mul(outer, y, columns), x0));
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
        inner, loc, room,
        add(inner, base, constant(inner, r * op.getStrides()[1]))));
  SmallVector<Value> carried(taps.getRegionIterArgs());
  scf::YieldOp::create(inner, loc,
                       emitTile(inner, loc, context, shape, operands,
                                constant(inner, channels), channels, carried));
  scf::YieldOp::create(outer, loc, taps.getResults());
  return SmallVector<Value>(rows.getResults());
}
