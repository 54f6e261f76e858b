//===- LinePatch.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lines of a channels-last image of 8-bit integers that one tile of a
// convolution reads, copied into the stack with their padding. Taps side by
// side are then one depth: with few channels, instructions that sum several
// products would multiply with little but padding tap by tap.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_LINEPATCH_H
#define INGOT_CODEGEN_HEAVY_LINEPATCH_H

#include "codegen/heavy/TileKernel.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

class LinePatch {
public:
  LinePatch(KernelContext &context, heavy::ConvOp op, const BufferRef &input);

  /// Makes room for the tiles of the op, at the entry of the function.
  void allocate(mlir::OpBuilder &b, const TileShape &shape);

  /// Copies what the results from `column` on need; `outer` are the results'
  /// indices along the other axes, `image` is the offset of the image.
  void fill(mlir::OpBuilder &b, mlir::Value image,
            llvm::ArrayRef<mlir::Value> outer, mlir::Value column,
            int64_t results);

  /// Adds all taps of the kernel to a tile of the results that were filled
  /// for. `panel` is the address of the weights.
  llvm::SmallVector<mlir::Value> taps(mlir::OpBuilder &b,
                                      const TileShape &shape, mlir::Value panel,
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
  mlir::Value byteAt(mlir::OpBuilder &b, mlir::Value base, mlir::Value offset);
  /// Fills a line with the zero point.
  void pad(mlir::OpBuilder &b, mlir::Value line);

  KernelContext &context;
  heavy::ConvOp op;
  mlir::Location loc;
  BufferRef input;
  int64_t rank, channels;
  /// Lines of a tile, and bytes from one to the next.
  int64_t lines = 1, pitch = 0;
  mlir::Value room;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_LINEPATCH_H
