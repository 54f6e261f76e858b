//===- Linear.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Linear.h"
#include "passes/tensor/Lowering.h"

using namespace mlir;
using namespace ingot;

void ingot::populateLinearPatterns(RewritePatternSet &patterns) {
  (void)patterns;
}
