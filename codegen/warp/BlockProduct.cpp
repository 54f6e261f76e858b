//===- BlockProduct.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/BlockProduct.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/NBitsCopy.h"
#include "codegen/warp/TileCopy.h"
#include "codegen/warp/TileMath.h"
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

bool warp::isBlockProduct(Operation *op) {
  if (auto conv = dyn_cast<heavy::ConvOp>(op))
    return !conv.isDepthwise();
  if (auto matmul = dyn_cast<heavy::MatmulNBitsOp>(op))
    return hasFewRows(matmul) || hasTiles(matmul);
  return isa<heavy::MatmulOp>(op);
}

static int64_t estimate(AffineExpr expr) {
  llvm::SetVector<AffineExpr> symbols;
  collectSymbols(expr, symbols);
  DenseMap<AffineExpr, AffineExpr> sizes;
  for (AffineExpr symbol : symbols)
    sizes[symbol] = getAffineConstantExpr(assumedSize, expr.getContext());
  return onnx::constantValue(expr.replace(sizes)).value_or(assumedSize);
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
class BlockProduct {
public:
  BlockProduct(KernelContext &context, Location loc, StringRef name,
               BlockOperands &operands, Epilogue &epilogue)
      : context(context), loc(loc), name(name), operands(operands),
        product(operands.matrices), epilogue(epilogue), left(context, loc),
        rightMatrix(context, loc), rightCodes(context, loc) {}

  void emit(OpBuilder &b, AffineExpr &work, GridShape &grid);

private:
  void chooseFactors();
  SmallVector<AffineExpr> makeSpace(MLIRContext *ctx);
  void locateBlock(Words &w, ArrayRef<AffineExpr> space);
  void setOperands(Words &w);
  void setRightMatrix(Words &w, bool copies);
  Value batchOffset(Words &w, ArrayRef<AffineExpr> strides);
  Value slot(Words &w, Value number);
  SmallVector<Value> mainLoop(Words &w);
  void finish(Words &w, ArrayRef<Value> sums);
  void storeResults(Words &w, int64_t part, const StagedResults &staged);
  int64_t depthOfTile() const { return shape.depthBytes / factors.leftBytes(); }
  int64_t slotBytes() const { return left.tile.bytes() + right->tile.bytes(); }
  bool isAsync() const { return left.isAsync || right->isAsync; }

  KernelContext &context;
  Location loc;
  StringRef name;
  BlockOperands &operands;
  MatrixProduct &product;
  Epilogue &epilogue;
  BlockShape shape;
  BlockFactors factors;
  LeftCopy left;
  RightCopy rightMatrix;
  NBitsCopy rightCodes;
  /// One of the two.
  TileFill *right = nullptr;
  std::unique_ptr<TileMath> math;
  AffineExpr rows;
  SmallVector<Value> batch;
  Value group, shared, thread, firstRow, firstColumn, rowCount, depth;
  int64_t parts = 1, width = 1, matrices = 1, rowEstimate = 1;
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
  if (isa<IntegerType>(a))
    factors.type = IntegerType::get(ctx, 8);
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
  matrices = estimate(onnx::product(space, ctx));
  shape =
      chooseShape(context.machine, factors, rowEstimate, product.n, matrices);
  AffineExpr down = rows.ceilDiv(shape.rows);
  space.push_back(down);
  space.push_back(
      onnx::constantDim(llvm::divideCeil(product.n, shape.columns), ctx));
  return space;
}

void BlockProduct::locateBlock(Words &w, ArrayRef<AffineExpr> space) {
  SmallVector<Value> at =
      delinearize(w.b, loc, context, blockInGrid(w.b, loc), space);
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

void BlockProduct::setRightMatrix(Words &w, bool copies) {
  SmallVector<AffineExpr> batchStrides(product.bBatch);
  BufferRef b = product.b;
  if (factors.isInteger()) {
    b.elementType = w.b.getI32Type();
    for (AffineExpr &stride : batchStrides)
      stride = stride.floorDiv(factors.group());
  }
  rightMatrix.setMatrix(b, operands.rightWidth);
  rightMatrix.setShape(factors, shape, copies, batchStrides);
  rightMatrix.skipped = batchOffset(w, batchStrides);
  rightMatrix.firstColumn = firstColumn;
  rightMatrix.depth = w.fromIndex(context.expand(w.b, loc, operands.rightRows));
  right = &rightMatrix;
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
  if (operands.weights) {
    rightCodes.setWeights(product.b, operands.weights);
    rightCodes.setShape(factors, shape);
    rightCodes.firstColumn = firstColumn;
    right = &rightCodes;
    return;
  }
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
  rightMatrix.skipped = w.mul(w.wide(group), w.wideNumber(rightSize));
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
    waiting.slot = slot(at, tile);
    waiting.left = left.load(at, at.mul(tile, step), waiting.slot);
    waiting.right = right->load(at, at.mul(tile, step / factors.group()),
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
  Value tiles = w.div(w.add(depth, step - 1), step);
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

/// Threads take neighbouring vectors of the staged rows in turn.
void BlockProduct::storeResults(Words &w, int64_t part,
                                const StagedResults &staged) {
  int64_t perRow = shape.columns / width, total = staged.rows * perRow;
  auto loop = scf::ForOp::create(w.b, loc, thread, w.number(total),
                                 w.number(shape.threads()));
  OpBuilder body(loop.getBody()->getTerminator());
  Words in(body, loc);
  Value row = in.div(loop.getInductionVar(), perRow);
  Value at = in.mul(in.rem(loop.getInductionVar(), perRow), width);
  Value resultRow = in.add(firstRow, math->tileRow(in, part, parts, row));
  Value column = in.add(firstColumn, at);
  Value exists = in.both(in.less(resultRow, rowCount),
                         in.less(column, in.number(product.n)));
  auto branch = scf::IfOp::create(body, loc, exists, false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words live(then, loc);
  Type type = staged.element;
  int64_t bytes = width * type.getIntOrFloatBitWidth() / 8;
  if (width > 1)
    type = VectorType::get({width}, type);
  Value sum;
  for (int64_t s = 0; s < shape.slices; ++s) {
    Value v = LLVM::LoadOp::create(
        then, loc, type, staged.address(live, live.number(s), row, at), bytes);
    if (!sum)
      sum = v;
    else if (factors.isInteger())
      sum = arith::AddIOp::create(then, loc, sum, v);
    else
      sum = arith::AddFOp::create(then, loc, sum, v);
  }
  if (operands.groups > 1)
    column = live.add(column, live.mul(group, product.n));
  storeNeighbours(live, context, product, epilogue, batch, resultRow, column,
                  width, sum);
}

void BlockProduct::finish(Words &w, ArrayRef<Value> sums) {
  StagedResults staged{shared, factors.sumType(), shape.rows / parts,
                       shape.columns};
  // What was asked for beyond the depth must have come too.
  if (isAsync())
    waitForCopies(w, 0);
  for (int64_t part = 0; part < parts; ++part) {
    barrier(w.b, loc);
    math->stage(w, part, parts, sums, staged);
    barrier(w.b, loc);
    storeResults(w, part, staged);
  }
}

void BlockProduct::emit(OpBuilder &b, AffineExpr &work, GridShape &grid) {
  MLIRContext *ctx = b.getContext();
  Words w(b, loc);
  rows = product.rows ? product.rows : product.dims[product.dims.size() - 2];
  chooseFactors();
  rowEstimate = estimate(rows);
  if (!onnx::constantValue(rows)) {
    grid.symbolicRows = rows;
    if (grid.manyRows)
      rowEstimate = std::max(rowEstimate, assumedManyRows);
  }
  SmallVector<AffineExpr> space = makeSpace(ctx);
  if (!operands.weights &&
      emitWarpgroupProduct(b, context, operands, epilogue, rowEstimate,
                           matrices, shape.time, work, grid))
    return;
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
  locateBlock(w, space);
  setOperands(w);
  math = (shape.tensorCores ? matrixMath : scalarMath)(shape, factors,
                                                       left.tile, right->tile);
  width = 16 / (factors.sumType().getIntOrFloatBitWidth() / 8);
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
  finish(w, mainLoop(w));
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
      emitFewRows(b, context, matmul, name, epilogue, work, grid);
      return success();
    }
    operands.weights = matmul;
    operands.matrices = describeNBits(b, context, matmul);
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
  bool isInteger = isa<IntegerType>(product.a.elementType);
  if (isInteger && !product.panel)
    return root->emitError("[IG4002] a product of integers needs a packed "
                           "right factor and a static depth");
  operands.rightRows = product.depth;
  if (isInteger)
    operands.rightRows = product.depth.ceilDiv(context.machine.dotDepth());
  operands.rightWidth = product.panel.value_or(product.n);
  if (hasFewRows(operands)) {
    if (fp32ProductsOf(root) != Fp32Products::Exact &&
        product.a.elementType.isF32())
      grid.remark = "its products of f32 stay exact: with so few rows all time "
                    "is that of reading the right factor";
    emitFewRows(b, context, root->getLoc(), name, operands, epilogue, work,
                grid);
    return success();
  }
  BlockProduct(context, root->getLoc(), name, operands, epilogue)
      .emit(b, work, grid);
  return success();
}
