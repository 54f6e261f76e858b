//===- ScalarMath.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/TileMath.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

Value StagedResults::address(Words &w, Value slice, Value row,
                             Value column) const {
  Value at = w.add(w.mul(slice, rows), row);
  at = w.add(w.mul(at, pitch()), column);
  return bytesAfter(w, base, w.mul(at, element.getIntOrFloatBitWidth() / 8));
}

SmallVector<Value> TileMath::zeros(Words &w) const {
  Value zero =
      arith::ConstantOp::create(w.b, w.loc, w.b.getZeroAttr(factors.sumType()));
  return SmallVector<Value>(sumsPerThread(), zero);
}

namespace {
/// A thread has every `acrossRows`-th row and every `acrossColumns`-th chunk of
/// columns of the block's tile.
class ScalarMath : public TileMath {
public:
  using TileMath::TileMath;

  void begin(Words &w, Value thread) override {
    slice = w.div(thread, shape.units());
    Value unit = w.rem(thread, shape.units());
    y = w.div(unit, acrossColumns());
    x = w.rem(unit, acrossColumns());
  }
  SmallVector<Value> multiply(Words &w, Value leftTile, Value rightTile,
                              ArrayRef<Value> sums) override;
  void stage(Words &w, int64_t part, int64_t parts, ArrayRef<Value> sums,
             const StagedResults &to) override;
  Value tileRow(Words &w, int64_t part, int64_t parts, Value row) override {
    return w.add(row, part * (shape.rows / parts));
  }

private:
  int64_t sumsPerThread() const override {
    return shape.unitRows * shape.unitColumns;
  }
  int64_t acrossRows() const { return shape.rows / shape.unitRows; }
  int64_t acrossColumns() const { return shape.columns / shape.unitColumns; }
  /// Elements of a chunk of the right tile; as many depths are in one of the
  /// left tile.
  int64_t width() const { return chunkBytes / factors.rightBytes(); }
  Type element() const {
    return factors.isInteger() ? factors.sumType() : factors.type;
  }

  Value x, y;
};
} // namespace

SmallVector<Value> ScalarMath::multiply(Words &w, Value leftTile,
                                        Value rightTile, ArrayRef<Value> sums) {
  int64_t chunks = shape.depthBytes / chunkBytes / shape.slices;
  Value first = w.mul(slice, chunks);
  auto loop = scf::ForOp::create(w.b, w.loc, w.number(0), w.number(chunks),
                                 w.number(1), sums);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, w.loc);
  Value chunk = in.add(first, loop.getInductionVar());
  SmallVector<Value> result(loop.getRegionIterArgs());
  auto vector = VectorType::get({width()}, element());
  auto load = [&](Value tile, Value offset) -> Value {
    return LLVM::LoadOp::create(body, w.loc, vector,
                                bytesAfter(in, tile, offset), chunkBytes);
  };
  auto lane = [&](Value v, int64_t i) -> Value {
    return vector::ExtractOp::create(body, w.loc, v, i);
  };
  SmallVector<Value> rows;
  for (int64_t i = 0; i < shape.unitRows; ++i)
    rows.push_back(
        load(leftTile, left.offset(in, in.add(y, i * acrossRows()), chunk)));
  int64_t vectors = shape.unitColumns / width();
  for (int64_t k = 0; k < width(); ++k) {
    Value depth = in.add(in.mul(chunk, width()), k);
    for (int64_t j = 0; j < vectors; ++j) {
      Value columns = load(
          rightTile, right.offset(in, depth, in.add(x, j * acrossColumns())));
      for (int64_t i = 0; i < shape.unitRows; ++i)
        for (int64_t l = 0; l < width(); ++l) {
          Value &sum = result[i * shape.unitColumns + j * width() + l];
          Value a = lane(rows[i], k), b = lane(columns, l);
          if (factors.isInteger())
            sum = multiplyBytes(in, factors.isUnsigned, a, b, sum);
          else
            sum = math::FmaOp::create(body, w.loc, a, b, sum);
        }
    }
  }
  scf::YieldOp::create(body, w.loc, result);
  return SmallVector<Value>(loop.getResults());
}

void ScalarMath::stage(Words &w, int64_t part, int64_t parts,
                       ArrayRef<Value> sums, const StagedResults &to) {
  int64_t rows = shape.unitRows / parts;
  int64_t vectors = shape.unitColumns / width();
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < vectors; ++j) {
      int64_t first = (part * rows + i) * shape.unitColumns + j * width();
      Value v = vector::FromElementsOp::create(
          w.b, w.loc, VectorType::get({width()}, factors.sumType()),
          sums.slice(first, width()));
      Value column = w.mul(w.add(x, j * acrossColumns()), width());
      Value at = to.address(w, slice, w.add(y, i * acrossRows()), column);
      LLVM::StoreOp::create(w.b, w.loc, v, at, chunkBytes);
    }
}

std::unique_ptr<TileMath> warp::scalarMath(const BlockShape &shape,
                                           const BlockFactors &factors,
                                           const SharedTile &left,
                                           const SharedTile &right) {
  return std::make_unique<ScalarMath>(shape, factors, left, right);
}
