//===- TiledConv.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution on tile registers: a row is one pixel of the result, its depths
// all taps with all channels of each, in that order.
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/heavy/TiledProduct.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

namespace {
class PixelRows : public RowSource {
public:
  PixelRows(OpBuilder &b, KernelContext &context, heavy::ConvOp op);

  Value address(OpBuilder &b, ArrayRef<Value> batch, Value group,
                Value row) override;
  AffineExpr stride() override {
    return inPlace ? input.strides[rank] : AffineExpr();
  }
  void copy(OpBuilder &b, ArrayRef<Value> batch, Value group, Value row,
            Value to) override;

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value add(OpBuilder &b, Value x, Value y) {
    return arith::AddIOp::create(b, loc, x, y);
  }
  Value mul(OpBuilder &b, Value x, int64_t factor) {
    return arith::MulIOp::create(b, loc, x, constant(b, factor));
  }
  Value scaled(OpBuilder &b, Value x, AffineExpr factor) {
    return arith::MulIOp::create(b, loc, x, context.expand(b, loc, factor));
  }
  Value byteAt(OpBuilder &b, Value base, Value offset) {
    BufferRef ref{base, b.getI8Type(), {}};
    return context.address(b, loc, ref, offset);
  }
  /// True if all taps along an axis lie inside of the image at any pixel.
  bool isInside(int64_t axis);
  /// And of two conditions, of which null is true.
  Value both(OpBuilder &b, Value x, Value y) {
    return !x ? y : !y ? x : arith::AndIOp::create(b, loc, x, y).getResult();
  }
  /// What lies below one place along the axes before `axis`: at `offset` of
  /// the input, if `inside` of the image there; `to` is where it goes.
  void copyAxis(OpBuilder &b, int64_t axis, Value offset, Value inside,
                Value to);
  void copyTaps(OpBuilder &b, Value start, Value offset, Value inside,
                Value to);

  KernelContext &context;
  heavy::ConvOp op;
  Location loc;
  BufferRef input;
  onnx::Dims inputDims, resultDims;
  int64_t rank, channels;
  bool inPlace = true;
  /// Channels at the zero point, or null if no tap lies outside.
  Value padding;
  /// The current pixel of the result.
  SmallVector<Value> pixel;
};
} // namespace

PixelRows::PixelRows(OpBuilder &b, KernelContext &context, heavy::ConvOp op)
    : context(context), op(op), loc(op.getLoc()),
      input(context.lookup(b, loc, op.getInput())),
      inputDims(onnx::getDims(op.getInputType())),
      resultDims(onnx::getDims(op.getResultType())), rank(op.getSpatialRank()),
      channels(op.getChannels() / op.getGroup()) {
  bool neverOutside = true;
  for (int64_t i = 0; i < rank; ++i) {
    inPlace &= op.getKernel()[i] == 1 && op.getStrides()[i] == 1 &&
               op.getPadsBegin()[i] == 0 &&
               inputDims[1 + i] == resultDims[1 + i];
    neverOutside &= isInside(i);
  }
  if (!inPlace && !neverOutside)
    padding = paddingRow(b, op, input.elementType, channels, op.getPadValue());
}

bool PixelRows::isInside(int64_t axis) {
  std::optional<int64_t> size = onnx::constantValue(inputDims[1 + axis]);
  std::optional<int64_t> out = onnx::constantValue(resultDims[1 + axis]);
  int64_t span = (op.getKernel()[axis] - 1) * op.getDilations()[axis];
  return op.getPadsBegin()[axis] == 0 && size && out &&
         (*out - 1) * op.getStrides()[axis] + span < *size;
}

Value PixelRows::address(OpBuilder &b, ArrayRef<Value>, Value group,
                         Value row) {
  Value offset =
      add(b, scaled(b, row, input.strides[rank]), mul(b, group, channels));
  return context.address(b, loc, input, offset);
}

void PixelRows::copy(OpBuilder &b, ArrayRef<Value>, Value group, Value row,
                     Value to) {
  pixel = delinearize(b, loc, context, row, ArrayRef(resultDims).drop_back());
  Value offset =
      add(b, scaled(b, pixel[0], input.strides[0]), mul(b, group, channels));
  copyAxis(b, 0, offset, Value(), to);
}

void PixelRows::copyAxis(OpBuilder &b, int64_t axis, Value offset, Value inside,
                         Value to) {
  Value start = arith::SubIOp::create(
      b, loc, mul(b, pixel[1 + axis], op.getStrides()[axis]),
      constant(b, op.getPadsBegin()[axis]));
  if (axis == rank - 1)
    return copyTaps(b, start, offset, inside, to);
  int64_t kernel = op.getKernel()[axis], bytes = channels;
  for (int64_t size : op.getKernel().drop_front(axis + 1))
    bytes *= size;
  auto each = [&](OpBuilder &at, Value k) {
    Value place = add(at, start, mul(at, k, op.getDilations()[axis]));
    Value here = inside;
    if (!isInside(axis))
      here = both(
          at, here,
          arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ult, place,
                                context.expand(at, loc, inputDims[1 + axis])));
    copyAxis(at, axis + 1,
             add(at, offset, scaled(at, place, input.strides[1 + axis])), here,
             byteAt(at, to, mul(at, k, bytes)));
  };
  if (kernel == 1)
    return each(b, constant(b, 0));
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, kernel),
                                 constant(b, 1));
  OpBuilder inner(loop.getBody()->getTerminator());
  each(inner, loop.getInductionVar());
}

/// The innermost axis, from `start` on.
void PixelRows::copyTaps(OpBuilder &b, Value start, Value offset, Value inside,
                         Value to) {
  int64_t axis = rank - 1, kernel = op.getKernel()[axis];
  int64_t dilation = op.getDilations()[axis];
  Value width = context.expand(b, loc, inputDims[rank]);
  auto single = [&](OpBuilder &at, Value k) {
    Value place = add(at, start, mul(at, k, dilation));
    Value from = context.address(
        at, loc, input,
        add(at, offset, scaled(at, place, input.strides[rank])));
    Value here = inside;
    if (!isInside(axis))
      here = both(at, here,
                  arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ult,
                                        place, width));
    if (here)
      from = arith::SelectOp::create(at, loc, here, from, padding);
    copyBytes(at, loc, context, from, byteAt(at, to, mul(at, k, channels)),
              channels);
  };
  if (kernel == 1)
    return single(b, constant(b, 0));
  auto allTaps = [&](OpBuilder &at) {
    auto loop = scf::ForOp::create(at, loc, constant(at, 0),
                                   constant(at, kernel), constant(at, 1));
    OpBuilder inner(loop.getBody()->getTerminator());
    single(inner, loop.getInductionVar());
  };
  // Neighbours in memory and in the row go together.
  if (dilation != 1 || op.getGroup() != 1 || channels >= heavy::tileDepth)
    return allTaps(b);
  auto together = [&](OpBuilder &at) {
    Value from = add(at, offset, scaled(at, start, input.strides[rank]));
    copyBytes(at, loc, context, context.address(at, loc, input, from), to,
              kernel * channels);
  };
  Value all = inside;
  if (!isInside(axis)) {
    Value last = arith::SubIOp::create(b, loc, width, constant(b, kernel));
    all = both(b, all,
               arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, start,
                                     constant(b, 0)));
    all = both(
        b, all,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, start, last));
  }
  if (!all)
    return together(b);
  emitIf(b, loc, all, together, allTaps);
}

void ingot::emitTiledConv(OpBuilder &b, KernelContext &context,
                          heavy::ConvOp op, Epilogue &epilogue, Value lo,
                          Value hi, AffineExpr &work) {
  TiledProduct product;
  product.b = context.lookup(b, op.getLoc(), op.getWeights());
  product.dims = onnx::getDims(op.getResultType());
  product.groups = op.getGroup();
  product.columns = int64_t(op.getFilters()) / product.groups;
  product.depth = op.getChannels() / product.groups;
  for (int64_t size : op.getKernel())
    product.depth *= size;
  PixelRows rows(b, context, op);
  product.isUnsigned = op.getInputType().getElementType().isUnsignedInteger();
  emitTiledProduct(b, context, op.getLoc(), product, rows, epilogue, lo, hi,
                   work);
}
