//===- NBitsStream.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading the packed weights of ingot.matmul_nbits.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_NBITSSTREAM_H
#define INGOT_CODEGEN_HEAVY_NBITSSTREAM_H

#include "codegen/loop/KernelContext.h"
#include "dialects/ingot/Ingot.h"

namespace ingot {

/// The scales of a block of a panel, one vector of columns after the other,
/// and the zero points, if not all are the same.
struct NBitsHeader {
  llvm::SmallVector<mlir::Value> scales, zeros;
};

class NBitsStream {
public:
  NBitsStream(KernelContext &context, heavy::MatmulNBitsOp op)
      : context(context), op(op), loc(op.getLoc()),
        width(context.machine.lanes(32)) {}

  mlir::Value constant(mlir::OpBuilder &b, int64_t v);
  mlir::Value add(mlir::OpBuilder &b, mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::OpBuilder &b, mlir::Value x, int64_t factor);
  mlir::Value fma(mlir::OpBuilder &b, mlir::Value x, mlir::Value y,
                  mlir::Value sum);
  mlir::VectorType vectorOf(mlir::Type element) {
    return mlir::VectorType::get({width}, element);
  }
  mlir::Value integers(mlir::OpBuilder &b, uint32_t v);
  mlir::Value floats(mlir::OpBuilder &b, float v);
  /// The address so many bytes after another.
  mlir::Value bytesAt(mlir::OpBuilder &b, mlir::Value base, mlir::Value offset);
  /// The vector of elements so many bytes after an address.
  mlir::Value load(mlir::OpBuilder &b, mlir::Type element, mlir::Value base,
                   int64_t offset);
  /// The scalar so many bytes after an address, in all lanes.
  mlir::Value splat(mlir::OpBuilder &b, mlir::Type element, mlir::Value base,
                    mlir::Value offset);

  /// Bytes of one word of each column of a panel.
  int64_t wordBytes() { return int64_t(*op.getPanel()) * 4; }
  NBitsHeader header(mlir::OpBuilder &b, mlir::Value bytes, int64_t vectors);
  /// Asks for what is needed soon after the `size` bytes at an address.
  void prefetch(mlir::OpBuilder &b, mlir::Value bytes, int64_t size);

  /// A loop over carried values; one step needs no loop.
  using Body = llvm::function_ref<void(mlir::OpBuilder &, mlir::Value,
                                       llvm::SmallVectorImpl<mlir::Value> &)>;
  llvm::SmallVector<mlir::Value> loop(mlir::OpBuilder &b, int64_t steps,
                                      llvm::ArrayRef<mlir::Value> carried,
                                      Body body);

  KernelContext &context;
  heavy::MatmulNBitsOp op;
  mlir::Location loc;
  /// Lanes of a vector.
  int64_t width;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_NBITSSTREAM_H
