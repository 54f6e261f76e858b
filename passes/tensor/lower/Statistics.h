//===- Statistics.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_STATISTICS_H
#define INGOT_PASSES_TENSOR_LOWER_STATISTICS_H

#include "passes/tensor/lower/Rows.h"

namespace ingot {

/// Mean and variance of each row of a tensor, in two passes over it.
class Statistics {
public:
  /// `real` is the type to compute in.
  Statistics(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
             llvm::ArrayRef<int64_t> axes, mlir::Type real);

  /// From the row's values of `sum` and `squares`.
  onnx::Scalar mean(onnx::Scalar sum) const;
  onnx::Scalar variance(onnx::Scalar squares) const;
  onnx::Scalar inverseDeviation(onnx::Scalar squares,
                                onnx::Literal epsilon) const;

  /// `finish` gets the normalised element, and the elements of `others`.
  using Finish = llvm::function_ref<onnx::Scalar(onnx::Scalar x, ScalarArgs)>;
  /// finish((x - mean) / sqrt(variance + epsilon)) for each element.
  mlir::Value normalize(mlir::RankedTensorType out, onnx::Literal epsilon,
                        llvm::ArrayRef<Read> others, Finish finish) const;

  Rows rows;
  /// The sum of each row, and of its squared differences to the mean.
  mlir::Value sum, squares;

private:
  mlir::Type real;
};

/// Log softmax along an axis; see LogSoftmax.
mlir::Value logSoftmax(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value input, int64_t axis,
                       mlir::RankedTensorType out);

/// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
void populateLossPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_STATISTICS_H
