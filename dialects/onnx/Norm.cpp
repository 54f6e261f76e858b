//===- Norm.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Norm.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"

using namespace mlir;
using namespace ingot::onnx;

namespace ingot::onnx {
static LogicalResult inferAlongAxis(std::optional<Location> loc, Value input,
                                    int64_t axis,
                                    SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(input.getType());
  if (type && failed(normalizeAxis(loc, axis, type.getRank())))
    return failure();
  types.push_back(input.getType());
  return success();
}
} // namespace ingot::onnx

#define GET_OP_CLASSES
#include "dialects/onnx/Norm.cpp.inc"

LogicalResult LpNormalizationOp::verify() {
  if (getP() != 1 && getP() != 2)
    return emitOpError("p is ") << getP() << ", not 1 or 2";
  return success();
}

/// Fails unless `stashType` names a float type to compute in.
static LogicalResult checkStash(std::optional<Location> loc, int64_t stashType,
                                MLIRContext *context) {
  Type type = elementTypeOf(stashType, context);
  if (type && isTensorOf(RankedTensorType::get({}, type), FloatElements))
    return success();
  return emitOptionalError(loc, "stash_type ", stashType,
                           " is no type to compute in");
}

/// The number of channels of N x C x D1 ... (1 where there is no C).
static AffineExpr channelsOf(RankedTensorType type) {
  return type.getRank() > 1 ? getDims(type)[1]
                            : constantDim(1, type.getContext());
}

/// Fails unless each of `vectors` has one dimension, of the size of the
/// channels of `x`.
static LogicalResult checkPerChannel(std::optional<Location> loc, Value x,
                                     ValueRange vectors) {
  auto type = dyn_cast<RankedTensorType>(x.getType());
  for (Value vector : vectors) {
    auto vectorType = dyn_cast<RankedTensorType>(vector.getType());
    if (!type || !vectorType)
      continue;
    if (type.getRank() < 1 || vectorType.getRank() != 1)
      return emitOptionalError(loc, vectorType,
                               " is no vector of the channels "
                               "of ",
                               type);
    std::optional<int64_t> channels = constantValue(channelsOf(type));
    if (channels && !vectorType.isDynamicDim(0) &&
        vectorType.getDimSize(0) != *channels)
      return emitOptionalError(loc, vectorType,
                               " has not one element for each "
                               "of the ",
                               *channels, " channels of ", type);
  }
  return success();
}

LogicalResult
BatchNormalizationOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  if (failed(checkPerChannel(loc, op.getX(), op.getOperands().drop_front())))
    return failure();
  types.append({op.getX().getType(), op.getInputMean().getType(),
                op.getInputVar().getType()});
  return success();
}

LogicalResult InstanceNormalizationOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> loc, Adaptor op,
    SmallVectorImpl<Type> &types) {
  if (failed(
          checkPerChannel(loc, op.getInput(), op.getOperands().drop_front())))
    return failure();
  types.push_back(op.getInput().getType());
  return success();
}

LogicalResult
GroupNormalizationOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  if (failed(checkPerChannel(loc, op.getX(), op.getOperands().drop_front())) ||
      failed(checkStash(loc, op.getStashType(), context)))
    return failure();
  auto type = dyn_cast<RankedTensorType>(op.getX().getType());
  if (type && type.getRank() < 2)
    return emitOptionalError(loc, type, " has no channels");
  std::optional<int64_t> channels;
  if (type)
    channels = constantValue(channelsOf(type));
  if (op.getNumGroups() < 1 || (channels && *channels % op.getNumGroups()))
    return emitOptionalError(loc, "num_groups ", op.getNumGroups(),
                             " does not divide the channels of ",
                             op.getX().getType());
  types.push_back(op.getX().getType());
  return success();
}

LogicalResult
LayerNormalizationOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  Value x = op.getX();
  if (failed(checkStash(loc, op.getStashType(), context)) ||
      failed(checkSameElements(loc, TypeRange(op.getOperands()))))
    return failure();
  Type stash = elementTypeOf(op.getStashType(), context);
  for (Value operand : op.getOperands().drop_front())
    if (!isNone(operand) &&
        failed(broadcastTo(loc, x.getType(), operand.getType())))
      return failure();
  types.push_back(x.getType());
  auto type = dyn_cast<RankedTensorType>(x.getType());
  if (!type) {
    types.append(2, UnrankedTensorType::get(stash));
    return success();
  }
  FailureOr<int64_t> axis = normalizeAxis(loc, op.getAxis(), type.getRank());
  if (failed(axis))
    return failure();
  Dims dims = getDims(type);
  std::fill(dims.begin() + *axis, dims.end(), constantDim(1, context));
  types.append(2, tensorOf(dims, stash));
  return success();
}

LogicalResult
RMSNormalizationOp::inferReturnTypes(MLIRContext *context,
                                     std::optional<Location> loc, Adaptor op,
                                     SmallVectorImpl<Type> &types) {
  Type x = op.getX().getType();
  if (failed(checkStash(loc, op.getStashType(), context)) ||
      failed(broadcastTo(loc, x, op.getScale().getType())))
    return failure();
  auto type = dyn_cast<RankedTensorType>(x);
  if (type && failed(normalizeAxis(loc, op.getAxis(), type.getRank())))
    return failure();
  types.push_back(
      cast<TensorType>(x).clone(getElementTypeOrSelf(op.getScale().getType())));
  return success();
}

LogicalResult MeanVarianceNormalizationOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> loc, Adaptor op,
    SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(op.getX().getType());
  if (type && failed(normalizeAxes(loc, op.getAxes(), type.getRank())))
    return failure();
  types.push_back(op.getX().getType());
  return success();
}

LogicalResult LRNOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(op.getX().getType());
  if (type && type.getRank() < 2)
    return emitOptionalError(loc, type, " has no channels");
  if (op.getSize() < 1)
    return emitOptionalError(loc, "size ", op.getSize(), " is not positive");
  types.push_back(op.getX().getType());
  return success();
}

/// The type of a loss of samples with those scores (N x C x ...) and target
/// classes (N x ...).
static LogicalResult inferLoss(std::optional<Location> loc, Value scores,
                               Value target, Value weight, StringRef reduction,
                               SmallVectorImpl<Type> &types) {
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return emitOptionalError(loc, "reduction is '", reduction,
                             "', not 'none', 'sum' or 'mean'");
  auto type = dyn_cast<TensorType>(scores.getType());
  auto targetType = dyn_cast<TensorType>(target.getType());
  if (!type || !targetType)
    return failure(); // the verifier says so
  Type element = type.getElementType();
  if (type.hasRank() && targetType.hasRank()) {
    SmallVector<int64_t> expected(type.getShape());
    if (expected.size() > 1)
      expected.erase(expected.begin() + 1);
    if (type.getRank() < 2 ||
        failed(verifyCompatibleShape(expected, targetType.getShape())))
      return emitOptionalError(loc, targetType,
                               " has not one class for each "
                               "sample of ",
                               type);
  }
  if (!isNone(weight) &&
      (failed(checkPerChannel(loc, scores, weight)) ||
       failed(checkSameElements(loc, {type, weight.getType()}))))
    return failure();
  if (reduction == "none")
    types.push_back(targetType.clone(element));
  else
    types.push_back(RankedTensorType::get({}, element));
  return success();
}

LogicalResult NegativeLogLikelihoodLossOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> loc, Adaptor op,
    SmallVectorImpl<Type> &types) {
  return inferLoss(loc, op.getInput(), op.getTarget(), op.getWeight(),
                   op.getReduction(), types);
}

LogicalResult SoftmaxCrossEntropyLossOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> loc, Adaptor op,
    SmallVectorImpl<Type> &types) {
  if (failed(inferLoss(loc, op.getScores(), op.getLabels(), op.getWeights(),
                       op.getReduction(), types)))
    return failure();
  types.push_back(op.getScores().getType());
  return success();
}

namespace ingot::onnx {
void registerNormOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Norm.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
