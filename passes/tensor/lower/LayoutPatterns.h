//===- LayoutPatterns.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lowerings of the Layout family that have files of their own.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_LAYOUTPATTERNS_H
#define INGOT_PASSES_TENSOR_LOWER_LAYOUTPATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace ingot {

/// Slice and Split, of Slice.cpp.
void populateSlicePatterns(mlir::RewritePatternSet &patterns);
/// Pad and CenterCropPad, of Pad.cpp.
void populatePadPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_LAYOUTPATTERNS_H
