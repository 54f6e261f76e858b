//===- BlockProduct.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products and convolutions, a block of threads for each tile of the
// result.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_BLOCKPRODUCT_H
#define INGOT_CODEGEN_WARP_BLOCKPRODUCT_H

#include "codegen/EmitKernels.h"
#include "codegen/heavy/Contraction.h"
#include "codegen/warp/Words.h"

namespace ingot::warp {

/// True for an op that blocks of threads compute together.
bool isBlockProduct(mlir::Operation *op);

/// Emits the item of number `block` of a kernel whose first op is such a
/// product and whose optional second is the generic applied to its result. Sets
/// the number of items and how they are launched. `name` is the kernel's.
mlir::LogicalResult emitBlockProduct(mlir::OpBuilder &b, KernelContext &context,
                                     llvm::StringRef name,
                                     llvm::ArrayRef<mlir::Operation *> ops,
                                     mlir::AffineExpr &work, GridShape &grid);

/// A product as blocks see it: matrices, or the pixels of a convolution.
struct BlockOperands {
  /// The op that computes it, of the left and the right factor.
  mlir::Operation *root = nullptr;
  MatrixProduct matrices;
  /// Null for matrices.
  heavy::ConvOp conv;
  /// Null unless the right factor is quantized; its matrix is a stream of bytes
  /// then.
  heavy::MatmulNBitsOp weights;
  bool isUnsigned = false;
  /// Rows of the right operand, and elements of each.
  mlir::AffineExpr rightRows;
  int64_t rightWidth = 0;
  /// The right operand has a row for each column, of `rightWidth` depths.
  bool byColumns = false;
  /// Columns of each of the convolution's groups.
  int64_t groups = 1;
};

/// True if the product has so few rows that reading the right operand is all
/// that counts; then emitFewRows emits it.
bool hasFewRows(const BlockOperands &operands);
void emitFewRows(mlir::OpBuilder &b, KernelContext &context, mlir::Location loc,
                 llvm::StringRef name, BlockOperands &operands,
                 Epilogue &epilogue, mlir::AffineExpr &work, GridShape &grid);

/// The same for quantized weights; that form also takes a symbolic number of
/// rows, and suits so many.
bool hasFewRows(heavy::MatmulNBitsOp op);
int64_t mostNBitsRows();
void emitFewRows(mlir::OpBuilder &b, KernelContext &context,
                 heavy::MatmulNBitsOp op, llvm::StringRef name,
                 Epilogue &epilogue, mlir::AffineExpr &work, GridShape &grid);

/// A product with quantized weights as matrices.
MatrixProduct describeNBits(mlir::OpBuilder &b, KernelContext &context,
                            heavy::MatmulNBitsOp op);

/// Applies the epilogue to `width` neighbours of one row of the result and
/// stores them; `row` counts the rows of all batches where there is one right
/// matrix for all, `batch` are the leading indices otherwise.
void storeNeighbours(Words &w, KernelContext &context, MatrixProduct &product,
                     Epilogue &epilogue, llvm::ArrayRef<mlir::Value> batch,
                     mlir::Value row, mlir::Value column, int64_t width,
                     mlir::Value vector);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_BLOCKPRODUCT_H
