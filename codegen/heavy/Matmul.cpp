//===- Matmul.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

namespace {
/// One matrix product: batch x row tiles x column panels.
class MatmulEmitter {
public:
  MatmulEmitter(KernelContext &context, heavy::MatmulOp op, Epilogue &epilogue)
      : context(context), op(op), epilogue(epilogue), loc(op.getLoc()),
        result(cast<RankedTensorType>(op.getResult().getType())) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  void tile(OpBuilder &b, TileShape shape, int64_t lastLanes, Value row,
            Value column, Value panel);
  Value batchOffset(OpBuilder &b, Value tensor, ArrayRef<AffineExpr> strides,
                    int64_t batchRank);

  KernelContext &context;
  heavy::MatmulOp op;
  Epilogue &epilogue;
  Location loc;
  RankedTensorType result;
  onnx::Dims dims;
  AffineExpr depth;
  BufferRef a, bRef;
  SmallVector<Value> batch;
  int64_t panelWidth = 0;
  bool flattened = false;
};
} // namespace

/// Offset of the current batch in an operand whose leading dims broadcast.
Value MatmulEmitter::batchOffset(OpBuilder &b, Value tensor,
                                 ArrayRef<AffineExpr> strides,
                                 int64_t batchRank) {
  auto type = cast<RankedTensorType>(tensor.getType());
  onnx::Dims own = onnx::getDims(type);
  Value offset = constant(b, 0);
  int64_t shift = int64_t(batch.size()) - batchRank;
  for (int64_t i = 0; i < batchRank; ++i) {
    if (onnx::constantValue(own[i]) == 1)
      continue;
    Value stride = context.expand(b, loc, strides[i]);
    offset = arith::AddIOp::create(
        b, loc, offset,
        arith::MulIOp::create(b, loc, batch[shift + i], stride));
  }
  return offset;
}

void MatmulEmitter::tile(OpBuilder &b, TileShape shape, int64_t lastLanes,
                         Value row, Value column, Value panel) {
  auto aType = cast<RankedTensorType>(op.getA().getType());
  auto bType = cast<RankedTensorType>(op.getB().getType());
  int64_t aRank = aType.getRank();
  bool transposed = op.getTransposeA();
  TileOperands operands;
  operands.elementType = a.elementType;
  operands.lastLanes = lastLanes;
  operands.paddedB = op.getPanel().has_value();
  AffineExpr rowStride = a.strides[transposed ? aRank - 1 : aRank - 2];
  AffineExpr depthStride = a.strides[transposed ? aRank - 2 : aRank - 1];
  operands.depthStride = *onnx::constantValue(depthStride);
  Value base = flattened ? constant(b, 0)
                         : batchOffset(b, op.getA(), a.strides, aRank - 2);
  Value stride = context.expand(b, loc, rowStride);
  Value first = arith::AddIOp::create(
      b, loc, base, arith::MulIOp::create(b, loc, row, stride));
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value at = arith::AddIOp::create(
        b, loc, first, arith::MulIOp::create(b, loc, constant(b, r), stride));
    operands.rowPointers.push_back(context.address(b, loc, a, at));
  }
  Value depthValue = context.expand(b, loc, depth);
  if (op.getPanel()) {
    Value panelSize =
        arith::MulIOp::create(b, loc, depthValue, constant(b, panelWidth));
    operands.b = context.address(
        b, loc, bRef, arith::MulIOp::create(b, loc, panel, panelSize));
    operands.bStride = constant(b, panelWidth);
  } else {
    Value offset = batchOffset(b, op.getB(), bRef.strides, bType.getRank() - 2);
    offset = arith::AddIOp::create(b, loc, offset, column);
    operands.b = context.address(b, loc, bRef, offset);
    operands.bStride = constant(b, op.getN());
  }
  SmallVector<Value> sums = emitTile(b, loc, context, shape, operands,
                                     depthValue, onnx::constantValue(depth),
                                     zeroTile(b, loc, shape, a.elementType));
  SmallVector<Value> leading(batch);
  if (flattened)
    leading.assign(result.getRank() - 2, constant(b, 0));
  epilogue.storeTile(b, shape, leading, row, column,
                     constantMask(b, loc, lastLanes, shape.width), sums);
}

LogicalResult MatmulEmitter::emit(OpBuilder &b, Value lo, Value hi,
                                  AffineExpr &work) {
  dims = onnx::getDims(result);
  int64_t rank = result.getRank();
  a = context.lookup(b, loc, op.getA());
  bRef = context.lookup(b, loc, op.getB());
  auto aType = cast<RankedTensorType>(op.getA().getType());
  depth = onnx::getDims(aType)[aType.getRank() - (op.getTransposeA() ? 2 : 1)];
  if (!onnx::constantValue(
          a.strides[aType.getRank() - (op.getTransposeA() ? 2 : 1)]))
    return op.emitError("[IG4002] a transposed product needs a static width");
  // One constant matrix for all batches: all rows are alike.
  flattened = op.getPanel() && !op.getTransposeA() && rank > 2 &&
              epilogue.canFlatten(rank - 1);
  AffineExpr rows = dims[rank - 2];
  SmallVector<AffineExpr> batchDims(dims.begin(), dims.end() - 2);
  if (flattened) {
    rows = onnx::product(ArrayRef(dims).drop_back(), b.getContext());
    batchDims.clear();
  }
  int64_t bits = a.elementType.getIntOrFloatBitWidth();
  TileShape shape = chooseTile(context.machine, bits);
  std::optional<int64_t> rowCount = onnx::constantValue(rows);
  if (op.getPanel()) {
    shape.vectors = *op.getPanel() / shape.width;
    // A single row is bound by loads: wide panels keep them in flight.
    shape.rows = std::max<int64_t>(
        1, std::min<int64_t>(shape.rows,
                             (context.machine.getVectorRegisters() -
                              (context.machine.getLaneBroadcast() ? 6 : 3)) /
                                 shape.vectors));
  }
  panelWidth = shape.vectors * shape.width;
  TilePlan plan = planRows(rows, shape);
  int64_t n = op.getN();
  int64_t panels = llvm::divideCeil(n, panelWidth);
  int64_t wholePanels = n / panelWidth;

  // Which order keeps the larger operand in the cache.
  int64_t bBytes = onnx::constantValue(depth).value_or(1024) * n * bits / 8;
  bool panelMajor = bBytes > context.machine.getL2() / 2;
  AffineExpr panelCount = onnx::constantDim(panels, b.getContext());
  SmallVector<AffineExpr> space(batchDims);
  if (panelMajor)
    space.append({panelCount, plan.tiles});
  else
    space.append({plan.tiles, panelCount});
  work = onnx::product(space, b.getContext());

  auto item = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<Value> at =
      delinearize(inner, loc, context, item.getInductionVar(), space);
  Value rowTile = at[at.size() - (panelMajor ? 1 : 2)];
  Value panel = at[at.size() - (panelMajor ? 2 : 1)];
  batch.assign(at.begin(), at.end() - 2);
  Value column =
      arith::MulIOp::create(inner, loc, panel, constant(inner, panelWidth));
  Value row = arith::MulIOp::create(inner, loc, rowTile,
                                    constant(inner, plan.shape.rows));
  Value rowsValue = context.expand(inner, loc, rows);
  Value lastStart = arith::SubIOp::create(inner, loc, rowsValue,
                                          constant(inner, plan.shape.rows));

  auto columns = [&](OpBuilder &nested, TileShape whole, Value start) {
    int64_t left = n - wholePanels * panelWidth;
    TileShape part = whole;
    part.vectors = llvm::divideCeil(left, whole.width);
    int64_t lanes = left % whole.width;
    auto emitWhole = [&](OpBuilder &at) {
      tile(at, whole, 0, start, column, panel);
    };
    auto emitPart = [&](OpBuilder &at) {
      tile(at, part, lanes, start, column, panel);
    };
    if (left == 0)
      return emitWhole(nested);
    if (wholePanels == 0)
      return emitPart(nested);
    Value isWhole =
        arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ult, panel,
                              constant(nested, wholePanels));
    emitIf(nested, loc, isWhole, emitWhole, emitPart);
  };
  if (rowCount) {
    Value start = arith::MinUIOp::create(inner, loc, row, lastStart);
    columns(inner, plan.shape, start);
    return success();
  }
  // A symbolic number of rows: whole tiles, the last one moved back; fewer
  // rows than a tile go one by one.
  Value enough = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::sge,
                                       lastStart, constant(inner, 0));
  emitIf(
      inner, loc, enough,
      [&](OpBuilder &nested) {
        Value start = arith::MinSIOp::create(nested, loc, row, lastStart);
        columns(nested, plan.shape, start);
      },
      [&](OpBuilder &nested) {
        auto each = scf::ForOp::create(nested, loc, row, rowsValue,
                                       constant(nested, 1));
        OpBuilder single(each.getBody()->getTerminator());
        TileShape one = plan.shape;
        one.rows = 1;
        columns(single, one, each.getInductionVar());
      });
  return success();
}

LogicalResult ingot::emitMatmul(OpBuilder &b, KernelContext &context,
                                heavy::MatmulOp op, Epilogue &epilogue,
                                Value lo, Value hi, AffineExpr &work) {
  return MatmulEmitter(context, op, epilogue).emit(b, lo, hi, work);
}
