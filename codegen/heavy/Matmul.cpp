//===- Matmul.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/heavy/TiledProduct.h"

using namespace mlir;
using namespace ingot;

/// Strides of an operand for each leading dimension of the result, 0 where it
/// is broadcast; the last `matrixRank` dimensions hold a matrix.
static SmallVector<AffineExpr> batchStrides(Value tensor,
                                            ArrayRef<AffineExpr> strides,
                                            int64_t resultRank,
                                            int64_t matrixRank = 2) {
  auto type = cast<RankedTensorType>(tensor.getType());
  onnx::Dims own = onnx::getDims(type);
  int64_t batchRank = type.getRank() - matrixRank, resultBatch = resultRank - 2;
  SmallVector<AffineExpr> result(resultBatch,
                                 onnx::constantDim(0, type.getContext()));
  for (int64_t i = 0; i < batchRank; ++i)
    if (onnx::constantValue(own[i]) != 1)
      result[resultBatch - batchRank + i] = strides[i];
  return result;
}

namespace {
/// The rows of a left matrix, in place.
class MatrixRows : public RowSource {
public:
  MatrixRows(KernelContext &context, Location loc, const MatrixProduct &product)
      : context(context), loc(loc), product(product) {}

  Value address(OpBuilder &b, ArrayRef<Value> batch, Value,
                Value row) override {
    auto scaled = [&](Value x, AffineExpr stride) {
      return arith::MulIOp::create(b, loc, x, context.expand(b, loc, stride));
    };
    Value offset = scaled(row, product.rowStride);
    for (auto [index, stride] : llvm::zip(batch, product.aBatch))
      if (onnx::constantValue(stride) != 0)
        offset = arith::AddIOp::create(b, loc, offset, scaled(index, stride));
    return context.address(b, loc, product.a, offset);
  }
  AffineExpr stride() override { return product.rowStride; }
  void copy(OpBuilder &b, ArrayRef<Value> batch, Value group, Value row,
            Value to) override {
    copyBytes(b, loc, context, address(b, batch, group, row), to,
              *onnx::constantValue(product.depth));
  }

private:
  KernelContext &context;
  Location loc;
  const MatrixProduct &product;
};
} // namespace

/// A product whose right matrix is packed for tile registers.
static void emitTiledMatmul(OpBuilder &b, KernelContext &context,
                            heavy::MatmulOp op, const MatrixProduct &product,
                            Epilogue &epilogue, Value lo, Value hi,
                            AffineExpr &work) {
  TiledProduct tiled;
  tiled.b = product.b;
  tiled.dims = product.dims;
  tiled.batch = product.aBatch.size();
  tiled.bBatch = product.bBatch;
  tiled.depth = *onnx::constantValue(product.depth);
  tiled.columns = product.n;
  auto aType = cast<RankedTensorType>(op.getA().getType());
  tiled.isUnsigned = aType.getElementType().isUnsignedInteger();
  MatrixRows rows(context, op.getLoc(), product);
  emitTiledProduct(b, context, op.getLoc(), tiled, rows, epilogue, lo, hi,
                   work);
}

FailureOr<MatrixProduct> ingot::describeMatmul(OpBuilder &b,
                                               KernelContext &context,
                                               heavy::MatmulOp op,
                                               Epilogue &epilogue) {
  auto result = cast<RankedTensorType>(op.getResult().getType());
  auto aType = cast<RankedTensorType>(op.getA().getType());
  int64_t rank = result.getRank(), aRank = aType.getRank();
  bool transposed = op.getTransposeA();
  MatrixProduct product;
  product.a = context.lookup(b, op.getLoc(), op.getA());
  product.b = context.lookup(b, op.getLoc(), op.getB());
  product.dims = onnx::getDims(result);
  product.depth = onnx::getDims(aType)[aRank - (transposed ? 2 : 1)];
  product.rowStride = product.a.strides[aRank - (transposed ? 1 : 2)];
  std::optional<int64_t> depthStride =
      onnx::constantValue(product.a.strides[aRank - (transposed ? 2 : 1)]);
  if (!depthStride)
    return op.emitError("[IG4002] a transposed product needs a static width");
  product.depthStride = *depthStride;
  product.aBatch = batchStrides(op.getA(), product.a.strides, rank);
  product.n = op.getN();
  product.panel = op.getPanel();
  auto bType = cast<RankedTensorType>(op.getB().getType());
  product.pairs =
      op.getPanel() && bType.getElementType().isBF16() && bType.getRank() == 4;
  bool isStack = op.isInteger() && bType.getRank() > 4;
  if (isStack)
    product.bBatch = batchStrides(op.getB(), product.b.strides, rank, 4);
  else if (op.getPanel())
    product.bBatch.assign(rank - 2, onnx::constantDim(0, op.getContext()));
  else
    product.bBatch = batchStrides(op.getB(), product.b.strides, rank);
  // One constant matrix for all batches: all rows are alike.
  if (op.getPanel() && !isStack && !transposed && epilogue.canFlatten(rank - 1))
    product.flatten(b.getContext());
  return product;
}

LogicalResult ingot::emitMatmul(OpBuilder &b, KernelContext &context,
                                heavy::MatmulOp op, Epilogue &epilogue,
                                Value lo, Value hi, AffineExpr &work) {
  FailureOr<MatrixProduct> described = describeMatmul(b, context, op, epilogue);
  if (failed(described))
    return failure();
  MatrixProduct &product = *described;
  if (op.getTiled()) {
    if (!context.machine.hasTiles())
      return op.emitError("[IG4002] this machine has no tile registers");
    if (!onnx::constantValue(product.depth))
      return op.emitError("[IG4002] a product on tiles needs a static depth");
    emitTiledMatmul(b, context, op, product, epilogue, lo, hi, work);
    return success();
  }
  return emitProduct(b, context, op.getLoc(), product, epilogue, lo, hi, work);
}
