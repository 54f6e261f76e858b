//===- FewRows.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of a few rows: the right operand passes through registers once, in
// whole cache lines, and the depth is shared out among all threads of a block.
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/BlockShape.h"
#include "codegen/warp/RowSums.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Blocks that should share out the columns.
constexpr int64_t fewBlocks = 108;

/// Rows of the right operand that a thread takes at once, to have loads in
/// flight.
constexpr int64_t mostUnroll = 4;

bool warp::hasFewRows(const BlockOperands &operands) {
  const MatrixProduct &product = operands.matrices;
  std::optional<int64_t> rows = fewRowsOf(product);
  if (operands.conv || operands.byColumns || !rows || *rows < 1 ||
      *rows > mostRows)
    return false;
  bool isInteger = isa<IntegerType>(product.a.elementType);
  int64_t bytes = isInteger ? 4 : storageBytes(product.b.elementType);
  auto fits = [](ArrayRef<AffineExpr> strides, int64_t by) {
    return llvm::all_of(
        strides, [&](AffineExpr stride) { return stride.isMultipleOf(by); });
  };
  int64_t group = isInteger ? 4 : 1;
  if (product.b.alignment % chunkBytes ||
      operands.rightWidth % (chunkBytes / bytes) ||
      !fits(product.bBatch, chunkBytes / bytes * group))
    return false;
  // Words of the left operand are read as such.
  return !isInteger ||
         (product.a.alignment % 4 == 0 && product.depthStride == 1 &&
          product.depth.isMultipleOf(4) && product.rowStride.isMultipleOf(4) &&
          fits(product.aBatch, 4));
}

namespace {
/// A lane has a chunk of columns.
class FewRows : RowSums {
public:
  FewRows(KernelContext &context, Location loc, BlockOperands &operands,
          Epilogue &epilogue)
      : RowSums(context, loc, operands.matrices, epilogue), operands(operands) {
  }

  void emit(OpBuilder &b, StringRef name, AffineExpr &work, GridShape &grid);

private:
  Value offsetOf(Words &w, ArrayRef<AffineExpr> strides);
  Value loadRight(Words &w, Value at);
  Value loadLeft(Words &w, int64_t row, Value k);
  SmallVector<Value> sumProducts(Words &w);
  int64_t chooseShares() const;
  bool isInteger() const { return isa<IntegerType>(product.a.elementType); }

  BlockOperands &operands;
  /// What the right operand is stored as, and what is multiplied.
  Type stored, factor;
  SmallVector<Value> rowOffsets;
  Value column, leftOffset, rightOffset;
};
} // namespace

Value FewRows::offsetOf(Words &w, ArrayRef<AffineExpr> strides) {
  Value offset = w.wideNumber(0);
  for (auto [index, stride] : llvm::zip(batch, strides))
    offset =
        w.add(offset, w.mul(w.wideFromIndex(index),
                            w.wideFromIndex(context.expand(w.b, loc, stride))));
  return offset;
}

/// A chunk of one row of the right operand as factors.
Value FewRows::loadRight(Words &w, Value at) {
  Value address =
      LLVM::GEPOp::create(w.b, loc, product.b.pointer.getType(), stored,
                          product.b.pointer, ArrayRef<LLVM::GEPArg>{at});
  Value v = LLVM::LoadOp::create(w.b, loc, VectorType::get({width}, stored),
                                 address, chunkBytes);
  if (product.b.elementType.isBF16())
    v = arith::BitcastOp::create(
        w.b, loc, VectorType::get({width}, product.b.elementType), v);
  if (isInteger() || getElementTypeOrSelf(v.getType()) == factor)
    return v;
  return arith::ExtFOp::create(w.b, loc, VectorType::get({width}, factor), v);
}

/// The factor of a row at depth k, a word of four where those are integers.
Value FewRows::loadLeft(Words &w, int64_t row, Value k) {
  Value at = w.add(rowOffsets[row],
                   w.mul(w.wide(k), w.wideNumber(product.depthStride)));
  Type type =
      isInteger() ? w.b.getI32Type() : storageType(product.a.elementType);
  Value address =
      LLVM::GEPOp::create(w.b, loc, product.a.pointer.getType(), type,
                          product.a.pointer, ArrayRef<LLVM::GEPArg>{at});
  if (isInteger())
    return LLVM::LoadOp::create(w.b, loc, type, address, 4);
  return context.loadFloats(w.b, loc, product.a.elementType, factor, address);
}

/// Blocks for the same columns where these make few blocks: one for each
/// multiprocessor if what a block has less to read, at some 20 bytes a clock,
/// takes longer than meeting the others (see BlockShape).
int64_t FewRows::chooseShares() const {
  constexpr int64_t mostShares = 16, bytesPerClock = 20, meetingClocks = 2500;
  SmallVector<AffineExpr> leading;
  if (!product.bBatch.empty())
    leading.assign(product.dims.begin(), product.dims.end() - 2);
  std::optional<int64_t> matrices = onnx::constantValue(
      onnx::product(leading, operands.rightRows.getContext()));
  std::optional<int64_t> depth = onnx::constantValue(operands.rightRows);
  if (!matrices || !depth || *matrices < 1)
    return 1;
  int64_t tiles =
      *matrices * int64_t(llvm::divideCeil(product.n, lanes * width));
  int64_t most =
      std::min({mostShares, usualMultiprocessors(context.machine) / tiles,
                *depth / (blockThreads / lanes * mostUnroll)});
  if (most < 2)
    return 1;
  int64_t clocks = *depth * lanes * chunkBytes / bytesPerClock;
  return clocks - clocks / most > meetingClocks ? most : 1;
}

SmallVector<Value> FewRows::sumProducts(Words &w) {
  int64_t unroll = mostUnroll;
  while (!operands.rightRows.isMultipleOf(unroll))
    unroll /= 2;
  int64_t ranks = blockThreads / lanes;
  Value zero = arith::ConstantOp::create(w.b, loc, w.b.getZeroAttr(sum));
  SmallVector<Value> sums(rows * width, zero);
  Value depth = w.fromIndex(context.expand(w.b, loc, operands.rightRows));
  Value first = w.mul(w.div(thread, lanes), unroll);
  if (shares > 1) {
    // A multiple of what all threads take at once; the last has the rest.
    int64_t step = ranks * unroll;
    int64_t each = llvm::alignTo(
        llvm::divideCeil(*onnx::constantValue(operands.rightRows), shares),
        step);
    Value begin = w.mul(share, each);
    depth =
        arith::MinUIOp::create(w.b, loc, depth, w.add(begin, w.number(each)));
    first = w.add(first, begin);
  }
  auto loop = scf::ForOp::create(w.b, loc, first, depth,
                                 w.number(ranks * unroll), sums);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  sums.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
  SmallVector<Value> factors;
  for (int64_t u = 0; u < unroll; ++u) {
    Value k = in.add(loop.getInductionVar(), u);
    Value at = in.mul(in.wide(k), in.wideNumber(operands.rightWidth));
    at = in.add(in.add(at, in.wide(column)), rightOffset);
    factors.push_back(loadRight(in, at));
  }
  for (int64_t u = 0; u < unroll; ++u)
    for (int64_t r = 0; r < rows; ++r) {
      Value a = loadLeft(in, r, in.add(loop.getInductionVar(), u));
      for (int64_t l = 0; l < width; ++l) {
        Value &s = sums[r * width + l];
        Value b = vector::ExtractOp::create(body, loc, factors[u], l);
        if (isInteger())
          s = multiplyBytes(in, operands.isUnsigned, a, b, s);
        else
          s = math::FmaOp::create(body, loc, a, b, s);
      }
    }
  scf::YieldOp::create(body, loc, sums);
  sums.assign(loop.getResults().begin(), loop.getResults().end());
  return sums;
}

void FewRows::emit(OpBuilder &b, StringRef name, AffineExpr &work,
                   GridShape &grid) {
  Words w(b, loc);
  rows = *fewRowsOf(product);
  Type right = product.b.elementType;
  stored = isInteger() ? b.getI32Type() : storageType(right);
  factor = right.isF64() ? right : b.getF32Type();
  sum = isInteger() ? b.getI32Type() : factor;
  width = chunkBytes / (stored.getIntOrFloatBitWidth() / 8);
  shares = chooseShares();
  if (shares == 1 && llvm::divideCeil(product.n, lanes * width) < fewBlocks)
    lanes = 4;
  begin(w, work, grid);
  column = w.add(firstColumn, w.mul(w.rem(thread, lanes), width));
  // Columns beyond the last are those of the last chunk, and not stored.
  column = arith::MinUIOp::create(b, loc, column,
                                  w.number(operands.rightWidth - width));
  leftOffset = offsetOf(w, product.aBatch);
  rightOffset = offsetOf(w, product.bBatch);
  int64_t group = isInteger() ? 4 : 1;
  if (isInteger()) {
    leftOffset = w.div(leftOffset, w.wideNumber(group));
    rightOffset = w.div(rightOffset, w.wideNumber(group));
  }
  for (int64_t r = 0; r < rows; ++r) {
    AffineExpr stride = (product.rowStride * r).floorDiv(group);
    rowOffsets.push_back(
        w.add(leftOffset, w.wideFromIndex(context.expand(b, loc, stride))));
  }
  finish(w, sumProducts(w), (name + "_shared").str());
}

void warp::emitFewRows(OpBuilder &b, KernelContext &context, Location loc,
                       StringRef name, BlockOperands &operands,
                       Epilogue &epilogue, AffineExpr &work, GridShape &grid) {
  FewRows(context, loc, operands, epilogue).emit(b, name, work, grid);
}
