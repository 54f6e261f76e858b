//===- TiledProduct.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/TiledProduct.h"
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;
using heavy::tileDepth;
using heavy::tilePanel;

/// Every tile has 16 rows of 64 bytes. With one shape for all, the register
/// allocator may put any of them into any register, and one configuration at
/// the entry of the function serves.
constexpr int64_t tileRows = 16, rowBytes = 64, tileBytes = tileRows * rowBytes;

/// Bytes of a panel for one step of the depth.
constexpr int64_t stepBytes = 2 * tileBytes;

/// Columns of a tile of results.
constexpr int64_t tileColumns = 16;

/// Bytes of B that go with all rows of A, when these can be read in place: the
/// panels in use and those that are asked for stay near.
constexpr int64_t nearBytes = 128 << 10;

/// Pointer to the byte `offset` from `base`.
static Value byteAt(OpBuilder &b, Location loc, KernelContext &context,
                    Value base, Value offset) {
  BufferRef ref{base, b.getI8Type(), {}};
  return context.address(b, loc, ref, offset);
}

void ingot::copyBytes(OpBuilder &b, Location loc, KernelContext &context,
                      Value from, Value to, int64_t bytes) {
  auto type = VectorType::get({rowBytes}, b.getI8Type());
  auto copy = [&](OpBuilder &at, Value offset, int64_t lanes) {
    Value source = byteAt(at, loc, context, from, offset);
    Value data;
    // Nothing behind the source is read: it may be the last of its memory.
    if (Value mask = constantMask(at, loc, lanes, rowBytes))
      data = LLVM::MaskedLoadOp::create(
          at, loc, type, source, mask,
          arith::ConstantOp::create(at, loc, at.getZeroAttr(type)).getResult(),
          /*alignment=*/1);
    else
      data = LLVM::LoadOp::create(at, loc, type, source, /*alignment=*/1);
    LLVM::StoreOp::create(at, loc, data, byteAt(at, loc, context, to, offset),
                          /*alignment=*/1);
  };
  auto constant = [&](int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  };
  constexpr int64_t unrolled = 8;
  int64_t whole = bytes / rowBytes * rowBytes;
  if (whole > unrolled * rowBytes) {
    auto loop = scf::ForOp::create(b, loc, constant(0), constant(whole),
                                   constant(rowBytes));
    OpBuilder inner(loop.getBody()->getTerminator());
    copy(inner, loop.getInductionVar(), rowBytes);
  } else {
    for (int64_t at = 0; at < whole; at += rowBytes)
      copy(b, constant(at), rowBytes);
  }
  if (bytes > whole)
    copy(b, constant(whole), bytes - whole);
}

namespace {
class TiledEmitter {
public:
  TiledEmitter(KernelContext &context, Location loc,
               const TiledProduct &product, RowSource &source,
               Epilogue &epilogue)
      : context(context), loc(loc), product(product), source(source),
        epilogue(epilogue) {}

  void emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value i64(OpBuilder &b, int64_t v) {
    return LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(v));
  }
  Value add(OpBuilder &b, Value x, Value y) {
    return arith::AddIOp::create(b, loc, x, y);
  }
  Value mul(OpBuilder &b, Value x, Value y) {
    return arith::MulIOp::create(b, loc, x, y);
  }
  Value mul(OpBuilder &b, Value x, int64_t factor) {
    return mul(b, x, constant(b, factor));
  }
  Value byteAt(OpBuilder &b, Value base, Value offset) {
    return ::byteAt(b, loc, context, base, offset);
  }
  Value stack(OpBuilder &b, int64_t bytes) {
    return LLVM::AllocaOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), b.getI8Type(),
        i64(b, bytes), /*alignment=*/64);
  }

  /// The instructions on tiles.
  StringAttr intrinsic(OpBuilder &b, StringRef name);
  Value makeTile(OpBuilder &b, StringRef name, ArrayRef<Value> operands);
  Value zeroTile(OpBuilder &b);
  Value loadTile(OpBuilder &b, Value pointer, Value stride);
  Value multiply(OpBuilder &b, Value sum, Value left, Value right);
  void storeTile(OpBuilder &b, Value tile, Value pointer);
  Value shapeSize(OpBuilder &b, int64_t v) {
    return LLVM::ConstantOp::create(b, loc, b.getI16IntegerAttr(v));
  }

  void choosePlan(OpBuilder &b);
  void gather(OpBuilder &b, Value isNew);
  void locateRows(OpBuilder &b);
  void prefetch(OpBuilder &b, Value panelStart, Value step);
  /// All of an item, whose panel has so many tiles of columns and, in the last
  /// of them, lanes.
  void item(OpBuilder &b, int64_t columnTiles, int64_t lastLanes);
  void finish(OpBuilder &b, int64_t columnTiles, int64_t lastLanes);

  KernelContext &context;
  Location loc;
  const TiledProduct &product;
  RowSource &source;
  Epilogue &epilogue;
  /// Dimensions that rows count, their product, and its value if known.
  SmallVector<AffineExpr> rowDims;
  AffineExpr rows;
  std::optional<int64_t> staticRows;
  /// Rows of a block, blocks, and tiles of rows in one.
  int64_t blockRows = 2 * tileRows, rowTiles = 2;
  AffineExpr blocks;
  int64_t steps = 0, panels = 0, blockPanels = 1;
  /// Whether rows are always gathered, or only if there are too few for tiles.
  bool gathers = false, mayBeFew = false, isFlat = false;
  /// Where gathered rows and results go.
  Value gathered, results;
  int64_t pitch = 0;

  // The current item.
  SmallVector<Value> batch;
  Value group, panelBlock, rowBlock, panel, firstRow, rowCount;
  /// Its first row, bytes from row to row, and where its second tile begins.
  Value left, leftStride, second;
};
} // namespace

StringAttr TiledEmitter::intrinsic(OpBuilder &b, StringRef name) {
  return b.getStringAttr(context.machine.getTileIntrinsics() + "." + name +
                         ".internal");
}

Value TiledEmitter::makeTile(OpBuilder &b, StringRef name,
                             ArrayRef<Value> operands) {
  SmallVector<Value> all{shapeSize(b, tileRows), shapeSize(b, rowBytes)};
  llvm::append_range(all, operands);
  return LLVM::CallIntrinsicOp::create(
             b, loc, LLVM::LLVMX86AMXType::get(b.getContext()),
             intrinsic(b, name), all)
      .getResult(0);
}

Value TiledEmitter::zeroTile(OpBuilder &b) {
  return makeTile(b, "tilezero", {});
}

Value TiledEmitter::loadTile(OpBuilder &b, Value pointer, Value stride) {
  return makeTile(b, "tileloadd64", {pointer, stride});
}

Value TiledEmitter::multiply(OpBuilder &b, Value sum, Value left, Value right) {
  return makeTile(b, product.isUnsigned ? "tdpbusd" : "tdpbssd",
                  {shapeSize(b, rowBytes), sum, left, right});
}

void TiledEmitter::storeTile(OpBuilder &b, Value tile, Value pointer) {
  LLVM::CallIntrinsicOp::create(b, loc, intrinsic(b, "tilestored64"),
                                ValueRange{shapeSize(b, tileRows),
                                           shapeSize(b, rowBytes), pointer,
                                           i64(b, tilePanel * 4), tile});
}

/// How rows and panels become items, and what needs copies.
void TiledEmitter::choosePlan(OpBuilder &b) {
  MLIRContext *ctx = b.getContext();
  rowDims.assign(product.dims.begin() + product.batch, product.dims.end() - 1);
  rows = onnx::product(rowDims, ctx);
  staticRows = onnx::constantValue(rows);
  isFlat = rowDims.size() == 1 ||
           (product.batch == 0 && epilogue.canFlatten(rowDims.size()));
  if (staticRows) {
    int64_t count = llvm::divideCeil(*staticRows, 2 * tileRows);
    blockRows = llvm::divideCeil(*staticRows, std::max<int64_t>(1, count));
    blocks = onnx::constantDim(count, ctx);
  } else {
    blocks = rows.ceilDiv(2 * tileRows);
    mayBeFew = true;
  }
  rowTiles = staticRows && blockRows <= tileRows ? 1 : 2;

  steps = llvm::divideCeil(product.depth, tileDepth);
  gathers = !source.stride() || product.depth % tileDepth != 0 ||
            (staticRows && blockRows < tileRows);
  int64_t depthBytes = steps * tileDepth;
  if (!gathers) {
    // Rows that compete for few sets of the first-level cache.
    std::optional<int64_t> stride = onnx::constantValue(source.stride());
    gathers = !stride || linesPerSet(tileRows, *stride) > 4;
  }
  // An odd number of lines: each row of a tile then has a set for its own.
  pitch = llvm::alignTo(depthBytes + 1, 2 * rowBytes) + rowBytes;
  if (gathers || mayBeFew)
    gathered = stack(b, 2 * tileRows * pitch);
  results = stack(b, 2 * tileRows * tilePanel * 4);

  panels = llvm::divideCeil(product.columns, tilePanel);
  // Rows that were gathered must serve many panels to be worth it, and rows in
  // place stay in the second-level cache while few panels go with all of them.
  int64_t room = context.machine.getL2() / 2;
  bool fits = staticRows && *staticRows * depthBytes <= room;
  if (!gathers && fits)
    room = nearBytes;
  blockPanels = evenBlock(panels, room / (steps * stepBytes));
}

/// Gathers the rows of a block where that has to be, once for its panels.
void TiledEmitter::gather(OpBuilder &b, Value isNew) {
  if (!gathered)
    return;
  if (!gathers) {
    Value isFew = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                        rowCount, constant(b, blockRows));
    isNew = arith::AndIOp::create(b, loc, isNew, isFew);
  }
  auto branch = scf::IfOp::create(b, loc, isNew, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  auto each = scf::ForOp::create(then, loc, constant(then, 0), rowCount,
                                 constant(then, 1));
  OpBuilder inner(each.getBody()->getTerminator());
  Value r = each.getInductionVar();
  source.copy(inner, batch, group, add(inner, firstRow, r),
              byteAt(inner, gathered, mul(inner, r, pitch)));
}

/// Where the tiles of the current block are loaded from.
void TiledEmitter::locateRows(OpBuilder &b) {
  if (gathers) {
    left = gathered;
    leftStride = i64(b, pitch);
    // Rows of the tile that do not exist give results that are not used.
    second = constant(b, tileRows);
    return;
  }
  left = source.address(b, batch, group, firstRow);
  leftStride = arith::IndexCastOp::create(
      b, loc, b.getI64Type(), context.expand(b, loc, source.stride()));
  // The second tile ends with the block: nothing behind it is read.
  second = constant(b, std::max<int64_t>(0, blockRows - tileRows));
  if (!mayBeFew)
    return;
  Value isFew = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                      rowCount, constant(b, blockRows));
  left = arith::SelectOp::create(b, loc, isFew, gathered, left);
  leftStride =
      arith::SelectOp::create(b, loc, isFew, i64(b, pitch), leftStride);
}

/// While blocks of rows use panels of B, each asks for its share of the next
/// panels, which would otherwise come from memory all at once, with the first
/// block of rows.
void TiledEmitter::prefetch(OpBuilder &b, Value panelStart, Value step) {
  if (blockPanels >= panels)
    return;
  constexpr unsigned intoSecondLevel = 2, isData = 1;
  constexpr int64_t line = 64, lines = stepBytes / line;
  int64_t shares =
      std::clamp<int64_t>(onnx::constantValue(blocks).value_or(8), 1, lines);
  Value share = arith::RemUIOp::create(b, loc, rowBlock, constant(b, shares));
  int64_t perShare = llvm::divideCeil(lines, shares);
  Value at = add(b, mul(b, step, stepBytes), mul(b, share, perShare * line));
  at = add(b, at, constant(b, blockPanels * steps * stepBytes));
  for (int64_t i = 0; i < perShare; ++i)
    LLVM::Prefetch::create(
        b, loc, byteAt(b, panelStart, add(b, at, constant(b, i * line))),
        /*rw=*/0, intoSecondLevel, isData);
}

void TiledEmitter::item(OpBuilder &b, int64_t columnTiles, int64_t lastLanes) {
  Value offset = add(b, mul(b, group, panels), panel);
  offset = mul(b, offset, steps * stepBytes);
  for (auto [index, stride] : llvm::zip(batch, product.bBatch))
    if (onnx::constantValue(stride) != 0)
      offset = add(b, offset, mul(b, index, context.expand(b, loc, stride)));
  Value panelStart = context.address(b, loc, product.b, offset);
  locateRows(b);
  Value secondLeft = byteAt(
      b, left,
      mul(b, second,
          arith::IndexCastOp::create(b, loc, b.getIndexType(), leftStride)
              .getResult()));

  // A zero of its own for each tile: a shared one would have to be copied.
  SmallVector<Value> sums;
  for (int64_t i = 0; i < rowTiles * columnTiles; ++i)
    sums.push_back(zeroTile(b));
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, steps),
                                 constant(b, 1), sums);
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  Value step = loop.getInductionVar();
  SmallVector<Value> acc(loop.getRegionIterArgs());
  Value leftAt = mul(inner, step, tileDepth);
  Value rightAt = mul(inner, step, stepBytes);
  Value rightStride = i64(inner, rowBytes);
  prefetch(inner, panelStart, step);
  auto loadLeft = [&](int64_t r) {
    return loadTile(inner, byteAt(inner, r ? secondLeft : left, leftAt),
                    leftStride);
  };
  auto loadRight = [&](int64_t c) {
    return loadTile(inner,
                    byteAt(inner, panelStart,
                           add(inner, rightAt, constant(inner, c * tileBytes))),
                    rightStride);
  };
  // All four factors are alive at once, so that each has a register of its own
  // and no load waits for a product of the same step.
  Value factors[2][2] = {{loadLeft(0), {}}, {loadRight(0), {}}};
  acc[0] = multiply(inner, acc[0], factors[0][0], factors[1][0]);
  if (columnTiles > 1)
    factors[1][1] = loadRight(1);
  if (rowTiles > 1)
    factors[0][1] = loadLeft(1);
  for (int64_t i = 1; i < rowTiles * columnTiles; ++i)
    acc[i] = multiply(inner, acc[i], factors[0][i / columnTiles],
                      factors[1][i % columnTiles]);
  scf::YieldOp::create(inner, loc, acc);
  for (int64_t r = 0; r < rowTiles; ++r)
    for (int64_t c = 0; c < columnTiles; ++c) {
      Value row = r ? second : constant(b, 0);
      Value at =
          add(b, mul(b, row, tilePanel * 4), constant(b, c * tileColumns * 4));
      storeTile(b, loop.getResult(r * columnTiles + c), byteAt(b, results, at));
    }
  finish(b, columnTiles, lastLanes);
}

/// Brings the results of a block, row by row, where they belong.
void TiledEmitter::finish(OpBuilder &b, int64_t columnTiles,
                          int64_t lastLanes) {
  auto type = VectorType::get({tileColumns}, b.getI32Type());
  Value column =
      add(b, mul(b, group, product.columns), mul(b, panel, tilePanel));
  auto each =
      scf::ForOp::create(b, loc, constant(b, 0), rowCount, constant(b, 1));
  OpBuilder inner(each.getBody()->getTerminator());
  Value r = each.getInductionVar();
  SmallVector<Value> vectors;
  for (int64_t c = 0; c < columnTiles; ++c) {
    Value at = add(inner, mul(inner, r, tilePanel * 4),
                   constant(inner, c * tileColumns * 4));
    vectors.push_back(LLVM::LoadOp::create(
        inner, loc, type, byteAt(inner, results, at), /*alignment=*/64));
  }
  Value row = add(inner, firstRow, r);
  SmallVector<Value> leading(batch);
  if (isFlat) {
    leading.resize(product.dims.size() - 2, constant(inner, 0));
  } else {
    leading.append(delinearize(inner, loc, context, row, rowDims));
    row = leading.pop_back_val();
  }
  epilogue.storeRow(inner, tileColumns, leading, row, column,
                    constantMask(inner, loc, lastLanes, tileColumns), vectors);
}

void TiledEmitter::emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work) {
  choosePlan(b);
  MLIRContext *ctx = b.getContext();
  SmallVector<AffineExpr> space(product.dims.begin(),
                                product.dims.begin() + product.batch);
  space.push_back(onnx::constantDim(product.groups, ctx));
  space.push_back(
      onnx::constantDim(llvm::divideCeil(panels, blockPanels), ctx));
  space.push_back(blocks);
  space.push_back(onnx::constantDim(blockPanels, ctx));
  work = onnx::product(space, ctx);

  auto loop = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder at(loop.getBody()->getTerminator());
  Value number = loop.getInductionVar();
  SmallVector<Value> indices = delinearize(at, loc, context, number, space);
  batch.assign(indices.begin(), indices.begin() + product.batch);
  group = indices[product.batch];
  panelBlock = indices[product.batch + 1];
  rowBlock = indices[product.batch + 2];
  Value within = indices[product.batch + 3];
  panel = add(at, mul(at, panelBlock, blockPanels), within);

  // The last block of rows is moved back so that it is whole.
  Value all = context.expand(at, loc, rows);
  Value lastStart =
      arith::SubIOp::create(at, loc, all, constant(at, blockRows));
  firstRow =
      arith::MinSIOp::create(at, loc, mul(at, rowBlock, blockRows), lastStart);
  rowCount = constant(at, blockRows);
  if (mayBeFew) {
    firstRow = arith::MaxSIOp::create(at, loc, firstRow, constant(at, 0));
    rowCount = arith::MinSIOp::create(at, loc, rowCount, all);
  }
  Value isNew = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::eq, within,
                                      constant(at, 0));
  isNew = arith::OrIOp::create(
      at, loc, isNew,
      arith::CmpIOp::create(at, loc, arith::CmpIPredicate::eq, number, lo));
  gather(at, isNew);

  int64_t whole = product.columns / tilePanel;
  int64_t rest = product.columns % tilePanel;
  auto emitWhole = [&](OpBuilder &inner) { item(inner, 2, 0); };
  auto emitRest = [&](OpBuilder &inner) {
    item(inner, llvm::divideCeil(rest, tileColumns), rest % tileColumns);
  };
  auto isBelow = [&](OpBuilder &inner, int64_t count) {
    return arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ult, panel,
                                 constant(inner, count));
  };
  auto emitPanel = [&](OpBuilder &inner) {
    if (rest == 0)
      return emitWhole(inner);
    if (whole == 0)
      return emitRest(inner);
    emitIf(inner, loc, isBelow(inner, whole), emitWhole, emitRest);
  };
  if (panels % blockPanels == 0)
    return emitPanel(at);
  auto exists =
      scf::IfOp::create(at, loc, isBelow(at, panels), /*withElse=*/false);
  OpBuilder then(exists.thenBlock()->getTerminator());
  emitPanel(then);
}

void ingot::emitTiledProduct(OpBuilder &b, KernelContext &context, Location loc,
                             const TiledProduct &product, RowSource &rows,
                             Epilogue &epilogue, Value lo, Value hi,
                             AffineExpr &work) {
  TiledEmitter(context, loc, product, rows, epilogue).emit(b, lo, hi, work);
}
