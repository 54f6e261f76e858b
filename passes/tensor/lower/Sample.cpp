//===- Sample.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Interpolation.h"
#include "passes/tensor/lower/Resize.h"

using namespace mlir;
using namespace ingot;

void ingot::populateSamplePatterns(RewritePatternSet &patterns) {
  populateResizePatterns(patterns);
}
