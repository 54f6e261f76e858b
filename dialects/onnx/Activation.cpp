//===- Activation.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Activation.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/Scalar.h"

using namespace mlir;
using namespace ingot::onnx;

#define GET_OP_CLASSES
#include "dialects/onnx/Activation.cpp.inc"

LogicalResult PReluOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc, Adaptor op,
                                        SmallVectorImpl<Type> &types) {
  Type x = op.getX().getType(), slope = op.getSlope().getType();
  if (failed(checkSameElements(loc, {x, slope})))
    return failure();
  FailureOr<TensorType> type = broadcastTo(loc, x, slope);
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

LogicalResult GeluOp::verify() {
  if (getApproximate() != "none" && getApproximate() != "tanh")
    return emitOpError("approximate is '")
           << getApproximate() << "', not 'none' or 'tanh'";
  return success();
}

LogicalResult DropoutOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op,
                                          SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<TensorType>(op.getData().getType());
  if (!type)
    return failure(); // the verifier says so
  types.push_back(type);
  types.push_back(type.clone(IntegerType::get(context, 1)));
  return success();
}

namespace ingot::onnx {
void registerActivationOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Activation.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
