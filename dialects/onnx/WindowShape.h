//===- WindowShape.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arithmetic of sliding windows: what a convolution or pooling does along
// each spatial axis once defaults and auto_pad are resolved.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_WINDOWSHAPE_H
#define INGOT_DIALECTS_ONNX_WINDOWSHAPE_H

#include "dialects/onnx/Dims.h"

namespace ingot::onnx {

class AveragePoolOp;
class ConvIntegerOp;
class ConvOp;
class ConvTransposeOp;
class DeformConvOp;
class LpPoolOp;
class MaxPoolOp;
class QLinearConvOp;

/// The attributes of a windowed operator as the model gives them.
struct WindowAttributes {
  llvm::StringRef autoPad = "NOTSET";
  std::optional<llvm::ArrayRef<int64_t>> kernel, strides, dilations, pads;
  bool ceilMode = false;
};

/// One value per spatial axis of each. Window y of an axis covers the inputs
/// y * stride + k * dilation - padBegin for 0 <= k < kernel.
struct WindowParams {
  llvm::SmallVector<int64_t, 3> kernel, strides, dilations;
  /// Symbolic where auto_pad meets a symbolic size.
  Dims padsBegin, padsEnd;
  /// Spatial sizes of the input and the result.
  Dims input, output;
  /// True where a window may reach outside of the input.
  llvm::SmallVector<bool, 3> padded;
  int64_t group = 1;

  int64_t rank() const { return kernel.size(); }
  /// The inputs from the first to the last that a window covers.
  int64_t span(int64_t axis) const {
    return (kernel[axis] - 1) * dilations[axis] + 1;
  }
  bool isPadded() const { return llvm::is_contained(padded, true); }
  /// padsBegin (padsEnd), if all of them are constants.
  std::optional<llvm::SmallVector<int64_t, 3>> constantPadsBegin() const;
  std::optional<llvm::SmallVector<int64_t, 3>> constantPadsEnd() const;
  /// Sizes of the kernel as dimensions.
  Dims kernelDims(mlir::MLIRContext *context) const;
};

/// Resolves a window that slides over `input`. Emits an error that names the
/// attribute and number if an attribute is malformed or no window fits.
mlir::FailureOr<WindowParams>
resolveWindow(std::optional<mlir::Location> loc,
              const WindowAttributes &attributes,
              llvm::ArrayRef<mlir::AffineExpr> input);

/// Resolves a transposed window; `input` is what the elements to be spread are
/// indexed by. Inputs x and kernel points k meet at result
/// x * stride + k * dilation - padBegin. padsEnd is not set.
mlir::FailureOr<WindowParams>
resolveTransposedWindow(std::optional<mlir::Location> loc,
                        const WindowAttributes &attributes,
                        std::optional<llvm::ArrayRef<int64_t>> outputPadding,
                        std::optional<llvm::ArrayRef<int64_t>> outputShape,
                        llvm::ArrayRef<mlir::AffineExpr> input);

/// The window of an operator. Verified operators fail only where an operand has
/// no rank.
mlir::FailureOr<WindowParams> resolveWindow(ConvOp op);
mlir::FailureOr<WindowParams> resolveWindow(ConvIntegerOp op);
mlir::FailureOr<WindowParams> resolveWindow(QLinearConvOp op);
mlir::FailureOr<WindowParams> resolveWindow(ConvTransposeOp op);
mlir::FailureOr<WindowParams> resolveWindow(DeformConvOp op);
mlir::FailureOr<WindowParams> resolveWindow(MaxPoolOp op);
mlir::FailureOr<WindowParams> resolveWindow(AveragePoolOp op);
mlir::FailureOr<WindowParams> resolveWindow(LpPoolOp op);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_WINDOWSHAPE_H
