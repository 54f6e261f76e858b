//===- StackLines.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What one tile of a convolution reads of its input, copied into the stack with
// its padding, where all panels of weights read it again.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_STACKLINES_H
#define INGOT_CODEGEN_HEAVY_STACKLINES_H

#include "codegen/heavy/TileKernel.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

class StackLines {
public:
  virtual ~StackLines() = default;

  /// Makes room for the tiles of the op, at the entry of the function; false
  /// if it is not of a kind that gains by it.
  virtual bool allocate(mlir::OpBuilder &b, const TileShape &shape) = 0;

  /// Copies what the results from `column` on need; `outer` are the results'
  /// indices along the other axes, `image` is the offset of the image.
  virtual void fill(mlir::OpBuilder &b, mlir::Value image,
                    llvm::ArrayRef<mlir::Value> outer, mlir::Value column,
                    int64_t results) = 0;

  /// Adds all taps of the kernel to a tile of the results that were filled
  /// for. `panel` is where their weights lie.
  virtual llvm::SmallVector<mlir::Value>
  taps(mlir::OpBuilder &b, const TileShape &shape, const BufferRef &panel,
       llvm::ArrayRef<mlir::Value> sums) = 0;

protected:
  /// `factors`: what is multiplied, to which halves are widened.
  StackLines(KernelContext &context, heavy::ConvOp op, const BufferRef &input,
             mlir::Type factors)
      : context(context), op(op), loc(op.getLoc()), input(input),
        factors(factors) {}

  mlir::Value constant(mlir::OpBuilder &b, int64_t v) {
    return mlir::arith::ConstantIndexOp::create(b, loc, v);
  }
  mlir::Value add(mlir::OpBuilder &b, mlir::Value x, mlir::Value y) {
    return mlir::arith::AddIOp::create(b, loc, x, y);
  }
  mlir::Value sub(mlir::OpBuilder &b, mlir::Value x, mlir::Value y) {
    return mlir::arith::SubIOp::create(b, loc, x, y);
  }
  mlir::Value mul(mlir::OpBuilder &b, mlir::Value x, int64_t factor) {
    return mlir::arith::MulIOp::create(b, loc, x, constant(b, factor));
  }
  /// Room for so many factors.
  void allocateRoom(mlir::OpBuilder &b, int64_t elements);
  mlir::Value roomAt(mlir::OpBuilder &b, mlir::Value offset) {
    return context.address(b, loc, room, offset);
  }
  /// What of a line of `length` elements, which begins at `first` of an axis of
  /// that size, exists: [from, to).
  std::pair<mlir::Value, mlir::Value> existing(mlir::OpBuilder &b,
                                               mlir::Value first,
                                               mlir::Value size,
                                               int64_t length);
  /// room[target + i] = input[source + i] for i in [begin, end), `lanes` at
  /// once, of which end - begin is a multiple.
  void copyFloats(mlir::OpBuilder &b, mlir::Value source, mlir::Value target,
                  mlir::Value begin, mlir::Value end, int64_t lanes);
  /// Zeros at room[target...].
  void storeZeros(mlir::OpBuilder &b, mlir::Value target);

  KernelContext &context;
  heavy::ConvOp op;
  mlir::Location loc;
  BufferRef input, room;
  mlir::Type factors;
  /// Elements of a vector, and from line to line.
  int64_t width = 1, pitch = 0;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_STACKLINES_H
