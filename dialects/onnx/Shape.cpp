//===- Shape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Shape.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location>, Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  types.push_back(op.getValue().getType());
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

namespace ingot::onnx {
void registerShapeOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Shape.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
