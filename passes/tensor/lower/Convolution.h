//===- Convolution.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_CONVOLUTION_H
#define INGOT_PASSES_TENSOR_LOWER_CONVOLUTION_H

#include "mlir/IR/PatternMatch.h"

namespace ingot {

/// The convolutions among the operators of the Window family.
void populateConvolutionPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_CONVOLUTION_H
