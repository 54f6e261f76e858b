//===- Patch.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of an image that one tile of a first convolution reads: a model's
// image has few channels, which lie far apart, and every tile at a border would
// have to choose for each element.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_PATCH_H
#define INGOT_CODEGEN_HEAVY_PATCH_H

#include "codegen/heavy/StackLines.h"

namespace ingot {

/// Lines are kernel rows x channels.
class Patch : public StackLines {
public:
  Patch(KernelContext &context, heavy::ConvOp op, const BufferRef &input,
        mlir::Type factors)
      : StackLines(context, op, input, factors) {}

  bool allocate(mlir::OpBuilder &b, const TileShape &shape) override;
  void fill(mlir::OpBuilder &b, mlir::Value image,
            llvm::ArrayRef<mlir::Value> outer, mlir::Value column,
            int64_t results) override;
  llvm::SmallVector<mlir::Value>
  taps(mlir::OpBuilder &b, const TileShape &shape, const BufferRef &panel,
       llvm::ArrayRef<mlir::Value> sums) override;

private:
  /// Elements of a line that so many results read.
  int64_t span(int64_t results) {
    return (results - 1) * op.getStrides()[1] +
           (op.getKernel()[1] - 1) * op.getDilations()[1] + 1;
  }
  void copyLine(mlir::OpBuilder &b, mlir::Value source, mlir::Value target,
                mlir::Value from, mlir::Value to);
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_PATCH_H
