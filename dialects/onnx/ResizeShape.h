//===- ResizeShape.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which dimensions Resize changes, and to what size.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_RESIZESHAPE_H
#define INGOT_DIALECTS_ONNX_RESIZESHAPE_H

#include "dialects/onnx/Dims.h"

namespace ingot::onnx {

class ResizeOp;

/// A dimension of Resize's operand.
struct ResizedDim {
  /// Its place in scales, sizes and roi; empty if `axes` leaves it alone.
  std::optional<int64_t> position;
  /// The factor its size is multiplied with, if that is known.
  std::optional<double> scale;
  mlir::AffineExpr size, resultSize;
};

/// True if an operand is given: not left out and not an empty list.
bool isGiven(mlir::Value list);

/// The dimensions of X, for verified operators whose X has a rank.
mlir::FailureOr<llvm::SmallVector<ResizedDim>> resolveResize(ResizeOp op);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_RESIZESHAPE_H
