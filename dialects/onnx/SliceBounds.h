//===- SliceBounds.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a Slice takes from each dimension.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_SLICEBOUNDS_H
#define INGOT_DIALECTS_ONNX_SLICEBOUNDS_H

#include "dialects/onnx/Dims.h"

namespace ingot::onnx {

/// The elements start, start + step, ... of one dimension, `size` of them.
/// `start` and `size` are null where they depend on data; `step` is 0 then.
struct SliceBound {
  mlir::AffineExpr start, size;
  int64_t step = 1;

  /// True if the whole dimension is taken as it is.
  bool isWhole(mlir::AffineExpr dim) const {
    return start && constantValue(start) == 0 && step == 1 && size == dim;
  }
  /// True if no size of the symbols lets the slice leave the dimension.
  bool staysInside(mlir::AffineExpr dim) const;
};
using SliceBounds = llvm::SmallVector<SliceBound, 6>;

/// The bounds for every dimension of `type`. Where clamping a symbolic size
/// has no closed form (`x[:5]` of N elements), the tensor is taken to be long
/// enough. Fails with an error for operands the operator forbids.
mlir::FailureOr<SliceBounds> sliceBounds(std::optional<mlir::Location> loc,
                                         mlir::RankedTensorType type,
                                         mlir::Value starts, mlir::Value ends,
                                         mlir::Value axes, mlir::Value steps);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_SLICEBOUNDS_H
