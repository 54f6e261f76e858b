//===- WeightOnly.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of floats with quantized weights, which become floats in registers.
//
// A code of b bits at bit p of a word becomes a float in three operations of a
// whole vector: the bits around it are cleared, the exponent of 2^(23 - p) is
// set, which makes the float 2^(23 - p) + code, and 2^(23 - p) + zero point is
// subtracted, exactly.
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

/// Bytes between use and request of the stream of weights.
constexpr int64_t streamAhead = 4096;

/// Bits of the lower half of a word, in which codes are converted in place.
constexpr int64_t halfWord = 16;

/// Bits of a float's significand that are stored.
constexpr int64_t fractionBits = 23;

namespace {
/// Work items are tiles of the result, as of other products. All tiles of a
/// panel follow each other, so that its weights stay in the caches.
class NBitsEmitter {
public:
  NBitsEmitter(KernelContext &context, heavy::MatmulNBitsOp op,
               Epilogue &epilogue)
      : context(context), op(op), epilogue(epilogue), loc(op.getLoc()),
        width(context.machine.lanes(32)) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  using Body = function_ref<void(OpBuilder &, Value, SmallVectorImpl<Value> &)>;

  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value add(OpBuilder &b, Value x, Value y) {
    return arith::AddIOp::create(b, loc, x, y);
  }
  Value mul(OpBuilder &b, Value x, int64_t factor) {
    return arith::MulIOp::create(b, loc, x, constant(b, factor));
  }
  VectorType vectorOf(Type element) {
    return VectorType::get({width}, element);
  }
  Value integers(OpBuilder &b, uint32_t v) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(vectorOf(b.getI32Type()), APInt(32, v)));
  }
  Value floats(OpBuilder &b, float v) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(vectorOf(b.getF32Type()), APFloat(v)));
  }
  Value fma(OpBuilder &b, Value x, Value y, Value sum) {
    return vector::FMAOp::create(b, loc, x, y, sum);
  }
  Value bytesAt(OpBuilder &b, Value base, Value offset) {
    BufferRef bytes{base, b.getI8Type(), {}};
    return context.address(b, loc, bytes, offset);
  }
  Value load(OpBuilder &b, Type element, Value base, int64_t offset) {
    return LLVM::LoadOp::create(b, loc, vectorOf(element),
                                bytesAt(b, base, constant(b, offset)),
                                /*alignment=*/1);
  }
  SmallVector<Value> loop(OpBuilder &b, int64_t steps, ArrayRef<Value> carried,
                          Body body);

  void chooseTile();
  void flattenRows();
  void item(OpBuilder &b, Value index, ArrayRef<AffineExpr> space);
  void panelOfRows(OpBuilder &b, int64_t rows, Value row);
  void tile(OpBuilder &b, const TileShape &shape, int64_t lastLanes, Value row);
  void block(OpBuilder &b, const TileShape &shape, Value bytes, Value depth,
             int64_t length, SmallVectorImpl<Value> &sums);
  void readHeader(OpBuilder &b, Value bytes, int64_t vectors);
  void words(OpBuilder &b, const TileShape &shape, Value bytes, Value depth,
             int64_t codes, SmallVectorImpl<Value> &sums);
  Value number(OpBuilder &b, Value word, Value high, int64_t code, int64_t v);

  KernelContext &context;
  heavy::MatmulNBitsOp op;
  Epilogue &epilogue;
  Location loc;
  int64_t width;
  BufferRef a, weights;
  TilePlan plan;
  /// Dimensions that count batches of rows, and the rows of each.
  onnx::Dims batches;
  AffineExpr rows;
  SmallVector<Value> batch;
  Value panelIndex;
  /// Of the current tile: where the rows of A begin.
  SmallVector<Value> rowPointers;
  /// Of the current block: per vector, and zero points if they differ.
  SmallVector<Value> scales, zeros;
  /// One row multiplies by scales once a block; more rows share the weights
  /// multiplied by them.
  bool scalesSums = false;
};
} // namespace

/// A loop of that many steps over carried values; one step needs no loop.
SmallVector<Value> NBitsEmitter::loop(OpBuilder &b, int64_t steps,
                                      ArrayRef<Value> carried, Body body) {
  SmallVector<Value> values(carried);
  if (steps == 0)
    return values;
  if (steps == 1) {
    body(b, constant(b, 0), values);
    return values;
  }
  auto op = scf::ForOp::create(b, loc, constant(b, 0), constant(b, steps),
                               constant(b, 1), ValueRange(carried));
  OpBuilder inner = OpBuilder::atBlockEnd(op.getBody());
  values.assign(op.getRegionIterArgs().begin(), op.getRegionIterArgs().end());
  body(inner, op.getInductionVar(), values);
  scf::YieldOp::create(inner, loc, values);
  return SmallVector<Value>(op.getResults());
}

/// As many rows as there are registers for their sums beside the weights.
void NBitsEmitter::chooseTile() {
  TileShape shape{1, *op.getPanel() / width, width};
  bool many = context.machine.getVectorRegisters() >= 32;
  shape.rows = (many ? 20 : 8) / shape.vectors;
  plan = planRows(rows, shape);
}

/// Where the epilogue allows it, rows of all batches count as one.
void NBitsEmitter::flattenRows() {
  onnx::Dims dims =
      onnx::getDims(cast<RankedTensorType>(op.getResult().getType()));
  if (epilogue.canFlatten(dims.size() - 1)) {
    rows = onnx::product(ArrayRef(dims).drop_back(), op.getContext());
    return;
  }
  rows = dims[dims.size() - 2];
  batches.assign(dims.begin(), dims.end() - 2);
}

/// The scales of a block, and its zero points unless all are the same.
void NBitsEmitter::readHeader(OpBuilder &b, Value bytes, int64_t vectors) {
  scales.clear();
  zeros.clear();
  int64_t panel = *op.getPanel(), scaleBytes = op.getHalfScales() ? 2 : 4;
  for (int64_t v = 0; v < vectors; ++v) {
    Type stored = op.getHalfScales() ? Type(b.getF16Type()) : b.getF32Type();
    Value scale = load(b, stored, bytes, v * width * scaleBytes);
    if (op.getHalfScales())
      scale = arith::ExtFOp::create(b, loc, vectorOf(b.getF32Type()), scale);
    scales.push_back(scale);
  }
  for (int64_t v = 0; v < vectors && !op.getZeroPoint(); ++v) {
    Value zero = load(b, b.getI8Type(), bytes, panel * scaleBytes + v * width);
    zero = arith::ExtUIOp::create(b, loc, vectorOf(b.getI32Type()), zero);
    zeros.push_back(
        arith::SIToFPOp::create(b, loc, vectorOf(b.getF32Type()), zero));
  }
}

/// Code `code` of the words as numbers; `high` is the words' upper half in the
/// lower one.
Value NBitsEmitter::number(OpBuilder &b, Value word, Value high, int64_t code,
                           int64_t v) {
  int64_t bits = op.getBits();
  int64_t position = 8 * (code % 4) + bits * (code / 4);
  Value from = position < halfWord ? word : high;
  position %= halfWord;
  float offset = float(int64_t(1) << (fractionBits - position));
  uint32_t mask = ((1u << bits) - 1) << position;
  Value x = arith::AndIOp::create(b, loc, from, integers(b, mask));
  x = arith::OrIOp::create(b, loc, x,
                           integers(b, llvm::bit_cast<uint32_t>(offset)));
  x = arith::BitcastOp::create(b, loc, vectorOf(b.getF32Type()), x);
  Value less = op.getZeroPoint()
                   ? floats(b, offset + float(int64_t(*op.getZeroPoint())))
                   : arith::AddFOp::create(b, loc, zeros[v], floats(b, offset))
                         .getResult();
  x = arith::SubFOp::create(b, loc, x, less);
  return scalesSums ? x : arith::MulFOp::create(b, loc, x, scales[v]);
}

/// Adds the products with the codes of one word of each column.
void NBitsEmitter::words(OpBuilder &b, const TileShape &shape, Value bytes,
                         Value depth, int64_t codes,
                         SmallVectorImpl<Value> &sums) {
  SmallVector<Value> low, high;
  for (int64_t v = 0; v < shape.vectors; ++v) {
    low.push_back(load(b, b.getI32Type(), bytes, v * width * 4));
    high.push_back(
        arith::ShRUIOp::create(b, loc, low.back(), integers(b, halfWord)));
  }
  constexpr int64_t line = 64;
  constexpr unsigned intoFirstLevel = 3, isData = 1;
  int64_t wordBytes = *op.getPanel() * 4;
  for (int64_t at = 0; at < wordBytes; at += line)
    LLVM::Prefetch::create(b, loc,
                           bytesAt(b, bytes, constant(b, streamAhead + at)),
                           /*rw=*/0, intoFirstLevel, isData);
  for (int64_t code = 0; code < codes; ++code) {
    SmallVector<Value> factors;
    for (Value pointer : rowPointers) {
      BufferRef row{pointer, b.getF32Type(), {}};
      Value x = LLVM::LoadOp::create(
          b, loc, b.getF32Type(),
          context.address(b, loc, row, add(b, depth, constant(b, code))), 4);
      factors.push_back(
          vector::BroadcastOp::create(b, loc, vectorOf(b.getF32Type()), x));
    }
    for (int64_t v = 0; v < shape.vectors; ++v) {
      Value x = number(b, low[v], high[v], code, v);
      for (int64_t r = 0; r < shape.rows; ++r) {
        Value &sum = sums[r * shape.vectors + v];
        sum = fma(b, factors[r], x, sum);
      }
    }
  }
}

/// Adds the products of `length` elements of K from `depth` on, whose scales
/// and codes begin at `bytes`.
void NBitsEmitter::block(OpBuilder &b, const TileShape &shape, Value bytes,
                         Value depth, int64_t length,
                         SmallVectorImpl<Value> &sums) {
  readHeader(b, bytes, shape.vectors);
  SmallVector<Value> part(sums);
  if (scalesSums)
    part = zeroTile(b, loc, shape, b.getF32Type());
  int64_t perWord = op.getCodesPerWord(), wordBytes = *op.getPanel() * 4;
  int64_t whole = length / perWord, rest = length % perWord;
  auto at = [&](OpBuilder &nested, Value word) {
    return bytesAt(nested, bytes,
                   add(nested, mul(nested, word, wordBytes),
                       constant(nested, op.getHeaderBytes())));
  };
  part =
      loop(b, whole, part,
           [&](OpBuilder &nested, Value word, SmallVectorImpl<Value> &s) {
             words(nested, shape, at(nested, word),
                   add(nested, depth, mul(nested, word, perWord)), perWord, s);
           });
  if (rest)
    words(b, shape, at(b, constant(b, whole)),
          add(b, depth, constant(b, whole * perWord)), rest, part);
  if (scalesSums)
    for (auto [i, sum] : llvm::enumerate(part))
      sum = fma(b, sum, scales[i % shape.vectors], sums[i]);
  sums.assign(part.begin(), part.end());
}

void NBitsEmitter::tile(OpBuilder &b, const TileShape &shape, int64_t lastLanes,
                        Value row) {
  int64_t k = op.getK(), length = op.getBlockLength();
  Value offset = constant(b, 0);
  for (auto [index, stride] : llvm::zip(batch, a.strides))
    offset = add(
        b, offset,
        arith::MulIOp::create(b, loc, index, context.expand(b, loc, stride)));
  rowPointers.clear();
  for (int64_t r = 0; r < shape.rows; ++r)
    rowPointers.push_back(context.address(
        b, loc, a, add(b, offset, mul(b, add(b, row, constant(b, r)), k))));
  Value panel =
      bytesAt(b, weights.pointer, mul(b, panelIndex, op.getPanelBytes()));
  scalesSums = shape.rows == 1;

  SmallVector<Value> sums = zeroTile(b, loc, shape, b.getF32Type());
  int64_t whole = k / length, bytes = op.getBlockBytes(length);
  sums =
      loop(b, whole, sums,
           [&](OpBuilder &nested, Value i, SmallVectorImpl<Value> &s) {
             block(nested, shape, bytesAt(nested, panel, mul(nested, i, bytes)),
                   mul(nested, i, length), length, s);
           });
  if (k % length)
    block(b, shape, bytesAt(b, panel, constant(b, whole * bytes)),
          constant(b, whole * length), k % length, sums);

  SmallVector<Value> leading(batch);
  int64_t rank = cast<RankedTensorType>(op.getResult().getType()).getRank();
  leading.resize(rank - 2, constant(b, 0));
  epilogue.storeTile(b, shape, leading, row, mul(b, panelIndex, *op.getPanel()),
                     constantMask(b, loc, lastLanes, width), sums);
}

/// `rows` rows from `row` on with the current panel, whole or partial.
void NBitsEmitter::panelOfRows(OpBuilder &b, int64_t rowCount, Value row) {
  int64_t panel = *op.getPanel(), n = op.getN();
  int64_t whole = n / panel, left = n % panel;
  TileShape full{rowCount, panel / width, width};
  TileShape partial{rowCount, llvm::divideCeil(left, width), width};
  auto emitWhole = [&](OpBuilder &at) { tile(at, full, 0, row); };
  auto emitPartial = [&](OpBuilder &at) {
    tile(at, partial, left % width, row);
  };
  if (left == 0)
    return emitWhole(b);
  if (whole == 0)
    return emitPartial(b);
  Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                        panelIndex, constant(b, whole));
  emitIf(b, loc, isWhole, emitWhole, emitPartial);
}

void NBitsEmitter::item(OpBuilder &b, Value index, ArrayRef<AffineExpr> space) {
  SmallVector<Value> at = delinearize(b, loc, context, index, space);
  batch.assign(at.begin(), at.end() - 2);
  panelIndex = at[at.size() - 2];
  emitRowTile(b, loc, context, plan, rows, mul(b, at.back(), plan.shape.rows),
              [&](OpBuilder &nested, int64_t count, Value start) {
                panelOfRows(nested, count, start);
              });
}

LogicalResult NBitsEmitter::emit(OpBuilder &b, Value lo, Value hi,
                                 AffineExpr &work) {
  if (!op.getPanel())
    return op.emitError("[IG4002] quantized weights are not packed");
  a = context.lookup(b, loc, op.getA());
  weights = context.lookup(b, loc, op.getB());
  flattenRows();
  chooseTile();
  SmallVector<AffineExpr> space(batches);
  space.push_back(onnx::constantDim(
      llvm::divideCeil(int64_t(op.getN()), *op.getPanel()), b.getContext()));
  space.push_back(plan.tiles);
  work = onnx::product(space, b.getContext());
  auto items = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(items.getBody()->getTerminator());
  item(inner, items.getInductionVar(), space);
  return success();
}

LogicalResult ingot::emitMatmulNBits(OpBuilder &b, KernelContext &context,
                                     heavy::MatmulNBitsOp op,
                                     Epilogue &epilogue, Value lo, Value hi,
                                     AffineExpr &work) {
  return NBitsEmitter(context, op, epilogue).emit(b, lo, hi, work);
}
