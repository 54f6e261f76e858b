//===- Infer.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the shape rules of several families share.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_INFER_H
#define INGOT_DIALECTS_ONNX_INFER_H

#include "dialects/onnx/TypeChecks.h"

namespace ingot::onnx {

/// The element type of a tensor value.
mlir::Type elementTypeOf(mlir::Value value);

/// The highest rank a result may have.
constexpr int64_t maxRank = 64;

/// The number of elements of a static tensor of rank 0 or 1; fails for a
/// higher rank (with an error naming `what`), nothing if it is dynamic.
mlir::FailureOr<std::optional<int64_t>>
listLength(std::optional<mlir::Location> loc, mlir::Value list,
           llvm::StringRef what);

/// That many fresh dimensions.
Dims unknownDims(int64_t rank, mlir::MLIRContext *context);

/// The sum with equal terms put together, so that differences cancel.
mlir::AffineExpr simplifySum(mlir::AffineExpr expr);

/// Adds the tensor type with those dims, fresh ones for expressions that grew
/// too long. Fails with an error when a constant size is negative or the static
/// sizes multiply to more than any memory holds.
llvm::LogicalResult addResult(std::optional<mlir::Location> loc,
                              llvm::ArrayRef<mlir::AffineExpr> dims,
                              mlir::Type elementType,
                              llvm::SmallVectorImpl<mlir::Type> &types);

/// The result type of a matrix product by the rules of numpy.matmul: unranked
/// where an operand is (its type null).
mlir::FailureOr<mlir::TensorType> matMulType(std::optional<mlir::Location> loc,
                                             mlir::RankedTensorType a,
                                             mlir::RankedTensorType b,
                                             mlir::Type elementType);

/// Likewise of A' * B' + C of two matrices; `c` is null if it is left out.
mlir::FailureOr<mlir::TensorType>
gemmType(std::optional<mlir::Location> loc, mlir::RankedTensorType a,
         mlir::RankedTensorType b, mlir::RankedTensorType c, bool transA,
         bool transB, mlir::Type elementType);

/// Adds the type of tensors joined along an axis, of that element type.
llvm::LogicalResult addConcatenation(std::optional<mlir::Location> loc,
                                     llvm::ArrayRef<mlir::Value> inputs,
                                     int64_t axis, mlir::Type elementType,
                                     llvm::SmallVectorImpl<mlir::Type> &types);

/// True if the expression, written out, has at most `limit` operators and
/// operands. Products of sizes can double in length with every op.
bool isShort(mlir::AffineExpr expr, unsigned limit = 128);

/// Adds the type of a result nothing is known of but its element type.
llvm::LogicalResult addUnranked(mlir::Type elementType,
                                llvm::SmallVectorImpl<mlir::Type> &types);

/// `axes` counted from the front, in the given order; fails with an error for
/// an axis out of range or listed twice.
mlir::FailureOr<llvm::SmallVector<int64_t>>
orderedAxes(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> axes,
            int64_t rank);

/// The constant axes of an optional operand, counted from the front; all axes
/// in order (at most `count` of them) if it was left out; nothing if it is
/// known only at run time.
mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
axesOperand(std::optional<mlir::Location> loc, mlir::Value axes, int64_t rank,
            int64_t count);

/// The size both dimensions must have: the constant one if there is one.
/// Fails when two constants differ.
mlir::FailureOr<mlir::AffineExpr> mergeDims(mlir::AffineExpr a,
                                            mlir::AffineExpr b);

/// The product of `dividend` over that of `divisor`, with common factors
/// cancelled: an exact quotient when the divisor's factors all cancel, a
/// floordiv otherwise. Fails when constant products do not divide, the divisor
/// is 0, or a constant overflows.
mlir::FailureOr<mlir::AffineExpr>
quotient(llvm::ArrayRef<mlir::AffineExpr> dividend,
         llvm::ArrayRef<mlir::AffineExpr> divisor, mlir::MLIRContext *context);

/// True if both shapes have the same number of elements for all symbol values.
bool sameProduct(llvm::ArrayRef<mlir::AffineExpr> a,
                 llvm::ArrayRef<mlir::AffineExpr> b);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_INFER_H
