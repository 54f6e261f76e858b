//===- Regions.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_REGIONS_H
#define INGOT_PASSES_TENSOR_LOWER_REGIONS_H

#include "mlir/IR/PatternMatch.h"

namespace ingot {

/// The pooling of regions of interest, of the operators of the Sample family.
void populateRegionPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_REGIONS_H
