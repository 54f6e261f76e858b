//===- MatrixMath.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/TileMath.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Rows and columns of a product of tensor cores, and bytes of its depth.
constexpr int64_t productRows = 16, productColumns = 8, productBytes = 32;

namespace {
/// A warp has a rectangle of the block's tile. Lane 4 * g + t has of each
/// product the sums in rows g and g + 8, columns 2 * t and 2 * t + 1.
class MatrixMath : public TileMath {
public:
  using TileMath::TileMath;

  void begin(Words &w, Value thread) override {
    Value number = w.div(thread, 32), unit = w.rem(number, shape.units());
    int64_t across = shape.columns / shape.unitColumns;
    lane = w.rem(thread, 32);
    slice = w.div(number, shape.units());
    warpRow = w.div(unit, across);
    firstColumn = w.mul(w.rem(unit, across), shape.unitColumns);
  }
  SmallVector<Value> multiply(Words &w, Value leftTile, Value rightTile,
                              ArrayRef<Value> sums) override;
  void stage(Words &w, int64_t part, int64_t parts, ArrayRef<Value> sums,
             const StagedResults &to) override;
  /// A part has some of the rows of each warp.
  Value tileRow(Words &w, int64_t part, int64_t parts, Value row) override {
    int64_t held = shape.unitRows / parts;
    return w.add(w.mul(w.div(row, held), shape.unitRows),
                 w.add(w.rem(row, held), part * held));
  }

private:
  int64_t sumsPerThread() const override {
    return shape.unitRows * shape.unitColumns / 32;
  }
  int64_t rowTiles() const { return shape.unitRows / productRows; }
  int64_t columnTiles() const { return shape.unitColumns / productColumns; }
  void loadRight(Words &w, Value tile, Value step,
                 SmallVectorImpl<Value> &words);

  Value lane, warpRow, firstColumn;
};
} // namespace

/// Two registers for each eight columns.
void MatrixMath::loadRight(Words &w, Value tile, Value step,
                           SmallVectorImpl<Value> &words) {
  if (factors.isInteger()) {
    Value row = w.add(w.mul(step, productBytes / 4), w.rem(lane, 4));
    for (int64_t j = 0; j < columnTiles(); ++j) {
      Value column =
          w.add(w.add(firstColumn, j * productColumns), w.div(lane, 4));
      for (int64_t half : {0, 4}) {
        Value at = right.offset(w, w.add(row, half), w.div(column, 4));
        at = w.add(at, w.mul(w.rem(column, 4), 4));
        words.push_back(LLVM::LoadOp::create(w.b, w.loc, w.b.getI32Type(),
                                             bytesAfter(w, tile, at), 4));
      }
    }
    return;
  }
  Value row = w.add(w.mul(step, 16), w.rem(lane, 16));
  for (int64_t j = 0; j < columnTiles(); j += 2) {
    Value chunk = w.add(w.div(firstColumn, 8), j);
    Value at = right.offset(w, row, w.add(chunk, w.div(lane, 16)));
    llvm::append_range(words, loadMatrices(w, bytesAfter(w, tile, at),
                                           /*transposed=*/true));
  }
}

SmallVector<Value> MatrixMath::multiply(Words &w, Value leftTile,
                                        Value rightTile, ArrayRef<Value> sums) {
  SmallVector<Value> result(sums);
  int64_t steps = shape.depthBytes / productBytes / shape.slices;
  Value firstRow = w.add(w.mul(warpRow, shape.unitRows), w.rem(lane, 16));
  for (int64_t s = 0; s < steps; ++s) {
    Value step = w.add(w.mul(slice, steps), s);
    Value chunk = w.add(w.mul(step, 2), w.div(lane, 16));
    SmallVector<SmallVector<Value>> rows;
    for (int64_t i = 0; i < rowTiles(); ++i) {
      Value at = left.offset(w, w.add(firstRow, i * productRows), chunk);
      rows.push_back(loadMatrices(w, bytesAfter(w, leftTile, at),
                                  /*transposed=*/false));
    }
    SmallVector<Value> words;
    loadRight(w, rightTile, step, words);
    for (int64_t i = 0; i < rowTiles(); ++i)
      for (int64_t j = 0; j < columnTiles(); ++j) {
        MutableArrayRef<Value> of =
            MutableArrayRef(result).slice((i * columnTiles() + j) * 4, 4);
        SmallVector<Value> next =
            multiplyMatrices(w, factors.type, factors.isUnsigned, rows[i],
                             ArrayRef(words).slice(2 * j, 2), of);
        llvm::copy(next, of.begin());
      }
  }
  return result;
}

void MatrixMath::stage(Words &w, int64_t part, int64_t parts,
                       ArrayRef<Value> sums, const StagedResults &to) {
  int64_t tiles = rowTiles() / parts;
  Value column = w.add(firstColumn, w.mul(w.rem(lane, 4), 2));
  Value row = w.add(w.mul(warpRow, tiles * productRows), w.div(lane, 4));
  auto pair = VectorType::get({2}, factors.sumType());
  for (int64_t i = 0; i < tiles; ++i)
    for (int64_t j = 0; j < columnTiles(); ++j)
      for (int64_t half = 0; half < 2; ++half) {
        int64_t first = ((part * tiles + i) * columnTiles() + j) * 4 + half * 2;
        Value v = vector::FromElementsOp::create(w.b, w.loc, pair,
                                                 sums.slice(first, 2));
        Value at = to.address(w, slice, w.add(row, i * productRows + half * 8),
                              w.add(column, j * productColumns));
        LLVM::StoreOp::create(w.b, w.loc, v, at, 8);
      }
}

std::unique_ptr<TileMath> warp::matrixMath(const BlockShape &shape,
                                           const BlockFactors &factors,
                                           const SharedTile &left,
                                           const SharedTile &right) {
  return std::make_unique<MatrixMath>(shape, factors, left, right);
}
