//===- Rows.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor seen as rows, for reductions and normalisations: some of its axes
// run along a row, the others say which row.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_ROWS_H
#define INGOT_PASSES_TENSOR_LOWER_ROWS_H

#include "passes/tensor/Lowering.h"

namespace ingot {

/// Elements in their compute types, as formulas take them.
using ScalarArgs = llvm::ArrayRef<onnx::Scalar>;

/// A tensor and the map from loop dimensions to its indices.
struct Read {
  mlir::Value tensor;
  mlir::AffineMap map;
};

/// out[i...] = body(elements of `reads`). The body's result is in the compute
/// type of out's element type.
mlir::Value
mapElements(mlir::OpBuilder &b, mlir::Location loc, mlir::RankedTensorType out,
            llvm::ArrayRef<Read> reads,
            llvm::function_ref<onnx::Scalar(Body &, ScalarArgs)> body);

/// Makes `op`'s used results the values; those of unused results may be null.
void replaceUsed(mlir::PatternRewriter &rewriter, mlir::Operation *op,
                 mlir::ValueRange values);

/// The elements of `args` as scalars of the tensors they are read from.
llvm::SmallVector<onnx::Scalar> scalarsOf(Body &body,
                                          llvm::ArrayRef<Read> reads);

class Rows {
public:
  /// `axes`, ascending, run along the rows. A value per row has the dimensions
  /// `kept`: those of `data` without `axes` (if `keep`, with size 1 there).
  Rows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
       llvm::ArrayRef<int64_t> axes, bool keep, onnx::Dims kept);
  Rows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
       llvm::ArrayRef<int64_t> axes);

  /// The type of one value per row.
  mlir::RankedTensorType type(mlir::Type element) const {
    return onnx::tensorOf(kept, element);
  }

  using FoldBody = llvm::function_ref<onnx::Scalar(onnx::Scalar accumulator,
                                                   ScalarArgs args)>;
  /// One value per row: its elements folded by `body`, which gets the element
  /// and the row's values of `perRow`. The accumulator has type `element`, a
  /// compute type, and starts as `start`, a constant.
  mlir::Value fold(mlir::Type element, mlir::Value start,
                   mlir::ValueRange perRow, FoldBody body) const;
  /// The same, starting with 0.
  mlir::Value sum(mlir::Type element, mlir::ValueRange perRow,
                  FoldBody body) const;

  using MapBody = llvm::function_ref<onnx::Scalar(ScalarArgs args)>;
  /// One value per element: `body` gets the element, the row's values of
  /// `perRow` and the elements of `others` (whose maps are over data's dims).
  mlir::Value each(mlir::RankedTensorType out, mlir::ValueRange perRow,
                   llvm::ArrayRef<Read> others, MapBody body) const;
  /// One value per row from its values of `perRow`.
  mlir::Value combine(mlir::RankedTensorType out, mlir::ValueRange perRow,
                      MapBody body) const;

  /// The length of a row, in the type of `like`.
  onnx::Scalar length(onnx::Scalar like) const;

  /// The map of a value per row over data's dims.
  mlir::AffineMap rowMap;
  /// Over the loops of a reduction (one per row, then those along it): the data
  /// and a value per row.
  mlir::AffineMap dataMap, keptMap;
  /// Sizes along the row.
  onnx::Dims reduced;

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value data;
  onnx::Dims kept;
};

/// The maximum of each row, accumulated in its compute type.
mlir::Value rowMaximum(mlir::OpBuilder &b, mlir::Location loc, const Rows &rows,
                       mlir::Type real);

/// A size as a number of the type of `like`.
onnx::Scalar sizeAs(onnx::Scalar like, mlir::AffineExpr size);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_ROWS_H
