//===- Elementwise.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Elementwise.cpp.inc"

namespace ingot::onnx {
void registerElementwiseOps(mlir::Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Elementwise.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
