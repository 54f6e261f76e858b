//===- IntegerTile.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Register tiles of 8-bit integers, summed in 32 bits by the machine's dot
// form. A is read row by row; B is packed so that a vector holds, for each
// column, the depths that one instruction sums up.
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/TileKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using kernel::DotForm;

namespace {
class IntegerTile {
public:
  IntegerTile(KernelContext &context, Location loc, const TileShape &shape,
              const TileOperands &operands)
      : context(context), loc(loc), shape(shape), operands(operands),
        form(context.machine.getDot()) {}

  SmallVector<Value> emit(OpBuilder &b, int64_t depth,
                          ArrayRef<Value> accumulators);

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value pointerAt(OpBuilder &b, Value base, Value bytes) {
    BufferRef ref{base, b.getI8Type(), {}};
    return context.address(b, loc, ref, bytes);
  }
  StringAttr intrinsic(OpBuilder &b) {
    return b.getStringAttr(context.machine.getDotIntrinsic());
  }
  /// acc + the products of x and y, by the machine's instruction.
  Value dot(OpBuilder &b, Value acc, Value x, Value y) {
    return LLVM::CallIntrinsicOp::create(b, loc, acc.getType(), intrinsic(b),
                                         ValueRange{acc, x, y})
        .getResult(0);
  }
  Value bitcast(OpBuilder &b, Value v, int64_t bits) {
    auto type = cast<VectorType>(v.getType());
    int64_t all = type.getNumElements() * type.getElementTypeBitWidth();
    return vector::BitCastOp::create(
        b, loc, VectorType::get({all / bits}, b.getIntegerType(bits)), v);
  }
  Value loadVector(OpBuilder &b, Value pointer, int64_t lanes, int64_t bits) {
    auto type = VectorType::get({lanes}, b.getIntegerType(bits));
    return LLVM::LoadOp::create(b, loc, type, pointer, /*alignment=*/1);
  }
  /// `bytes` bytes from a row's depth k on as an integer of `width` bytes,
  /// which has zeros above them.
  Value loadWord(OpBuilder &b, int64_t row, Value k, int64_t bytes,
                 int64_t width);
  /// The vector `i` of those with the columns of a tile at depth k, which is a
  /// multiple of the depth group.
  Value loadColumns(OpBuilder &b, Value k, int64_t i);
  void prefetch(OpBuilder &b, Value k, int64_t steps);

  /// One group of the depth, of which `bytes` exist.
  void group(OpBuilder &b, Value k, int64_t bytes, SmallVectorImpl<Value> &acc);
  void wordGroup(OpBuilder &b, Value k, int64_t bytes,
                 SmallVectorImpl<Value> &acc);
  Value addWords(OpBuilder &b, Value acc, Value x, Value y);
  void pairsGroup(OpBuilder &b, Value k, int64_t bytes,
                  SmallVectorImpl<Value> &acc);
  void dotGroup(OpBuilder &b, Value k, ArrayRef<Value> splats,
                SmallVectorImpl<Value> &acc);
  void squareGroup(OpBuilder &b, Value k, ArrayRef<Value> rowPairs,
                   SmallVectorImpl<Value> &acc);
  void laneStep(OpBuilder &b, Value k, ArrayRef<Value> splats,
                SmallVectorImpl<Value> &acc);
  /// As much of the depth as a whole register of each row holds.
  void registers(OpBuilder &b, Value k, SmallVectorImpl<Value> &acc);
  /// Depths that `registers` works on; 0 if rows are not read in registers.
  int64_t registerDepth() const {
    switch (form) {
    case DotForm::lanes:
      return 8;
    case DotForm::sdot:
    case DotForm::smmla:
      return 16;
    case DotForm::pairs:
    case DotForm::bytes:
    case DotForm::vnni:
    case DotForm::words:
      return 0;
    }
    llvm_unreachable("unknown dot form");
  }
  SmallVector<Value>
  loop(OpBuilder &b, int64_t from, int64_t to, int64_t step,
       ArrayRef<Value> accumulators,
       function_ref<void(OpBuilder &, Value, SmallVectorImpl<Value> &)> body);

  KernelContext &context;
  Location loc;
  const TileShape &shape;
  const TileOperands &operands;
  DotForm form;
};
} // namespace

Value IntegerTile::loadWord(OpBuilder &b, int64_t row, Value k, int64_t bytes,
                            int64_t width) {
  Value base = operands.rowPointers[row];
  Type word = b.getIntegerType(width * 8);
  if (bytes == width)
    return LLVM::LoadOp::create(b, loc, word, pointerAt(b, base, k),
                                /*alignment=*/1);
  // Nothing behind a row is read: it may be the last of its memory.
  Value result;
  int64_t done = 0;
  for (int64_t part : {4, 2, 1}) {
    if (bytes - done < part)
      continue;
    Value at = arith::AddIOp::create(b, loc, k, constant(b, done));
    Value piece = LLVM::LoadOp::create(b, loc, b.getIntegerType(part * 8),
                                       pointerAt(b, base, at), /*alignment=*/1);
    if (part < width)
      piece = arith::ExtUIOp::create(b, loc, word, piece);
    if (done > 0)
      piece = arith::ShLIOp::create(
          b, loc, piece,
          arith::ConstantOp::create(b, loc, b.getIntegerAttr(word, done * 8)));
    result = result ? arith::OrIOp::create(b, loc, result, piece).getResult()
                    : piece;
    done += part;
  }
  return result;
}

Value IntegerTile::loadColumns(OpBuilder &b, Value k, int64_t i) {
  int64_t bytes = context.machine.dotBits() / 8;
  int64_t vectorBytes = context.machine.getVectorBits() / 8;
  // Four 16-bit columns are but half of a register.
  if (form == DotForm::lanes)
    vectorBytes = shape.width * bytes;
  Value at = arith::MulIOp::create(
      b, loc, arith::MulIOp::create(b, loc, k, operands.bStride),
      constant(b, bytes));
  at = arith::AddIOp::create(b, loc, at, constant(b, i * vectorBytes));
  return loadVector(b, pointerAt(b, operands.b, at), vectorBytes / bytes,
                    bytes * 8);
}

void IntegerTile::prefetch(OpBuilder &b, Value k, int64_t steps) {
  if (!operands.prefetch)
    return;
  constexpr unsigned intoSecondLevel = 2, isData = 1;
  constexpr int64_t line = 64;
  int64_t bytes = operands.prefetchBytes * steps;
  int64_t stride = std::min(line, bytes);
  for (int64_t i = 0; i < bytes; i += stride) {
    Value offset = arith::AddIOp::create(
        b, loc,
        arith::MulIOp::create(b, loc, k, constant(b, operands.prefetchBytes)),
        constant(b, i));
    LLVM::Prefetch::create(b, loc, pointerAt(b, operands.prefetch, offset),
                           /*rw=*/0, intoSecondLevel, isData);
  }
}

/// acc + four products of unsigned by signed for each column: vpdpbusd, or
/// vpmaddubsw, which sums two of them each, and vpmaddwd by 1, which sums
/// those.
Value IntegerTile::addWords(OpBuilder &b, Value acc, Value x, Value y) {
  if (form == DotForm::vnni)
    return dot(b, acc, x, y);
  auto halves = VectorType::get({2 * shape.width}, b.getI16Type());
  StringRef pairs = context.machine.getByteIntrinsic();
  Value sums = LLVM::CallIntrinsicOp::create(
                   b, loc, halves, b.getStringAttr(pairs), ValueRange{x, y})
                   .getResult(0);
  Value ones = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(halves, b.getI16IntegerAttr(1)));
  Value words = LLVM::CallIntrinsicOp::create(
                    b, loc, acc.getType(), intrinsic(b), ValueRange{sums, ones})
                    .getResult(0);
  return arith::AddIOp::create(b, loc, acc, words);
}

/// Four depths at once, a word of A for all columns.
void IntegerTile::wordGroup(OpBuilder &b, Value k, int64_t bytes,
                            SmallVectorImpl<Value> &acc) {
  SmallVector<Value> columns;
  for (int64_t v = 0; v < shape.vectors; ++v)
    columns.push_back(loadColumns(b, k, v));
  auto words = VectorType::get({shape.width}, b.getI32Type());
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value splat = bitcast(
        b,
        vector::BroadcastOp::create(b, loc, words, loadWord(b, r, k, bytes, 4)),
        8);
    for (int64_t v = 0; v < shape.vectors; ++v) {
      Value &sum = acc[r * shape.vectors + v];
      sum = addWords(b, sum, splat, columns[v]);
    }
  }
}

/// vpmaddwd: two products for each column, first of depths 0 and 2, then of 1
/// and 3, which one operation each brings out of a word with all four.
void IntegerTile::pairsGroup(OpBuilder &b, Value k, int64_t bytes,
                             SmallVectorImpl<Value> &acc) {
  auto words = VectorType::get({shape.width}, b.getI32Type());
  auto halves = VectorType::get({2 * shape.width}, b.getI16Type());
  Value even = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(halves, b.getI16IntegerAttr(0xff)));
  Value eight = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(halves, b.getI16IntegerAttr(8)));
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value splat = bitcast(
        b,
        vector::BroadcastOp::create(b, loc, words, loadWord(b, r, k, bytes, 4)),
        16);
    Value factors[] = {arith::AndIOp::create(b, loc, splat, even),
                       arith::ShRUIOp::create(b, loc, splat, eight)};
    for (int64_t h = 0; h < (bytes > 1 ? 2 : 1); ++h)
      for (int64_t v = 0; v < shape.vectors; ++v) {
        Value products =
            LLVM::CallIntrinsicOp::create(
                b, loc, words, intrinsic(b),
                ValueRange{factors[h], loadColumns(b, k, 2 * v + h)})
                .getResult(0);
        Value &sum = acc[r * shape.vectors + v];
        sum = arith::AddIOp::create(b, loc, sum, products);
      }
  }
}

/// sdot: four products of signed by signed for each column.
void IntegerTile::dotGroup(OpBuilder &b, Value k, ArrayRef<Value> splats,
                           SmallVectorImpl<Value> &acc) {
  for (int64_t v = 0; v < shape.vectors; ++v) {
    Value columns = loadColumns(b, k, v);
    for (int64_t r = 0; r < shape.rows; ++r) {
      Value &sum = acc[r * shape.vectors + v];
      sum = dot(b, sum, columns, splats[r]);
    }
  }
}

/// smmla: two rows by two columns, eight products each.
void IntegerTile::squareGroup(OpBuilder &b, Value k, ArrayRef<Value> rowPairs,
                              SmallVectorImpl<Value> &acc) {
  for (int64_t c = 0; c < 2 * shape.vectors; ++c) {
    Value columns = loadColumns(b, k, c);
    for (auto [p, rows] : llvm::enumerate(rowPairs)) {
      Value &sum = acc[p * 2 * shape.vectors + c];
      sum = dot(b, sum, rows, columns);
    }
  }
}

/// smlal: one product of 16-bit integers for each column.
void IntegerTile::laneStep(OpBuilder &b, Value k, ArrayRef<Value> splats,
                           SmallVectorImpl<Value> &acc) {
  auto words = VectorType::get({shape.width}, b.getI32Type());
  for (int64_t v = 0; v < shape.vectors; ++v) {
    Value columns = arith::ExtSIOp::create(b, loc, words, loadColumns(b, k, v));
    for (int64_t r = 0; r < shape.rows; ++r) {
      Value &sum = acc[r * shape.vectors + v];
      Value a = arith::ExtSIOp::create(b, loc, words, splats[r]);
      sum = arith::AddIOp::create(b, loc, sum,
                                  arith::MulIOp::create(b, loc, a, columns));
    }
  }
}

/// A row's pair partner; the last row of an odd number is its own.
static int64_t partner(int64_t row, int64_t rows) {
  return std::min(row + 1, rows - 1);
}

void IntegerTile::group(OpBuilder &b, Value k, int64_t bytes,
                        SmallVectorImpl<Value> &acc) {
  prefetch(b, k, context.machine.dotDepth());
  switch (form) {
  case DotForm::words:
    llvm_unreachable("blocks of threads multiply words");
  case DotForm::vnni:
  case DotForm::bytes:
    return wordGroup(b, k, bytes, acc);
  case DotForm::pairs:
    return pairsGroup(b, k, bytes, acc);
  case DotForm::sdot: {
    auto words = VectorType::get({shape.width}, b.getI32Type());
    SmallVector<Value> splats;
    for (int64_t r = 0; r < shape.rows; ++r)
      splats.push_back(bitcast(b,
                               vector::BroadcastOp::create(
                                   b, loc, words, loadWord(b, r, k, bytes, 4)),
                               8));
    return dotGroup(b, k, splats, acc);
  }
  case DotForm::smmla: {
    auto words = VectorType::get({2}, b.getI64Type());
    SmallVector<Value> rowPairs;
    for (int64_t r = 0; r < shape.rows; r += 2) {
      Value first = loadWord(b, r, k, bytes, 8);
      Value second = loadWord(b, partner(r, shape.rows), k, bytes, 8);
      Value pair = vector::FromElementsOp::create(b, loc, words,
                                                  ValueRange{first, second});
      rowPairs.push_back(bitcast(b, pair, 8));
    }
    return squareGroup(b, k, rowPairs, acc);
  }
  case DotForm::lanes: {
    auto halves = VectorType::get({shape.width}, b.getI16Type());
    bool isUnsigned = operands.elementType.isUnsignedInteger();
    SmallVector<Value> splats;
    for (int64_t r = 0; r < shape.rows; ++r) {
      Value byte = loadWord(b, r, k, 1, 1);
      Value wide =
          isUnsigned
              ? arith::ExtUIOp::create(b, loc, b.getI16Type(), byte).getResult()
              : arith::ExtSIOp::create(b, loc, b.getI16Type(), byte);
      splats.push_back(vector::BroadcastOp::create(b, loc, halves, wide));
    }
    return laneStep(b, k, splats, acc);
  }
  }
}

void IntegerTile::registers(OpBuilder &b, Value k,
                            SmallVectorImpl<Value> &acc) {
  prefetch(b, k, registerDepth());
  SmallVector<Value> rows;
  for (int64_t r = 0; r < shape.rows; ++r)
    rows.push_back(loadVector(b, pointerAt(b, operands.rowPointers[r], k),
                              registerDepth(), 8));
  auto at = [&](int64_t d) {
    return arith::AddIOp::create(b, loc, k, constant(b, d)).getResult();
  };
  if (form == DotForm::smmla) {
    for (int64_t half = 0; half < 2; ++half) {
      SmallVector<Value> rowPairs;
      for (int64_t r = 0; r < shape.rows; r += 2) {
        Value first = bitcast(b, rows[r], 64);
        Value second = bitcast(b, rows[partner(r, shape.rows)], 64);
        SmallVector<int64_t> lanes{half, 2 + half};
        rowPairs.push_back(bitcast(
            b, vector::ShuffleOp::create(b, loc, first, second, lanes), 8));
      }
      squareGroup(b, at(half * 8), rowPairs, acc);
    }
    return;
  }
  if (form == DotForm::lanes) {
    auto wide = VectorType::get({registerDepth()}, b.getI16Type());
    for (Value &row : rows)
      row = operands.elementType.isUnsignedInteger()
                ? arith::ExtUIOp::create(b, loc, wide, row).getResult()
                : arith::ExtSIOp::create(b, loc, wide, row);
  }
  int64_t depth = context.machine.dotDepth();
  for (int64_t lane = 0; lane * depth < registerDepth(); ++lane) {
    SmallVector<Value> splats;
    for (Value row : rows) {
      Value words = form == DotForm::sdot ? bitcast(b, row, 32) : row;
      SmallVector<int64_t> same(shape.width, lane);
      Value splat = vector::ShuffleOp::create(b, loc, words, words, same);
      splats.push_back(form == DotForm::sdot ? bitcast(b, splat, 8) : splat);
    }
    if (form == DotForm::sdot)
      dotGroup(b, at(lane * depth), splats, acc);
    else
      laneStep(b, at(lane * depth), splats, acc);
  }
}

SmallVector<Value> IntegerTile::loop(
    OpBuilder &b, int64_t from, int64_t to, int64_t step,
    ArrayRef<Value> accumulators,
    function_ref<void(OpBuilder &, Value, SmallVectorImpl<Value> &)> body) {
  SmallVector<Value> carried(accumulators);
  if (from >= to)
    return carried;
  if (to - from == step) {
    body(b, constant(b, from), carried);
    return carried;
  }
  auto op = scf::ForOp::create(b, loc, constant(b, from), constant(b, to),
                               constant(b, step), ValueRange(carried));
  OpBuilder inner = OpBuilder::atBlockEnd(op.getBody());
  carried.assign(op.getRegionIterArgs().begin(), op.getRegionIterArgs().end());
  body(inner, op.getInductionVar(), carried);
  scf::YieldOp::create(inner, loc, carried);
  return SmallVector<Value>(op.getResults());
}

SmallVector<Value> IntegerTile::emit(OpBuilder &b, int64_t depth,
                                     ArrayRef<Value> accumulators) {
  SmallVector<Value> acc(accumulators);
  int64_t done = 0;
  if (int64_t whole = registerDepth()) {
    acc = loop(b, 0, depth / whole * whole, whole, acc,
               [&](OpBuilder &at, Value k, SmallVectorImpl<Value> &sums) {
                 registers(at, k, sums);
               });
    done = depth / whole * whole;
  }
  int64_t unit = context.machine.dotDepth();
  acc = loop(b, done, depth / unit * unit, unit, acc,
             [&](OpBuilder &at, Value k, SmallVectorImpl<Value> &sums) {
               group(at, k, unit, sums);
             });
  if (depth % unit)
    group(b, constant(b, depth / unit * unit), depth % unit, acc);
  return acc;
}

SmallVector<Value>
ingot::emitIntegerTile(OpBuilder &b, Location loc, KernelContext &context,
                       const TileShape &shape, const TileOperands &operands,
                       int64_t depth, ArrayRef<Value> accumulators) {
  return IntegerTile(context, loc, shape, operands)
      .emit(b, depth, accumulators);
}
