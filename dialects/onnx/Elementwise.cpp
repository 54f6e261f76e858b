//===- Elementwise.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/Scalar.h"

using namespace mlir;
using namespace ingot::onnx;

namespace ingot::onnx {
/// The condition that an integer divisor is 0; null if it is no integer, or
/// `divisor`, the tensor it comes from, is constant without a 0.
static Value zeroDivisor(OpBuilder &b, Location loc, Value element,
                         Value divisor) {
  if (!isa<IntegerType>(element.getType()))
    return Value();
  std::optional<SmallVector<int64_t>> known = constantIntegers(divisor);
  if (known && !llvm::is_contained(*known, 0))
    return Value();
  return Scalar(b, loc, element, divisor.getType()) == 0;
}
} // namespace ingot::onnx

#define GET_OP_CLASSES
#include "dialects/onnx/Elementwise.cpp.inc"

LogicalResult ClipOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  if (failed(checkSameElements(loc, TypeRange(op.getOperands()))))
    return failure();
  for (Value bound : {op.getMin(), op.getMax()})
    if (!isNone(bound) && failed(checkOneElement(loc, "bound", bound)))
      return failure();
  types.push_back(op.getX().getType());
  return success();
}

LogicalResult PowOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  FailureOr<TensorType> type =
      broadcastType(loc, TypeRange(op.getOperands()),
                    getElementTypeOrSelf(op.getX().getType()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

LogicalResult ModOp::verify() {
  if (getFmod() != 0 && getFmod() != 1)
    return emitOpError("fmod is ") << getFmod() << ", not 0 or 1";
  return success();
}

namespace ingot::onnx {
void registerElementwiseOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Elementwise.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
