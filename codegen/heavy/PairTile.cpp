//===- PairTile.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Register tiles of bf16, summed in f32 by an instruction that adds two
// products. A is read row by row, two neighbours at a time; B is packed so that
// a vector holds, for each column, two depths.
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/TileKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

namespace {
class PairTile {
public:
  PairTile(KernelContext &context, Location loc, const TileShape &shape,
           const TileOperands &operands)
      : context(context), loc(loc), shape(shape), operands(operands) {}

  /// Adds the depths [k, k + 1], or k alone if it is the `last` of an odd
  /// number: behind a row's end is nothing that could be read.
  void step(OpBuilder &b, Value k, bool last, SmallVectorImpl<Value> &acc);

private:
  Value pointerAt(OpBuilder &b, Value base, Value elements) {
    BufferRef ref{base, b.getI16Type(), {}};
    return context.address(b, loc, ref, elements);
  }
  /// Pairs in the lanes of 32 bits.
  Value asPairs(OpBuilder &b, Value words) {
    auto type = VectorType::get({2 * shape.width}, b.getBF16Type());
    return vector::BitCastOp::create(b, loc, type, words);
  }

  KernelContext &context;
  Location loc;
  const TileShape &shape;
  const TileOperands &operands;
};
} // namespace

void PairTile::step(OpBuilder &b, Value k, bool last,
                    SmallVectorImpl<Value> &acc) {
  emitPrefetch(b, loc, context, operands, k, 2);
  auto words = VectorType::get({shape.width}, b.getI32Type());
  Value row = arith::MulIOp::create(b, loc, k, operands.bStride);
  SmallVector<Value> columns;
  for (int64_t v = 0; v < shape.vectors; ++v) {
    Value at = arith::AddIOp::create(
        b, loc, row,
        arith::ConstantIndexOp::create(b, loc, v * 2 * shape.width));
    columns.push_back(asPairs(
        b, LLVM::LoadOp::create(b, loc, words, pointerAt(b, operands.b, at),
                                /*alignment=*/4)));
  }
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value from = pointerAt(b, operands.rowPointers[r], k);
    Type read = last ? b.getI16Type() : b.getI32Type();
    Value pair = LLVM::LoadOp::create(b, loc, read, from, /*alignment=*/2);
    if (last)
      pair = arith::ExtUIOp::create(b, loc, b.getI32Type(), pair);
    Value splat = asPairs(b, vector::BroadcastOp::create(b, loc, words, pair));
    for (int64_t v = 0; v < shape.vectors; ++v) {
      Value &sum = acc[r * shape.vectors + v];
      sum = LLVM::CallIntrinsicOp::create(
                b, loc, sum.getType(),
                b.getStringAttr(context.machine.getBf16Intrinsic()),
                ValueRange{sum, splat, columns[v]})
                .getResult(0);
    }
  }
}

SmallVector<Value>
ingot::emitPairTile(OpBuilder &b, Location loc, KernelContext &context,
                    const TileShape &shape, const TileOperands &operands,
                    Value depth, std::optional<int64_t> staticDepth,
                    ArrayRef<Value> accumulators) {
  PairTile tile(context, loc, shape, operands);
  SmallVector<Value> acc(accumulators);
  bool isOdd = staticDepth.value_or(0) % 2 != 0;
  Value end = depth;
  if (isOdd)
    end = arith::ConstantIndexOp::create(b, loc, *staticDepth - 1);
  if (staticDepth != 1) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value two = arith::ConstantIndexOp::create(b, loc, 2);
    auto loop =
        scf::ForOp::create(b, loc, zero, end, two, ValueRange(accumulators));
    OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
    SmallVector<Value> carried(loop.getRegionIterArgs());
    tile.step(inner, loop.getInductionVar(), /*last=*/false, carried);
    scf::YieldOp::create(inner, loc, carried);
    acc.assign(loop.getResults().begin(), loop.getResults().end());
  }
  if (isOdd)
    tile.step(b, end, /*last=*/true, acc);
  return acc;
}
