//===- WarpgroupResults.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/WarpgroupResults.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Shared.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

Value WarpgroupResults::pointerTo(Words &w, Value offset) {
  return bytesAfter(w, sharedPointer, offset);
}

/// Waits for the warp; what its threads stored before is seen after.
static void syncWarp(Words &w) {
  LLVM::CallIntrinsicOp::create(w.b, w.loc,
                                w.b.getStringAttr("llvm.nvvm.bar.warp.sync"),
                                ValueRange{w.number(-1)});
}

/// Puts 16 rows and 64 columns of a warp into shared memory. Lane 4 * g + t has
/// of each eight columns those of numbers 2 * t and 2 * t + 1, in rows g and
/// g + 8. Groups of eight columns change places with the row, so that lanes
/// meet different banks.
void WarpgroupResults::stage(Words &w, ArrayRef<Value> sums) {
  auto pair = VectorType::get({2}, sums[0].getType());
  int64_t rowBytes = WarpgroupShape::stagedColumns * 4;
  Value g = w.div(lane, 4), t = w.rem(lane, 4);
  Value first = w.add(staged, w.add(w.mul(g, rowBytes), w.mul(t, 8)));
  for (int64_t j = 0; j < WarpgroupShape::stagedColumns / 8; ++j) {
    Value at = w.add(first, w.mul(w.bitXor(g, w.number(j)), 32));
    for (int64_t half : {0, 1}) {
      Value v = vector::FromElementsOp::create(w.b, loc, pair,
                                               sums.slice(4 * j + 2 * half, 2));
      LLVM::StoreOp::create(w.b, loc, v,
                            pointerTo(w, w.add(at, half * 8 * rowBytes)), 8);
    }
  }
}

/// Applies the epilogue to neighbours of one row of the result and stores them.
void WarpgroupResults::storeVector(Words &w, const Tile &tile, Value row,
                                   Value column, Value vector) {
  int64_t rank = product.dims.size();
  SmallVector<Value> leading;
  Value last = w.index(row);
  if (batchDims.empty() && !epilogue.canFlatten(rank - 1)) {
    leading = delinearize(w.b, loc, context, last,
                          ArrayRef(product.dims).drop_back());
    last = leading.pop_back_val();
  } else {
    leading = tile.batch;
    leading.resize(rank - 2, w.index(w.number(0)));
  }
  epilogue.storeRow(w.b, width, leading, last, w.index(column), {}, vector);
}

/// Takes staged results back, neighbours by neighbours. Rows and columns are
/// those of the tile.
void WarpgroupResults::storeStaged(Words &w, const Tile &tile, int64_t chunk,
                                   Store store) {
  int64_t columns = WarpgroupShape::stagedColumns, perRow = columns / width;
  auto loop = scf::ForOp::create(w.b, loc, lane,
                                 w.number(WarpgroupShape::stagedRows * perRow),
                                 w.number(32));
  OpBuilder body(loop.getBody()->getTerminator());
  Words in(body, loc);
  Value row = in.div(loop.getInductionVar(), perRow);
  Value column = in.mul(in.rem(loop.getInductionVar(), perRow), width);
  // Rows of the warp, then of its warpgroup.
  Value warp = in.rem(in.div(thread, 32), groupThreads / 32);
  Value tileRow = in.add(row, in.mul(warp, WarpgroupShape::stagedRows));
  Value tileColumn = in.add(column, chunk * columns);
  if (shape.splitsRows())
    tileRow = in.add(tileRow, in.mul(group, groupRows));
  else
    tileColumn = in.add(tileColumn, in.mul(group, shape.groupColumns()));
  auto branch =
      scf::IfOp::create(body, loc, exists(in, tile, tileRow, tileColumn),
                        /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words live(then, loc);
  Value place = live.bitXor(live.div(column, 8), live.rem(row, 8));
  Value offset =
      live.add(live.mul(row, columns * 4),
               live.add(live.mul(place, 32), live.mul(live.rem(column, 8), 4)));
  Value v = LLVM::LoadOp::create(then, loc, neighbours(),
                                 pointerTo(live, live.add(staged, offset)),
                                 4 * width);
  store(live, tileRow, tileColumn, v);
}

void WarpgroupResults::forStaged(Words &w, ArrayRef<Value> sums,
                                 const Tile &tile, Store store) {
  size_t perChunk = WarpgroupShape::stagedColumns / 2;
  for (size_t chunk = 0; chunk * perChunk < sums.size(); ++chunk) {
    syncWarp(w);
    stage(w, sums.slice(chunk * perChunk, perChunk));
    syncWarp(w);
    storeStaged(w, tile, chunk, store);
  }
}

void WarpgroupResults::finishWhole(Words &w, const Tile &tile,
                                   ArrayRef<Value> sums) {
  forStaged(w, sums, tile, [&](Words &at, Value row, Value column, Value v) {
    storeVector(at, tile, at.add(tile.firstRow, row),
                at.add(tile.firstColumn, column), v);
  });
}

/// Where a block (a cluster's block of this rank) puts its part of the sums of
/// a tile of the last round.
Value WarpgroupResults::partAddress(Words &w, Value block, Value number,
                                    Value row, Value column) {
  Value part = w.mul(division.partNumber(w, block, number), shape.cluster);
  if (shape.cluster > 1)
    part = w.add(part, rank);
  Value at = w.add(w.mul(part, shape.rows), row);
  return meeting.address(w, sum, w.add(w.mul(at, shape.columns), column));
}

/// Adds the parts of a tile in the order of the depth.
void WarpgroupResults::addParts(Words &w, const DepthDivision::Segment &segment,
                                const Tile &tile) {
  int64_t perRow = shape.columns / width;
  Value first = division.firstBlock(w, segment.number);
  Value end = w.add(first, division.blocksOf(w, segment.number));
  auto loop =
      scf::ForOp::create(w.b, loc, thread, w.number(shape.rows * perRow),
                         w.number(WarpgroupShape::groups * groupThreads));
  OpBuilder body(loop.getBody()->getTerminator());
  Words in(body, loc);
  Value row = in.div(loop.getInductionVar(), perRow);
  Value column = in.mul(in.rem(loop.getInductionVar(), perRow), width);
  auto branch = scf::IfOp::create(body, loc, exists(in, tile, row, column),
                                  /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words live(then, loc);
  auto load = [&](Words &at, Value block) -> Value {
    return LLVM::LoadOp::create(
        at.b, loc, neighbours(),
        partAddress(at, block, segment.number, row, column), 4 * width);
  };
  auto parts =
      scf::ForOp::create(then, loc, live.add(first, 1), end, live.number(1),
                         ValueRange{load(live, first)});
  OpBuilder inner = OpBuilder::atBlockEnd(parts.getBody());
  Words each(inner, loc);
  Value next = load(each, parts.getInductionVar());
  Value before = parts.getRegionIterArg(0);
  if (isa<IntegerType>(sum))
    next = arith::AddIOp::create(inner, loc, before, next);
  else
    next = arith::AddFOp::create(inner, loc, before, next);
  scf::YieldOp::create(inner, loc, next);
  storeVector(live, tile, live.add(tile.firstRow, row),
              live.add(tile.firstColumn, column), parts.getResult(0));
}

/// Hands the sums of a part to the last block of the tile.
void WarpgroupResults::finishPart(Words &w,
                                  const DepthDivision::Segment &segment,
                                  const Tile &tile, ArrayRef<Value> sums) {
  forStaged(w, sums, tile, [&](Words &at, Value row, Value column, Value v) {
    LLVM::StoreOp::create(
        at.b, loc, v,
        partAddress(at, division.block, segment.number, row, column),
        4 * width);
  });
  Value number = w.mul(segment.number, shape.cluster);
  if (shape.cluster > 1)
    number = w.add(number, rank);
  // Barrier 1: of the warpgroups that multiply.
  Value last =
      meeting.isLast(w, thread, number, division.blocksOf(w, segment.number),
                     /*barrier=*/1, WarpgroupShape::groups * groupThreads);
  auto branch = scf::IfOp::create(w.b, loc, last, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words in(then, loc);
  addParts(in, segment, tile);
}

void WarpgroupResults::finish(Words &w, const DepthDivision::Segment &segment,
                              const Tile &tile, ArrayRef<Value> sums) {
  if (!division.divides())
    return finishWhole(w, tile, sums);
  emitIf(
      w.b, loc, segment.isPart,
      [&](OpBuilder &nested) {
        Words in(nested, loc);
        finishPart(in, segment, tile, sums);
      },
      [&](OpBuilder &nested) {
        Words in(nested, loc);
        finishWhole(in, tile, sums);
      });
}
