//===- WarpgroupProduct.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/WarpgroupProduct.h"
#include "codegen/Target.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Shared.h"
#include "codegen/warp/Warp.h"
#include "codegen/warp/wgmma/Factors.h"
#include "codegen/warp/wgmma/WarpgroupShape.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Registers of a thread of the warpgroup that only has copies made, and of
/// those that multiply: 65536 in all.
constexpr int64_t copyRegisters = 40, productRegisters = 232;

/// Tiles below each other that blocks at work together take before they go on
/// to the right, so that they share what they read in the second-level cache:
/// about as many rows as columns of the result for 132 blocks.
constexpr int64_t tilesDown = 16;

namespace {
/// Where a tile of the result is.
struct Tile {
  /// Of the leading dimensions (index).
  SmallVector<Value> batch;
  Value firstRow, firstColumn;
};

class WarpgroupProduct {
public:
  WarpgroupProduct(KernelContext &context, BlockOperands &operands,
                   Epilogue &epilogue)
      : context(context), root(operands.root), loc(root->getLoc()),
        product(operands.matrices), operands(operands), epilogue(epilogue) {}

  /// See ingot::warp::describeFactors.
  StringRef describeFactors() {
    return warp::describeFactors(context, operands, left, right);
  }
  void emit(OpBuilder &b, const WarpgroupShape &chosen, AffineExpr &work,
            GridShape &grid);
  /// What fits in the registers of a warpgroup.
  int64_t mostColumns() const { return promotes() ? 128 : 256; }

private:
  void addMaps(LLVM::LLVMFuncOp function);
  void makeBarriers(Words &w);
  Tile locate(Words &w, Value item);
  Value slotAt(Words &w, Value count) {
    return w.add(shared, w.mul(w.rem(count, stages), shape.slotBytes()));
  }
  Value full(Words &w, Value count) {
    return w.add(barriers, w.mul(w.rem(count, stages), 8));
  }
  Value empty(Words &w, Value count) {
    return w.add(full(w, count), 8 * stages);
  }
  /// The parity of the phase of a full barrier that copy `count` ends.
  Value parity(Words &w, Value count) {
    return w.b.createOrFold<arith::AndIOp>(loc, w.div(count, stages),
                                           w.number(1));
  }
  Value toOtherParity(Words &w, Value parity) {
    return w.bitXor(parity, w.number(1));
  }
  scf::ForOp forTiles(Words &w);
  void copyAll(Words &w);
  void copyFactor(Words &w, const Factor &factor, const Tile &tile, Value first,
                  Value depth, Value to, Value barrier);
  void multiplyAll(Words &w);
  SmallVector<Value> multiplySlot(Words &w, Value slot, bool adds,
                                  ArrayRef<Value> sums);
  SmallVector<Value> addSlot(Words &w, Value slot, ArrayRef<Value> sums);
  /// Elements of the depth of a slot, a row of 128 bytes.
  int64_t slotDepth() const {
    return swizzleBytes / storageBytes(left.map.element);
  }
  bool isBytes() const { return left.map.element.isInteger(8); }
  std::string byteTypes() const;
  Type sumType() const {
    MLIRContext *ctx = root->getContext();
    if (isa<IntegerType>(product.a.elementType))
      return IntegerType::get(ctx, 32);
    return Float32Type::get(ctx);
  }
  /// Whether sums are kept apart from those of tensor cores.
  bool promotes() const { return isBytes() && !sumType().isInteger(); }
  /// Blocks of a cluster that share a tile of the factor.
  int64_t sharersOf(const Factor &factor) const {
    return &factor == &right ? shape.cluster : 1;
  }
  void finish(Words &w, const Tile &tile, ArrayRef<Value> sums);
  void stage(Words &w, ArrayRef<Value> sums);
  void storeStaged(Words &w, const Tile &tile, int64_t chunk);
  void storeVector(Words &w, const Tile &tile, Value row, Value column,
                   Value vector);
  Value pointerTo(Words &w, Value offset) {
    return bytesAfter(w, sharedPointer, offset);
  }

  static constexpr int64_t stages = WarpgroupShape::stages;

  KernelContext &context;
  Operation *root;
  Location loc;
  MatrixProduct &product;
  BlockOperands &operands;
  Epilogue &epilogue;
  WarpgroupShape shape;
  Factor left, right;
  SmallVector<AffineExpr> batchDims;
  /// `tilesOfRows` and `items` count tiles of a cluster; `rank` is the block's
  /// number there.
  Value thread, rank, items, rowCount, depthTiles, tilesOfRows;
  Value shared, sharedPointer, barriers;
  /// Of the threads that multiply: which of their warpgroups, lane, where the
  /// warp's results pass through shared memory.
  Value group, lane, staged;
  int64_t width = 1;
};
} // namespace

/// Makes the tensor maps parameters of the kernel.
void WarpgroupProduct::addMaps(LLVM::LLVMFuncOp function) {
  SmallVector<Attribute> maps;
  for (Factor *factor : {&left, &right}) {
    int64_t piece = WarpgroupShape::piece;
    factor->map.box = {piece, piece};
    // Of rows each block of a cluster has some copied for all.
    if (!factor->transposed)
      factor->map.box = {slotDepth(), factor->extent / sharersOf(*factor)};
    factor->map.box.resize(factor->map.dims.size(), 1);
    maps.push_back(factor->map.toAttr());
    factor->address = addMapParameter(function);
  }
  function->setAttr(tensorMapsAttrName,
                    ArrayAttr::get(function.getContext(), maps));
}

/// One thread makes the barriers: a tile is full when its copies are there, and
/// empty when all warps are done with it.
void WarpgroupProduct::makeBarriers(Words &w) {
  Value isFirst = arith::CmpIOp::create(w.b, loc, arith::CmpIPredicate::eq,
                                        thread, w.number(0));
  auto branch = scf::IfOp::create(w.b, loc, isFirst, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words one(then, loc);
  for (int64_t s = 0; s < stages; ++s) {
    initBarrier(one, one.add(barriers, 8 * s), 1);
    initBarrier(one, one.add(barriers, 8 * (stages + s)),
                shape.cluster * WarpgroupShape::groups * groupThreads / 32);
  }
  publishBarriers(one);
  prefetchMap(one, left.address);
  prefetchMap(one, right.address);
  if (shape.cluster > 1)
    syncCluster(w);
  else
    barrier(w.b, loc);
}

Tile WarpgroupProduct::locate(Words &w, Value item) {
  Tile tile;
  int64_t across = llvm::divideCeil(product.n, shape.columns);
  Value perMatrix = w.mul(tilesOfRows, across);
  Value rest = item;
  if (!batchDims.empty()) {
    Value matrix = w.index(w.div(item, perMatrix));
    tile.batch = delinearize(w.b, loc, context, matrix, batchDims);
    rest = w.rem(item, perMatrix);
  }
  // Down a band of tiles, then to the right, then to the next band.
  int64_t down = tilesDown / shape.cluster;
  Value band = w.div(rest, down * across);
  Value within = w.rem(rest, down * across);
  Value first = w.mul(band, down);
  Value height = arith::MinUIOp::create(w.b, loc, w.sub(tilesOfRows, first),
                                        w.number(down));
  Value row = w.mul(w.add(first, w.rem(within, height)), shape.cluster);
  if (shape.cluster > 1)
    row = w.add(row, rank);
  tile.firstRow = w.mul(row, shape.rows);
  tile.firstColumn = w.mul(w.div(within, height), shape.columns);
  return tile;
}

/// for (item = block; item < items; item += blocks), with the number of copies
/// so far; of clusters where blocks form them.
scf::ForOp WarpgroupProduct::forTiles(Words &w) {
  Value from = w.fromIndex(blockInGrid(w.b, loc));
  Value step =
      LLVM::CallIntrinsicOp::create(
          w.b, loc, w.b.getI32Type(),
          w.b.getStringAttr("llvm.nvvm.read.ptx.sreg.nctaid.x"), ValueRange())
          .getResults();
  from = w.div(from, shape.cluster);
  step = w.div(step, shape.cluster);
  return scf::ForOp::create(w.b, loc, from, items, step,
                            ValueRange{w.number(0)});
}

void WarpgroupProduct::copyFactor(Words &w, const Factor &factor,
                                  const Tile &tile, Value first, Value depth,
                                  Value to, Value barrier) {
  int64_t blocks = sharersOf(factor);
  int64_t own = factor.extent / blocks;
  int64_t pieces = factor.transposed ? own / WarpgroupShape::piece : 1;
  // A row or a column takes as many bytes of the tile.
  if (blocks > 1) {
    Value skipped = w.mul(rank, own);
    first = w.add(first, skipped);
    to = w.add(to, w.mul(skipped, swizzleBytes));
  }
  for (int64_t p = 0; p < pieces; ++p) {
    SmallVector<Value> at{depth, first};
    if (factor.transposed)
      at = {w.add(first, p * WarpgroupShape::piece), depth};
    for (int64_t i : factor.batch)
      at.push_back(w.fromIndex(tile.batch[i]));
    loadBox(w, factor.address, at, w.add(to, p * WarpgroupShape::pieceBytes),
            barrier, blocks);
  }
}

/// What one thread of the third warpgroup does.
void WarpgroupProduct::copyAll(Words &w) {
  scf::ForOp tiles = forTiles(w);
  OpBuilder body = OpBuilder::atBlockEnd(tiles.getBody());
  Words in(body, loc);
  Tile tile = locate(in, tiles.getInductionVar());
  auto steps =
      scf::ForOp::create(body, loc, in.number(0), depthTiles, in.number(1),
                         ValueRange{tiles.getRegionIterArg(0)});
  OpBuilder inner = OpBuilder::atBlockEnd(steps.getBody());
  Words at(inner, loc);
  Value count = steps.getRegionIterArg(0), slot = slotAt(at, count),
        depth = at.mul(steps.getInductionVar(), slotDepth());
  waitForPhase(at, empty(at, count), toOtherParity(at, parity(at, count)));
  Value barrier = full(at, count);
  arriveExpecting(at, barrier, shape.slotBytes());
  copyFactor(at, left, tile, tile.firstRow, depth, slot, barrier);
  copyFactor(at, right, tile, tile.firstColumn, depth,
             at.add(slot, shape.leftBytes()), barrier);
  scf::YieldOp::create(inner, loc, at.add(count, 1));
  scf::YieldOp::create(body, loc, steps.getResult(0));
}

/// The sums after the products of a slot.
SmallVector<Value> WarpgroupProduct::multiplySlot(Words &w, Value slot,
                                                  bool adds,
                                                  ArrayRef<Value> sums) {
  int64_t pieceBytes = WarpgroupShape::pieceBytes;
  Value leftAt = slot, rightAt = w.add(slot, shape.leftBytes());
  if (shape.splitsRows())
    leftAt = w.add(slot, w.mul(group, groupRows * swizzleBytes));
  else
    rightAt =
        w.add(rightAt, w.mul(group, shape.groupColumns() /
                                        WarpgroupShape::piece * pieceBytes));
  Value leftTile = describeTile(w, leftAt, pieceBytes);
  Value rightTile = describeTile(w, rightAt, pieceBytes);
  SmallVector<Value> result(sums);
  int64_t elements = groupDepthBytes / storageBytes(left.map.element);
  // In units of 16 bytes: along a row, or some rows on.
  auto step = [&](const Factor &factor, Value tile, int64_t k) {
    int64_t bytes =
        factor.transposed ? elements * swizzleBytes : groupDepthBytes;
    return w.add(tile, w.wideNumber(k * bytes / 16));
  };
  for (int64_t k = 0; k < slotDepth() / elements; ++k) {
    Value leftStep = step(left, leftTile, k),
          rightStep = step(right, rightTile, k);
    if (isBytes())
      result = multiplyByteTiles(w, byteTypes(), shape.groupColumns(), leftStep,
                                 rightStep, adds || k > 0, result);
    else
      result =
          multiplyTiles(w, left.map.element, shape.groupColumns(), leftStep,
                        left.transposed, rightStep, right.transposed, result);
  }
  return result;
}

/// Tensor cores keep sums of 8-bit floats with 14 bits or so: those of a slot,
/// a depth of 128, begin at zero and are added in f32, while the other
/// warpgroup multiplies.
SmallVector<Value> WarpgroupProduct::addSlot(Words &w, Value slot,
                                             ArrayRef<Value> sums) {
  SmallVector<Value> own(sums.size(),
                         LLVM::UndefOp::create(w.b, loc, sumType()));
  beginProducts(w);
  own = multiplySlot(w, slot, /*adds=*/false, own);
  commitProducts(w);
  own = finishProducts(w, own);
  for (auto [sum, before] : llvm::zip(own, sums))
    sum = arith::AddFOp::create(w.b, loc, before, sum);
  return own;
}

/// The byte types of both factors as PTX calls them.
std::string WarpgroupProduct::byteTypes() const {
  if (isa<IntegerType>(product.a.elementType))
    return operands.isUnsigned ? "u8.s8" : "s8.s8";
  return (float8Name(product.a.elementType) + "." +
          float8Name(product.b.elementType))
      .str();
}

/// What the first two warpgroups do.
void WarpgroupProduct::multiplyAll(Words &w) {
  // A lane for each block of the cluster, all of which copy to this one.
  Value releases = w.less(lane, shape.cluster);
  Value peer = shape.cluster > 1 ? lane : Value();
  scf::ForOp tiles = forTiles(w);
  OpBuilder body = OpBuilder::atBlockEnd(tiles.getBody());
  Words in(body, loc);
  Tile tile = locate(in, tiles.getInductionVar());
  Value zero =
      arith::ConstantOp::create(body, loc, body.getZeroAttr(sumType()));
  // The number of copies, then the sums.
  SmallVector<Value> state(1 + shape.groupColumns() / 2, zero);
  state[0] = tiles.getRegionIterArg(0);
  auto steps = scf::ForOp::create(body, loc, in.number(0), depthTiles,
                                  in.number(1), state);
  OpBuilder inner = OpBuilder::atBlockEnd(steps.getBody());
  Words at(inner, loc);
  Value count = steps.getRegionIterArg(0);
  waitForPhase(at, full(at, count), parity(at, count));
  SmallVector<Value> before(steps.getRegionIterArgs().drop_front()), next;
  if (promotes()) {
    next = addSlot(at, slotAt(at, count), before);
    arriveIf(at, releases, empty(at, count), peer);
  } else {
    beginProducts(at);
    next = multiplySlot(at, slotAt(at, count), /*adds=*/true, before);
    commitProducts(at);
    // The slot before is free while the products of this one go on.
    waitForProducts(at, 1);
    Value isLater =
        arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ne,
                              steps.getInductionVar(), at.number(0));
    arriveIf(at, at.both(releases, isLater), empty(at, at.add(count, -1)),
             peer);
  }
  next.insert(next.begin(), at.add(count, 1));
  scf::YieldOp::create(inner, loc, next);

  SmallVector<Value> sums(steps.getResults().drop_front());
  Value copies = steps.getResult(0);
  if (!promotes()) {
    sums = finishProducts(in, sums);
    Value hasDepth = arith::CmpIOp::create(body, loc, arith::CmpIPredicate::ne,
                                           depthTiles, in.number(0));
    arriveIf(in, in.both(releases, hasDepth), empty(in, in.add(copies, -1)),
             peer);
  }
  finish(in, tile, sums);
  scf::YieldOp::create(body, loc, copies);
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
void WarpgroupProduct::stage(Words &w, ArrayRef<Value> sums) {
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
void WarpgroupProduct::storeVector(Words &w, const Tile &tile, Value row,
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

/// Takes staged results back, neighbours by neighbours.
void WarpgroupProduct::storeStaged(Words &w, const Tile &tile, int64_t chunk) {
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
  Value inTile = in.add(row, in.mul(warp, WarpgroupShape::stagedRows));
  Value resultRow = in.add(tile.firstRow, inTile);
  Value resultColumn =
      in.add(tile.firstColumn, in.add(column, chunk * columns));
  if (shape.splitsRows())
    resultRow = in.add(resultRow, in.mul(group, groupRows));
  else
    resultColumn = in.add(resultColumn, in.mul(group, shape.groupColumns()));
  Value exists = in.both(in.less(resultRow, rowCount),
                         in.less(resultColumn, in.number(product.n)));
  auto branch = scf::IfOp::create(body, loc, exists, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words live(then, loc);
  Value place = live.bitXor(live.div(column, 8), live.rem(row, 8));
  Value offset =
      live.add(live.mul(row, columns * 4),
               live.add(live.mul(place, 32), live.mul(live.rem(column, 8), 4)));
  Type type = sumType();
  if (width > 1)
    type = VectorType::get({width}, type);
  Value v = LLVM::LoadOp::create(
      then, loc, type, pointerTo(live, live.add(staged, offset)), 4 * width);
  storeVector(live, tile, resultRow, resultColumn, v);
}

void WarpgroupProduct::finish(Words &w, const Tile &tile,
                              ArrayRef<Value> sums) {
  size_t perChunk = WarpgroupShape::stagedColumns / 2;
  for (size_t chunk = 0; chunk * perChunk < sums.size(); ++chunk) {
    syncWarp(w);
    stage(w, sums.slice(chunk * perChunk, perChunk));
    syncWarp(w);
    storeStaged(w, tile, chunk);
  }
}

void WarpgroupProduct::emit(OpBuilder &b, const WarpgroupShape &chosen,
                            AffineExpr &work, GridShape &grid) {
  MLIRContext *ctx = b.getContext();
  Words w(b, loc);
  shape = chosen;
  left.extent = shape.rows;
  right.extent = shape.columns;
  if (!product.bBatch.empty())
    batchDims.assign(product.dims.begin(), product.dims.end() - 2);
  AffineExpr rows = rowsOf(product);
  AffineExpr down = rows.ceilDiv(shape.rows * shape.cluster);
  int64_t across = llvm::divideCeil(product.n, shape.columns);
  work = onnx::product(batchDims, ctx) * down * (across * shape.cluster);
  grid.cluster = shape.cluster;
  grid.block = WarpgroupShape::threads;
  grid.blockItems = 1;
  grid.persistent = 1;
  grid.shared = shape.sharedBytes();
  auto function = cast<LLVM::LLVMFuncOp>(b.getInsertionBlock()->getParentOp());
  items = w.b.createOrFold<arith::TruncIOp>(
      loc, b.getI32Type(),
      function.getArgument(function.getNumArguments() - 1));
  items = w.div(items, shape.cluster);
  if (isBytes() && operands.isUnsigned)
    function->setAttr(ptxAttrName, b.getI32IntegerAttr(ptxOfBytes));
  addMaps(function);

  width = product.n % 4 ? 1 : 4;
  thread = w.fromIndex(threadInBlock(b, loc));
  rowCount = w.fromIndex(context.expand(b, loc, rows));
  tilesOfRows = w.fromIndex(context.expand(b, loc, down));
  depthTiles =
      w.fromIndex(context.expand(b, loc, product.depth.ceilDiv(slotDepth())));
  sharedPointer = dynamicShared(w);
  shared = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), sharedPointer);
  barriers = w.add(shared, shape.barriersAt());
  if (shape.cluster > 1)
    rank = blockInCluster(w);
  makeBarriers(w);

  Value number = w.div(thread, groupThreads);
  Value multiplies = w.less(number, WarpgroupShape::groups);
  emitIf(
      b, loc, multiplies,
      [&](OpBuilder &nested) {
        Words in(nested, loc);
        if (shape.movesRegisters())
          acquireRegisters(in, productRegisters);
        group = number;
        lane = in.rem(thread, 32);
        staged = in.add(in.mul(in.div(thread, 32), WarpgroupShape::stagedBytes),
                        shape.stagedAt());
        multiplyAll(in);
      },
      [&](OpBuilder &nested) {
        Words in(nested, loc);
        if (shape.movesRegisters())
          releaseRegisters(in, copyRegisters);
        Value copies = arith::CmpIOp::create(
            nested, loc, arith::CmpIPredicate::eq, thread,
            in.number(WarpgroupShape::groups * groupThreads));
        auto branch =
            scf::IfOp::create(nested, loc, copies, /*withElse=*/false);
        OpBuilder one(branch.thenBlock()->getTerminator());
        Words single(one, loc);
        copyAll(single);
      });
  // The others may still copy to this block, or arrive at its barriers.
  if (shape.cluster > 1)
    syncCluster(w);
}

bool warp::emitWarpgroupProduct(OpBuilder &b, KernelContext &context,
                                BlockOperands &operands, Epilogue &epilogue,
                                int64_t rows, int64_t matrices,
                                double otherTime, AffineExpr &work,
                                GridShape &grid) {
  std::optional<DeviceLimits> limits = deviceLimits(context.machine);
  if (!limits || !limits->warpgroupShared)
    return false;
  auto refuse = [&](StringRef reason) {
    grid.remark = ("no product of warpgroups: " + reason).str();
    return false;
  };
  WarpgroupProduct product(context, operands, epilogue);
  StringRef reason = product.describeFactors();
  if (!reason.empty())
    return refuse(reason);
  std::optional<WarpgroupShape> shape =
      chooseWarpgroupShape(context.machine, rows, operands.matrices.n, matrices,
                           otherTime, product.mostColumns());
  if (!shape)
    return refuse("smaller tiles of warps keep more of the device busy");
  product.emit(b, *shape, work, grid);
  grid.remark =
      ("product of warpgroups, tiles of " + Twine(shape->rows) + " x " +
       Twine(shape->columns) + (shape->cluster > 1 ? ", in pairs" : ""))
          .str();
  return true;
}
