//===- TiledProduct.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of 8-bit integers on tile registers (AMX). A block of 32 rows and
// 32 columns of the result is four tiles; rows of the left operand are read
// where they lie or gathered into the stack first.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_TILEDPRODUCT_H
#define INGOT_CODEGEN_HEAVY_TILEDPRODUCT_H

#include "codegen/heavy/Epilogue.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

/// The rows of a left operand.
class RowSource {
public:
  virtual ~RowSource() = default;
  /// The address of a row of the operand in memory, or null if its depths do
  /// not follow each other there. `batch` are the indices of the leading
  /// dimensions that rows do not count.
  virtual mlir::Value address(mlir::OpBuilder &b,
                              llvm::ArrayRef<mlir::Value> batch,
                              mlir::Value group, mlir::Value row) = 0;
  /// Bytes from row to row where they have addresses.
  virtual mlir::AffineExpr stride() { return {}; }
  /// Copies a row to `to`, where up to 63 bytes behind it may be overwritten.
  virtual void copy(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Value> batch,
                    mlir::Value group, mlir::Value row, mlir::Value to) = 0;
};

/// Copies `bytes` bytes, which takes whole vectors at the target.
void copyBytes(mlir::OpBuilder &b, mlir::Location loc, KernelContext &context,
               mlir::Value from, mlir::Value to, int64_t bytes);

/// A product whose right operand is packed for tile registers.
struct TiledProduct {
  BufferRef b;
  /// Dimensions of the result: `batch` ones that B may depend on, those that
  /// rows count together, and columns.
  onnx::Dims dims;
  int64_t batch = 0;
  /// Elements of B from batch to batch.
  llvm::SmallVector<mlir::AffineExpr> bBatch;
  int64_t depth = 0;
  /// Columns of a group; groups have rows and columns of their own.
  int64_t columns = 0, groups = 1;
  bool isUnsigned = true;
};

/// Emits the items of a product, each a block of the result, and their
/// epilogue.
void emitTiledProduct(mlir::OpBuilder &b, KernelContext &context,
                      mlir::Location loc, const TiledProduct &product,
                      RowSource &rows, Epilogue &epilogue, mlir::Value lo,
                      mlir::Value hi, mlir::AffineExpr &work);

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_TILEDPRODUCT_H
