//===- BodyEvaluator.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits the body of a linalg.generic for one point of its iteration space, or
// for a vector of points along one loop: every value of the body is uniform,
// linear or varying over the lanes, so index arithmetic stays scalar, loads
// become vector loads where neighbours are neighbours in memory, and gathers
// where they are not.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_LOOP_BODYEVALUATOR_H
#define INGOT_CODEGEN_LOOP_BODYEVALUATOR_H

#include "codegen/loop/KernelContext.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ingot {

class BodyEvaluator {
public:
  BodyEvaluator(KernelContext &context, mlir::linalg::GenericOp op)
      : context(context), op(op) {}

  /// The values that the body yields at the point with those loop indices.
  /// `given(i)` may supply the value of block argument i (accumulators, or a
  /// value still in registers); where it returns no value, the operand is
  /// loaded from memory through its indexing map.
  llvm::SmallVector<LaneValue>
  evaluate(mlir::OpBuilder &b, llvm::ArrayRef<LaneValue> indices,
           const Lanes &lanes,
           llvm::function_ref<std::optional<LaneValue>(unsigned)> given);

  /// The offset in elements of operand `i` at those loop indices.
  LaneValue operandOffset(mlir::OpBuilder &b, unsigned i, const BufferRef &ref,
                          llvm::ArrayRef<LaneValue> indices,
                          const Lanes &lanes);

  /// The value of one result of an indexing map at those loop indices.
  LaneValue evaluateAffine(mlir::OpBuilder &b, mlir::AffineExpr expr,
                           llvm::ArrayRef<LaneValue> indices, int64_t width);

private:
  llvm::SmallVector<LaneValue> emit(mlir::OpBuilder &b, mlir::Operation &inner,
                                    llvm::ArrayRef<LaneValue> indices,
                                    const Lanes &lanes);
  std::optional<LaneValue> emitIndexArithmetic(mlir::OpBuilder &b,
                                               mlir::Operation &inner,
                                               int64_t width);
  LaneValue get(mlir::Value v);
  /// Copies what the body uses of scalars defined outside it.
  void importOuterScalars(mlir::OpBuilder &b);

  KernelContext &context;
  mlir::linalg::GenericOp op;
  llvm::DenseMap<mlir::Value, LaneValue> values;
};

} // namespace ingot

#endif // INGOT_CODEGEN_LOOP_BODYEVALUATOR_H
