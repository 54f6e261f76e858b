//===- WidenedLines.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/WidenedLines.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

/// Bytes of stack that the lines of a tile may take.
constexpr int64_t mostBytes = 128 << 10;

WidenedLines::WidenedLines(KernelContext &context, heavy::ConvOp op,
                           const BufferRef &input, Type factors)
    : context(context), op(op), loc(op.getLoc()), input(input),
      factors(factors), rank(op.getSpatialRank()), channels(op.getChannels()) {}

bool WidenedLines::allocate(OpBuilder &b, const TileShape &shape) {
  if (factors == input.elementType || context.machine.getLaneBroadcast() ||
      op.getInputChannelsFirst() || op.getGroup() != 1 ||
      op.getDilations().back() != 1)
    return false;
  onnx::Dims dims = onnx::getDims(op.getInputType());
  for (AffineExpr dim : llvm::drop_begin(dims))
    if (!onnx::constantValue(dim))
      return false;
  for (int64_t size : op.getKernel().drop_back())
    lines *= size;
  width = shape.width;
  pitch = llvm::alignTo(span(shape.rows) * channels, width);
  if (lines * pitch * storageBytes(factors) > mostBytes)
    return false;
  Value count =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(lines * pitch));
  Value pointer =
      LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                             factors, count, /*alignment=*/64);
  room = {pointer, factors, {}};
  return true;
}

void WidenedLines::widen(OpBuilder &b, Value source, Value target, Value from,
                         Value to) {
  Value length = arith::SubIOp::create(b, loc, to, from);
  Value rest = arith::RemUIOp::create(b, loc, length, constant(b, width));
  Value end = arith::SubIOp::create(b, loc, to, rest);
  auto copy = [&](Value begin, Value stop, int64_t lanes) {
    auto loop = scf::ForOp::create(b, loc, begin, stop, constant(b, lanes));
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
  };
  copy(from, end, width);
  if (channels % width)
    copy(end, to, 1);
}

void WidenedLines::fill(OpBuilder &b, Value image, ArrayRef<Value> outer,
                        Value column, int64_t results) {
  onnx::Dims dims = onnx::getDims(op.getInputType());
  int64_t last = rank - 1;
  Value zero = constant(b, 0), length = constant(b, span(results));
  auto clamp = [&](Value v, Value least) -> Value {
    v = arith::MinSIOp::create(b, loc, v, length);
    return arith::MaxSIOp::create(b, loc, v, least);
  };
  // What of the line lies inside of the image: pixels [from, to) of it.
  Value x0 =
      arith::SubIOp::create(b, loc, mul(b, column, op.getStrides()[last]),
                            constant(b, op.getPadsBegin()[last]));
  Value from = clamp(arith::SubIOp::create(b, loc, zero, x0), zero);
  Value size = context.expand(b, loc, dims[rank]);
  Value to = clamp(arith::SubIOp::create(b, loc, size, x0), from);

  auto loop =
      scf::ForOp::create(b, loc, zero, constant(b, lines), constant(b, 1));
  OpBuilder at(loop.getBody()->getTerminator());
  Value rest = loop.getInductionVar();
  Value target = mul(at, rest, pitch);
  Value source = add(at, image, mul(at, x0, channels));
  // The line's place along the outer axes, from the innermost of them on.
  Value inside = arith::ConstantOp::create(at, loc, at.getBoolAttr(true));
  for (int64_t axis = last - 1; axis >= 0; --axis) {
    Value kernel = constant(at, op.getKernel()[axis]);
    Value k = arith::RemUIOp::create(at, loc, rest, kernel);
    rest = arith::DivUIOp::create(at, loc, rest, kernel);
    Value place = add(at, mul(at, outer[axis], op.getStrides()[axis]),
                      add(at, mul(at, k, op.getDilations()[axis]),
                          constant(at, -op.getPadsBegin()[axis])));
    Value within =
        arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ult, place,
                              context.expand(at, loc, dims[1 + axis]));
    inside = arith::AndIOp::create(at, loc, inside, within);
    Value stride = context.expand(at, loc, input.strides[1 + axis]);
    source = add(at, source, arith::MulIOp::create(at, loc, place, stride));
  }
  Value begin = mul(at, from, channels);
  Value end =
      arith::SelectOp::create(at, loc, inside, mul(at, to, channels), begin);
  // Zeros before and after; vectors of them may be overwritten.
  auto type = VectorType::get({width}, factors);
  Value zeros = arith::ConstantOp::create(at, loc, at.getZeroAttr(type));
  Value whole =
      arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ne,
                            arith::SubIOp::create(at, loc, end, begin),
                            constant(at, span(results) * channels));
  auto partly = scf::IfOp::create(at, loc, whole, /*withElse=*/false);
  OpBuilder pad(partly.thenBlock()->getTerminator());
  auto each = scf::ForOp::create(pad, loc, zero, constant(pad, pitch),
                                 constant(pad, width));
  OpBuilder store(each.getBody()->getTerminator());
  context.store(
      store, loc, LaneValue::varying(zeros), room,
      LaneValue::linear(add(store, target, each.getInductionVar()), 1),
      Lanes{width, Value()});
  widen(at, source, target, begin, end);
}

SmallVector<Value> WidenedLines::taps(OpBuilder &b, const TileShape &shape,
                                      const BufferRef &panel,
                                      ArrayRef<Value> sums) {
  int64_t panelWidth = *op.getPanel();
  int64_t depth = op.getKernel().back() * channels;
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, lines),
                                 constant(b, 1), ValueRange(sums));
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  Value line = loop.getInductionVar();
  TileOperands operands;
  operands.elementType = factors;
  operands.bType = panel.elementType;
  operands.bStride = constant(inner, panelWidth);
  operands.b =
      context.address(inner, loc, panel, mul(inner, line, depth * panelWidth));
  Value base = mul(inner, line, pitch);
  for (int64_t r = 0; r < shape.rows; ++r)
    operands.rowPointers.push_back(context.address(
        inner, loc, room,
        add(inner, base,
            constant(inner, r * op.getStrides().back() * channels))));
  SmallVector<Value> carried(loop.getRegionIterArgs());
  scf::YieldOp::create(inner, loc,
                       emitTile(inner, loc, context, shape, operands,
                                constant(inner, depth), depth, carried));
  return SmallVector<Value>(loop.getResults());
}
