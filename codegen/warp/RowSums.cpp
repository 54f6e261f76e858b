//===- RowSums.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/RowSums.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

std::optional<int64_t> warp::fewRowsOf(const MatrixProduct &product) {
  return onnx::constantValue(
      product.rows ? product.rows : product.dims[product.dims.size() - 2]);
}

Value RowSums::plus(Words &w, Value x, Value y) {
  if (isa<IntegerType>(sum))
    return arith::AddIOp::create(w.b, loc, x, y);
  return arith::AddFOp::create(w.b, loc, x, y);
}

void RowSums::begin(Words &w, AffineExpr &work, GridShape &grid) {
  SmallVector<AffineExpr> space;
  if (!product.bBatch.empty())
    space.assign(product.dims.begin(), product.dims.end() - 2);
  bool symbolic = !fewRowsOf(product);
  if (symbolic)
    space.push_back(product.rows.ceilDiv(rows));
  space.push_back(onnx::constantDim(llvm::divideCeil(product.n, lanes * width),
                                    w.b.getContext()));
  work = onnx::product(space, w.b.getContext());
  grid.block = blockThreads;
  grid.blockItems = 1;
  block = tile = w.fromIndex(blockInGrid(w.b, loc));
  share = w.number(0);
  if (shares > 1) {
    meeting.addParameters(w.b, loc);
    tile = w.div(block, shares);
    share = w.rem(block, shares);
    int64_t tiles = *onnx::constantValue(work);
    work = work * shares;
    grid.counters = tiles;
    grid.sums = tiles * shares * rows * lanes * width *
                (sum.getIntOrFloatBitWidth() / 8);
    grid.remark =
        (Twine(shares) + " blocks share " + Twine(lanes * width) +
         " columns of " + Twine(rows) + (rows == 1 ? " row" : " rows"))
            .str();
  }
  SmallVector<Value> at = delinearize(w.b, loc, context, w.index(tile), space);
  batch.assign(at.begin(), at.end() - (symbolic ? 2 : 1));
  if (symbolic) {
    firstRow = w.mul(w.fromIndex(at[at.size() - 2]), rows);
    rowCount = w.fromIndex(context.expand(w.b, loc, product.rows));
  }
  thread = w.fromIndex(threadInBlock(w.b, loc));
  firstColumn = w.mul(w.fromIndex(at.back()), lanes * width);
}

void RowSums::finish(Words &w, ArrayRef<Value> ofThread, StringRef name) {
  SmallVector<Value> all(ofThread);
  // Lanes of a warp with the same columns.
  for (int64_t mask = lanes; mask < warpLanes; mask *= 2)
    for (Value &s : all)
      s = plus(w, s, shuffleXor(w.b, loc, s, mask));
  ArrayRef<Value> sums(all);
  StagedResults staged{Value(), sum, rows, lanes * width};
  staged.base = sharedMemory(w, name, staged.bytes(warps));
  Value number = w.div(thread, warpLanes), lane = w.rem(thread, warpLanes);
  auto writers = scf::IfOp::create(w.b, loc, w.less(lane, lanes), false);
  OpBuilder then(writers.thenBlock()->getTerminator());
  Words in(then, loc);
  auto type = VectorType::get({width}, sum);
  for (int64_t r = 0; r < rows; ++r) {
    Value v = vector::FromElementsOp::create(then, loc, type,
                                             sums.slice(r * width, width));
    LLVM::StoreOp::create(
        then, loc, v,
        staged.address(in, number, in.number(r), in.mul(lane, width)),
        chunkBytes);
  }
  barrier(w.b, loc);
  together = chunkBytes / (sum.getIntOrFloatBitWidth() / 8);
  if (product.n % together)
    together = 1;
  int64_t bytes = together * sum.getIntOrFloatBitWidth() / 8;
  forResults(w, [&](Words &on, Value row, Value at) {
    Value total;
    for (int64_t i = 0; i < warps; ++i) {
      Value v = LLVM::LoadOp::create(on.b, loc, neighbours(),
                                     staged.address(on, on.number(i), row, at),
                                     bytes);
      total = total ? plus(on, total, v) : v;
    }
    if (shares == 1)
      return store(on, row, at, total);
    LLVM::StoreOp::create(on.b, loc, total, shareAddress(on, block, row, at),
                          bytes);
  });
  if (shares == 1)
    return;
  Value last = meeting.isLast(w, thread, tile, w.number(shares));
  auto branch = scf::IfOp::create(w.b, loc, last, /*withElse=*/false);
  OpBuilder mine(branch.thenBlock()->getTerminator());
  Words inLast(mine, loc);
  addShares(inLast);
}

Type RowSums::neighbours() const {
  return together == 1 ? sum : Type(VectorType::get({together}, sum));
}

/// Threads take neighbouring results in turn, those that exist.
void RowSums::forResults(Words &w, Visitor use) {
  int64_t perRow = lanes * width / together;
  auto each = scf::ForOp::create(w.b, loc, thread, w.number(rows * perRow),
                                 w.number(blockThreads));
  OpBuilder body(each.getBody()->getTerminator());
  Words in(body, loc);
  Value row = in.div(each.getInductionVar(), perRow);
  Value at = in.mul(in.rem(each.getInductionVar(), perRow), together);
  Value isResult = in.less(in.add(firstColumn, at), product.n);
  if (rowCount)
    isResult = in.both(isResult, in.less(in.add(firstRow, row), rowCount));
  auto exists = scf::IfOp::create(body, loc, isResult, /*withElse=*/false);
  OpBuilder live(exists.thenBlock()->getTerminator());
  Words on(live, loc);
  use(on, row, at);
}

void RowSums::store(Words &w, Value row, Value at, Value total) {
  storeNeighbours(w, context, product, epilogue, batch,
                  rowCount ? w.add(firstRow, row) : row, w.add(firstColumn, at),
                  together, total);
}

/// Where block number `of` puts its sum of a result.
Value RowSums::shareAddress(Words &w, Value of, Value row, Value column) {
  Value at = w.add(w.mul(of, rows), row);
  return meeting.address(w, sum, w.add(w.mul(at, lanes * width), column));
}

/// Adds what the blocks of the same columns have summed, in their order.
void RowSums::addShares(Words &w) {
  int64_t bytes = together * sum.getIntOrFloatBitWidth() / 8;
  forResults(w, [&](Words &on, Value row, Value at) {
    Value total, first = on.mul(tile, shares);
    for (int64_t i = 0; i < shares; ++i) {
      Value v = LLVM::LoadOp::create(
          on.b, loc, neighbours(), shareAddress(on, on.add(first, i), row, at),
          bytes);
      total = total ? plus(on, total, v) : v;
    }
    store(on, row, at, total);
  });
}
