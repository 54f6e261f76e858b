//===- TileResults.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the sums of a block's threads to results: through shared memory to
// threads that have neighbours, and where blocks share a tile through memory
// of the context to the last of them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_TILERESULTS_H
#define INGOT_CODEGEN_WARP_TILERESULTS_H

#include "codegen/heavy/Contraction.h"
#include "codegen/warp/SharedSums.h"
#include "codegen/warp/TileMath.h"

namespace ingot::warp {

class TileResults {
protected:
  TileResults(KernelContext &context, mlir::Location loc,
              MatrixProduct &product, Epilogue &epilogue)
      : context(context), loc(loc), product(product), epilogue(epilogue) {}

  /// Stores the results of all sums, `sums` of each thread.
  void finish(Words &w, llvm::ArrayRef<mlir::Value> sums);

  KernelContext &context;
  mlir::Location loc;
  MatrixProduct &product;
  Epilogue &epilogue;
  BlockShape shape;
  BlockFactors factors;
  std::unique_ptr<TileMath> math;
  /// Where the tile is: matrix, group of a convolution, first row and column of
  /// as many as there are.
  llvm::SmallVector<mlir::Value> batch;
  mlir::Value group, firstRow, firstColumn, rowCount;
  mlir::Value thread, shared;
  /// Parts of the sums that pass through shared memory one after another, and
  /// neighbours that a thread takes at once.
  int64_t parts = 1, width = 1, groups = 1;
  /// Of blocks that share a tile: their number, the block's own, the tile's.
  SharedSums meeting;
  mlir::Value shares, block, tile;

private:
  using Visitor = llvm::function_ref<void(
      Words &, mlir::Value tileRow, mlir::Value tileColumn, mlir::Value sum)>;
  void forNeighbours(
      Words &w, int64_t rows,
      llvm::function_ref<mlir::Value(Words &, mlir::Value)> toTileRow,
      llvm::function_ref<void(Words &, mlir::Value, mlir::Value, mlir::Value)>
          use);
  void forStaged(Words &w, llvm::ArrayRef<mlir::Value> sums, Visitor use);
  void storeAt(Words &w, mlir::Value tileRow, mlir::Value column,
               mlir::Value sum);
  mlir::Value shareAddress(Words &w, mlir::Value of, mlir::Value row,
                           mlir::Value column);
  void addShares(Words &w);
  void finishShared(Words &w, llvm::ArrayRef<mlir::Value> sums);
  mlir::Value addOf(Words &w, mlir::Value x, mlir::Value y);
  mlir::Type neighbours() const;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_TILERESULTS_H
