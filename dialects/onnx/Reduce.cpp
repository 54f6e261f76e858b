//===- Reduce.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Reduce.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Reduce.cpp.inc"

namespace ingot::onnx {
void registerReduceOps(mlir::Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Reduce.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
