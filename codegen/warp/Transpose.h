//===- Transpose.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elementwise kernels with operands whose neighbours in memory are not those of
// the result. A block takes a square of such an operand through shared memory,
// so that its threads read and write neighbours.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_TRANSPOSE_H
#define INGOT_CODEGEN_WARP_TRANSPOSE_H

#include "codegen/EmitKernels.h"
#include "codegen/loop/KernelContext.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ingot::warp {

/// Two loops of an op whose points make the squares.
struct TransposePlan {
  int64_t across; ///< the loop along which operands are contiguous
  int64_t along;  ///< the last loop, along which the result is
  llvm::SmallVector<unsigned> operands; ///< those that go through shared memory
};

/// The plan for an op alone in its kernel; none if all its operands are read in
/// the order of the result, or the loops are too short.
std::optional<TransposePlan>
planTranspose(llvm::ArrayRef<mlir::Operation *> ops,
              kernel::MachineAttr machine);

/// Emits the square with number `item`, by all threads of a block of the shape
/// that is returned. `work` is the number of squares.
GridShape emitTranspose(mlir::OpBuilder &b, KernelContext &context,
                        mlir::linalg::GenericOp op, const TransposePlan &plan,
                        mlir::Value item, mlir::AffineExpr &work);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_TRANSPOSE_H
