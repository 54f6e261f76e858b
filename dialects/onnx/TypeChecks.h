//===- TypeChecks.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks of operand types that many operators share. Each emits its error at
// `loc` (if there is one) and fails.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_TYPECHECKS_H
#define INGOT_DIALECTS_ONNX_TYPECHECKS_H

#include "dialects/onnx/Dims.h"

#include "mlir/IR/TypeUtilities.h"

namespace ingot::onnx {

/// The type of a value if it is a ranked tensor, else null.
inline mlir::RankedTensorType rankedType(mlir::Value value) {
  return value ? mlir::dyn_cast<mlir::RankedTensorType>(value.getType())
               : mlir::RankedTensorType();
}

/// True for f16, bf16, f32 and f64.
bool isRealFloat(mlir::Type elementType);

/// True for i8 and ui8.
bool isByte(mlir::Type elementType);

/// Fails unless `accepts` holds for the element type of operand `name`.
/// Operands that the model left out pass.
mlir::LogicalResult checkElementType(std::optional<mlir::Location> loc,
                                     mlir::Value operand, llvm::StringRef name,
                                     bool (*accepts)(mlir::Type));

/// Fails unless both have the same element type. Operands that the model left
/// out pass.
mlir::LogicalResult checkSameElementType(std::optional<mlir::Location> loc,
                                         mlir::Value a, llvm::StringRef nameA,
                                         mlir::Value b, llvm::StringRef nameB);

/// Fails if two sizes are constants that differ.
mlir::LogicalResult checkSameSize(std::optional<mlir::Location> loc,
                                  llvm::StringRef whatA, mlir::AffineExpr a,
                                  llvm::StringRef whatB, mlir::AffineExpr b);

/// Fails unless `value` is one of `allowed`.
mlir::LogicalResult checkChoice(std::optional<mlir::Location> loc,
                                llvm::StringRef attribute,
                                llvm::StringRef value,
                                llvm::ArrayRef<llvm::StringRef> allowed);

/// The tensor type without rank.
inline mlir::TensorType unrankedOf(mlir::Type elementType) {
  return mlir::UnrankedTensorType::get(elementType);
}

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_TYPECHECKS_H
