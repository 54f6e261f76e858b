//===- HeavyEmitter.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitters of contractions: matrix products and convolutions with the
// elementwise work fused behind them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_HEAVYEMITTER_H
#define INGOT_CODEGEN_HEAVY_HEAVYEMITTER_H

#include "codegen/loop/BodyEvaluator.h"

namespace ingot {

/// True for an op that a heavy emitter serves.
bool isHeavy(mlir::Operation *op);

/// Emits the items [lo, hi) of a kernel whose first op is heavy and whose
/// optional second is the generic applied to its result. Sets the number of
/// work items.
mlir::LogicalResult emitHeavy(mlir::OpBuilder &b, KernelContext &context,
                              llvm::ArrayRef<mlir::Operation *> ops,
                              mlir::Value lo, mlir::Value hi,
                              mlir::AffineExpr &work);

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_HEAVYEMITTER_H
