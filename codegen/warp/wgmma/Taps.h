//===- Taps.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution as a product of warpgroups. The engine takes the rows of the
// left factor from the image (im2col): for one tap of the kernel and some of
// the channels, the pixels that the tap multiplies for neighbouring results.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_TAPS_H
#define INGOT_CODEGEN_WARP_WGMMA_TAPS_H

#include "codegen/warp/wgmma/Factors.h"

namespace ingot::warp {

/// Describes both factors of a convolution, of one element type, but for the
/// rows of a tile. Returns why the engine cannot copy them; empty if it can.
llvm::StringRef describeTaps(const KernelContext &context,
                             const BlockOperands &operands, Factor &left,
                             Factor &right);

/// Where the steps through the depth of a convolution are. Of few channels a
/// step has those of several taps. Of more it goes through all taps with whole
/// pieces of 64 channels, then through all taps with the last channels. Tiles
/// that reach beyond the channels or the taps have zeros there.
class Taps {
public:
  explicit Taps(heavy::ConvOp conv);

  /// Taps of the kernel.
  int64_t count() const { return taps; }
  /// Channels that a copy brings of a pixel; taps of a step.
  int64_t channelsOfCopy() const;
  int64_t tapsOfStep() const;
  struct Part {
    int64_t firstChannel;
    /// For each tap, or the taps of a step.
    int64_t pieces;
    /// The depth that is multiplied in a step.
    int64_t multiplied;
  };
  llvm::ArrayRef<Part> parts() const { return partsOf; }
  /// Steps through the depth, in a part and in all.
  int64_t steps(const Part &part) const;
  int64_t steps() const;
  /// The part of the time that goes into products that are asked for.
  double usefulPart() const;

  /// Coordinates of the first tap for a row of the left factor, without those
  /// of the channels: pixels innermost first, then the image. Rows beyond the
  /// last image are in one that does not exist.
  llvm::SmallVector<mlir::Value> pixelOf(Words &w, KernelContext &context,
                                         mlir::Value row) const;
  /// The pixels of a tap.
  struct Copy {
    mlir::Value channel;
    /// From the first tap to this one, innermost first (16 bits).
    llvm::SmallVector<mlir::Value> offsets;
  };
  struct Step {
    /// Of the right factor.
    mlir::Value channel, tap;
    llvm::SmallVector<Copy> copies;
  };
  Step locate(Words &w, const Part &part, mlir::Value step) const;

private:
  /// Innermost first.
  struct Axis {
    int64_t kernel, stride, dilation, pad;
    mlir::AffineExpr results;
  };
  llvm::SmallVector<Axis, 3> axes;
  int64_t channels, taps = 1;
  llvm::SmallVector<Part, 2> partsOf;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_TAPS_H
