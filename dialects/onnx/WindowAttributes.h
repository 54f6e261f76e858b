//===- WindowAttributes.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the shape rules of convolutions and pooling share. Local to their
// implementation.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_WINDOWATTRIBUTES_H
#define INGOT_DIALECTS_ONNX_WINDOWATTRIBUTES_H

#include "dialects/onnx/TypeChecks.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"

namespace ingot::onnx {

/// The values of an attribute that may be missing.
inline std::optional<llvm::ArrayRef<int64_t>>
valuesOf(mlir::DenseI64ArrayAttr attribute) {
  if (!attribute)
    return std::nullopt;
  return attribute.asArrayRef();
}

/// The sizes D1, D2, ... of a tensor N x C x D1 x D2 x ...
inline llvm::ArrayRef<mlir::AffineExpr> spatial(const Dims &dims) {
  return llvm::ArrayRef<mlir::AffineExpr>(dims).drop_front(2);
}

/// The element type of a tensor.
inline mlir::Type elementType(mlir::Value value) {
  return mlir::getElementTypeOrSelf(value.getType());
}

/// The attributes every windowed operator has.
template <typename Op> WindowAttributes commonAttributes(Op op) {
  WindowAttributes attributes;
  attributes.kernel = valuesOf(op.getKernelShapeAttr());
  attributes.strides = valuesOf(op.getStridesAttr());
  attributes.pads = valuesOf(op.getPadsAttr());
  return attributes;
}

/// Those and what convolutions have.
template <typename Op> WindowAttributes convAttributes(Op op) {
  WindowAttributes attributes = commonAttributes(op);
  attributes.dilations = valuesOf(op.getDilationsAttr());
  if constexpr (!std::is_same_v<Op, DeformConvOp> &&
                !std::is_same_v<Op, DeformConvOp::Adaptor>)
    attributes.autoPad = op.getAutoPad();
  return attributes;
}

/// Those and what pooling has.
template <typename Op> WindowAttributes poolAttributes(Op op) {
  WindowAttributes attributes = convAttributes(op);
  attributes.ceilMode = op.getCeilMode() != 0;
  return attributes;
}

/// The type of the result of a pooling over x (null: of no rank).
mlir::FailureOr<mlir::TensorType> poolType(std::optional<mlir::Location> loc,
                                           mlir::RankedTensorType x,
                                           const WindowAttributes &attributes,
                                           mlir::Type element);

/// The result type of a convolution.
mlir::FailureOr<mlir::TensorType> convType(std::optional<mlir::Location> loc,
                                           mlir::Value x, mlir::Value w,
                                           mlir::Value bias,
                                           const WindowAttributes &attributes,
                                           int64_t group, mlir::Type element);

/// Fails unless `count`, the value of `name`, is positive and divides `size`.
mlir::LogicalResult checkDivides(std::optional<mlir::Location> loc,
                                 llvm::StringRef name, int64_t count,
                                 llvm::StringRef what, mlir::AffineExpr size);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_WINDOWATTRIBUTES_H
