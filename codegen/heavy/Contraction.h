//===- Contraction.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products and convolutions as work items: one register tile each.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_CONTRACTION_H
#define INGOT_CODEGEN_HEAVY_CONTRACTION_H

#include "codegen/heavy/Epilogue.h"
#include "codegen/heavy/TileKernel.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

/// How rows and panels become items: tiles of `rows` results, the last one
/// moved back so that it is whole, in blocks of `blockTiles` tiles that go
/// through all panels before the next block.
struct TilePlan {
  TileShape shape;
  /// Tiles along the row dimension; symbolic if that is.
  mlir::AffineExpr tiles;
  int64_t blockTiles = 1;
};

/// Splits `rows` so that tiles are about equal and none wastes more than a row
/// or so.
TilePlan planRows(mlir::AffineExpr rows, TileShape shape);

/// Cache lines that rows of a tile put into one set of the first-level cache,
/// which has a set for each line of a page.
int64_t linesPerSet(int64_t rows, int64_t strideBytes);

/// The size of blocks, at most `most`, that `count` splits into: without a
/// shorter last one, which would leave a thread with less work, if that makes
/// them not much smaller.
int64_t evenBlock(int64_t count, int64_t most);

/// Matrices in memory to be multiplied, batch by batch, whatever op they come
/// from.
struct MatrixProduct {
  BufferRef a, b;
  /// Dimensions of the result: leading ones, rows, columns.
  onnx::Dims dims;
  /// Rows to count: null for those of `dims`.
  mlir::AffineExpr rows;
  mlir::AffineExpr depth;
  /// Elements of A from row to row, and from depth to depth.
  mlir::AffineExpr rowStride;
  int64_t depthStride = 1;
  /// Elements of A and B from batch to batch for each leading dimension.
  llvm::SmallVector<mlir::AffineExpr> aBatch, bBatch;
  /// Columns; `panel` of them together if B is packed in panels.
  int64_t n = 0;
  std::optional<int64_t> panel;
  /// True if B is packed in pairs of bf16.
  bool pairs = false;

  /// Counts the rows of all batches as one.
  void flatten(mlir::MLIRContext *context);
};

/// Emits the tiles of a matrix product and their epilogue.
mlir::LogicalResult emitProduct(mlir::OpBuilder &b, KernelContext &context,
                                mlir::Location loc, MatrixProduct &product,
                                Epilogue &epilogue, mlir::Value lo,
                                mlir::Value hi, mlir::AffineExpr &work);

/// The matrices of a product; all rows together where weights and epilogue are
/// the same for all.
llvm::FailureOr<MatrixProduct> describeMatmul(mlir::OpBuilder &b,
                                              KernelContext &context,
                                              heavy::MatmulOp op,
                                              Epilogue &epilogue);

/// Emits the items of a matrix product (convolution) and its epilogue.
mlir::LogicalResult emitMatmul(mlir::OpBuilder &b, KernelContext &context,
                               heavy::MatmulOp op, Epilogue &epilogue,
                               mlir::Value lo, mlir::Value hi,
                               mlir::AffineExpr &work);
mlir::LogicalResult emitMatmulNBits(mlir::OpBuilder &b, KernelContext &context,
                                    heavy::MatmulNBitsOp op, Epilogue &epilogue,
                                    mlir::Value lo, mlir::Value hi,
                                    mlir::AffineExpr &work);
mlir::LogicalResult emitConv(mlir::OpBuilder &b, KernelContext &context,
                             heavy::ConvOp op, Epilogue &epilogue,
                             mlir::Value lo, mlir::Value hi,
                             mlir::AffineExpr &work);
void emitTiledConv(mlir::OpBuilder &b, KernelContext &context, heavy::ConvOp op,
                   Epilogue &epilogue, mlir::Value lo, mlir::Value hi,
                   mlir::AffineExpr &work);
mlir::LogicalResult emitDepthwise(mlir::OpBuilder &b, KernelContext &context,
                                  heavy::ConvOp op, Epilogue &epilogue,
                                  mlir::Value lo, mlir::Value hi,
                                  mlir::AffineExpr &work);

/// Emits the copies of a concatenation.
mlir::LogicalResult emitConcat(mlir::OpBuilder &b, KernelContext &context,
                               heavy::ConcatOp op, mlir::Value lo,
                               mlir::Value hi, mlir::AffineExpr &work);

/// The address of a shared global of `length` equal elements, read for those
/// outside of a padded input: zeros, or bytes of a value.
mlir::Value paddingRow(mlir::OpBuilder &b, mlir::Operation *op,
                       mlir::Type elementType, int64_t length,
                       int64_t value = 0);

/// Emits the tile of rows that begins at `start` of `count` rows: a whole tile,
/// the last one moved back so that it ends with the rows; where the number of
/// rows is symbolic and less than a tile, its rows one by one. `body` emits a
/// tile of so many rows at a start.
void emitRowTile(
    mlir::OpBuilder &b, mlir::Location loc, KernelContext &context,
    const TilePlan &plan, mlir::AffineExpr count, mlir::Value start,
    llvm::function_ref<void(mlir::OpBuilder &, int64_t rows, mlir::Value start)>
        body);

/// if (condition) then-branch else else-branch, each emitted by a callback.
void emitIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value condition,
            llvm::function_ref<void(mlir::OpBuilder &)> thenBody,
            llvm::function_ref<void(mlir::OpBuilder &)> elseBody);

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_CONTRACTION_H
