//===- NBitsRows.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A few rows times quantized weights: blocks of threads read the weights once
// and turn codes into floats in registers.
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/NBitsCopy.h"
#include "codegen/warp/RowSums.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Bits of a float's significand that are stored, and of the lower half of a
/// word, in which codes are converted in place.
constexpr int64_t fractionBits = 23, halfWord = 16;

/// Rows of a block where their number is symbolic: with their addresses, more
/// would leave registers for one block of threads only.
constexpr int64_t rowsTogether = 4;

namespace {
/// A block has a panel of columns, a lane four of them; threads take runs of
/// words in turn, none of which goes beyond a block of the depth.
class NBitsRows : RowSums {
public:
  NBitsRows(KernelContext &context, heavy::MatmulNBitsOp op,
            MatrixProduct &product, Epilogue &epilogue)
      : RowSums(context, op.getLoc(), product, epilogue), op(op) {}

  void emit(OpBuilder &b, StringRef name, AffineExpr &work, GridShape &grid);

private:
  void emitRows(Words &w, StringRef name);
  Value load(Words &w, Type type, Value at, int64_t alignment);
  Value float32(Words &w, float v) {
    return arith::ConstantOp::create(w.b, loc, w.b.getF32FloatAttr(v));
  }
  void readHeader(Words &w, Value at);
  void words(Words &w, Value at, Value depth, Value rest,
             MutableArrayRef<Value> sums);
  Value factor(Words &w, int64_t row, Value depth, int64_t code, Value rest);
  Value number(Words &w, Value word, Value high, int64_t code, int64_t column);
  SmallVector<Value> sumRuns(Words &w);

  heavy::MatmulNBitsOp op;
  /// Where the panel begins, and where this lane's columns lie in a row of
  /// words.
  Value panel, lane;
  /// Of the current block: scales, and zero points unless all have one.
  SmallVector<Value> scales, zeros;
};
} // namespace

Value NBitsRows::load(Words &w, Type type, Value at, int64_t alignment) {
  return LLVM::LoadOp::create(w.b, loc, type, bytesAfter(w, panel, at),
                              alignment);
}

/// The scales and zero points of this lane's columns, of the block whose bytes
/// begin at `at`.
void NBitsRows::readHeader(Words &w, Value at) {
  int64_t bytes = op.getHalfScales() ? 2 : 4;
  Type stored = op.getHalfScales() ? Type(w.b.getF16Type()) : w.b.getF32Type();
  auto several = [&](Type type) { return VectorType::get({width}, type); };
  Value from = w.add(at, w.mul(lane, width * bytes));
  Value v = load(w, several(stored), from, width * bytes);
  if (op.getHalfScales())
    v = arith::ExtFOp::create(w.b, loc, several(w.b.getF32Type()), v);
  Value bytesOfZeros;
  if (!op.getZeroPoint())
    bytesOfZeros = load(
        w, several(w.b.getI8Type()),
        w.add(w.add(at, int64_t(*op.getPanel()) * bytes), w.mul(lane, width)),
        width);
  scales.clear();
  zeros.clear();
  for (int64_t i = 0; i < width; ++i) {
    scales.push_back(vector::ExtractOp::create(w.b, loc, v, i));
    if (bytesOfZeros)
      zeros.push_back(arith::UIToFPOp::create(
          w.b, loc, w.b.getF32Type(),
          vector::ExtractOp::create(w.b, loc, bytesOfZeros, i).getResult()));
  }
}

/// Code `code` of a word as a number; `high` is the word's upper half in the
/// lower one.
Value NBitsRows::number(Words &w, Value word, Value high, int64_t code,
                        int64_t column) {
  int64_t bits = op.getBits(), position = 8 * (code % 4) + bits * (code / 4);
  Value from = position < halfWord ? word : high;
  position %= halfWord;
  float offset = float(int64_t(1) << (fractionBits - position));
  uint32_t mask = ((1u << bits) - 1) << position;
  Value x = arith::AndIOp::create(w.b, loc, from, w.number(int32_t(mask)));
  x = arith::OrIOp::create(w.b, loc, x,
                           w.number(int32_t(llvm::bit_cast<uint32_t>(offset))));
  x = arith::BitcastOp::create(w.b, loc, w.b.getF32Type(), x);
  Value less =
      op.getZeroPoint()
          ? float32(w, offset + float(int64_t(*op.getZeroPoint())))
          : arith::AddFOp::create(w.b, loc, zeros[column], float32(w, offset))
                .getResult();
  return arith::SubFOp::create(w.b, loc, x, less);
}

/// The left factor of a row at depth `depth` + `code`, 0 from `rest` on.
Value NBitsRows::factor(Words &w, int64_t row, Value depth, int64_t code,
                        Value rest) {
  Value k = w.add(depth, code), inside;
  if (rest) {
    inside = w.less(w.number(code), rest);
    k = w.select(inside, k, w.number(0));
  }
  Value offset = w.wide(w.add(k, row * int64_t(op.getK())));
  if (rowCount) {
    // A row that is missing is read as the block's first one.
    Value number = w.add(firstRow, row);
    number = w.select(w.less(number, rowCount), number, firstRow);
    offset = w.add(w.mul(w.wide(number), w.wideNumber(op.getK())), w.wide(k));
  }
  Type element = product.a.elementType;
  Value v = context.loadFloats(
      w.b, loc, element, w.b.getF32Type(),
      LLVM::GEPOp::create(w.b, loc, product.a.pointer.getType(),
                          storageType(element), product.a.pointer,
                          ArrayRef<LLVM::GEPArg>{offset}));
  return inside ? w.select(inside, v, float32(w, 0)) : v;
}

/// Adds the products with the words at `at`, one of each of the lane's columns,
/// for depths from `depth` on. `rest`: depths that exist; null: all.
void NBitsRows::words(Words &w, Value at, Value depth, Value rest,
                      MutableArrayRef<Value> sums) {
  Value all = load(w, VectorType::get({width}, w.b.getI32Type()),
                   w.add(at, w.mul(lane, chunkBytes)), chunkBytes);
  int64_t codes = op.getCodesPerWord();
  SmallVector<Value> low, high;
  for (int64_t i = 0; i < width; ++i) {
    low.push_back(vector::ExtractOp::create(w.b, loc, all, i));
    high.push_back(
        arith::ShRUIOp::create(w.b, loc, low.back(), w.number(halfWord)));
  }
  for (int64_t c = 0; c < codes; ++c) {
    SmallVector<Value> factors;
    for (int64_t r = 0; r < rows; ++r)
      factors.push_back(factor(w, r, depth, c, rest));
    for (int64_t i = 0; i < width; ++i) {
      Value x = number(w, low[i], high[i], c, i);
      for (int64_t r = 0; r < rows; ++r) {
        Value &sum = sums[r * width + i];
        sum = math::FmaOp::create(w.b, loc, factors[r], x, sum);
      }
    }
  }
}

SmallVector<Value> NBitsRows::sumRuns(Words &w) {
  int64_t k = op.getK(), length = op.getBlockLength();
  int64_t codes = op.getCodesPerWord(), rowBytes = *op.getPanel() * 4;
  int64_t perBlock = llvm::divideCeil(length, codes);
  int64_t inLast = llvm::divideCeil(k % length, codes);
  int64_t total = k / length * perBlock + inLast;
  int64_t run = std::gcd(std::gcd(perBlock, inLast), 4);
  bool whole = length % codes == 0 && k % length % codes == 0;
  int64_t ranks = blockThreads / lanes;

  Value zero = float32(w, 0);
  auto loop = scf::ForOp::create(w.b, loc, w.mul(w.div(thread, lanes), run),
                                 w.number(total), w.number(ranks * run),
                                 SmallVector<Value>(rows * width, zero));
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  Value word = loop.getInductionVar();
  Value block = in.div(word, perBlock), within = in.rem(word, perBlock);
  Value begin = in.mul(block, op.getBlockBytes(length));
  readHeader(in, begin);
  SmallVector<Value> part(rows * width, float32(in, 0));
  for (int64_t i = 0; i < run; ++i) {
    Value at = in.add(begin, op.getHeaderBytes());
    at = in.add(at, in.mul(in.add(within, i), rowBytes));
    Value first = in.mul(in.add(within, i), codes);
    Value depth = in.add(in.mul(block, length), first), rest;
    if (!whole) {
      Value last = in.number(k / length);
      Value size = in.select(in.less(block, last), in.number(length),
                             in.number(k % length));
      rest = in.sub(size, first);
    }
    words(in, at, depth, rest, part);
  }
  SmallVector<Value> sums(loop.getRegionIterArgs());
  for (auto [i, s] : llvm::enumerate(sums))
    s = math::FmaOp::create(body, loc, part[i], scales[i % width], s);
  scf::YieldOp::create(body, loc, sums);
  return SmallVector<Value>(loop.getResults());
}

void NBitsRows::emit(OpBuilder &b, StringRef name, AffineExpr &work,
                     GridShape &grid) {
  Words w(b, loc);
  std::optional<int64_t> known = fewRowsOf(product);
  rows = known.value_or(rowsTogether);
  sum = b.getF32Type();
  width = chunkBytes / 4;
  lanes = int64_t(*op.getPanel()) / width;
  begin(w, work, grid);
  lane = w.rem(thread, lanes);
  Value index = w.div(firstColumn, int64_t(*op.getPanel()));
  Value offset = w.mul(w.wide(index), w.wideNumber(op.getPanelBytes()));
  panel = bytesAfter(w, product.b.pointer, offset);
  if (known)
    return emitRows(w, name);
  // Loads of one block of threads go on while another one waits for its own.
  grid.resident = 2;
  // A row alone, as models have that write word after word, should not cost as
  // much as eight.
  Value alone = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                              rowCount, w.number(1));
  auto branch = scf::IfOp::create(b, loc, alone, /*withElse=*/true);
  OpBuilder one(branch.thenBlock()->getTerminator());
  OpBuilder several(branch.elseBlock()->getTerminator());
  Words inSeveral(several, loc), inOne(one, loc);
  emitRows(inSeveral, name);
  rows = 1;
  emitRows(inOne, (name + "_one").str());
}

/// The sums of so many rows of the block.
void NBitsRows::emitRows(Words &w, StringRef name) {
  finish(w, sumRuns(w), (name + "_shared").str());
}

/// The rows of such a product, of all batches.
static AffineExpr rowsOf(heavy::MatmulNBitsOp op) {
  onnx::Dims dims =
      onnx::getDims(cast<RankedTensorType>(op.getResult().getType()));
  return onnx::product(ArrayRef(dims).drop_back(), op.getContext());
}

bool warp::hasFewRows(heavy::MatmulNBitsOp op) {
  std::optional<int64_t> rows = onnx::constantValue(rowsOf(op));
  return rows && *rows > 0 && *rows <= mostRows && isNBitsPanel(op);
}

int64_t warp::mostNBitsRows() { return mostRows; }

MatrixProduct warp::describeNBits(OpBuilder &b, KernelContext &context,
                                  heavy::MatmulNBitsOp op) {
  MatrixProduct product;
  product.a = context.lookup(b, op.getLoc(), op.getA());
  product.b = context.lookup(b, op.getLoc(), op.getB());
  product.dims =
      onnx::getDims(cast<RankedTensorType>(op.getResult().getType()));
  product.rows = rowsOf(op);
  product.depth = onnx::constantDim(op.getK(), b.getContext());
  product.rowStride = product.depth;
  product.n = op.getN();
  return product;
}

void warp::emitFewRows(OpBuilder &b, KernelContext &context,
                       heavy::MatmulNBitsOp op, StringRef name,
                       Epilogue &epilogue, AffineExpr &work, GridShape &grid) {
  MatrixProduct product = describeNBits(b, context, op);
  NBitsRows(context, op, product, epilogue).emit(b, name, work, grid);
}
