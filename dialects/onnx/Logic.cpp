//===- Logic.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/Scalar.h"
#include "dialects/onnx/TypeChecks.h"

using namespace mlir;
using namespace ingot::onnx;

/// 1 where `x` is an infinity of a sign that counts.
static Scalar isInf(Scalar x, bool negative, bool positive) {
  double infinity = std::numeric_limits<double>::infinity();
  if (negative && positive)
    return abs(x) == infinity;
  if (negative || positive)
    return x == (negative ? -infinity : infinity);
  return x.with(arith::ConstantOp::create(x.builder(), x.getLoc(),
                                          x.builder().getBoolAttr(false)));
}

#define GET_OP_CLASSES
#include "dialects/onnx/Logic.cpp.inc"

LogicalResult BitShiftOp::verify() {
  if (getDirection() != "LEFT" && getDirection() != "RIGHT")
    return emitOpError("direction is '")
           << getDirection() << "', not 'LEFT' or 'RIGHT'";
  return success();
}

LogicalResult WhereOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc, Adaptor op,
                                        SmallVectorImpl<Type> &types) {
  Type x = op.getX().getType(), y = op.getY().getType();
  if (failed(checkSameElements(loc, {x, y})))
    return failure();
  FailureOr<TensorType> type =
      broadcastType(loc, TypeRange(op.getOperands()), getElementTypeOrSelf(x));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

/// The shape of `operand` with that element type.
static LogicalResult inferSameShape(std::optional<Location> loc, Value operand,
                                    Type element,
                                    SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<TensorType>(operand.getType());
  if (!type)
    return failure(); // the verifier says so
  types.push_back(type.clone(element));
  return success();
}

/// Fails unless the rounding mode is one that ONNX Cast has.
static LogicalResult checkRoundMode(std::optional<Location> loc,
                                    StringRef mode) {
  return checkChoice(loc, "round_mode", mode, {"up", "down", "nearest"});
}

LogicalResult CastOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  Type element = elementTypeOf(op.getTo(), context);
  if (!element)
    return emitOptionalError(loc, "to is ", op.getTo(),
                             ", which is no element type");
  if (failed(checkRoundMode(loc, op.getRoundMode())))
    return failure();
  return inferSameShape(loc, op.getInput(), element, types);
}

LogicalResult CastLikeOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  if (failed(checkRoundMode(loc, op.getRoundMode())))
    return failure();
  return inferSameShape(loc, op.getInput(),
                        getElementTypeOrSelf(op.getTargetType().getType()),
                        types);
}

/// Bits of an element, 0 where they are no number. A bool is a byte.
static unsigned elementBits(Type type) {
  if (type.isSignlessInteger(1))
    return 8;
  if (auto complex = dyn_cast<ComplexType>(type))
    return 2 * elementBits(complex.getElementType());
  return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 0;
}

LogicalResult BitCastOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op,
                                          SmallVectorImpl<Type> &types) {
  Type element = elementTypeOf(op.getTo(), context);
  if (!element)
    return emitOptionalError(loc, "to is ", op.getTo(),
                             ", which is no element type");
  Type from = getElementTypeOrSelf(op.getInput().getType());
  if (!elementBits(from) || elementBits(from) != elementBits(element))
    return emitOptionalError(loc, "elements of ", from, " and ", element,
                             " differ in width");
  return inferSameShape(loc, op.getInput(), element, types);
}

LogicalResult IdentityOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location>, Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  types.push_back(op.getInput().getType());
  return success();
}

namespace ingot::onnx {
void registerLogicOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Logic.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
