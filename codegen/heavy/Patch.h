//===- Patch.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of an image that one tile of a first convolution reads, copied into
// the stack with its padding: a model's image has few channels, which lie far
// apart, and every tile at a border would have to choose for each element.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_PATCH_H
#define INGOT_CODEGEN_HEAVY_PATCH_H

#include "codegen/heavy/TileKernel.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

class Patch {
public:
  /// `factors`: what is multiplied, to which halves are widened.
  Patch(KernelContext &context, heavy::ConvOp op, const BufferRef &input,
        mlir::Type factors)
      : context(context), op(op), loc(op.getLoc()), input(input),
        factors(factors) {}

  /// Makes room for the tiles of the op, at the entry of the function; false
  /// if it is not of a kind that gains by it.
  bool allocate(mlir::OpBuilder &b, const TileShape &shape);

  /// Copies what the results from (row, column) on of an image need.
  void fill(mlir::OpBuilder &b, mlir::Value image, mlir::Value row,
            mlir::Value column, int64_t results);

  /// Adds all taps of the kernel to a tile of the results that were filled
  /// for. `panel` is where their weights lie.
  llvm::SmallVector<mlir::Value> taps(mlir::OpBuilder &b,
                                      const TileShape &shape,
                                      const BufferRef &panel,
                                      llvm::ArrayRef<mlir::Value> sums);

private:
  mlir::Value constant(mlir::OpBuilder &b, int64_t v) {
    return mlir::arith::ConstantIndexOp::create(b, loc, v);
  }
  mlir::Value add(mlir::OpBuilder &b, mlir::Value x, mlir::Value y) {
    return mlir::arith::AddIOp::create(b, loc, x, y);
  }
  mlir::Value mul(mlir::OpBuilder &b, mlir::Value x, int64_t factor) {
    return mlir::arith::MulIOp::create(b, loc, x, constant(b, factor));
  }
  /// Elements of a line that so many results read.
  int64_t span(int64_t results) {
    return (results - 1) * op.getStrides()[1] +
           (op.getKernel()[1] - 1) * op.getDilations()[1] + 1;
  }
  void copyLine(mlir::OpBuilder &b, mlir::Value source, mlir::Value target,
                mlir::Value from, mlir::Value to);

  KernelContext &context;
  heavy::ConvOp op;
  mlir::Location loc;
  BufferRef input, patch;
  mlir::Type factors;
  int64_t width = 1;
  /// Elements from line to line; lines are kernel rows x channels.
  int64_t pitch = 0;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_PATCH_H
