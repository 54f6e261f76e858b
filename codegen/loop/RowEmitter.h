//===- RowEmitter.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax, normalisations and whatever else passes over the same row several
// times: one kernel whose items are rows.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_LOOP_ROWEMITTER_H
#define INGOT_CODEGEN_LOOP_ROWEMITTER_H

#include "codegen/loop/KernelContext.h"

namespace ingot {

/// Emits generics that share their first loops, the rows: reductions over the
/// rest of a row stay in registers, elementwise ops that are no results of the
/// kernel are computed where they are read. `ingot.rows` on each op is the
/// number of shared loops.
mlir::LogicalResult emitRows(mlir::OpBuilder &b, KernelContext &context,
                             llvm::ArrayRef<mlir::Operation *> ops,
                             mlir::Value lo, mlir::Value hi,
                             mlir::AffineExpr &work);

} // namespace ingot

#endif // INGOT_CODEGEN_LOOP_ROWEMITTER_H
