//===- Conv.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/heavy/Patch.h"
#include "codegen/heavy/TileLines.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

namespace {
/// One convolution: images x groups x outer rows x tiles along the innermost
/// spatial axis x panels of filters. Padding costs nothing but in the tiles at
/// the borders: rows of the kernel that lie outside are left out of the loop,
/// and a pixel outside is read from a row of zeros.
class ConvEmitter {
public:
  ConvEmitter(KernelContext &context, heavy::ConvOp op, Epilogue &epilogue)
      : context(context), op(op), epilogue(epilogue), loc(op.getLoc()),
        rank(op.getSpatialRank()) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  void chooseLines(OpBuilder &b);
  LogicalResult emitAsProduct(OpBuilder &b, Value lo, Value hi,
                              AffineExpr &work);
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value add(OpBuilder &b, Value x, Value y) {
    return arith::AddIOp::create(b, loc, x, y);
  }
  Value mul(OpBuilder &b, Value x, int64_t factor) {
    return arith::MulIOp::create(b, loc, x, constant(b, factor));
  }
  bool isInteger() const { return isa<IntegerType>(input.elementType); }
  /// Multiply-adds for one result, with those of padded depth.
  int64_t panelDepth() {
    ArrayRef<int64_t> kernel = op.getKernel();
    if (op.getMergedTaps())
      kernel = kernel.drop_back();
    int64_t depth = packedChannels;
    for (int64_t k : kernel)
      depth *= k;
    return depth;
  }
  /// True if a tile of so many results lies inside of the input, as far as
  /// the axes go whose borders are not left out of loops; null: always.
  Value isInside(OpBuilder &b, int64_t rows, Value column);
  void prefetchNextPanel(OpBuilder &b, TileOperands &operands, Value weightAt);
  void panels(OpBuilder &b, int64_t rows, Value column);
  void tile(OpBuilder &b, const TileShape &shape, int64_t lastLanes,
            bool border, Value column);
  SmallVector<Value> outerTaps(OpBuilder &b, int64_t axis, Value inputOffset,
                               Value weightOffset, const TileShape &shape,
                               int64_t lastLanes, bool border, Value column,
                               ArrayRef<Value> sums);
  SmallVector<Value> innerTaps(OpBuilder &b, Value inputOffset,
                               Value weightOffset, const TileShape &shape,
                               int64_t lastLanes, bool border, Value column,
                               ArrayRef<Value> sums);
  SmallVector<Value> scatteredDepth(OpBuilder &b, const TileOperands &operands,
                                    const TileShape &shape,
                                    ArrayRef<Value> sums);

  KernelContext &context;
  heavy::ConvOp op;
  Epilogue &epilogue;
  Location loc;
  int64_t rank;
  BufferRef input, weights;
  /// What is multiplied; input and weights may be stored in half precision.
  Type factors;
  onnx::Dims inputDims, resultDims;
  TilePlan plan;
  /// Channels of a group, and how many (or depths of a line, where taps are
  /// merged) the weights hold.
  int64_t channels = 0, packedChannels = 0, filters = 0, panelWidth = 0,
          panelCount = 0;
  int64_t channelAxis = 0, firstSpatial = 0;
  bool flattened = false;
  Value image, group, panel;
  SmallVector<Value> outer; // result indices of all but the innermost axis
  Value zeros;
  Value panelStart;
  /// Tiles that share the prefetch of the next panel, and which one this is;
  /// null if panels are not gone through one by one.
  int64_t shares = 1;
  Value share;
  /// What a tile reads, in the stack; null if it is read where it lies.
  std::unique_ptr<StackLines> lines;
  /// True where the current tap lies outside along an outer axis, or null.
  Value outside;
  Value newTile;
};
} // namespace

/// Channels that lie far apart, some pixels outside: a pointer into zeros
/// cannot be advanced as others are, so each channel has its own choice.
SmallVector<Value> ConvEmitter::scatteredDepth(OpBuilder &b,
                                               const TileOperands &operands,
                                               const TileShape &shape,
                                               ArrayRef<Value> sums) {
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, channels),
                                 constant(b, 1), ValueRange(sums));
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  Value c = loop.getInductionVar();
  TileOperands one = operands;
  for (Value &pointer : one.rowPointers) {
    BufferRef row{pointer, input.elementType, {}};
    Value moved =
        context.address(inner, loc, row, mul(inner, c, operands.depthStride));
    Value outside = LLVM::ICmpOp::create(inner, loc, LLVM::ICmpPredicate::eq,
                                         pointer, zeros);
    pointer = arith::SelectOp::create(inner, loc, outside, zeros, moved);
  }
  BufferRef panelRef{operands.b, weights.elementType, {}};
  one.b = context.address(inner, loc, panelRef, mul(inner, c, panelWidth));
  SmallVector<Value> carried(loop.getRegionIterArgs());
  scf::YieldOp::create(inner, loc,
                       emitTile(inner, loc, context, shape, one,
                                constant(inner, 1), 1, carried));
  return SmallVector<Value>(loop.getResults());
}

/// While tiles use a panel, each asks for its share of the next one, which
/// would otherwise come from memory all at once, with the first tile.
void ConvEmitter::prefetchNextPanel(OpBuilder &b, TileOperands &operands,
                                    Value weightAt) {
  if (!share)
    return;
  int64_t bytes = storageBytes(weights.elementType);
  operands.prefetchBytes = llvm::divideCeil(panelWidth * bytes, shares);
  Value inPanel = arith::SubIOp::create(b, loc, weightAt, panelStart);
  Value depth =
      arith::DivUIOp::create(b, loc, inPanel, constant(b, panelWidth));
  depth = add(b, depth, mul(b, share, panelDepth()));
  BufferRef from{weights.pointer, b.getI8Type(), {}};
  Value next =
      mul(b, add(b, panelStart, constant(b, panelDepth() * panelWidth)), bytes);
  operands.prefetch = context.address(
      b, loc, from, add(b, next, mul(b, depth, operands.prefetchBytes)));
}

/// The innermost kernel axis: one tile step of `channels` depth per tap.
SmallVector<Value> ConvEmitter::innerTaps(OpBuilder &b, Value inputOffset,
                                          Value weightOffset,
                                          const TileShape &shape,
                                          int64_t lastLanes, bool border,
                                          Value column, ArrayRef<Value> sums) {
  int64_t axis = rank - 1;
  int64_t stride = op.getStrides()[axis], dilation = op.getDilations()[axis];
  int64_t kernel = op.getKernel()[axis], pad = op.getPadsBegin()[axis];
  AffineExpr pixelStride = input.strides[firstSpatial + axis];
  // Taps side by side in memory, here and in the weights, are one depth.
  bool isLine = isInteger() && !border && dilation == 1 && op.getGroup() == 1 &&
                packedChannels == channels;
  int64_t depth = isLine ? kernel * channels : channels;
  auto tap = [&](OpBuilder &nested, Value kx, ArrayRef<Value> acc) {
    TileOperands operands;
    operands.elementType = factors;
    operands.aType = input.elementType;
    operands.bType = weights.elementType;
    operands.lastLanes = lastLanes;
    operands.depthStride = *onnx::constantValue(input.strides[channelAxis]);
    Value pixel = context.expand(nested, loc, pixelStride);
    Value width = context.expand(nested, loc, inputDims[firstSpatial + axis]);
    Value x0 = arith::SubIOp::create(
        nested, loc,
        add(nested, mul(nested, column, stride), mul(nested, kx, dilation)),
        constant(nested, pad));
    Value base =
        add(nested, inputOffset, arith::MulIOp::create(nested, loc, x0, pixel));
    for (int64_t r = 0; r < shape.rows; ++r) {
      Value offset = add(nested, base,
                         arith::MulIOp::create(
                             nested, loc, constant(nested, r * stride), pixel));
      Value pointer = context.address(nested, loc, input, offset);
      if (border) {
        Value x = add(nested, x0, constant(nested, r * stride));
        // One unsigned comparison tests both ends.
        Value inside = arith::CmpIOp::create(
            nested, loc, arith::CmpIPredicate::ult, x, width);
        if (outside)
          pointer =
              arith::SelectOp::create(nested, loc, outside, zeros, pointer);
        pointer = arith::SelectOp::create(nested, loc, inside, pointer, zeros);
      }
      operands.rowPointers.push_back(pointer);
    }
    Value at =
        add(nested, weightOffset, mul(nested, kx, packedChannels * panelWidth));
    operands.b = context.address(nested, loc, weights, at);
    operands.bStride = constant(nested, panelWidth);
    prefetchNextPanel(nested, operands, at);
    if (border && operands.depthStride != 1)
      return scatteredDepth(nested, operands, shape, acc);
    return emitTile(nested, loc, context, shape, operands,
                    constant(nested, depth), depth, acc);
  };
  if (kernel == 1 || isLine)
    return tap(b, constant(b, 0), sums);
  auto loop = scf::ForOp::create(b, loc, constant(b, 0), constant(b, kernel),
                                 constant(b, 1), ValueRange(sums));
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  SmallVector<Value> carried(loop.getRegionIterArgs());
  scf::YieldOp::create(inner, loc, tap(inner, loop.getInductionVar(), carried));
  return SmallVector<Value>(loop.getResults());
}

/// Loops over an outer kernel axis, leaving out taps that lie outside.
SmallVector<Value> ConvEmitter::outerTaps(OpBuilder &b, int64_t axis,
                                          Value inputOffset, Value weightOffset,
                                          const TileShape &shape,
                                          int64_t lastLanes, bool border,
                                          Value column, ArrayRef<Value> sums) {
  if (axis == rank - 1)
    return innerTaps(b, inputOffset, weightOffset, shape, lastLanes, border,
                     column, sums);
  int64_t kernel = op.getKernel()[axis], dilation = op.getDilations()[axis];
  Value size = context.expand(b, loc, inputDims[firstSpatial + axis]);
  Value start =
      arith::SubIOp::create(b, loc, mul(b, outer[axis], op.getStrides()[axis]),
                            constant(b, op.getPadsBegin()[axis]));
  Value zero = constant(b, 0);
  // First k with start + k * dilation >= 0, and first beyond the end.
  Value negative = arith::MaxSIOp::create(
      b, loc, arith::SubIOp::create(b, loc, zero, start), zero);
  Value d = constant(b, dilation);
  Value from = arith::DivUIOp::create(
      b, loc, add(b, negative, constant(b, dilation - 1)), d);
  Value room = arith::MaxSIOp::create(
      b, loc, arith::SubIOp::create(b, loc, size, start), zero);
  Value to = arith::DivUIOp::create(b, loc,
                                    add(b, room, constant(b, dilation - 1)), d);
  to = arith::MinSIOp::create(b, loc, to, constant(b, kernel));
  // Outside of an image of integers is their zero point, which counts.
  if (isInteger()) {
    from = zero;
    to = constant(b, kernel);
  }
  int64_t below = packedChannels * panelWidth;
  for (int64_t k = axis + 1; k < rank; ++k)
    below *= op.getKernel()[k];
  auto loop =
      scf::ForOp::create(b, loc, from, to, constant(b, 1), ValueRange(sums));
  OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
  Value k = loop.getInductionVar();
  Value position = add(inner, start, mul(inner, k, dilation));
  Value rowStride =
      context.expand(inner, loc, input.strides[firstSpatial + axis]);
  Value offset = add(inner, inputOffset,
                     arith::MulIOp::create(inner, loc, position, rowStride));
  Value weightAt = add(inner, weightOffset, mul(inner, k, below));
  SmallVector<Value> carried(loop.getRegionIterArgs());
  Value outerOutside = outside;
  if (isInteger() && border) {
    Value here = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::uge,
                                       position, size);
    outside = outside ? arith::OrIOp::create(inner, loc, outside, here) : here;
  }
  scf::YieldOp::create(inner, loc,
                       outerTaps(inner, axis + 1, offset, weightAt, shape,
                                 lastLanes, border, column, carried));
  outside = outerOutside;
  return SmallVector<Value>(loop.getResults());
}

void ConvEmitter::tile(OpBuilder &b, const TileShape &shape, int64_t lastLanes,
                       bool border, Value column) {
  Value imageStride = context.expand(b, loc, input.strides[0]);
  Value inputOffset = arith::MulIOp::create(b, loc, image, imageStride);
  Value channelStride = context.expand(b, loc, input.strides[channelAxis]);
  inputOffset = add(
      b, inputOffset,
      arith::MulIOp::create(b, loc, mul(b, group, channels), channelStride));
  Value panelIndex = add(b, mul(b, group, panelCount), panel);
  panelStart = mul(b, panelIndex, panelDepth() * panelWidth);
  SmallVector<Value> sums = zeroTile(b, loc, context.machine, shape, factors);
  if (lines) {
    // The panels of a tile follow each other and share its lines.
    auto ifNew = scf::IfOp::create(b, loc, newTile, /*withElse=*/false);
    OpBuilder then(ifNew.thenBlock()->getTerminator());
    lines->fill(then, inputOffset, outer, column, shape.rows);
    BufferRef at{
        context.address(b, loc, weights, panelStart), weights.elementType, {}};
    sums = lines->taps(b, shape, at, sums);
  } else {
    sums = outerTaps(b, 0, inputOffset, panelStart, shape, lastLanes, border,
                     column, sums);
  }
  sums = finishTile(b, loc, context.machine, shape, factors, sums);
  Value filter =
      add(b, mul(b, group, filters / op.getGroup()), mul(b, panel, panelWidth));
  SmallVector<Value> leading{image};
  leading.append(outer.begin(), outer.end());
  epilogue.storeTile(b, shape, leading, column, filter,
                     constantMask(b, loc, lastLanes, shape.width), sums);
}

/// Chooses between whole and partial panels, and inside and border tiles.
Value ConvEmitter::isInside(OpBuilder &b, int64_t rows, Value column) {
  if (flattened || lines)
    return {};
  Value all;
  // Floats leave taps outside along outer axes out of their loops.
  for (int64_t axis = isInteger() ? 0 : rank - 1; axis < rank; ++axis) {
    int64_t stride = op.getStrides()[axis], pad = op.getPadsBegin()[axis];
    int64_t span = (op.getKernel()[axis] - 1) * op.getDilations()[axis];
    std::optional<int64_t> size =
        onnx::constantValue(inputDims[firstSpatial + axis]);
    std::optional<int64_t> out = onnx::constantValue(resultDims[1 + axis]);
    if (pad == 0 && size && out && (*out - 1) * stride + span < *size)
      continue;
    bool last = axis == rank - 1;
    Value first = arith::SubIOp::create(
        b, loc, mul(b, last ? column : outer[axis], stride), constant(b, pad));
    Value end =
        add(b, first, constant(b, (last ? rows - 1 : 0) * stride + span));
    Value begins = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                         first, constant(b, 0));
    Value ends = arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::slt, end,
        context.expand(b, loc, inputDims[firstSpatial + axis]));
    Value within = arith::AndIOp::create(b, loc, begins, ends);
    all = all ? arith::AndIOp::create(b, loc, all, within) : within;
  }
  return all;
}

/// A whole or a partial panel, inside of the input or at its border.
void ConvEmitter::panels(OpBuilder &b, int64_t rows, Value column) {
  int64_t perGroup = filters / op.getGroup();
  int64_t whole = perGroup / panelWidth;
  int64_t left = perGroup % panelWidth;
  TileShape shape = plan.shape;
  shape.rows = rows;
  TileShape part = shape;
  part.vectors = llvm::divideCeil(left, shape.width);
  auto withBorder = [&](OpBuilder &nested, const TileShape &s, int64_t lanes) {
    Value inside = isInside(nested, s.rows, column);
    if (!inside)
      return tile(nested, s, lanes, /*border=*/false, column);
    emitIf(
        nested, loc, inside,
        [&](OpBuilder &at) { tile(at, s, lanes, false, column); },
        [&](OpBuilder &at) { tile(at, s, lanes, true, column); });
  };
  if (left == 0)
    return withBorder(b, shape, 0);
  if (whole == 0)
    return withBorder(b, part, left % shape.width);
  Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                        panel, constant(b, whole));
  emitIf(
      b, loc, isWhole, [&](OpBuilder &at) { withBorder(at, shape, 0); },
      [&](OpBuilder &at) { withBorder(at, part, left % shape.width); });
}

LogicalResult ConvEmitter::emitAsProduct(OpBuilder &b, Value lo, Value hi,
                                         AffineExpr &work) {
  MatrixProduct product;
  product.a = input;
  product.b = weights;
  product.dims = resultDims;
  product.depth = onnx::constantDim(channels, b.getContext());
  product.rowStride = product.depth;
  product.n = filters;
  product.panel = panelWidth;
  product.pairs = factors.isBF16();
  product.flatten(b.getContext());
  return emitProduct(b, context, op.getLoc(), product, epilogue, lo, hi, work);
}

void ConvEmitter::chooseLines(OpBuilder &b) {
  if (isInteger() && !op.getMergedTaps())
    return;
  if (!isInteger())
    lines = std::make_unique<Patch>(context, op, input, factors);
  if (lines && lines->allocate(b, plan.shape))
    return;
  lines = std::make_unique<TileLines>(context, op, input, factors);
  if (flattened || !lines->allocate(b, plan.shape))
    lines.reset();
}

LogicalResult ConvEmitter::emit(OpBuilder &b, Value lo, Value hi,
                                AffineExpr &work) {
  input = context.lookup(b, loc, op.getInput());
  weights = context.lookup(b, loc, op.getWeights());
  inputDims = onnx::getDims(op.getInputType());
  resultDims = onnx::getDims(op.getResultType());
  channelAxis = op.getInputChannelsFirst() ? 1 : rank + 1;
  firstSpatial = op.getInputChannelsFirst() ? 2 : 1;
  channels = op.getChannels() / op.getGroup();
  filters = op.getFilters();
  if (!onnx::constantValue(input.strides[channelAxis]) || !op.getPanel())
    return op.emitError("[IG4002] convolution is not in packed form");
  auto packed = cast<RankedTensorType>(op.getWeights().getType());
  factors = factorType(input.elementType, packed.getElementType().isBF16() &&
                                              packed.getRank() == 6);
  TileShape shape = chooseTile(context.machine, factors);
  packedChannels = channels;
  if (op.getMergedTaps())
    packedChannels *= op.getKernel().back();
  packedChannels =
      llvm::alignTo(packedChannels, depthGroup(context.machine, factors));
  shape.vectors = *op.getPanel() / shape.width;
  panelWidth = *op.getPanel();
  panelCount = llvm::divideCeil(filters / op.getGroup(), panelWidth);

  // 1x1 with unit strides and no padding: all pixels are alike.
  flattened = !op.getInputChannelsFirst() && epilogue.canFlatten(rank + 1);
  for (int64_t i = 0; i < rank; ++i)
    flattened &= op.getKernel()[i] == 1 && op.getStrides()[i] == 1 &&
                 op.getPadsBegin()[i] == 0 &&
                 inputDims[firstSpatial + i] == resultDims[1 + i];
  MLIRContext *ctx = b.getContext();
  if (flattened && op.getGroup() == 1)
    return emitAsProduct(b, lo, hi, work);
  AffineExpr rows = resultDims[rank];
  SmallVector<AffineExpr> space;
  if (flattened) {
    rows = onnx::product(ArrayRef(resultDims).drop_back(), ctx);
  } else {
    space.push_back(resultDims[0]);
    for (int64_t i = 0; i + 1 < rank; ++i)
      space.push_back(resultDims[1 + i]);
  }
  plan = planRows(rows, shape);
  chooseLines(b);
  bool panelMajor = panelDepth() * filters * storageBytes(weights.elementType) >
                    context.machine.getL2() / 2;
  AffineExpr groups = onnx::constantDim(op.getGroup(), ctx);
  AffineExpr panelsPerGroup = onnx::constantDim(panelCount, ctx);
  size_t imageAt = 0;
  SmallVector<AffineExpr> full;
  if (panelMajor) {
    full.append({groups, panelsPerGroup});
    full.append(space);
    full.push_back(plan.tiles);
    imageAt = 2;
  } else {
    full.append(space);
    full.push_back(plan.tiles);
    full.append({groups, panelsPerGroup});
  }
  work = onnx::product(full, ctx);
  bool padded = !flattened;
  if (padded)
    zeros = paddingRow(
        b, op, input.elementType,
        input.strides[channelAxis] == onnx::constantDim(1, ctx) ? channels : 1,
        op.getPadValue());

  auto item = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<Value> at =
      delinearize(inner, loc, context, item.getInductionVar(), full);
  group = panelMajor ? at[0] : at[full.size() - 2];
  panel = panelMajor ? at[1] : at[full.size() - 1];
  Value tileIndex = at[imageAt + space.size()];
  if (flattened) {
    image = constant(inner, 0);
    outer.assign(rank - 1, image);
  } else {
    image = at[imageAt];
    outer.assign(at.begin() + imageAt + 1, at.begin() + imageAt + space.size());
  }
  if (panelMajor) {
    AffineExpr tiles = onnx::product(space, ctx) * plan.tiles;
    Value count = context.expand(inner, loc, tiles);
    shares =
        std::clamp<int64_t>(onnx::constantValue(tiles).value_or(64), 1, 64);
    Value number =
        arith::RemUIOp::create(inner, loc, item.getInductionVar(), count);
    share = arith::RemUIOp::create(inner, loc, number, constant(inner, shares));
  }
  if (lines) {
    Value number = item.getInductionVar();
    newTile = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq, panel,
                                    constant(inner, 0));
    // Rows fewer than a tile are copied one by one, each over the one before.
    if (panelMajor || !onnx::constantValue(rows))
      newTile = arith::ConstantOp::create(inner, loc, inner.getBoolAttr(true));
    Value begins =
        arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq, number, lo);
    newTile = arith::OrIOp::create(inner, loc, newTile, begins);
  }
  emitRowTile(inner, loc, context, plan, rows,
              mul(inner, tileIndex, plan.shape.rows),
              [&](OpBuilder &nested, int64_t count, Value column) {
                panels(nested, count, column);
              });
  return success();
}

LogicalResult ingot::emitConv(OpBuilder &b, KernelContext &context,
                              heavy::ConvOp op, Epilogue &epilogue, Value lo,
                              Value hi, AffineExpr &work) {
  if (op.getTiled()) {
    if (!context.machine.hasTiles())
      return op.emitError("[IG4002] this machine has no tile registers");
    emitTiledConv(b, context, op, epilogue, lo, hi, work);
    return success();
  }
  return ConvEmitter(context, op, epilogue).emit(b, lo, hi, work);
}
