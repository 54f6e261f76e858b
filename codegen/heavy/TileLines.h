//===- TileLines.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lines of a channels-last image, whose taps side by side are one depth. Of
// 8-bit integers: with few channels, instructions that sum several products
// would multiply with little but padding tap by tap. Of half precision: widened
// here, scalars are broadcast as often as taps and panels ask for them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_TILELINES_H
#define INGOT_CODEGEN_HEAVY_TILELINES_H

#include "codegen/heavy/StackLines.h"

namespace ingot {

class TileLines : public StackLines {
public:
  TileLines(KernelContext &context, heavy::ConvOp op, const BufferRef &input,
            mlir::Type factors)
      : StackLines(context, op, input, factors), rank(op.getSpatialRank()),
        channels(op.getChannels()) {}

  bool allocate(mlir::OpBuilder &b, const TileShape &shape) override;
  void fill(mlir::OpBuilder &b, mlir::Value image,
            llvm::ArrayRef<mlir::Value> outer, mlir::Value column,
            int64_t results) override;
  llvm::SmallVector<mlir::Value>
  taps(mlir::OpBuilder &b, const TileShape &shape, const BufferRef &panel,
       llvm::ArrayRef<mlir::Value> sums) override;

private:
  bool isInteger() const { return mlir::isa<mlir::IntegerType>(factors); }
  bool isWideningWorthIt();
  /// Pixels of a line that so many results read.
  int64_t span(int64_t results) {
    return (results - 1) * op.getStrides().back() + op.getKernel().back();
  }
  /// A line of `length` elements, of which [begin, end) exist; `whole` if all.
  struct Line {
    mlir::Value source, target, begin, end, whole;
    int64_t length;
  };
  void copyBytes(mlir::OpBuilder &b, const Line &line);
  void widen(mlir::OpBuilder &b, const Line &line);
  /// Fills a line with the zero point.
  void padBytes(mlir::OpBuilder &b, mlir::Value target);

  int64_t rank, channels;
  /// Lines of a tile.
  int64_t lines = 1;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_TILELINES_H
