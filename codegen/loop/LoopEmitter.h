//===- LoopEmitter.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The generic loop emitter: one linalg.generic, or one kernel.foreach, becomes
// a loop nest over its work items, vectorised along the best loop.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_LOOP_LOOPEMITTER_H
#define INGOT_CODEGEN_LOOP_LOOPEMITTER_H

#include "codegen/loop/BodyEvaluator.h"

namespace ingot {

/// How a generic becomes loops. Loop dimensions are those of the op.
struct LoopPlan {
  /// The dimension whose neighbours share a vector, or -1 for scalar code.
  int64_t vectorDim = -1;
  /// Elements per vector.
  int64_t width = 1;
  /// True if vectorDim is reduced: partial results per lane, joined at the end.
  bool acrossReduction = false;
  /// Parallel dims whose iteration points are the work items, outermost first;
  /// the rest of the parallel dims but vectorDim are loops inside an item.
  llvm::SmallVector<int64_t> itemDims;
  llvm::SmallVector<int64_t> innerDims;
  llvm::SmallVector<int64_t> reducedDims;
  /// Elements along vectorDim per work item; 0: all of them.
  int64_t chunk = 0;
  /// The result's innermost dimension where vectorDim is the one before it: a
  /// vector is computed for each of its few indices, and they are stored in
  /// turns. -1: none.
  int64_t interleavedDim = -1;
};

/// The size of each loop of the op.
onnx::Dims loopExtents(mlir::linalg::GenericOp op);

/// Chooses the vectorised loop by how many operands it makes contiguous, and
/// how many dims make the work items so that threads and caches are fed.
LoopPlan planLoops(mlir::linalg::GenericOp op, kernel::MachineAttr machine);

/// The same where the first `rows` loops are outside: only the others count.
LoopPlan planRow(mlir::linalg::GenericOp op, kernel::MachineAttr machine,
                 int64_t rows);

/// The number of work items of a plan.
mlir::AffineExpr workItems(mlir::linalg::GenericOp op, const LoopPlan &plan);

/// Emits the items [lo, hi) (index values) of the op. Results and operands are
/// buffers of the context. `starts`: for a reduction, the value each result
/// starts with (compile-time scalars).
void emitGeneric(mlir::OpBuilder &b, KernelContext &context,
                 mlir::linalg::GenericOp op, const LoopPlan &plan,
                 mlir::Value lo, mlir::Value hi);

/// Supplies the value of operand `i` of a generic at the point with those loop
/// indices, where it is at hand without a load.
using OperandSource = llvm::function_ref<std::optional<LaneValue>(
    mlir::OpBuilder &, mlir::linalg::GenericOp, unsigned i,
    llvm::ArrayRef<LaneValue> indices, const Lanes &lanes)>;

/// Emits the part of a generic that belongs to one row: its first `row.size()`
/// loops have those indices. Returns the accumulated scalars of a reduction
/// (which must be over all other loops); results that have a buffer are stored.
llvm::SmallVector<LaneValue> emitRow(mlir::OpBuilder &b, KernelContext &context,
                                     mlir::linalg::GenericOp op,
                                     const LoopPlan &plan,
                                     llvm::ArrayRef<mlir::Value> row,
                                     OperandSource source);

mlir::AffineExpr workItems(kernel::ForeachOp op);
void emitForeach(mlir::OpBuilder &b, KernelContext &context,
                 kernel::ForeachOp op, mlir::Value lo, mlir::Value hi);

/// The indices of item number `item` of a space with those extents.
llvm::SmallVector<mlir::Value>
delinearize(mlir::OpBuilder &b, mlir::Location loc, KernelContext &context,
            mlir::Value item, llvm::ArrayRef<mlir::AffineExpr> dims);

/// vector<width x i1> whose lane i is live iff i < count (an index value).
mlir::Value laneMask(mlir::OpBuilder &b, mlir::Location loc, mlir::Value count,
                     int64_t width);

} // namespace ingot

#endif // INGOT_CODEGEN_LOOP_LOOPEMITTER_H
