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

/// Registers of a factor, for each of the parts that it is the sum of.
using Parts = SmallVector<SmallVector<Value>>;

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
  /// Bytes of the depth that a product takes, or products of parts.
  int64_t stepBytes() const {
    return factors.halves() ? 2 * productBytes : productBytes;
  }
  SmallVector<Value> loadWords(Words &w, Value tile, Value step);
  SmallVector<Value> loadColumns(Words &w, Value tile, Value step);
  Parts convert(Words &w, ArrayRef<Value> words);
  Parts loadLeft(Words &w, Value tile, Value row, Value step);
  Parts loadRight(Words &w, Value tile, Value step);

  Value lane, warpRow, firstColumn;
};
} // namespace

/// Words of the right tile: of eight columns each, rows t, t + 4, ...
SmallVector<Value> MatrixMath::loadWords(Words &w, Value tile, Value step) {
  SmallVector<Value> words;
  Value row = w.add(w.mul(step, stepBytes() / 4), w.rem(lane, 4));
  for (int64_t j = 0; j < columnTiles(); ++j) {
    Value column =
        w.add(w.add(firstColumn, j * productColumns), w.div(lane, 4));
    for (int64_t down = 0; down < stepBytes() / 4; down += 4) {
      Value at = right.offset(w, w.add(row, down), w.div(column, 4));
      at = w.add(at, w.mul(w.rem(column, 4), 4));
      words.push_back(LLVM::LoadOp::create(w.b, w.loc, w.b.getI32Type(),
                                           bytesAfter(w, tile, at), 4));
    }
  }
  return words;
}

/// The same where rows of the tile are columns, of depth in chunks of 16 bytes.
SmallVector<Value> MatrixMath::loadColumns(Words &w, Value tile, Value step) {
  int64_t chunks = stepBytes() / chunkBytes;
  SmallVector<Value> words(columnTiles() * chunks);
  Value column =
      w.add(w.add(firstColumn, w.mul(w.div(lane, 16), 8)), w.rem(lane, 8));
  Value first = w.add(w.mul(step, chunks), w.rem(w.div(lane, 8), 2));
  for (int64_t j = 0; j < columnTiles(); j += 2)
    for (int64_t chunk = 0; chunk < chunks; chunk += 2) {
      Value at = right.offset(w, w.add(column, j * productColumns),
                              w.add(first, chunk));
      SmallVector<Value> loaded = loadMatrices(w, bytesAfter(w, tile, at),
                                               /*transposed=*/false);
      for (auto [i, word] : llvm::enumerate(loaded))
        words[(j + i / 2) * chunks + chunk + i % 2] = word;
    }
  return words;
}

/// Words with f32 in the form that tensor cores take, part by part: each is
/// rounded, or neighbours become pairs of halves.
Parts MatrixMath::convert(Words &w, ArrayRef<Value> words) {
  auto single = [&](Value word) -> Value {
    return LLVM::BitcastOp::create(w.b, w.loc, w.b.getF32Type(), word);
  };
  int64_t halves = factors.halves();
  if (factors.isInteger() || factors.fp32 == Fp32Products::Exact)
    return {SmallVector<Value>(words)};
  Parts parts(std::max<int64_t>(1, halves));
  if (!halves) {
    for (Value word : words)
      parts[0].push_back(roundToTf32(w, single(word)));
    return parts;
  }
  for (size_t i = 0; i < words.size(); i += 2) {
    SmallVector<Value> split =
        splitToBf16(w, single(words[i]), single(words[i + 1]), halves);
    for (auto [part, value] : llvm::zip_equal(parts, split))
      part.push_back(value);
  }
  return parts;
}

/// Two registers for each eight columns.
Parts MatrixMath::loadRight(Words &w, Value tile, Value step) {
  if (factors.byColumns) {
    SmallVector<Value> words = loadColumns(w, tile, step);
    // Constants were rounded when they were packed.
    if (factors.fp32 == Fp32Products::Tf32)
      return {words};
    return convert(w, words);
  }
  if (factors.isWords())
    return convert(w, loadWords(w, tile, step));
  SmallVector<Value> words;
  Value row = w.add(w.mul(step, 16), w.rem(lane, 16));
  for (int64_t j = 0; j < columnTiles(); j += 2) {
    Value chunk = w.add(w.div(firstColumn, 8), j);
    Value at = right.offset(w, row, w.add(chunk, w.div(lane, 16)));
    llvm::append_range(words, loadMatrices(w, bytesAfter(w, tile, at),
                                           /*transposed=*/true));
  }
  return {words};
}

/// Four registers: of rows g and g + 8, then the second half of the depth. An
/// f32 is two of the elements that matrices are loaded as. In pairs of halves
/// come depths t and t + 4, of both factors: that is one order of summation as
/// good as another.
Parts MatrixMath::loadLeft(Words &w, Value tile, Value row, Value step) {
  auto load = [&](int64_t chunk) {
    Value at = w.add(w.add(w.mul(step, stepBytes() / chunkBytes), chunk),
                     w.div(lane, 16));
    return loadMatrices(w, bytesAfter(w, tile, left.offset(w, row, at)),
                        /*transposed=*/false);
  };
  SmallVector<Value> first = load(0);
  if (!factors.halves())
    return convert(w, first);
  SmallVector<Value> second = load(2);
  return convert(w, {first[0], first[2], first[1], first[3], second[0],
                     second[2], second[1], second[3]});
}

SmallVector<Value> MatrixMath::multiply(Words &w, Value leftTile,
                                        Value rightTile, ArrayRef<Value> sums) {
  // Tensor cores may keep sums of 8-bit floats with 14 bits or so: those of a
  // tile's depth, 128 at most, begin at zero and are added in f32.
  SmallVector<Value> result(sums);
  if (factors.isFloat8())
    result = zeros(w);
  int64_t steps = shape.depthBytes / stepBytes() / shape.slices;
  Type type = factors.halves() ? Type(w.b.getBF16Type()) : factors.type;
  Value firstRow = w.add(w.mul(warpRow, shape.unitRows), w.rem(lane, 16));
  for (int64_t s = 0; s < steps; ++s) {
    Value step = w.add(w.mul(slice, steps), s);
    SmallVector<Parts> rows;
    for (int64_t i = 0; i < rowTiles(); ++i)
      rows.push_back(
          loadLeft(w, leftTile, w.add(firstRow, i * productRows), step));
    Parts columns = loadRight(w, rightTile, step);
    auto multiplyParts = [&](int64_t i, ArrayRef<Value> a, ArrayRef<Value> b) {
      for (int64_t j = 0; j < columnTiles(); ++j) {
        MutableArrayRef<Value> of =
            MutableArrayRef(result).slice((i * columnTiles() + j) * 4, 4);
        ArrayRef<Value> pair = b.slice(2 * j, 2);
        SmallVector<Value> next =
            factors.isFloat8()
                ? multiplyFloat8(w, type, factors.rightType, a, pair, of)
                : multiplyMatrices(w, type, factors.isUnsigned, a, pair, of);
        llvm::copy(next, of.begin());
      }
    };
    // The smallest products first; those smaller than what is lost anyway are
    // left out.
    for (int64_t i = 0; i < rowTiles(); ++i)
      for (int64_t order = columns.size() - 1; order >= 0; --order)
        for (int64_t part = 0; part <= order; ++part)
          multiplyParts(i, rows[i][part], columns[order - part]);
  }
  if (factors.isFloat8())
    for (auto [sum, before] : llvm::zip(result, sums))
      sum = arith::AddFOp::create(w.b, w.loc, before, sum);
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
