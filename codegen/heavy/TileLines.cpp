//===- TileLines.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/TileLines.h"
#include "codegen/heavy/Contraction.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

/// Bytes of stack that widened lines of a tile may take.
constexpr int64_t mostBytes = 128 << 10;

/// Bytes that are filled or copied together.
constexpr int64_t chunk = 16;

bool TileLines::isWideningWorthIt() {
  if (factors == input.elementType || context.machine.getLaneBroadcast() ||
      op.getInputChannelsFirst() || op.getGroup() != 1 ||
      op.getDilations().back() != 1)
    return false;
  return llvm::all_of(
      llvm::drop_begin(onnx::getDims(op.getInputType())),
      [](AffineExpr dim) { return onnx::constantValue(dim).has_value(); });
}

bool TileLines::allocate(OpBuilder &b, const TileShape &shape) {
  if (!isInteger() && !isWideningWorthIt())
    return false;
  for (int64_t size : op.getKernel().drop_back())
    lines *= size;
  width = shape.width;
  int64_t elements = span(shape.rows) * channels;
  // Of bytes whole words are read, and whole chunks copied.
  pitch = isInteger() ? llvm::alignTo(elements + 2 * chunk, 64)
                      : llvm::alignTo(elements, width);
  if (!isInteger() && lines * pitch * storageBytes(factors) > mostBytes)
    return false;
  allocateRoom(b, lines * pitch);
  return true;
}

void TileLines::padBytes(OpBuilder &b, Value target) {
  auto type = VectorType::get({chunk}, b.getI8Type());
  Value value = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type, APInt(8, uint64_t(op.getPadValue()),
                                         /*isSigned=*/false,
                                         /*implicitTrunc=*/true)));
  for (int64_t at = 0; at < pitch; at += chunk)
    LLVM::StoreOp::create(b, loc, value,
                          roomAt(b, add(b, target, constant(b, at))),
                          /*alignment=*/chunk);
}

void TileLines::copyBytes(OpBuilder &b, const Line &line) {
  emitIf(
      b, loc, line.whole,
      [&](OpBuilder &copy) {
        LLVM::MemcpyInlineOp::create(
            copy, loc, roomAt(copy, line.target),
            context.address(copy, loc, input, line.source),
            copy.getI64IntegerAttr(line.length), /*isVolatile=*/false);
      },
      [&](OpBuilder &part) {
        padBytes(part, line.target);
        auto bytes = scf::ForOp::create(part, loc, line.begin, line.end,
                                        constant(part, 1));
        OpBuilder each(bytes.getBody()->getTerminator());
        Value i = bytes.getInductionVar();
        Value byte = LLVM::LoadOp::create(
            each, loc, each.getI8Type(),
            context.address(each, loc, input, add(each, line.source, i)), 1);
        LLVM::StoreOp::create(each, loc, byte,
                              roomAt(each, add(each, line.target, i)), 1);
      });
}

void TileLines::widen(OpBuilder &b, const Line &line) {
  // Zeros before and after; vectors of them may be overwritten.
  Value isWhole = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  Value isPart = arith::XOrIOp::create(b, loc, line.whole, isWhole);
  auto partly = scf::IfOp::create(b, loc, isPart, /*withElse=*/false);
  OpBuilder pad(partly.thenBlock()->getTerminator());
  auto each = scf::ForOp::create(pad, loc, constant(pad, 0),
                                 constant(pad, pitch), constant(pad, width));
  OpBuilder store(each.getBody()->getTerminator());
  storeZeros(store, add(store, line.target, each.getInductionVar()));

  Value length = sub(b, line.end, line.begin);
  Value rest = arith::RemUIOp::create(b, loc, length, constant(b, width));
  Value end = sub(b, line.end, rest);
  copyFloats(b, line.source, line.target, line.begin, end, width);
  if (channels % width)
    copyFloats(b, line.source, line.target, end, line.end, 1);
}

void TileLines::fill(OpBuilder &b, Value image, ArrayRef<Value> outer,
                     Value column, int64_t results) {
  onnx::Dims dims = onnx::getDims(op.getInputType());
  int64_t last = rank - 1, pixels = span(results);
  Value x0 = sub(b, mul(b, column, op.getStrides()[last]),
                 constant(b, op.getPadsBegin()[last]));
  auto [from, to] = existing(b, x0, context.expand(b, loc, dims[rank]), pixels);

  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, lines),
                                 constant(b, 1));
  OpBuilder at(loop.getBody()->getTerminator());
  Value rest = loop.getInductionVar();
  Line line;
  line.length = pixels * channels;
  line.target = mul(at, rest, pitch);
  // The line's place along the outer axes, from the innermost of them on.
  Value pixel = context.expand(at, loc, input.strides[rank]);
  line.source = add(at, image, arith::MulIOp::create(at, loc, x0, pixel));
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
    Value stride = context.expand(at, loc, input.strides[1 + axis]);
    line.source =
        add(at, line.source, arith::MulIOp::create(at, loc, place, stride));
  }
  Value all = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::eq,
                                    sub(at, to, from), constant(at, pixels));
  line.whole = arith::AndIOp::create(at, loc, inside, all);
  line.begin = mul(at, from, channels);
  line.end = arith::SelectOp::create(at, loc, inside, mul(at, to, channels),
                                     line.begin);
  isInteger() ? copyBytes(at, line) : widen(at, line);
}

SmallVector<Value> TileLines::taps(OpBuilder &b, const TileShape &shape,
                                   const BufferRef &panel,
                                   ArrayRef<Value> sums) {
  // What a word of bytes reads beyond the taps meets weights of zero.
  int64_t depth = llvm::alignTo(op.getKernel().back() * channels,
                                depthGroup(context.machine, factors));
  int64_t panelWidth = *op.getPanel();
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
    operands.rowPointers.push_back(roomAt(
        inner, add(inner, base,
                   constant(inner, r * op.getStrides().back() * channels))));
  SmallVector<Value> carried(loop.getRegionIterArgs());
  scf::YieldOp::create(inner, loc,
                       emitTile(inner, loc, context, shape, operands,
                                constant(inner, depth), depth, carried));
  return SmallVector<Value>(loop.getResults());
}
