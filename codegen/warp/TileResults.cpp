//===- TileResults.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/TileResults.h"
#include "codegen/warp/BlockProduct.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// What neighbouring sums are as one value.
Type TileResults::neighbours() const {
  Type type = factors.sumType();
  return width == 1 ? type : Type(VectorType::get({width}, type));
}

Value TileResults::addOf(Words &w, Value x, Value y) {
  if (factors.isInteger())
    return arith::AddIOp::create(w.b, loc, x, y);
  return arith::AddFOp::create(w.b, loc, x, y);
}

/// Threads take neighbours of so many rows in turn, those that exist.
/// `toTileRow` tells where a row is in the tile.
void TileResults::forNeighbours(
    Words &w, int64_t rows, llvm::function_ref<Value(Words &, Value)> toTileRow,
    llvm::function_ref<void(Words &, Value, Value, Value)> use) {
  int64_t perRow = shape.columns / width, total = rows * perRow;
  auto loop = scf::ForOp::create(w.b, loc, thread, w.number(total),
                                 w.number(shape.threads()));
  OpBuilder body(loop.getBody()->getTerminator());
  Words in(body, loc);
  Value row = in.div(loop.getInductionVar(), perRow);
  Value at = in.mul(in.rem(loop.getInductionVar(), perRow), width);
  Value tileRow = toTileRow(in, row);
  Value exists =
      in.both(in.less(in.add(firstRow, tileRow), rowCount),
              in.less(in.add(firstColumn, at), in.number(product.n)));
  auto branch = scf::IfOp::create(body, loc, exists, false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words live(then, loc);
  use(live, row, tileRow, at);
}

/// Passes the sums of all threads through shared memory, which adds slices.
void TileResults::forStaged(Words &w, ArrayRef<Value> sums, Visitor use) {
  StagedResults staged{shared, factors.sumType(), shape.rows / parts,
                       shape.columns};
  int64_t bytes = width * factors.sumBytes();
  for (int64_t part = 0; part < parts; ++part) {
    barrier(w.b, loc);
    math->stage(w, part, parts, sums, staged);
    barrier(w.b, loc);
    forNeighbours(
        w, staged.rows,
        [&](Words &in, Value row) {
          return math->tileRow(in, part, parts, row);
        },
        [&](Words &live, Value row, Value tileRow, Value at) {
          Value sum;
          for (int64_t s = 0; s < shape.slices; ++s) {
            Value v = LLVM::LoadOp::create(
                live.b, loc, neighbours(),
                staged.address(live, live.number(s), row, at), bytes);
            sum = sum ? addOf(live, sum, v) : v;
          }
          use(live, tileRow, at, sum);
        });
  }
}

/// Applies the epilogue to neighbours and stores them.
void TileResults::storeAt(Words &w, Value tileRow, Value at, Value sum) {
  Value column = w.add(firstColumn, at);
  if (groups > 1)
    column = w.add(column, w.mul(group, product.n));
  storeNeighbours(w, context, product, epilogue, batch,
                  w.add(firstRow, tileRow), column, width, sum);
}

/// Where block number `of` puts its sum of a result.
Value TileResults::shareAddress(Words &w, Value of, Value row, Value column) {
  Value at = w.add(w.mul(of, shape.rows), row);
  return meeting.address(w, factors.sumType(),
                         w.add(w.mul(at, shape.columns), column));
}

/// Adds what the blocks of a tile have summed, in their order.
void TileResults::addShares(Words &w) {
  int64_t bytes = width * factors.sumBytes();
  forNeighbours(
      w, shape.rows, [](Words &, Value row) { return row; },
      [&](Words &live, Value, Value row, Value at) {
        Value first = live.mul(tile, shares);
        auto load = [&](Words &in, Value of) -> Value {
          return LLVM::LoadOp::create(in.b, loc, neighbours(),
                                      shareAddress(in, of, row, at), bytes);
        };
        auto loop = scf::ForOp::create(live.b, loc, live.add(first, 1),
                                       live.add(first, shares), live.number(1),
                                       ValueRange{load(live, first)});
        OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
        Words in(body, loc);
        Value next = load(in, loop.getInductionVar());
        scf::YieldOp::create(body, loc,
                             addOf(in, loop.getRegionIterArg(0), next));
        storeAt(live, row, at, loop.getResult(0));
      });
}

/// Hands the sums to the last block of the tile.
void TileResults::finishShared(Words &w, ArrayRef<Value> sums) {
  int64_t bytes = width * factors.sumBytes();
  forStaged(w, sums, [&](Words &live, Value row, Value at, Value sum) {
    LLVM::StoreOp::create(live.b, loc, sum, shareAddress(live, block, row, at),
                          bytes);
  });
  Value last = meeting.isLast(w, thread, tile, shares);
  auto branch = scf::IfOp::create(w.b, loc, last, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words in(then, loc);
  addShares(in);
}

void TileResults::finish(Words &w, ArrayRef<Value> sums) {
  auto finishAlone = [&](Words &in) {
    forStaged(in, sums, [&](Words &live, Value row, Value at, Value sum) {
      storeAt(live, row, at, sum);
    });
  };
  if (shape.shares == 1)
    return finishAlone(w);
  if (shape.shares > 1)
    return finishShared(w, sums);
  Value alone = w.less(shares, 2);
  auto branch = scf::IfOp::create(w.b, loc, alone, /*withElse=*/true);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words one(then, loc);
  finishAlone(one);
  OpBuilder others(branch.elseBlock()->getTerminator());
  Words many(others, loc);
  finishShared(many, sums);
}
