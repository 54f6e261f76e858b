//===- WindowAccess.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a body reads the elements under a sliding window.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_WINDOWACCESS_H
#define INGOT_PASSES_TENSOR_LOWER_WINDOWACCESS_H

#include "dialects/onnx/WindowShape.h"
#include "passes/tensor/Lowering.h"

namespace ingot {

/// Reads tensor N x C x D1 x ... under a window. The loops are numbered: the
/// window's position along axis i is loop `windowLoop + i`, the point in the
/// window `pointLoop + i`.
struct WindowAccess {
  mlir::Value tensor;
  const onnx::WindowParams &window;
  unsigned windowLoop, pointLoop;

  /// True if a map over the loops reads the tensor, since no window reaches
  /// outside of it; otherwise each element is loaded in the body.
  bool isAffine() const { return !window.isPadded(); }

  /// The map over `loops` dimensions, with the index expressions of batch and
  /// channel.
  mlir::AffineMap map(unsigned loops, mlir::AffineExpr batch,
                      mlir::AffineExpr channel) const;

  /// The place of the point along an axis; it may lie outside.
  mlir::Value place(Body &body, unsigned axis) const;

  /// The element at the point, which must not be used unless `inside` (null
  /// for always) holds.
  struct Element {
    mlir::Value value, inside;
  };
  Element load(Body &body, mlir::Value batch, mlir::Value channel) const;
};

/// Runs the body once per window and point of `access` (whose map reads batch
/// loop 0 and channel loop 1), folding into accumulators that start as `inits`.
/// The body gets the element in its compute type and a condition for its being
/// inside, null for always.
llvm::SmallVector<mlir::Value> reduceWindows(
    mlir::OpBuilder &b, mlir::Location loc, const WindowAccess &access,
    llvm::ArrayRef<mlir::RankedTensorType> outs, mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(
        Body &, WindowAccess::Element, mlir::ValueRange accumulators)>
        body);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_WINDOWACCESS_H
