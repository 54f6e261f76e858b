//===- WarpgroupProduct.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/WarpgroupProduct.h"
#include "codegen/Target.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/BlockShape.h"
#include "codegen/warp/Shared.h"
#include "codegen/warp/Warp.h"
#include "codegen/warp/wgmma/Factors.h"
#include "codegen/warp/wgmma/Taps.h"
#include "codegen/warp/wgmma/WarpgroupResults.h"

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
class WarpgroupProduct : WarpgroupResults {
public:
  WarpgroupProduct(KernelContext &context, BlockOperands &operands,
                   Epilogue &epilogue)
      : WarpgroupResults(context, operands.root->getLoc(), operands.matrices,
                         epilogue),
        root(operands.root), operands(operands) {}

  /// Steps of the depth of a tile, where that is known.
  std::optional<int64_t> depthSteps() const {
    if (taps)
      return taps->steps();
    return onnx::constantValue(product.depth.ceilDiv(slotDepth()));
  }
  /// See ingot::warp::describeFactors.
  StringRef describeFactors() {
    if (operands.conv)
      taps.emplace(operands.conv);
    return warp::describeFactors(context, operands, left, right);
  }
  /// The part of the time that goes into products that are asked for.
  double usefulPart() const { return taps ? taps->usefulPart() : 1; }
  void emit(OpBuilder &b, const WarpgroupShape &chosen, AffineExpr &work,
            GridShape &grid);
  /// What fits in the registers of a warpgroup.
  int64_t mostColumns() const { return promotes() ? 128 : 256; }

private:
  void addMaps(LLVM::LLVMFuncOp function);
  void makeBarriers(Words &w);
  void setDepth(Words &w);
  scf::ForOp forSteps(Words &w, const DepthDivision::Segment &segment,
                      size_t part, ValueRange state);
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
  void divide(Words &w, GridShape &grid, AffineExpr &work);
  void copyAll(Words &w);
  void copyStep(Words &w, const Tile &tile, Value step, Value slot,
                Value barrier);
  void copyTaps(Words &w, const Tile &tile, ArrayRef<Value> pixel, size_t part,
                Value step, Value slot, Value barrier);
  void copyFactor(Words &w, const Factor &factor, ArrayRef<Value> outer,
                  Value first, Value depth, Value to, Value barrier);
  void multiplyAll(Words &w);
  SmallVector<Value> multiplySlot(Words &w, Value slot, int64_t depth,
                                  bool adds, ArrayRef<Value> sums);
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
  static constexpr int64_t stages = WarpgroupShape::stages;

  Operation *root;
  BlockOperands &operands;
  Factor left, right;
  /// Of a convolution.
  std::optional<Taps> taps;
  /// Parts of the depth, one after the other, from a step on, and what is
  /// multiplied in each step.
  struct DepthPart {
    int64_t firstStep, depth;
  };
  SmallVector<DepthPart> parts;
  /// `tilesOfRows` and `items` count tiles of a cluster.
  Value items, depthTiles, tilesOfRows, shared, barriers;
};
} // namespace

/// Makes the tensor maps parameters of the kernel.
void WarpgroupProduct::addMaps(LLVM::LLVMFuncOp function) {
  SmallVector<Attribute> maps;
  for (Factor *factor : {&left, &right}) {
    int64_t piece = WarpgroupShape::piece;
    auto &box = factor->map.box;
    if (taps) {
      if (factor == &left)
        box.push_back(factor->extent);
    } else {
      box = {piece, piece};
      // Of rows each block of a cluster has some copied for all.
      if (!factor->transposed)
        box = {slotDepth(), factor->extent / sharersOf(*factor)};
      box.resize(factor->map.dims.size(), 1);
    }
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

auto WarpgroupProduct::locate(Words &w, Value item) -> Tile {
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

/// A loop over the block's segments, with the number of copies so far.
scf::ForOp WarpgroupProduct::forTiles(Words &w) {
  return scf::ForOp::create(w.b, loc, w.number(0), division.count(),
                            w.number(1), ValueRange{w.number(0)});
}

/// Finds out what the block computes; of clusters where blocks form them.
void WarpgroupProduct::divide(Words &w, GridShape &grid, AffineExpr &work) {
  Value block = w.fromIndex(blockInGrid(w.b, loc));
  Value blocks =
      LLVM::CallIntrinsicOp::create(
          w.b, loc, w.b.getI32Type(),
          w.b.getStringAttr("llvm.nvvm.read.ptx.sreg.nctaid.x"), ValueRange())
          .getResults();
  int64_t capacity = 0;
  std::optional<int64_t> steps = depthSteps();
  if (steps && *steps >= 2 * DivisionRule::leastGain && *steps <= 1 << 16) {
    int64_t multiprocessors = usualMultiprocessors(context.machine);
    capacity = multiprocessors / shape.cluster;
    meeting.addParameters(w.b, loc);
    grid.counters = capacity * shape.cluster;
    grid.sums = DepthDivision::mostParts(capacity) * shape.cluster *
                shape.rows * shape.columns * 4;
    // All multiprocessors, however few the tiles.
    work = work * multiprocessors;
  }
  division.begin(w, items, depthTiles, w.div(block, shape.cluster),
                 w.div(blocks, shape.cluster), capacity);
}

/// The steps of a segment in a part of the depth.
scf::ForOp WarpgroupProduct::forSteps(Words &w,
                                      const DepthDivision::Segment &segment,
                                      size_t part, ValueRange state) {
  Value from = segment.firstStep, to = segment.endStep;
  if (part > 0)
    from =
        arith::MaxUIOp::create(w.b, loc, from, w.number(parts[part].firstStep));
  if (part + 1 < parts.size())
    to = arith::MinUIOp::create(w.b, loc, to,
                                w.number(parts[part + 1].firstStep));
  return scf::ForOp::create(w.b, loc, from, to, w.number(1), state);
}

void WarpgroupProduct::copyFactor(Words &w, const Factor &factor,
                                  ArrayRef<Value> outer, Value first,
                                  Value depth, Value to, Value barrier) {
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
    at.append(outer.begin(), outer.end());
    loadBox(w, factor.address, at, w.add(to, p * WarpgroupShape::pieceBytes),
            barrier, blocks);
  }
}

/// Begins to copy the tiles of both factors for a step of the depth.
void WarpgroupProduct::copyStep(Words &w, const Tile &tile, Value step,
                                Value slot, Value barrier) {
  Value depth = w.mul(step, slotDepth());
  auto outer = [&](const Factor &factor) {
    SmallVector<Value> at;
    for (int64_t i : factor.batch)
      at.push_back(w.fromIndex(tile.batch[i]));
    return at;
  };
  copyFactor(w, left, outer(left), tile.firstRow, depth, slot, barrier);
  copyFactor(w, right, outer(right), tile.firstColumn, depth,
             w.add(slot, shape.leftBytes()), barrier);
}

/// The same of a convolution, of which `pixel` is that of the first row.
void WarpgroupProduct::copyTaps(Words &w, const Tile &tile,
                                ArrayRef<Value> pixel, size_t part, Value step,
                                Value slot, Value barrier) {
  Taps::Step at =
      taps->locate(w, taps->parts()[part], w.add(step, -parts[part].firstStep));
  for (auto [i, copy] : llvm::enumerate(at.copies)) {
    SmallVector<Value> from{copy.channel};
    from.append(pixel.begin(), pixel.end());
    loadBox(w, left.address, from,
            w.add(slot, int64_t(i) * left.extent * left.rowBytes), barrier,
            /*blocks=*/1, copy.offsets);
  }
  copyFactor(w, right, at.tap, tile.firstColumn, at.channel,
             w.add(slot, shape.leftBytes()), barrier);
}

/// What one thread of the third warpgroup does.
void WarpgroupProduct::copyAll(Words &w) {
  scf::ForOp tiles = forTiles(w);
  OpBuilder body = OpBuilder::atBlockEnd(tiles.getBody());
  Words in(body, loc);
  DepthDivision::Segment segment =
      division.segment(in, tiles.getInductionVar());
  Tile tile = locate(in, segment.tile);
  SmallVector<Value> pixel;
  if (taps)
    pixel = taps->pixelOf(in, context, tile.firstRow);
  Value copies = tiles.getRegionIterArg(0);
  for (size_t part = 0; part < parts.size(); ++part) {
    scf::ForOp steps = forSteps(in, segment, part, copies);
    OpBuilder inner = OpBuilder::atBlockEnd(steps.getBody());
    Words at(inner, loc);
    Value count = steps.getRegionIterArg(0), slot = slotAt(at, count);
    waitForPhase(at, empty(at, count), toOtherParity(at, parity(at, count)));
    Value barrier = full(at, count), step = steps.getInductionVar();
    arriveExpecting(at, barrier, shape.slotBytes());
    if (taps)
      copyTaps(at, tile, pixel, part, step, slot, barrier);
    else
      copyStep(at, tile, step, slot, barrier);
    scf::YieldOp::create(inner, loc, at.add(count, 1));
    copies = steps.getResult(0);
  }
  scf::YieldOp::create(body, loc, copies);
}

/// The sums after the products of a slot.
SmallVector<Value> WarpgroupProduct::multiplySlot(Words &w, Value slot,
                                                  int64_t depth, bool adds,
                                                  ArrayRef<Value> sums) {
  int64_t pieceBytes = WarpgroupShape::pieceBytes;
  Value leftAt = slot, rightAt = w.add(slot, shape.leftBytes());
  if (shape.splitsRows())
    leftAt = w.add(slot, w.mul(group, groupRows * left.rowBytes));
  else
    rightAt =
        w.add(rightAt, w.mul(group, shape.groupColumns() /
                                        WarpgroupShape::piece * pieceBytes));
  Value leftTile = describeTile(w, leftAt, pieceBytes, left.rowBytes);
  Value rightTile = describeTile(w, rightAt, pieceBytes);
  SmallVector<Value> result(sums);
  int64_t elements = groupDepthBytes / storageBytes(left.map.element);
  // In units of 16 bytes: along a row and then in the next tile, or some rows
  // on.
  auto step = [&](const Factor &factor, Value tile, int64_t k) {
    int64_t perRow = factor.rowBytes / groupDepthBytes;
    int64_t bytes = factor.transposed
                        ? k * elements * swizzleBytes
                        : k / perRow * factor.extent * factor.rowBytes +
                              k % perRow * groupDepthBytes;
    return w.add(tile, w.wideNumber(bytes / 16));
  };
  for (int64_t k = 0; k < depth / elements; ++k) {
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
  own = multiplySlot(w, slot, slotDepth(), /*adds=*/false, own);
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
  DepthDivision::Segment segment =
      division.segment(in, tiles.getInductionVar());
  Tile tile = locate(in, segment.tile);
  Value zero =
      arith::ConstantOp::create(body, loc, body.getZeroAttr(sumType()));
  // The number of copies, then the sums.
  SmallVector<Value> state(1 + shape.groupColumns() / 2, zero);
  state[0] = tiles.getRegionIterArg(0);
  for (size_t part = 0; part < parts.size(); ++part) {
    scf::ForOp steps = forSteps(in, segment, part, state);
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
      next = multiplySlot(at, slotAt(at, count), parts[part].depth,
                          /*adds=*/true, before);
      commitProducts(at);
      // The slot before is free while the products of this one go on.
      waitForProducts(at, 1);
      Value isLater =
          arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ne,
                                steps.getInductionVar(), segment.firstStep);
      arriveIf(at, at.both(releases, isLater), empty(at, at.add(count, -1)),
               peer);
    }
    next.insert(next.begin(), at.add(count, 1));
    scf::YieldOp::create(inner, loc, next);
    state.assign(steps.getResults().begin(), steps.getResults().end());
  }

  SmallVector<Value> sums(ArrayRef(state).drop_front());
  Value copies = state[0];
  if (!promotes()) {
    sums = finishProducts(in, sums);
    Value hasDepth = arith::CmpIOp::create(body, loc, arith::CmpIPredicate::ne,
                                           depthTiles, in.number(0));
    arriveIf(in, in.both(releases, hasDepth), empty(in, in.add(copies, -1)),
             peer);
  }
  finish(in, segment, tile, sums);
  scf::YieldOp::create(body, loc, copies);
}

void WarpgroupProduct::setDepth(Words &w) {
  if (!taps) {
    AffineExpr steps = product.depth.ceilDiv(slotDepth());
    depthTiles = w.fromIndex(context.expand(w.b, loc, steps));
    parts.push_back({0, slotDepth()});
    return;
  }
  int64_t steps = 0;
  for (const Taps::Part &part : taps->parts()) {
    parts.push_back({steps, part.multiplied});
    steps += taps->steps(part);
  }
  depthTiles = w.number(steps);
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
  if (isBytes() && operands.isUnsigned)
    function->setAttr(ptxAttrName, b.getI32IntegerAttr(ptxOfBytes));
  sum = sumType();
  width = product.n % 4 ? 1 : 4;
  thread = w.fromIndex(threadInBlock(b, loc));
  rowCount = w.fromIndex(context.expand(b, loc, rows));
  tilesOfRows = w.fromIndex(context.expand(b, loc, down));
  setDepth(w);
  items = w.fromIndex(
      context.expand(b, loc, onnx::product(batchDims, ctx) * down * across));
  divide(w, grid, work);
  addMaps(function);
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
  StringRef kind = operands.conv ? "convolution" : "product";
  auto refuse = [&](StringRef reason) {
    grid.remark = ("no " + kind + " of warpgroups: " + reason).str();
    return false;
  };
  WarpgroupProduct product(context, operands, epilogue);
  StringRef reason = product.describeFactors();
  if (!reason.empty())
    return refuse(reason);
  std::optional<WarpgroupShape> shape = chooseWarpgroupShape(
      context.machine, rows, operands.matrices.n, matrices,
      product.depthSteps().value_or(0), otherTime * product.usefulPart(),
      product.mostColumns());
  if (!shape)
    return refuse("smaller tiles of warps keep more of the device busy");
  product.emit(b, *shape, work, grid);
  grid.remark =
      (kind + " of warpgroups, tiles of " + Twine(shape->rows) + " x " +
       Twine(shape->columns) + (shape->cluster > 1 ? ", in pairs" : "") +
       (grid.counters ? "; blocks share the tiles of the last round" : ""))
          .str();
  return true;
}
