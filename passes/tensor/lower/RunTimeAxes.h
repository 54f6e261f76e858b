//===- RunTimeAxes.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reductions along axes that are data: only the run tells which axes go.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_RUNTIMEAXES_H
#define INGOT_PASSES_TENSOR_LOWER_RUNTIMEAXES_H

#include "passes/tensor/lower/Rows.h"

namespace ingot {

/// Folds the elements that one result is computed from.
class RunTimeFold {
public:
  using Step =
      llvm::function_ref<onnx::Scalar(onnx::Scalar accumulator, onnx::Scalar)>;

  RunTimeFold(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
              llvm::ArrayRef<mlir::Value> from, llvm::ArrayRef<mlir::Value> to)
      : b(b), loc(loc), data(data), from(from), to(to) {}

  mlir::OpBuilder &builder() const { return b; }
  /// Emits loops over the elements; `start` is in their compute type.
  onnx::Scalar operator()(onnx::Scalar start, Step step) const;
  /// How many they are, in the type of `like`.
  onnx::Scalar count(onnx::Scalar like) const;

private:
  onnx::Scalar loops(mlir::OpBuilder &at, onnx::Scalar accumulator,
                     llvm::SmallVectorImpl<mlir::Value> &indices,
                     Step step) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value data;
  llvm::ArrayRef<mlir::Value> from, to;
};

/// The reduction of `data` along the axes that the tensor `axes` holds; `body`
/// computes one result. Axes that are out of range or contradict the shape of
/// the result are faults of the run.
mlir::Value
reduceRunTimeAxes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
                  mlir::Value axes, mlir::RankedTensorType out, bool keepdims,
                  bool noop,
                  llvm::function_ref<onnx::Scalar(RunTimeFold &)> body);

/// Index of the greatest or least element along an axis; see ArgMax.
mlir::Value argReduce(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
                      int64_t axis, bool keep, mlir::RankedTensorType out,
                      bool greatest, bool last);

/// CumSum and CumProd.
void populateScanPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_RUNTIMEAXES_H
