//===- LinePatch.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/LinePatch.h"
#include "codegen/heavy/Contraction.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

/// Bytes that are filled or copied together.
constexpr int64_t chunk = 16;

LinePatch::LinePatch(KernelContext &context, heavy::ConvOp op,
                     const BufferRef &input)
    : context(context), op(op), loc(op.getLoc()), input(input),
      rank(op.getSpatialRank()), channels(op.getChannels()) {}

Value LinePatch::byteAt(OpBuilder &b, Value base, Value offset) {
  BufferRef ref{base, b.getI8Type(), {}};
  return context.address(b, loc, ref, offset);
}

void LinePatch::allocate(OpBuilder &b, const TileShape &shape) {
  for (int64_t size : op.getKernel().drop_back())
    lines *= size;
  int64_t pixels =
      (shape.rows - 1) * op.getStrides().back() + op.getKernel().back();
  // Whole words are read, and whole chunks copied.
  pitch = llvm::alignTo(pixels * channels + 2 * chunk, 64);
  Value count =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(lines * pitch));
  room =
      LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                             b.getI8Type(), count, /*alignment=*/64);
}

void LinePatch::pad(OpBuilder &b, Value line) {
  auto type = VectorType::get({chunk}, b.getI8Type());
  Value value = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type, APInt(8, uint64_t(op.getPadValue()),
                                         /*isSigned=*/false,
                                         /*implicitTrunc=*/true)));
  for (int64_t at = 0; at < pitch; at += chunk)
    LLVM::StoreOp::create(b, loc, value, byteAt(b, line, constant(b, at)),
                          /*alignment=*/chunk);
}

void LinePatch::fill(OpBuilder &b, Value image, ArrayRef<Value> outer,
                     Value column, int64_t results) {
  onnx::Dims dims = onnx::getDims(op.getInputType());
  Value zero = constant(b, 0);
  int64_t last = rank - 1;
  int64_t pixels = (results - 1) * op.getStrides()[last] + op.getKernel()[last];
  // What of the line lies inside of the image: pixels [from, to) of it.
  Value x0 =
      arith::SubIOp::create(b, loc, mul(b, column, op.getStrides()[last]),
                            constant(b, op.getPadsBegin()[last]));
  Value width = context.expand(b, loc, dims[rank]);
  Value length = constant(b, pixels);
  Value from = arith::MaxSIOp::create(
      b, loc, arith::SubIOp::create(b, loc, zero, x0), zero);
  from = arith::MinSIOp::create(b, loc, from, length);
  Value to = arith::MinSIOp::create(
      b, loc, arith::SubIOp::create(b, loc, width, x0), length);
  to = arith::MaxSIOp::create(b, loc, to, from);

  auto loop =
      scf::ForOp::create(b, loc, zero, constant(b, lines), constant(b, 1));
  OpBuilder at(loop.getBody()->getTerminator());
  Value rest = loop.getInductionVar();
  Value target = byteAt(at, room, mul(at, rest, pitch));
  // The line's place along the outer axes, from the innermost of them on.
  Value offset =
      add(at, image,
          arith::MulIOp::create(at, loc, x0,
                                context.expand(at, loc, input.strides[rank])));
  Value inside = arith::ConstantOp::create(at, loc, at.getBoolAttr(true));
  for (int64_t axis = last - 1; axis >= 0; --axis) {
    Value size = constant(at, op.getKernel()[axis]);
    Value k = arith::RemUIOp::create(at, loc, rest, size);
    rest = arith::DivUIOp::create(at, loc, rest, size);
    Value place = add(at, mul(at, outer[axis], op.getStrides()[axis]),
                      add(at, mul(at, k, op.getDilations()[axis]),
                          constant(at, -op.getPadsBegin()[axis])));
    Value within =
        arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ult, place,
                              context.expand(at, loc, dims[1 + axis]));
    inside = arith::AndIOp::create(at, loc, inside, within);
    offset = add(
        at, offset,
        arith::MulIOp::create(
            at, loc, place, context.expand(at, loc, input.strides[1 + axis])));
  }
  Value whole =
      arith::CmpIOp::create(at, loc, arith::CmpIPredicate::eq,
                            arith::SubIOp::create(at, loc, to, from), length);
  whole = arith::AndIOp::create(at, loc, inside, whole);
  emitIf(
      at, loc, whole,
      [&](OpBuilder &copy) {
        LLVM::MemcpyInlineOp::create(
            copy, loc, target, context.address(copy, loc, input, offset),
            copy.getI64IntegerAttr(pixels * channels), /*isVolatile=*/false);
      },
      [&](OpBuilder &part) {
        pad(part, target);
        Value begin = mul(part, from, channels);
        Value end = arith::SelectOp::create(part, loc, inside,
                                            mul(part, to, channels), begin);
        auto bytes =
            scf::ForOp::create(part, loc, begin, end, constant(part, 1));
        OpBuilder each(bytes.getBody()->getTerminator());
        Value i = bytes.getInductionVar();
        Value byte = LLVM::LoadOp::create(
            each, loc, each.getI8Type(),
            context.address(each, loc, input, add(each, offset, i)), 1);
        LLVM::StoreOp::create(each, loc, byte, byteAt(each, target, i), 1);
      });
}

SmallVector<Value> LinePatch::taps(OpBuilder &b, const TileShape &shape,
                                   Value panel, ArrayRef<Value> sums) {
  int64_t unit = depthGroup(context.machine, input.elementType);
  // What a word reads beyond the taps meets weights of zero.
  int64_t depth = llvm::alignTo(op.getKernel().back() * channels, unit);
  int64_t panelWidth = *op.getPanel();
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, lines),
                                 constant(b, 1), ValueRange(sums));
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  Value line = loop.getInductionVar();
  TileOperands operands;
  operands.elementType = input.elementType;
  operands.bStride = constant(inner, panelWidth);
  operands.b = byteAt(
      inner, panel,
      mul(inner, line, depth * panelWidth * context.machine.dotBits() / 8));
  Value base = mul(inner, line, pitch);
  for (int64_t r = 0; r < shape.rows; ++r)
    operands.rowPointers.push_back(
        byteAt(inner, room,
               add(inner, base,
                   constant(inner, r * op.getStrides().back() * channels))));
  SmallVector<Value> carried(loop.getRegionIterArgs());
  scf::YieldOp::create(inner, loc,
                       emitTile(inner, loc, context, shape, operands,
                                constant(inner, depth), depth, carried));
  return SmallVector<Value>(loop.getResults());
}
