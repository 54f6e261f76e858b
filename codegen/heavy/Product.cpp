//===- Product.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;
using namespace ingot;

/// Longest depth that a tile goes through at once: its rows of A stay in the
/// nearest caches while panel after panel uses them.
constexpr int64_t longestDepth = 1024;

/// Row tiles that share a block of B where the depth is split; their partial
/// sums wait on the stack.
constexpr int64_t tilesPerBlock = 12;

/// Bytes between use and request where B is read once, in order.
constexpr int64_t streamAhead = 4096;

/// Bytes of stack for rows of A.
constexpr int64_t packBytes = 96 << 10;

void MatrixProduct::flatten(MLIRContext *context) {
  if (dims.size() < 3)
    return;
  rows = onnx::product(ArrayRef(dims).drop_back(), context);
  aBatch.clear();
  bBatch.clear();
}

namespace {
/// Work items are tiles of the result: `rows` x one panel of columns. Items
/// that follow each other form a run: a block of row tiles with a block of
/// panels, which share what the caches hold of A and B.
class ProductEmitter {
public:
  ProductEmitter(KernelContext &context, Location loc, MatrixProduct &product,
                 Epilogue &epilogue)
      : context(context), product(product), epilogue(epilogue), loc(loc),
        factors(factorType(product.a.elementType, product.pairs)),
        bits(factors.getIntOrFloatBitWidth()),
        unit(depthGroup(context.machine, factors)) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
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
  /// A loop over [from, to), or its body once where it has one step for sure.
  void loop(OpBuilder &b, Value from, Value to, bool once,
            function_ref<void(OpBuilder &, Value)> body);
  Value stack(OpBuilder &b, Type type, int64_t elements);
  bool isInteger() const { return isa<IntegerType>(factors); }
  /// Bytes of B for one step of the depth.
  int64_t stepBytes() const {
    return panelWidth * (isInteger() ? context.machine.dotBits() / 8
                                     : storageBytes(product.b.elementType));
  }
  void chooseTile();
  void chooseBlocks(OpBuilder &b);
  Value batchOffset(OpBuilder &b, ArrayRef<AffineExpr> strides);
  Value rowOffset(OpBuilder &b, Value row);
  void packRows(OpBuilder &b, const TileShape &shape, Value row);
  void run(OpBuilder &b, ArrayRef<Value> at, Value first, Value end);
  void fewRows(OpBuilder &b, Value row, Value rows, Value from, Value to);
  void panelsOf(OpBuilder &b, const TileShape &shape, Value row, Value from,
                Value to);
  void panel(OpBuilder &b, const TileShape &shape, Value row);
  void tile(OpBuilder &b, const TileShape &shape, int64_t lastLanes, Value row);
  void prefetchNext(OpBuilder &b, TileOperands &operands);
  void finish(OpBuilder &b, const TileShape &shape, int64_t lastLanes,
              Value row, ArrayRef<Value> sums);

  KernelContext &context;
  MatrixProduct &product;
  Epilogue &epilogue;
  Location loc;
  /// What is multiplied, its bits, and depths that B holds side by side. A and
  /// B may be stored in half precision.
  Type factors;
  int64_t bits, unit;
  TilePlan plan;
  std::optional<int64_t> staticDepth;
  int64_t panelWidth = 0, panels = 0, blockPanels = 1, blockTiles = 1;
  /// Parts of the depth, their length, and the current one.
  int64_t parts = 1, partDepth = 0;
  Value part;
  SmallVector<Value> batch;
  /// Where a tile's rows of A are copied to, or null; elements from one row to
  /// the next.
  Value packed;
  int64_t packedStride = 0;
  /// Partial sums of a run, or null; where those of the current tile lie.
  Value partials, slot;
  Value panelIndex, tileIndex;
};
} // namespace

void ProductEmitter::loop(OpBuilder &b, Value from, Value to, bool once,
                          function_ref<void(OpBuilder &, Value)> body) {
  if (once)
    return body(b, from);
  auto op = scf::ForOp::create(b, loc, from, to, constant(b, 1));
  OpBuilder inner(op.getBody()->getTerminator());
  body(inner, op.getInductionVar());
}

Value ProductEmitter::stack(OpBuilder &b, Type type, int64_t elements) {
  Value count =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(elements));
  return LLVM::AllocaOp::create(b, loc,
                                LLVM::LLVMPointerType::get(b.getContext()),
                                storageType(type), count, /*alignment=*/64);
}

void ProductEmitter::chooseTile() {
  TileShape shape = ingot::chooseTile(context.machine, factors);
  if (product.panel) {
    shape.vectors = *product.panel / shape.width;
    // A single row is bound by loads: wide panels keep them in flight.
    shape.rows = std::max<int64_t>(
        1, std::min<int64_t>(shape.rows,
                             (context.machine.getVectorRegisters() -
                              (context.machine.getLaneBroadcast() ? 6 : 3)) /
                                 shape.vectors));
  }
  panelWidth = shape.vectors * shape.width;
  panels = llvm::divideCeil(product.n, panelWidth);
  plan = planRows(product.rows, shape);
}

int64_t ingot::linesPerSet(int64_t rows, int64_t strideBytes) {
  constexpr int64_t line = 64, sets = 64;
  if (strideBytes % line)
    return 1;
  int64_t apart = std::gcd(strideBytes / line, sets);
  return llvm::divideCeil(rows, sets / apart);
}

int64_t ingot::evenBlock(int64_t count, int64_t most) {
  most = std::max<int64_t>(1, std::min(count, most));
  for (int64_t size = most; 2 * size > most; --size)
    if (count % size == 0)
      return size;
  return llvm::divideCeil(count, llvm::divideCeil(count, most));
}

/// How much of A and B goes together: panels of B that stay in the
/// second-level cache, parts of the depth, copies of rows.
void ProductEmitter::chooseBlocks(OpBuilder &b) {
  staticDepth = onnx::constantValue(product.depth);
  partDepth = staticDepth.value_or(longestDepth);
  int64_t rows = plan.shape.rows;
  // Few rows meet each element of B too rarely for reuse to matter.
  bool manyRows = rows >= 4 && staticDepth;
  bool isOdd = staticDepth.value_or(0) % unit != 0;
  if (manyRows && !isInteger() && !isOdd && partDepth > longestDepth * 3 / 2) {
    parts = llvm::divideCeil(partDepth, longestDepth);
    partDepth =
        llvm::alignTo(llvm::divideCeil(partDepth, parts), 2 * plan.shape.width);
    parts = llvm::divideCeil(*staticDepth, partDepth);
  }
  std::optional<int64_t> rowStride = onnx::constantValue(product.rowStride);
  // Whole words are read from copied rows of integers.
  packedStride = isInteger() ? llvm::alignTo(partDepth, 64) + 64
                             : partDepth + plan.shape.width;
  bool fits = manyRows && product.depthStride == 1 && rowStride &&
              rows * packedStride * bits / 8 <= packBytes;
  bool copies =
      fits && panels > 1 && linesPerSet(rows, *rowStride * bits / 8) > 7;
  // Where scalars of A are broadcast, halves are widened before, by vectors.
  bool widens = fits && product.a.elementType != factors &&
                !context.machine.getLaneBroadcast();
  // Copies must serve many panels to be worth it, even if those then come from
  // the third-level cache, in order. Partial sums speak against many.
  int64_t cache = context.machine.getL2();
  int64_t room = copies && parts == 1 ? 2 * cache : cache / 2;
  int64_t panelBytes = std::max<int64_t>(1, partDepth * stepBytes());
  blockPanels = evenBlock(panels, room / panelBytes);
  if (parts > 1) {
    blockTiles = tilesPerBlock;
    if (std::optional<int64_t> tiles = onnx::constantValue(plan.tiles))
      blockTiles = evenBlock(*tiles, tilesPerBlock);
    partials = stack(b, sumType(factors),
                     blockTiles * blockPanels * rows * panelWidth);
  }
  if (widens || (copies && blockPanels > 1))
    packed = stack(b, factors, rows * packedStride);
}

Value ProductEmitter::batchOffset(OpBuilder &b, ArrayRef<AffineExpr> strides) {
  Value offset = constant(b, 0);
  for (auto [index, stride] : llvm::zip(batch, strides))
    if (onnx::constantValue(stride) != 0)
      offset = add(b, offset, mul(b, index, context.expand(b, loc, stride)));
  return offset;
}

/// Where row `row` of A begins, in the current batch and part of the depth.
Value ProductEmitter::rowOffset(OpBuilder &b, Value row) {
  Value offset = add(b, batchOffset(b, product.aBatch),
                     mul(b, row, context.expand(b, loc, product.rowStride)));
  if (parts > 1)
    offset = add(b, offset, mul(b, part, partDepth * product.depthStride));
  return offset;
}

/// Copies the rows of a tile to where they compete for no cache set. Row by
/// row, as the processor's prefetching expects.
void ProductEmitter::packRows(OpBuilder &b, const TileShape &shape, Value row) {
  Value stride = context.expand(b, loc, product.rowStride);
  Value base = context.address(b, loc, product.a, rowOffset(b, row));
  BufferRef from{base, product.a.elementType, {}};
  BufferRef to{packed, factors, {}};
  // The last part may be shorter; its end is then out of bounds.
  int64_t lastDepth = *staticDepth - (parts - 1) * partDepth;
  Value length = constant(b, partDepth);
  if (lastDepth != partDepth)
    length = arith::SelectOp::create(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part,
                              constant(b, parts - 1)),
        constant(b, lastDepth), length);
  auto each = scf::ForOp::create(b, loc, constant(b, 0),
                                 constant(b, shape.rows), constant(b, 1));
  OpBuilder inner(each.getBody()->getTerminator());
  Value source = mul(inner, each.getInductionVar(), stride);
  Value target = mul(inner, each.getInductionVar(), packedStride);
  if (isInteger()) {
    LLVM::MemcpyInlineOp::create(
        inner, loc, context.address(inner, loc, to, target),
        context.address(inner, loc, from, source),
        inner.getI64IntegerAttr(partDepth), /*isVolatile=*/false);
    return;
  }
  Value rest =
      arith::RemUIOp::create(inner, loc, length, constant(inner, shape.width));
  Value whole = arith::SubIOp::create(inner, loc, length, rest);
  auto copy = [&](Value begin, Value end, int64_t width) {
    auto loop =
        scf::ForOp::create(inner, loc, begin, end, constant(inner, width));
    OpBuilder at(loop.getBody()->getTerminator());
    Lanes lanes{width, Value()};
    Value k = loop.getInductionVar();
    Type type = factors;
    if (width > 1)
      type = VectorType::get({width}, factors);
    Value value =
        context.loadFloats(at, loc, from.elementType, type,
                           context.address(at, loc, from, add(at, source, k)));
    context.store(at, loc, LaneValue::varying(value), to,
                  LaneValue::linear(add(at, target, k), width > 1), lanes);
  };
  copy(constant(inner, 0), whole, shape.width);
  if (partDepth % shape.width || lastDepth % shape.width)
    copy(whole, length, 1);
}

void ProductEmitter::tile(OpBuilder &b, const TileShape &shape,
                          int64_t lastLanes, Value row) {
  TileOperands operands;
  operands.elementType = factors;
  operands.aType = packed ? factors : product.a.elementType;
  operands.bType = product.b.elementType;
  operands.lastLanes = lastLanes;
  operands.paddedB = product.panel.has_value();
  operands.depthStride = product.depthStride;
  BufferRef rows = product.a;
  Value first, stride;
  if (packed) {
    rows.pointer = packed;
    rows.elementType = factors;
    first = constant(b, 0);
    stride = constant(b, packedStride);
  } else {
    first = rowOffset(b, row);
    stride = context.expand(b, loc, product.rowStride);
  }
  for (int64_t r = 0; r < shape.rows; ++r)
    operands.rowPointers.push_back(context.address(
        b, loc, rows, add(b, first, mul(b, constant(b, r), stride))));

  Value depth = context.expand(b, loc, product.depth), offset;
  if (product.panel) {
    Value held = depth;
    if (unit > 1)
      held = constant(b, llvm::alignTo(*staticDepth, unit));
    offset = add(b, batchOffset(b, product.bBatch),
                 mul(b, panelIndex, mul(b, held, panelWidth)));
    operands.bStride = constant(b, panelWidth);
  } else {
    offset =
        add(b, batchOffset(b, product.bBatch), mul(b, panelIndex, panelWidth));
    operands.bStride = constant(b, product.n);
  }
  std::optional<int64_t> size = staticDepth;
  if (parts > 1) {
    Value done = mul(b, part, partDepth);
    offset = add(b, offset, mul(b, done, operands.bStride));
    size = partDepth;
    if (parts * partDepth != *staticDepth) {
      size = std::nullopt;
      depth = arith::MinUIOp::create(b, loc,
                                     arith::SubIOp::create(b, loc, depth, done),
                                     constant(b, partDepth));
    } else {
      depth = constant(b, partDepth);
    }
  }
  operands.b = context.address(b, loc, product.b, offset);
  prefetchNext(b, operands);
  SmallVector<Value> sums = zeroTile(b, loc, context.machine, shape, factors);
  // Copied rows end with whole words; zeros of B take no part.
  if (packed && isInteger())
    size = llvm::alignTo(*staticDepth, unit);
  if (parts == 1) {
    sums = emitTile(b, loc, context, shape, operands, depth, size, sums);
    return finish(b, shape, lastLanes, row,
                  finishTile(b, loc, context.machine, shape, factors, sums));
  }

  auto type = VectorType::get({shape.width}, sumType(factors));
  BufferRef saved{partials, sumType(factors), {}};
  auto address = [&](OpBuilder &nested, int64_t i) {
    return context.address(
        nested, loc, saved,
        add(nested, slot, constant(nested, i * shape.width)));
  };
  Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part,
                                        constant(b, 0));
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = arith::SelectOp::create(
        b, loc, isFirst, sum,
        LLVM::LoadOp::create(b, loc, type, address(b, i), 64));
  sums = emitTile(b, loc, context, shape, operands, depth, size, sums);
  Value isLast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part,
                                       constant(b, parts - 1));
  emitIf(
      b, loc, isLast,
      [&](OpBuilder &nested) { finish(nested, shape, lastLanes, row, sums); },
      [&](OpBuilder &nested) {
        for (auto [i, sum] : llvm::enumerate(sums))
          LLVM::StoreOp::create(nested, loc, sum, address(nested, i), 64);
      });
}

/// While tiles use a block of B, each asks for its share of the next block,
/// which would otherwise come from memory all at once, with the first tile.
void ProductEmitter::prefetchNext(OpBuilder &b, TileOperands &operands) {
  if (!product.panel || !staticDepth)
    return;
  BufferRef next{operands.b, b.getI8Type(), {}};
  int64_t stepBytes = this->stepBytes();
  if (onnx::constantValue(plan.tiles) == 1 && plan.shape.rows < 4) {
    operands.prefetchBytes = stepBytes;
    operands.prefetch = context.address(b, loc, next, constant(b, streamAhead));
    return;
  }
  int64_t shares =
      std::clamp<int64_t>(onnx::constantValue(plan.tiles).value_or(16), 1, 64);
  operands.prefetchBytes = llvm::divideCeil(stepBytes, shares);
  int64_t toNextPanels = blockPanels * *staticDepth * stepBytes;
  Value ahead = constant(b, toNextPanels);
  if (parts > 1) {
    // The next part of the same panels; after the last, the next panels.
    int64_t toNextPart = partDepth * stepBytes;
    Value isLast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part,
                                         constant(b, parts - 1));
    ahead = arith::SelectOp::create(
        b, loc, isLast, constant(b, toNextPanels - (parts - 1) * toNextPart),
        constant(b, toNextPart));
  }
  Value share = arith::RemUIOp::create(b, loc, tileIndex, constant(b, shares));
  ahead = add(b, ahead, mul(b, share, partDepth * operands.prefetchBytes));
  operands.prefetch = context.address(b, loc, next, ahead);
}

void ProductEmitter::finish(OpBuilder &b, const TileShape &shape,
                            int64_t lastLanes, Value row,
                            ArrayRef<Value> sums) {
  SmallVector<Value> leading(batch);
  leading.resize(product.dims.size() - 2, constant(b, 0));
  epilogue.storeTile(b, shape, leading, row, mul(b, panelIndex, panelWidth),
                     constantMask(b, loc, lastLanes, shape.width), sums);
}

/// A whole or a partial panel.
void ProductEmitter::panel(OpBuilder &b, const TileShape &shape, Value row) {
  int64_t whole = product.n / panelWidth, left = product.n % panelWidth;
  TileShape partial = shape;
  partial.vectors = llvm::divideCeil(left, shape.width);
  auto emitWhole = [&](OpBuilder &at) { tile(at, shape, 0, row); };
  auto emitPartial = [&](OpBuilder &at) {
    tile(at, partial, left % shape.width, row);
  };
  if (left == 0)
    return emitWhole(b);
  if (whole == 0)
    return emitPartial(b);
  Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                        panelIndex, constant(b, whole));
  emitIf(b, loc, isWhole, emitWhole, emitPartial);
}

/// One tile of rows with the panels [from, to).
void ProductEmitter::panelsOf(OpBuilder &b, const TileShape &shape, Value row,
                              Value from, Value to) {
  if (packed)
    packRows(b, shape, row);
  Value firstSlot = slot;
  loop(b, from, to, /*once=*/false, [&](OpBuilder &nested, Value index) {
    panelIndex = index;
    if (partials)
      slot = mul(nested,
                 add(nested, firstSlot,
                     arith::SubIOp::create(nested, loc, index, from)),
                 plan.shape.rows * panelWidth);
    panel(nested, shape, row);
  });
  slot = firstSlot;
}

/// Items [first, end) of the run at `at` (batch, block of panels, block of
/// tiles).
void ProductEmitter::run(OpBuilder &b, ArrayRef<Value> at, Value first,
                         Value end) {
  batch.assign(at.begin(), at.end() - 2);
  Value firstPanel = mul(b, at[at.size() - 2], blockPanels);
  Value firstTile = mul(b, at.back(), blockTiles);
  Value perTile = constant(b, blockPanels);
  if (blockTiles > 1) {
    Value left = arith::SubIOp::create(
        b, loc, context.expand(b, loc, plan.tiles), firstTile);
    end = arith::MinSIOp::create(b, loc, end, mul(b, left, perTile));
  }
  Value rows = context.expand(b, loc, product.rows);
  Value lastStart =
      arith::SubIOp::create(b, loc, rows, constant(b, plan.shape.rows));
  auto tiles = [&](OpBuilder &nested, Value t) {
    Value done = mul(nested, t, perTile);
    auto clamp = [&](Value item) {
      Value within = arith::SubIOp::create(nested, loc, item, done);
      within = arith::MaxSIOp::create(nested, loc, within, constant(nested, 0));
      within = arith::MinSIOp::create(nested, loc, within, perTile);
      within = add(nested, within, firstPanel);
      return arith::MinSIOp::create(nested, loc, within,
                                    constant(nested, panels))
          .getResult();
    };
    Value from = clamp(first), to = clamp(end);
    slot =
        add(nested, done, arith::SubIOp::create(nested, loc, from, firstPanel));
    tileIndex = add(nested, firstTile, t);
    Value row = mul(nested, tileIndex, plan.shape.rows);
    if (onnx::constantValue(product.rows)) {
      row = arith::MinSIOp::create(nested, loc, row, lastStart);
      return panelsOf(nested, plan.shape, row, from, to);
    }
    // A symbolic number of rows: whole tiles, the last one moved back; fewer
    // rows than a tile go one by one.
    Value enough = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::sge,
                                         lastStart, constant(nested, 0));
    emitIf(
        nested, loc, enough,
        [&](OpBuilder &many) {
          Value start = arith::MinSIOp::create(many, loc, row, lastStart);
          panelsOf(many, plan.shape, start, from, to);
        },
        [&](OpBuilder &few) { fewRows(few, row, rows, from, to); });
  };
  Value zero = constant(b, 0);
  loop(b, zero, constant(b, parts), parts == 1, [&](OpBuilder &at, Value p) {
    part = p;
    if (blockTiles == 1)
      return tiles(at, zero);
    loop(at, arith::DivUIOp::create(at, loc, first, perTile),
         arith::CeilDivSIOp::create(at, loc, end, perTile), /*once=*/false,
         tiles);
  });
}

/// Rows [row, rows) one by one, over all of the depth, once for all parts.
void ProductEmitter::fewRows(OpBuilder &b, Value row, Value rows, Value from,
                             Value to) {
  if (parts > 1) {
    Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          part, constant(b, 0));
    auto branch = scf::IfOp::create(b, loc, isFirst, /*withElse=*/false);
    b = OpBuilder(branch.thenBlock()->getTerminator());
  }
  int64_t savedParts = std::exchange(parts, 1);
  Value savedPacked = std::exchange(packed, Value());
  Value savedPartials = std::exchange(partials, Value());
  auto each = scf::ForOp::create(b, loc, row, rows, constant(b, 1));
  OpBuilder single(each.getBody()->getTerminator());
  TileShape shape = plan.shape;
  shape.rows = 1;
  panelsOf(single, shape, each.getInductionVar(), from, to);
  parts = savedParts;
  packed = savedPacked;
  partials = savedPartials;
}

LogicalResult ProductEmitter::emit(OpBuilder &b, Value lo, Value hi,
                                   AffineExpr &work) {
  if (!product.rows)
    product.rows = product.dims[product.dims.size() - 2];
  chooseTile();
  chooseBlocks(b);
  if (isInteger() && (!staticDepth || !product.panel))
    return emitError(loc, "[IG4002] a product of integers needs a packed "
                          "right factor and a static depth");
  SmallVector<AffineExpr> space;
  if (!product.bBatch.empty())
    space.assign(product.dims.begin(), product.dims.end() - 2);
  space.push_back(
      onnx::constantDim(llvm::divideCeil(panels, blockPanels), b.getContext()));
  space.push_back(plan.tiles.ceilDiv(blockTiles));
  int64_t perRun = blockPanels * blockTiles;
  work = onnx::product(space, b.getContext()) * perRun;

  Value size = constant(b, perRun);
  loop(b, arith::DivUIOp::create(b, loc, lo, size),
       arith::CeilDivUIOp::create(b, loc, hi, size), /*once=*/false,
       [&](OpBuilder &inner, Value index) {
         SmallVector<Value> at = delinearize(inner, loc, context, index, space);
         Value start = mul(inner, index, size);
         Value first = arith::MaxSIOp::create(
             inner, loc, arith::SubIOp::create(inner, loc, lo, start),
             constant(inner, 0));
         Value end = arith::MinSIOp::create(
             inner, loc, arith::SubIOp::create(inner, loc, hi, start), size);
         run(inner, at, first, end);
       });
  return success();
}

LogicalResult ingot::emitProduct(OpBuilder &b, KernelContext &context,
                                 Location loc, MatrixProduct &product,
                                 Epilogue &epilogue, Value lo, Value hi,
                                 AffineExpr &work) {
  return ProductEmitter(context, loc, product, epilogue).emit(b, lo, hi, work);
}
