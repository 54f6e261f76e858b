//===- WidenedLines.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lines of a channels-last image in half precision that one tile of a
// convolution reads, widened into the stack with their padding: there scalars
// are broadcast as often as taps and panels ask for them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_WIDENEDLINES_H
#define INGOT_CODEGEN_HEAVY_WIDENEDLINES_H

#include "codegen/heavy/TileKernel.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

class WidenedLines {
public:
  /// `factors`: what the input is widened to.
  WidenedLines(KernelContext &context, heavy::ConvOp op, const BufferRef &input,
               mlir::Type factors);

  /// Makes room for the tiles of the op, at the entry of the function; false
  /// if it is not of a kind that gains by it.
  bool allocate(mlir::OpBuilder &b, const TileShape &shape);

  /// Widens what the results from `column` on need; `outer` are the results'
  /// indices along the other axes, `image` is the offset of the image.
  void fill(mlir::OpBuilder &b, mlir::Value image,
            llvm::ArrayRef<mlir::Value> outer, mlir::Value column,
            int64_t results);

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
  /// Pixels of a line that so many results read.
  int64_t span(int64_t results) {
    return (results - 1) * op.getStrides().back() + op.getKernel().back();
  }
  /// target[i] = source[i] for the elements [from, to).
  void widen(mlir::OpBuilder &b, mlir::Value source, mlir::Value target,
             mlir::Value from, mlir::Value to);

  KernelContext &context;
  heavy::ConvOp op;
  mlir::Location loc;
  BufferRef input, room;
  mlir::Type factors;
  int64_t rank, channels, width = 1;
  /// Lines of a tile, and elements from one to the next.
  int64_t lines = 1, pitch = 0;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_WIDENEDLINES_H
