//===- WarpgroupResults.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the sums of warpgroups to results: each warp passes its own through
// shared memory; where blocks have parts of a tile, through memory of the
// context to the last of them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_WARPGROUPRESULTS_H
#define INGOT_CODEGEN_WARP_WGMMA_WARPGROUPRESULTS_H

#include "codegen/heavy/Contraction.h"
#include "codegen/warp/SharedSums.h"
#include "codegen/warp/wgmma/DepthDivision.h"
#include "codegen/warp/wgmma/WarpgroupShape.h"

namespace ingot::warp {

class WarpgroupResults {
protected:
  WarpgroupResults(KernelContext &context, mlir::Location loc,
                   MatrixProduct &product, Epilogue &epilogue)
      : context(context), loc(loc), product(product), epilogue(epilogue) {}

  /// Where a tile of the result is.
  struct Tile {
    /// Of the leading dimensions (index).
    llvm::SmallVector<mlir::Value> batch;
    mlir::Value firstRow, firstColumn;
  };

  /// Stores the results of a thread's sums, or hands them on.
  void finish(Words &w, const DepthDivision::Segment &segment, const Tile &tile,
              llvm::ArrayRef<mlir::Value> sums);

  KernelContext &context;
  mlir::Location loc;
  MatrixProduct &product;
  Epilogue &epilogue;
  WarpgroupShape shape;
  llvm::SmallVector<mlir::AffineExpr> batchDims;
  /// What sums are.
  mlir::Type sum;
  /// Neighbours that a thread takes at once.
  int64_t width = 1;
  /// The block's number in its cluster is `rank`.
  mlir::Value thread, rank, rowCount, sharedPointer;
  /// Of the threads that multiply: which of their warpgroups, lane, where the
  /// warp's results pass through shared memory.
  mlir::Value group, lane, staged;
  DepthDivision division;
  SharedSums meeting;

private:
  /// Stores neighbours of a row of the tile.
  using Store = llvm::function_ref<void(
      Words &, mlir::Value row, mlir::Value column, mlir::Value vector)>;
  void finishWhole(Words &w, const Tile &tile,
                   llvm::ArrayRef<mlir::Value> sums);
  void finishPart(Words &w, const DepthDivision::Segment &segment,
                  const Tile &tile, llvm::ArrayRef<mlir::Value> sums);
  void addParts(Words &w, const DepthDivision::Segment &segment,
                const Tile &tile);
  void forStaged(Words &w, llvm::ArrayRef<mlir::Value> sums, const Tile &tile,
                 Store store);
  void stage(Words &w, llvm::ArrayRef<mlir::Value> sums);
  void storeStaged(Words &w, const Tile &tile, int64_t chunk, Store store);
  void storeVector(Words &w, const Tile &tile, mlir::Value row,
                   mlir::Value column, mlir::Value vector);
  mlir::Value partAddress(Words &w, mlir::Value block, mlir::Value number,
                          mlir::Value row, mlir::Value column);
  mlir::Value exists(Words &w, const Tile &tile, mlir::Value row,
                     mlir::Value column) {
    return w.both(w.less(w.add(tile.firstRow, row), rowCount),
                  w.less(w.add(tile.firstColumn, column), product.n));
  }
  mlir::Type neighbours() const {
    return width == 1 ? sum : mlir::Type(mlir::VectorType::get({width}, sum));
  }
  mlir::Value pointerTo(Words &w, mlir::Value offset);
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_WARPGROUPRESULTS_H
