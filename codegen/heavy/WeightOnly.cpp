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
#include "codegen/heavy/FixedPoint.h"
#include "codegen/heavy/NBitsStream.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

/// Rows that are multiplied one by one, as integers where the machine can:
/// from four on, tiles of floats take no longer.
constexpr int64_t fewRows = 3;

/// Bits of the lower half of a word, in which codes are converted in place.
constexpr int64_t halfWord = 16;

/// Bits of a float's significand that are stored.
constexpr int64_t fractionBits = 23;

namespace {
/// Work items are tiles of the result, as of other products. All tiles of a
/// panel follow each other, so that its weights stay in the caches.
class NBitsEmitter : NBitsStream {
public:
  NBitsEmitter(KernelContext &context, heavy::MatmulNBitsOp op,
               Epilogue &epilogue)
      : NBitsStream(context, op), epilogue(epilogue) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  void chooseTile();
  void flattenRows();
  void ofPanel(OpBuilder &b,
               function_ref<void(OpBuilder &, int64_t, int64_t)> body);
  void items(OpBuilder &b, Value lo, Value hi,
             function_ref<void(OpBuilder &, Value)> body);
  void floatItems(OpBuilder &b, Value lo, Value hi, ArrayRef<AffineExpr> space);
  void fixedPointItems(OpBuilder &b, Value lo, Value hi, Value rowCount,
                       FixedPointRows &fixed);
  void store(OpBuilder &b, const TileShape &shape, int64_t lastLanes, Value row,
             ArrayRef<Value> sums);
  void tile(OpBuilder &b, const TileShape &shape, int64_t lastLanes, Value row);
  void block(OpBuilder &b, const TileShape &shape, Value bytes, Value depth,
             int64_t length, SmallVectorImpl<Value> &sums);
  void words(OpBuilder &b, const TileShape &shape, Value bytes, Value depth,
             int64_t codes, SmallVectorImpl<Value> &sums);
  Value number(OpBuilder &b, Value word, Value high, int64_t code, int64_t v);

  Epilogue &epilogue;
  BufferRef a, weights;
  TilePlan plan;
  /// Dimensions that count batches of rows, and the rows of each.
  onnx::Dims batches;
  AffineExpr rows;
  SmallVector<Value> batch;
  Value panelIndex;
  /// Of the current tile: where the rows of A begin.
  SmallVector<Value> rowPointers;
  /// Of the current block.
  NBitsHeader header;
};
} // namespace

/// As many rows as there are registers for their sums beside the weights.
void NBitsEmitter::chooseTile() {
  TileShape shape{1, int64_t(*op.getPanel()) / width, width};
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
  Value less =
      op.getZeroPoint()
          ? floats(b, offset + float(int64_t(*op.getZeroPoint())))
          : arith::AddFOp::create(b, loc, header.zeros[v], floats(b, offset))
                .getResult();
  return arith::SubFOp::create(b, loc, x, less);
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
  prefetch(b, bytes, wordBytes());
  for (int64_t code = 0; code < codes; ++code) {
    SmallVector<Value> factors;
    for (Value pointer : rowPointers) {
      BufferRef row{pointer, a.elementType, {}};
      Value x = context.loadFloats(
          b, loc, a.elementType, b.getF32Type(),
          context.address(b, loc, row, add(b, depth, constant(b, code))));
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
  header = NBitsStream::header(b, bytes, shape.vectors);
  SmallVector<Value> part(sums.size(), floats(b, 0));
  int64_t perWord = op.getCodesPerWord();
  int64_t whole = length / perWord, rest = length % perWord;
  auto at = [&](OpBuilder &nested, Value word) {
    return bytesAt(nested, bytes,
                   add(nested, mul(nested, word, wordBytes()),
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
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = fma(b, part[i], header.scales[i % shape.vectors], sum);
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

  SmallVector<Value> sums(shape.rows * shape.vectors, floats(b, 0));
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

  store(b, shape, lastLanes, row, sums);
}

void NBitsEmitter::store(OpBuilder &b, const TileShape &shape,
                         int64_t lastLanes, Value row, ArrayRef<Value> sums) {
  SmallVector<Value> leading(batch);
  int64_t rank = cast<RankedTensorType>(op.getResult().getType()).getRank();
  leading.resize(rank - 2, constant(b, 0));
  epilogue.storeTile(b, shape, leading, row, mul(b, panelIndex, *op.getPanel()),
                     constantMask(b, loc, lastLanes, width), sums);
}

/// Calls `body` for the vectors of the current panel and the lanes of the last
/// one, 0 for all: those of a whole panel, or of the last, partial one.
void NBitsEmitter::ofPanel(
    OpBuilder &b, function_ref<void(OpBuilder &, int64_t, int64_t)> body) {
  int64_t panel = int64_t(*op.getPanel()), n = op.getN();
  int64_t whole = n / panel, left = n % panel;
  auto emitWhole = [&](OpBuilder &at) { body(at, panel / width, 0); };
  auto emitPartial = [&](OpBuilder &at) {
    body(at, llvm::divideCeil(left, width), left % width);
  };
  if (left == 0)
    return emitWhole(b);
  if (whole == 0)
    return emitPartial(b);
  Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                        panelIndex, constant(b, whole));
  emitIf(b, loc, isWhole, emitWhole, emitPartial);
}

void NBitsEmitter::items(OpBuilder &b, Value lo, Value hi,
                         function_ref<void(OpBuilder &, Value)> body) {
  auto each = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(each.getBody()->getTerminator());
  body(inner, each.getInductionVar());
}

/// Items [lo, hi) as tiles of floats.
void NBitsEmitter::floatItems(OpBuilder &b, Value lo, Value hi,
                              ArrayRef<AffineExpr> space) {
  items(b, lo, hi, [&](OpBuilder &inner, Value index) {
    SmallVector<Value> at = delinearize(inner, loc, context, index, space);
    batch.assign(at.begin(), at.end() - 2);
    panelIndex = at[at.size() - 2];
    emitRowTile(inner, loc, context, plan, rows,
                mul(inner, at.back(), plan.shape.rows),
                [&](OpBuilder &tiles, int64_t count, Value row) {
                  ofPanel(tiles, [&](OpBuilder &nested, int64_t vectors,
                                     int64_t lastLanes) {
                    tile(nested, {count, vectors, width}, lastLanes, row);
                  });
                });
  });
}

/// Items [lo, hi), which are panels, with the rows that were converted.
void NBitsEmitter::fixedPointItems(OpBuilder &b, Value lo, Value hi,
                                   Value rowCount, FixedPointRows &fixed) {
  items(b, lo, hi, [&](OpBuilder &inner, Value index) {
    panelIndex = index;
    batch.clear();
    Value panel = bytesAt(inner, weights.pointer,
                          mul(inner, panelIndex, op.getPanelBytes()));
    items(inner, constant(inner, 0), rowCount, [&](OpBuilder &each, Value row) {
      ofPanel(each, [&](OpBuilder &nested, int64_t vectors, int64_t lastLanes) {
        store(nested, {1, vectors, width}, lastLanes, row,
              fixed.multiply(nested, row, panel, vectors));
      });
    });
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

  FixedPointRows fixed(context, op);
  std::optional<int64_t> known = onnx::constantValue(rows);
  int64_t most = batches.empty() ? fixed.mostRows(fewRows) : 0;
  if (most == 0 || (known && *known > most)) {
    floatItems(b, lo, hi, space);
    return success();
  }
  fixed.allocate(b, known.value_or(most));
  Value count = context.expand(b, loc, rows);
  Value usable = arith::AndIOp::create(
      b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lo, hi),
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, count,
                            constant(b, most)));
  auto convert = scf::IfOp::create(b, loc, b.getI1Type(), usable,
                                   /*withElse=*/true);
  OpBuilder few = OpBuilder::atBlockEnd(convert.thenBlock());
  scf::YieldOp::create(few, loc, fixed.convert(few, a.pointer, count));
  OpBuilder many = OpBuilder::atBlockEnd(convert.elseBlock());
  scf::YieldOp::create(many, loc, usable);
  emitIf(
      b, loc, convert.getResult(0),
      [&](OpBuilder &at) { fixedPointItems(at, lo, hi, count, fixed); },
      [&](OpBuilder &at) { floatItems(at, lo, hi, space); });
  return success();
}

LogicalResult ingot::emitMatmulNBits(OpBuilder &b, KernelContext &context,
                                     heavy::MatmulNBitsOp op,
                                     Epilogue &epilogue, Value lo, Value hi,
                                     AffineExpr &work) {
  return NBitsEmitter(context, op, epilogue).emit(b, lo, hi, work);
}
