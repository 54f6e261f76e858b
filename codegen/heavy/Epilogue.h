//===- Epilogue.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What follows a contraction inside its kernel: the elementwise generic that
// consumes its result, evaluated on vectors still in registers.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_EPILOGUE_H
#define INGOT_CODEGEN_HEAVY_EPILOGUE_H

#include "codegen/heavy/TileKernel.h"
#include "codegen/loop/BodyEvaluator.h"

namespace ingot {

class Epilogue {
public:
  /// `root` is the contraction's result; `tail` the generic that consumes it
  /// through an identity map, or null.
  Epilogue(KernelContext &context, mlir::Value root,
           mlir::linalg::GenericOp tail)
      : context(context), root(root), tail(tail) {}

  /// True if rows of the `dims` leading dimensions may be counted as one: every
  /// operand of the tail either ignores those larger than 1 or holds them side
  /// by side in their order.
  bool canFlatten(int64_t dims);

  /// Stores a finished tile: `sums[r * shape.vectors + v]` is the vector of the
  /// result at [leading..., row + r, column + v * width]; `lastMask` tells
  /// which lanes of a row's last vector exist, null: all. Long tails are
  /// evaluated in a loop over the tile, parked in the stack, rather than once
  /// per register.
  void storeTile(mlir::OpBuilder &b, const TileShape &shape,
                 llvm::ArrayRef<mlir::Value> leading, mlir::Value row,
                 mlir::Value column, mlir::Value lastMask,
                 llvm::ArrayRef<mlir::Value> sums);

  /// Stores the vectors of one row of the result, [leading..., row, column...].
  void storeRow(mlir::OpBuilder &b, int64_t width,
                llvm::ArrayRef<mlir::Value> leading, mlir::Value row,
                mlir::Value column, mlir::Value lastMask,
                llvm::ArrayRef<mlir::Value> vectors);

private:
  /// Stores the finished vector of the result at `indices` (all but the last
  /// uniform, the last the first lane's).
  void store(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Value> indices,
             mlir::Value vector, const Lanes &lanes);
  /// True if the tail is too long to be repeated for each register.
  bool isLong();
  /// Room for a tile in the stack, made at the entry of the function.
  mlir::Value scratchFor(mlir::OpBuilder &b, const TileShape &shape,
                         mlir::Type elementType);

  KernelContext &context;
  mlir::Value root;
  mlir::linalg::GenericOp tail;
  mlir::Value scratch;
  int64_t scratchElements = 0;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_EPILOGUE_H
