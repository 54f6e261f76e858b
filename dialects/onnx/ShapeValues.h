//===- ShapeValues.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integer tensors that a model computes from shapes (Shape, Gather, Concat,
// Reshape ...) as expressions over symbols, so that exports with dynamic sizes
// get symbolic result shapes.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_SHAPEVALUES_H
#define INGOT_DIALECTS_ONNX_SHAPEVALUES_H

#include "dialects/onnx/Dims.h"

namespace ingot::onnx {

/// The elements, in row-major order, of a small integer tensor (at most 64
/// elements) that depends on constants and sizes only. The work is bounded
/// whatever graph computes the value.
std::optional<Dims> symbolicIntegers(mlir::Value value);

/// Likewise, with null for the elements that depend on data. Nothing if the
/// number of elements is not known.
std::optional<Dims> partialIntegers(mlir::Value value);

/// The `count` elements of a list operand, null where they depend on data.
Dims listElements(mlir::Value list, int64_t count);

/// True if the expression is >= 0 for all sizes that symbols may stand for.
bool isNonNegative(mlir::AffineExpr expr);

/// True if a symbol of the expression stands for a size known only from data.
bool dependsOnData(mlir::AffineExpr expr);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_SHAPEVALUES_H
