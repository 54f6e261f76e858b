//===- Concat.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Copies runs of neighbouring elements: one item per piece and outer index.
class ConcatEmitter {
public:
  ConcatEmitter(KernelContext &context, heavy::ConcatOp op)
      : context(context), op(op), loc(op.getLoc()) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  void copy(OpBuilder &b, const BufferRef &from, Value fromAt,
            const BufferRef &to, Value toAt, Value count);

  KernelContext &context;
  heavy::ConcatOp op;
  Location loc;
};
} // namespace

void ConcatEmitter::copy(OpBuilder &b, const BufferRef &from, Value fromAt,
                         const BufferRef &to, Value toAt, Value count) {
  int64_t width = context.machine.lanes(8 * storageBytes(from.elementType));
  auto move = [&](OpBuilder &at, Value i, const Lanes &lanes) {
    auto linear = [&](Value base) {
      return LaneValue::linear(arith::AddIOp::create(at, loc, base, i),
                               lanes.width > 1);
    };
    LaneValue v = context.load(at, loc, from, linear(fromAt), lanes);
    context.store(at, loc, v, to, linear(toAt), lanes);
  };
  Value rest = arith::RemUIOp::create(b, loc, count, constant(b, width));
  Value whole = arith::SubIOp::create(b, loc, count, rest);
  auto loop =
      scf::ForOp::create(b, loc, constant(b, 0), whole, constant(b, width));
  OpBuilder inner(loop.getBody()->getTerminator());
  move(inner, loop.getInductionVar(), Lanes{width, Value()});
  if (context.machine.getMasks()) {
    Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest,
                                      constant(b, 0));
    auto branch = scf::IfOp::create(b, loc, any, /*withElse=*/false);
    OpBuilder tail(branch.thenBlock()->getTerminator());
    move(tail, whole, Lanes{width, laneMask(tail, loc, rest, width)});
    return;
  }
  auto tail = scf::ForOp::create(b, loc, whole, count, constant(b, 1));
  OpBuilder single(tail.getBody()->getTerminator());
  move(single, tail.getInductionVar(), Lanes{});
}

LogicalResult ConcatEmitter::emit(OpBuilder &b, Value lo, Value hi,
                                  AffineExpr &work) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  MLIRContext *ctx = b.getContext();
  onnx::Dims dims = onnx::getDims(type);
  int64_t axis = op.getAxis();
  AffineExpr outer = onnx::product(ArrayRef(dims).take_front(axis), ctx);
  AffineExpr run = onnx::product(ArrayRef(dims).drop_front(axis + 1), ctx);
  AffineExpr pieces = onnx::constantDim(op.getPieces().size(), ctx);
  work = outer * pieces;
  // Bytes are moved as they are, whatever they mean.
  auto raw = [&](BufferRef ref) {
    ref.elementType = IntegerType::get(ctx, 8 * storageBytes(ref.elementType));
    return ref;
  };
  BufferRef to = raw(context.lookup(b, loc, op.getResult()));
  auto item = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<Value> at =
      delinearize(inner, loc, context, item.getInductionVar(), {outer, pieces});
  Value rowLength = context.expand(inner, loc, dims[axis] * run);
  Value row = arith::MulIOp::create(inner, loc, at[0], rowLength);
  AffineExpr before = onnx::constantDim(0, ctx);
  for (auto [i, piece] : llvm::enumerate(op.getPieces())) {
    onnx::Dims own = onnx::getDims(cast<RankedTensorType>(piece.getType()));
    AffineExpr length = own[axis] * run;
    BufferRef from = raw(context.lookup(b, loc, piece));
    Value mine = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq,
                                       at[1], constant(inner, i));
    auto branch = scf::IfOp::create(inner, loc, mine, /*withElse=*/false);
    OpBuilder body(branch.thenBlock()->getTerminator());
    Value count = context.expand(body, loc, length);
    Value fromAt = arith::MulIOp::create(body, loc, at[0], count);
    Value toAt = arith::AddIOp::create(body, loc, row,
                                       context.expand(body, loc, before));
    copy(body, from, fromAt, to, toAt, count);
    before = before + length;
  }
  return success();
}

LogicalResult ingot::emitConcat(OpBuilder &b, KernelContext &context,
                                heavy::ConcatOp op, Value lo, Value hi,
                                AffineExpr &work) {
  return ConcatEmitter(context, op).emit(b, lo, hi, work);
}
