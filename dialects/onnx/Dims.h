//===- Dims.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes of tensors as expressions over named symbols. A static size is a
// constant expression, so shape rules are written once for both.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_DIMS_H
#define INGOT_DIALECTS_ONNX_DIMS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace ingot::onnx {

using Dims = llvm::SmallVector<mlir::AffineExpr, 6>;

/// The dimensions of a ranked tensor type. A dynamic dimension without an
/// expression in the encoding gets a fresh symbol.
Dims getDims(mlir::RankedTensorType type);

/// The tensor type with those dimensions; it has an encoding exactly when a
/// dimension is not constant.
mlir::RankedTensorType tensorOf(llvm::ArrayRef<mlir::AffineExpr> dims,
                                mlir::Type elementType);

/// A constant size.
mlir::AffineExpr constantDim(int64_t size, mlir::MLIRContext *context);

/// The value of a constant expression.
std::optional<int64_t> constantValue(mlir::AffineExpr dim);

/// The symbol of that name, and a symbol for a size known only at run time.
mlir::AffineExpr symbolDim(llvm::StringRef name, mlir::MLIRContext *context);
mlir::AffineExpr freshDim(mlir::MLIRContext *context);

/// Text of a dimension: "3", "N", "H floordiv 2 + 1".
std::string printDim(mlir::AffineExpr dim, mlir::MLIRContext *context);

/// Text of a type for messages: "f32[N,3]", "none".
std::string printType(mlir::Type type);

/// The product of all dims (1 for none).
mlir::AffineExpr product(llvm::ArrayRef<mlir::AffineExpr> dims,
                         mlir::MLIRContext *context);

/// Multidirectional broadcasting of two shapes (ONNX Broadcasting.md). Where a
/// symbol meets a constant other than 1, the result is the constant. Fails when
/// two constants other than 1 differ.
mlir::FailureOr<Dims> broadcast(llvm::ArrayRef<mlir::AffineExpr> a,
                                llvm::ArrayRef<mlir::AffineExpr> b);

/// The type of the elementwise result of operands with these types (None types
/// are skipped) and that element type: unranked if an operand is unranked.
/// Emits an error naming both shapes when they do not broadcast.
mlir::FailureOr<mlir::TensorType>
broadcastType(std::optional<mlir::Location> loc, mlir::TypeRange operands,
              mlir::Type elementType);

/// Result type of an elementwise op: the broadcast of the operands, which must
/// agree in element type, with element type `element` (theirs if null).
llvm::LogicalResult inferElementwise(std::optional<mlir::Location> loc,
                                     mlir::TypeRange operands,
                                     mlir::Type element,
                                     llvm::SmallVectorImpl<mlir::Type> &types);

/// Fails with an error naming the types unless operands that are not None have
/// one element type.
llvm::LogicalResult checkSameElements(std::optional<mlir::Location> loc,
                                      mlir::TypeRange operands);

/// The type of `tensor` after unidirectional broadcasting of `operand` to it
/// (a symbol that meets a constant becomes the constant). Fails with an error
/// naming both when `operand` does not broadcast to `tensor`.
mlir::FailureOr<mlir::TensorType> broadcastTo(std::optional<mlir::Location> loc,
                                              mlir::Type tensor,
                                              mlir::Type operand);

/// `axis` counted from the front, or failure (with an error naming axis and
/// rank) unless -rank <= axis < rank.
mlir::FailureOr<int64_t> normalizeAxis(std::optional<mlir::Location> loc,
                                       int64_t axis, int64_t rank);

/// Several axes, counted from the front in ascending order, or failure (with an
/// error naming the axis) if one is out of range or given twice.
mlir::FailureOr<llvm::SmallVector<int64_t>>
normalizeAxes(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> axes,
              int64_t rank);

/// The axes that a Reduce operator reduces, in ascending order; none if they
/// are known only at run time. Left-out or empty `axes` stand for all, or with
/// `noop` for none. Fails, with an error, on axes that are wrong.
mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
reducedAxes(std::optional<mlir::Location> loc, int64_t rank, mlir::Value axes,
            bool noop);

/// The dimensions of `type` without those at `axes`, or with size 1 for them.
Dims reducedDims(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> axes,
                 bool keep);

/// Fails, with an error naming `role` and the type, if `value` is known to have
/// not one element in at most one dimension.
llvm::LogicalResult checkOneElement(std::optional<mlir::Location> loc,
                                    llvm::StringRef role, mlir::Value value);

/// The elements of a constant integer tensor (the result of onnx.Constant, any
/// integer element type), if `value` is one of at most `limit` elements.
std::optional<llvm::SmallVector<int64_t>>
constantIntegers(mlir::Value value, int64_t limit = 1 << 16);

/// Likewise for a floating-point tensor of any width, as double.
std::optional<llvm::SmallVector<double>>
constantFloats(mlir::Value value, int64_t limit = 1 << 16);

/// The element type of that number in ONNX's TensorProto.DataType, null if it
/// names none that MLIR has.
mlir::Type elementTypeOf(int64_t dataType, mlir::MLIRContext *context);

/// True for ui8 ... ui64 (of an element type or a tensor type).
bool isUnsigned(mlir::Type type);

/// True if the model left this operand out.
inline bool isNone(mlir::Value value) {
  return !value || mlir::isa<mlir::NoneType>(value.getType());
}

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_DIMS_H
