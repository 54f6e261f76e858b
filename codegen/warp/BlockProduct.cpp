//===- BlockProduct.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/BlockProduct.h"
#include "codegen/Target.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/NBitsCopy.h"
#include "codegen/warp/TileCopy.h"
#include "codegen/warp/TileResults.h"
#include "codegen/warp/Warp.h"
#include "codegen/warp/wgmma/WarpgroupProduct.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Granules that wait in registers while a tile is multiplied; more are stored
/// as they come.
constexpr size_t mostWaiting = 8;

/// What a symbol counts as where shapes are chosen, and what a symbolic number
/// of rows counts as at least where it is known to be large.
constexpr int64_t assumedSize = 8, assumedManyRows = 2048;

/// Blocks that find out how many of them share a tile let at most so many.
constexpr int64_t mostSharing = 32;

/// The same where many are all but those that registers hold.
constexpr int64_t assumedSomeRows = 256;

bool warp::isBlockProduct(Operation *op) {
  if (auto conv = dyn_cast<heavy::ConvOp>(op))
    return !conv.isDepthwise();
  if (auto matmul = dyn_cast<heavy::MatmulNBitsOp>(op))
    return hasFewRows(matmul) || hasTiles(matmul);
  return isa<heavy::MatmulOp>(op);
}

void warp::storeNeighbours(Words &w, KernelContext &context,
                           MatrixProduct &product, Epilogue &epilogue,
                           ArrayRef<Value> batch, Value row, Value column,
                           int64_t width, Value vector) {
  int64_t rank = product.dims.size();
  SmallVector<Value> leading;
  Value last = w.index(row);
  if (product.bBatch.empty() && !epilogue.canFlatten(rank - 1)) {
    leading = delinearize(w.b, w.loc, context, last,
                          ArrayRef(product.dims).drop_back());
    last = leading.pop_back_val();
  } else {
    leading.assign(batch.begin(), batch.end());
    leading.resize(rank - 2, w.index(w.number(0)));
  }
  epilogue.storeRow(w.b, width, leading, last, w.index(column), {}, vector);
}

namespace {
/// A tile of the result for each block. While its threads multiply one tile of
/// each operand, the next ones are on their way into a ring in shared memory;
/// there also the results pass from the threads that summed them to those that
/// finish and store them, neighbours by neighbours.
class BlockProduct : TileResults {
public:
  BlockProduct(KernelContext &context, Location loc, StringRef name,
               BlockOperands &operands, Epilogue &epilogue)
      : TileResults(context, loc, operands.matrices, epilogue), name(name),
        operands(operands), left(context, loc), rightMatrix(context, loc),
        rightColumns(context, loc), rightCodes(context, loc) {
    groups = operands.groups;
  }

  void emit(OpBuilder &b, AffineExpr &work, GridShape &grid);

private:
  void chooseFactors();
  SmallVector<AffineExpr> makeSpace(MLIRContext *ctx);
  void chooseSharing(ArrayRef<AffineExpr> space);
  void emitBlock(OpBuilder &b, ArrayRef<AffineExpr> space);
  Value divideBlocks(Words &w, ArrayRef<AffineExpr> space);
  void describeSharing(GridShape &grid, StringRef blocks);
  void locateBlock(Words &w, ArrayRef<AffineExpr> space);
  void setOperands(Words &w);
  void setRightMatrix(Words &w, bool copies);
  void setRightColumns(Words &w, bool copies);
  Value batchOffset(Words &w, ArrayRef<AffineExpr> strides);
  Value slot(Words &w, Value number);
  SmallVector<Value> mainLoop(Words &w);
  bool isShared() const { return shape.shares != 1; }
  int64_t depthOfTile() const { return shape.depthBytes / factors.leftBytes(); }
  int64_t slotBytes() const { return left.tile.bytes() + right->tile.bytes(); }
  bool isAsync() const { return left.isAsync || right->isAsync; }

  StringRef name;
  BlockOperands &operands;
  LeftCopy left;
  RightCopy rightMatrix;
  /// The right factor where it lies as a left one would, a column in a row.
  LeftCopy rightColumns;
  NBitsCopy rightCodes;
  /// One of the three.
  TileFill *right = nullptr;
  AffineExpr rows;
  int64_t matrices = 1, rowEstimate = 1;
  /// The steps of the depth that the block takes.
  Value depth, firstStep, endStep;
};
} // namespace

/// Floats of the same half precision are multiplied as they are by tensor
/// cores, others as f32. Codes become floats of the left factor's type.
void BlockProduct::chooseFactors() {
  Type a = product.a.elementType, b = product.b.elementType;
  if (operands.weights)
    b = a;
  MLIRContext *ctx = a.getContext();
  factors.isUnsigned = operands.isUnsigned;
  factors.byColumns = operands.byColumns;
  factors.rightType = b;
  if (isa<IntegerType>(a))
    factors.type = IntegerType::get(ctx, 8);
  else if (storageBytes(a) == 1)
    factors.type = a;
  else if (a == b && (a.isF64() || context.machine.getTensorCores()))
    factors.type = a;
  else
    factors.type = Float32Type::get(ctx);
  if (factors.type.isF32())
    factors.fp32 = fp32ProductsOf(operands.root);
}

/// Matrices, groups, and tiles of one: the shorter side is gone through first,
/// so that blocks at work together share the most.
SmallVector<AffineExpr> BlockProduct::makeSpace(MLIRContext *ctx) {
  SmallVector<AffineExpr> space;
  if (!product.bBatch.empty())
    space.assign(product.dims.begin(), product.dims.end() - 2);
  space.push_back(onnx::constantDim(operands.groups, ctx));
  AffineExpr all = onnx::product(space, ctx);
  matrices = estimate(all, assumedSize);
  ProductSize size{rowEstimate, product.n, matrices,
                   estimate(product.depth, assumedSize),
                   onnx::constantValue(rows) && onnx::constantValue(all) &&
                       onnx::constantValue(product.depth)};
  shape = chooseShape(context.machine, factors, size);
  AffineExpr down = rows.ceilDiv(shape.rows);
  space.push_back(down);
  space.push_back(
      onnx::constantDim(llvm::divideCeil(product.n, shape.columns), ctx));
  if (shape.shares == 0)
    chooseSharing(space);
  return space;
}

/// Leaves it to the kernel how many blocks share a tile only where there can be
/// few tiles of a great depth.
void BlockProduct::chooseSharing(ArrayRef<AffineExpr> space) {
  int64_t fewest =
      estimate(onnx::product(space, rows.getContext()), /*assumed=*/1);
  std::optional<int64_t> deep = onnx::constantValue(product.depth);
  bool isDeep = !deep || *deep >= 2 * shape.leastSteps * depthOfTile();
  if (!isDeep || 2 * fewest > shape.sharing)
    shape.shares = 1;
}

void BlockProduct::locateBlock(Words &w, ArrayRef<AffineExpr> space) {
  SmallVector<Value> at = delinearize(w.b, loc, context, w.index(tile), space);
  batch.assign(at.begin(), at.end() - 3);
  group = w.fromIndex(at[at.size() - 3]);
  firstRow = w.mul(w.fromIndex(at[at.size() - 2]), shape.rows);
  firstColumn = w.mul(w.fromIndex(at.back()), shape.columns);
}

/// Elements to the matrix of the current batch; null: none.
Value BlockProduct::batchOffset(Words &w, ArrayRef<AffineExpr> strides) {
  Value offset;
  for (auto [index, stride] : llvm::zip(batch, strides)) {
    if (onnx::constantValue(stride) == 0)
      continue;
    Value part = w.mul(w.wideFromIndex(index),
                       w.wideFromIndex(context.expand(w.b, loc, stride)));
    offset = offset ? w.add(offset, part) : part;
  }
  return offset;
}

static Value least(Words &w, Value x, Value y) {
  return w.b.createOrFold<arith::MinUIOp>(w.loc, x, y);
}

void BlockProduct::setRightMatrix(Words &w, bool copies) {
  SmallVector<AffineExpr> batchStrides(product.bBatch);
  BufferRef b = product.b;
  if (factors.group() > 1) {
    b.elementType = w.b.getI32Type();
    for (AffineExpr &stride : batchStrides)
      stride = stride.floorDiv(factors.group());
  }
  rightMatrix.setMatrix(b, operands.rightWidth);
  rightMatrix.setShape(factors, shape, copies, batchStrides);
  rightMatrix.skipped = batchOffset(w, batchStrides);
  rightMatrix.firstColumn = firstColumn;
  rightMatrix.depth = w.fromIndex(context.expand(w.b, loc, operands.rightRows));
  if (isShared())
    rightMatrix.depth = least(w, rightMatrix.depth,
                              w.mul(endStep, depthOfTile() / factors.group()));
  right = &rightMatrix;
}

/// A left factor of as many rows as there are columns.
void BlockProduct::setRightColumns(Words &w, bool copies) {
  BlockShape turned = shape;
  std::swap(turned.rows, turned.columns);
  std::swap(turned.unitRows, turned.unitColumns);
  AffineExpr stride = onnx::constantDim(operands.rightWidth, w.b.getContext());
  rightColumns.setMatrix(product.b, stride, /*depthStride=*/1);
  rightColumns.setShape(factors, turned, copies, {});
  rightColumns.firstRow = firstColumn;
  rightColumns.rows = w.number(product.n);
  rightColumns.depth = w.number(operands.rightWidth);
  if (isShared())
    rightColumns.depth =
        least(w, rightColumns.depth, w.mul(endStep, depthOfTile()));
  right = &rightColumns;
}

void BlockProduct::setOperands(Words &w) {
  bool copies = context.machine.getAsyncCopies();
  if (operands.conv)
    left.setPixels(product.a, operands.conv);
  else
    left.setMatrix(product.a, product.rowStride, product.depthStride);
  left.setShape(factors, shape, copies, product.aBatch);
  left.skipped = batchOffset(w, product.aBatch);
  rowCount = w.fromIndex(context.expand(w.b, loc, rows));
  depth = w.fromIndex(context.expand(w.b, loc, product.depth));
  left.firstRow = firstRow;
  left.rows = rowCount;
  left.depth = depth;
  int64_t step = depthOfTile();
  firstStep = w.number(0);
  endStep = w.div(w.add(depth, step - 1), step);
  if (isShared()) {
    // The steps of a share; the last may have less or none.
    Value each = w.div(w.add(endStep, w.add(shares, -1)), shares);
    firstStep = least(w, w.mul(w.rem(block, shares), each), endStep);
    endStep = least(w, w.add(firstStep, each), endStep);
    left.depth = least(w, depth, w.mul(endStep, step));
  }
  if (operands.weights) {
    rightCodes.setWeights(product.b, operands.weights);
    rightCodes.setShape(factors, shape);
    rightCodes.firstColumn = firstColumn;
    right = &rightCodes;
    return;
  }
  if (operands.byColumns)
    setRightColumns(w, copies);
  else
    setRightMatrix(w, copies);
  if (operands.groups == 1)
    return;
  heavy::ConvOp conv = operands.conv;
  int64_t channels = conv.getChannels() / operands.groups;
  int64_t rightSize =
      *onnx::constantValue(operands.rightRows) * operands.rightWidth;
  left.skipped = w.mul(
      w.wide(group),
      w.wideNumber(channels *
                   (conv.getInputChannelsFirst()
                        ? onnx::constantValue(product.a.strides[1]).value_or(0)
                        : 1)));
  Value &skipped =
      operands.byColumns ? rightColumns.skipped : rightMatrix.skipped;
  skipped = w.mul(w.wide(group), w.wideNumber(rightSize));
}

Value BlockProduct::slot(Words &w, Value number) {
  return bytesAfter(w, shared, w.mul(w.rem(number, shape.stages), slotBytes()));
}

SmallVector<Value> BlockProduct::mainLoop(Words &w) {
  int64_t step = depthOfTile(), ahead = shape.stages - 1;
  auto rightTile = [&](Words &at, Value slotAt) {
    return bytesAfter(at, slotAt, at.number(left.tile.bytes()));
  };
  struct Waiting {
    SmallVector<Value> left, right;
    Value slot;
  };
  auto fetch = [&](Words &at, Value tile) {
    Waiting waiting;
    Value k = at.add(tile, firstStep);
    waiting.slot = slot(at, tile);
    waiting.left = left.load(at, at.mul(k, step), waiting.slot);
    waiting.right = right->load(at, at.mul(k, step / factors.group()),
                                rightTile(at, waiting.slot));
    if (isAsync())
      commitCopies(at);
    return waiting;
  };
  auto put = [&](Words &at, const Waiting &waiting) {
    left.store(at, waiting.left, waiting.slot);
    right->store(at, waiting.right, rightTile(at, waiting.slot));
  };
  for (int64_t s = 0; s < ahead; ++s)
    put(w, fetch(w, w.number(s)));
  Value tiles = w.sub(endStep, firstStep);
  auto loop = scf::ForOp::create(w.b, loc, w.number(0), tiles, w.number(1),
                                 math->zeros(w));
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  Value tile = loop.getInductionVar();
  // The oldest tile has come, to all threads, and all are done with the one
  // before, whose place the next one takes.
  if (isAsync())
    waitForCopies(in, ahead - 1);
  barrier(body, loc);
  Waiting next = fetch(in, in.add(tile, ahead));
  bool waits = next.left.size() + next.right.size() <= mostWaiting;
  if (!waits)
    put(in, next);
  Value current = slot(in, tile);
  SmallVector<Value> sums(loop.getRegionIterArgs());
  sums = math->multiply(in, current, rightTile(in, current), sums);
  if (waits)
    put(in, next);
  scf::YieldOp::create(body, loc, sums);
  return SmallVector<Value>(loop.getResults());
}

/// What a block does, if there is work for it.
void BlockProduct::emitBlock(OpBuilder &b, ArrayRef<AffineExpr> space) {
  Words w(b, loc);
  locateBlock(w, space);
  setOperands(w);
  math = (shape.tensorCores ? matrixMath : scalarMath)(shape, factors,
                                                       left.tile, right->tile);
  width = 16 / factors.sumBytes();
  if (product.n % width)
    width = 1;
  StagedResults whole{Value(), factors.sumType(), shape.rows, shape.columns};
  int64_t most = context.machine.getSharedBytes();
  while (whole.bytes(shape.slices) / parts > most)
    parts *= 2;
  int64_t bytes =
      std::max(shape.stages * slotBytes(), whole.bytes(shape.slices) / parts);
  thread = w.fromIndex(threadInBlock(b, loc));
  shared = sharedMemory(w, (name + "_shared").str(), bytes);
  left.begin(w, thread);
  right->begin(w, thread);
  math->begin(w, thread);
  SmallVector<Value> sums = mainLoop(w);
  // What was asked for beyond the depth must have come too.
  if (isAsync())
    waitForCopies(w, 0);
  finish(w, sums);
}

void BlockProduct::describeSharing(GridShape &grid, StringRef blocks) {
  grid.remark += (grid.remark.empty() ? "" : "; ");
  grid.remark += (blocks + " blocks share a tile of " + Twine(shape.rows) +
                  " x " + Twine(shape.columns))
                     .str();
}

/// How many blocks share each tile, and which the block has; true if it has
/// one.
Value BlockProduct::divideBlocks(Words &w, ArrayRef<AffineExpr> space) {
  AffineExpr all = onnx::product(space, w.b.getContext());
  block = w.fromIndex(blockInGrid(w.b, loc));
  Value tiles = w.fromIndex(context.expand(w.b, loc, all));
  shares = w.number(shape.shares);
  if (shape.shares == 0) {
    auto most = [&](Value x, Value y) {
      return w.b.createOrFold<arith::MaxUIOp>(loc, x, y);
    };
    Value one = w.number(1);
    Value steps = w.div(w.fromIndex(context.expand(w.b, loc, product.depth)),
                        shape.leastSteps * depthOfTile());
    shares = w.div(w.number(shape.sharing), most(tiles, one));
    shares = least(w, shares, w.number(mostSharing));
    shares = most(least(w, shares, steps), one);
  }
  tile = w.div(block, shares);
  return w.less(block, w.mul(tiles, shares));
}

void BlockProduct::emit(OpBuilder &b, AffineExpr &work, GridShape &grid) {
  MLIRContext *ctx = b.getContext();
  Words w(b, loc);
  rows = product.rows ? product.rows : product.dims[product.dims.size() - 2];
  chooseFactors();
  rowEstimate = estimate(rows, assumedSize);
  if (!onnx::constantValue(rows)) {
    grid.symbolicRows = rows;
    if (grid.manyRows)
      rowEstimate = std::max(rowEstimate, operands.weights ? assumedSomeRows
                                                           : assumedManyRows);
  }
  SmallVector<AffineExpr> space = makeSpace(ctx);
  if (!operands.weights &&
      emitWarpgroupProduct(b, context, operands, epilogue, rowEstimate,
                           matrices, shape.time, work, grid)) {
    if (factors.fp32 != Fp32Products::Exact)
      grid.remark += "; f32 factors are taken as tf32: constants are rounded, "
                     "others cut";
    return;
  }
  if (operands.weights)
    grid.remark =
        ("product with weights of " + Twine(operands.weights.getBits()) +
         " bits in tiles of " + Twine(shape.rows) + " x " +
         Twine(shape.columns) + " results by " +
         (shape.tensorCores ? "tensor cores" : "multiply-adds"))
            .str();
  if (factors.fp32 != Fp32Products::Exact)
    grid.remark += llvm::formatv("{0}{1}, tiles of {2} x {3}",
                                 grid.remark.empty() ? "" : "; ",
                                 explainFp32Products(factors.fp32), shape.rows,
                                 shape.columns)
                       .str();
  work = onnx::product(space, ctx);
  grid.block = shape.threads();
  grid.blockItems = 1;
  // The largest scalar tiles need more registers than two blocks leave.
  if (!shape.tensorCores && shape.threads() >= 256 && shape.slices == 1)
    grid.resident = 1;
  if (factors.isFloat8())
    b.getInsertionBlock()->getParentOp()->setAttr(
        ptxAttrName, b.getI32IntegerAttr(ptxOfBytes));
  if (!isShared()) {
    tile = w.fromIndex(blockInGrid(b, loc));
    return emitBlock(b, space);
  }
  meeting.addParameters(b, loc);
  int64_t tileBytes = shape.rows * shape.columns * factors.sumBytes();
  Value exists = divideBlocks(w, space);
  if (shape.shares > 1) {
    grid.counters = *onnx::constantValue(work);
    work = work * shape.shares;
    grid.sums = *onnx::constantValue(work) * tileBytes;
    describeSharing(grid, std::to_string(shape.shares));
    return emitBlock(b, space);
  }
  // Those that share tiles are no more than `sharing`.
  work = work + shape.sharing;
  grid.counters = shape.sharing;
  grid.sums = shape.sharing * tileBytes;
  describeSharing(grid, "where tiles are few, several");
  auto branch = scf::IfOp::create(b, loc, exists, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  emitBlock(then, space);
}

/// A convolution as a product: of matrices, where its taps are the pixels
/// themselves.
static LogicalResult describeConv(OpBuilder &b, KernelContext &context,
                                  heavy::ConvOp op, Epilogue &epilogue,
                                  BlockOperands &operands) {
  MLIRContext *ctx = b.getContext();
  if (!op.getPanel())
    return op.emitError("[IG4002] convolution is not in packed form");
  MatrixProduct &product = operands.matrices;
  product.a = context.lookup(b, op.getLoc(), op.getInput());
  product.b = context.lookup(b, op.getLoc(), op.getWeights());
  product.dims = onnx::getDims(op.getResultType());
  product.rows = onnx::product(ArrayRef(product.dims).drop_back(), ctx);
  int64_t rank = op.getSpatialRank(), points = 1;
  onnx::Dims in = onnx::getDims(op.getInputType());
  bool pointwise = !op.getInputChannelsFirst() && op.getGroup() == 1;
  for (int64_t i = 0; i < rank; ++i) {
    points *= op.getKernel()[i];
    pointwise &= op.getKernel()[i] == 1 && op.getStrides()[i] == 1 &&
                 op.getPadsBegin()[i] == 0 && in[1 + i] == product.dims[1 + i];
  }
  int64_t channelAxis = op.getInputChannelsFirst() ? 1 : rank + 1;
  if (!onnx::constantValue(product.a.strides[channelAxis]))
    return op.emitError("[IG4002] a convolution of channels first needs images "
                        "of a static size");
  operands.groups = op.getGroup();
  int64_t channels = op.getChannels() / operands.groups;
  product.depth = onnx::constantDim(points * channels, ctx);
  product.rowStride = product.depth;
  product.n = op.getFilters() / operands.groups;
  product.panel = op.getPanel();
  if (!pointwise)
    operands.conv = op;
  operands.isUnsigned = op.getInputType().getElementType().isUnsignedInteger();
  return success();
}

/// How a packed right factor of bytes lies: in words of some depths, or in rows
/// of a column's depths.
static void describeBytes(KernelContext &context, BlockOperands &operands) {
  auto packed = cast<RankedTensorType>(operands.root->getOperand(1).getType());
  int64_t together = packed.getShape().back(),
          word = context.machine.dotDepth();
  operands.byColumns = together != word;
  if (!operands.byColumns) {
    operands.rightRows = operands.matrices.depth.ceilDiv(word);
    return;
  }
  operands.rightRows =
      onnx::constantDim(operands.rightWidth, context.machine.getContext());
  operands.rightWidth = together;
}

LogicalResult warp::emitBlockProduct(OpBuilder &b, KernelContext &context,
                                     StringRef name, ArrayRef<Operation *> ops,
                                     AffineExpr &work, GridShape &grid) {
  Operation *root = ops.front();
  linalg::GenericOp tail;
  if (ops.size() == 2)
    tail = dyn_cast<linalg::GenericOp>(ops[1]);
  if (ops.size() > 2 || (ops.size() == 2 && !tail))
    return root->emitError("[IG4002] no emitter for this kernel");
  Epilogue epilogue(context, root->getResult(0), tail);
  BlockOperands operands;
  operands.root = root;
  if (auto matmul = dyn_cast<heavy::MatmulNBitsOp>(root)) {
    if (hasFewRows(matmul)) {
      grid.remark = explainFewRows(matmul);
      emitFewRows(b, context, matmul, name, epilogue, work, grid);
      return success();
    }
    operands.weights = matmul;
    operands.matrices = describeNBits(b, context, matmul);
    if (!onnx::constantValue(operands.matrices.rows) && !grid.manyRows) {
      grid.symbolicRows = operands.matrices.rows;
      grid.leastMany = mostNBitsRows() + 1;
      grid.remark = "product with weights of " +
                    std::to_string(int64_t(matmul.getBits())) +
                    " bits for up to " + std::to_string(mostNBitsRows()) +
                    " rows";
      emitFewRows(b, context, matmul, name, epilogue, work, grid);
      return success();
    }
    BlockProduct(context, root->getLoc(), name, operands, epilogue)
        .emit(b, work, grid);
    return success();
  }
  if (auto matmul = dyn_cast<heavy::MatmulOp>(root)) {
    FailureOr<MatrixProduct> product =
        describeMatmul(b, context, matmul, epilogue);
    if (failed(product))
      return failure();
    operands.matrices = *product;
    auto a = cast<RankedTensorType>(matmul.getA().getType());
    operands.isUnsigned = a.getElementType().isUnsignedInteger();
  } else if (failed(describeConv(b, context, cast<heavy::ConvOp>(root),
                                 epilogue, operands))) {
    return failure();
  }
  MatrixProduct &product = operands.matrices;
  bool isBytes = storageBytes(product.a.elementType) == 1;
  if (isBytes && !product.panel)
    return root->emitError("[IG4002] a product of bytes needs a packed right "
                           "factor and a static depth");
  operands.rightRows = product.depth;
  operands.rightWidth = product.panel.value_or(product.n);
  if (isBytes)
    describeBytes(context, operands);
  auto right = cast<RankedTensorType>(root->getOperand(1).getType());
  if (product.panel && right.getElementType().isF32() &&
      right.getRank() == (isa<heavy::ConvOp>(root) ? 6 : 4)) {
    operands.byColumns = true;
    operands.rightRows = onnx::constantDim(operands.rightWidth, b.getContext());
    operands.rightWidth = right.getShape().back();
  }
  if (hasFewRows(operands)) {
    grid.remark = explainFewRows(root);
    emitFewRows(b, context, root->getLoc(), name, operands, epilogue, work,
                grid);
    return success();
  }
  BlockProduct(context, root->getLoc(), name, operands, epilogue)
      .emit(b, work, grid);
  return success();
}
