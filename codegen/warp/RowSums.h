//===- RowSums.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums of products of a few rows, whose depth all threads of a block share.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_ROWSUMS_H
#define INGOT_CODEGEN_WARP_ROWSUMS_H

#include "codegen/warp/BlockProduct.h"
#include "codegen/warp/SharedSums.h"
#include "codegen/warp/TileMath.h"

namespace ingot::warp {

/// Rows whose sums fit in a thread's registers.
constexpr int64_t mostRows = 8;

/// The rows of a product, all batches together where it has one right matrix;
/// null if that is symbolic.
std::optional<int64_t> fewRowsOf(const MatrixProduct &product);

/// A block has `lanes` groups of `width` columns; those of its threads whose
/// numbers are equal modulo `lanes` have the same columns and take steps of the
/// depth in turn.
class RowSums {
public:
  static constexpr int64_t blockThreads = 256, warpLanes = 32,
                           warps = blockThreads / warpLanes;

  RowSums(KernelContext &context, mlir::Location loc, MatrixProduct &product,
          Epilogue &epilogue)
      : context(context), loc(loc), product(product), epilogue(epilogue) {}

protected:
  /// Finds the block's batch, rows and columns, and how the kernel is launched.
  /// Rows, lanes and width are set; where the number of rows is symbolic, a
  /// block has so many of them, of which the last may be missing.
  void begin(Words &w, mlir::AffineExpr &work, GridShape &grid);
  /// Adds the sums of all threads, `sums[row * width + column]`, and stores the
  /// results.
  void finish(Words &w, llvm::ArrayRef<mlir::Value> sums, llvm::StringRef name);

  KernelContext &context;
  mlir::Location loc;
  MatrixProduct &product;
  Epilogue &epilogue;
  int64_t rows = 0, lanes = 8, width = 0;
  /// Blocks that share the depth of the same columns, where all sizes are
  /// static; `share` is the block's number among them (0 if it is alone).
  int64_t shares = 1;
  mlir::Value share;
  /// What products are summed in.
  mlir::Type sum;
  llvm::SmallVector<mlir::Value> batch;
  mlir::Value thread, firstColumn;
  /// Where the number of rows is symbolic: the block's first row, and how many
  /// rows there are. Null otherwise.
  mlir::Value firstRow, rowCount;

private:
  /// What is done with neighbouring columns, of a row (both of the block).
  using Visitor =
      llvm::function_ref<void(Words &, mlir::Value row, mlir::Value column)>;
  void forResults(Words &w, Visitor use);
  void store(Words &w, mlir::Value row, mlir::Value column, mlir::Value total);
  mlir::Value shareAddress(Words &w, mlir::Value block, mlir::Value row,
                           mlir::Value column);
  void addShares(Words &w);
  mlir::Value plus(Words &w, mlir::Value x, mlir::Value y);
  mlir::Type neighbours() const;

  SharedSums meeting;
  int64_t together = 1;
  mlir::Value block, tile;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_ROWSUMS_H
