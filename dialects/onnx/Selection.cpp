//===- Selection.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Selection.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/ShapeValues.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Selection.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Types = SmallVectorImpl<Type>;

LogicalResult TopKOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc, Adaptor op,
                                       Types &types) {
  Type element = elementTypeOf(op.getX()),
       index = IntegerType::get(context, 64);
  auto length = listLength(loc, op.getK(), "K");
  if (failed(length))
    return failure();
  if (length->value_or(1) != 1)
    return emitOptionalError(loc, "K must be one number, but has ", **length);
  RankedTensorType type = rankedType(op.getX());
  if (!type) {
    types.append(
        {UnrankedTensorType::get(element), UnrankedTensorType::get(index)});
    return success();
  }
  FailureOr<int64_t> axis = normalizeAxis(loc, op.getAxis(), type.getRank());
  if (failed(axis))
    return failure();
  Dims dims = getDims(type);
  AffineExpr count = listElements(op.getK(), 1).front();
  std::optional<int64_t> constant = count ? constantValue(count) : std::nullopt;
  if (constant && (*constant < 0 ||
                   *constant > constantValue(dims[*axis]).value_or(*constant)))
    return emitOptionalError(loc, "K is ", *constant, " for axis ", *axis,
                             " of size ", printDim(dims[*axis], context));
  dims[*axis] = count ? count : freshDim(context);
  if (failed(addResult(loc, dims, element, types)))
    return failure();
  return addResult(loc, dims, index, types);
}

LogicalResult CompressOp::inferReturnTypes(MLIRContext *context,
                                           std::optional<Location> loc,
                                           Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getInput());
  RankedTensorType type = rankedType(op.getInput());
  RankedTensorType condition = rankedType(op.getCondition());
  if (condition && condition.getRank() != 1)
    return emitOptionalError(loc, "condition must have rank 1, not ",
                             condition.getRank());
  // The number of entries kept, if the condition is a constant.
  AffineExpr kept = freshDim(context);
  if (auto flags = constantIntegers(op.getCondition()))
    kept = constantDim(llvm::count(*flags, 1), context);
  std::optional<int64_t> axis = op.getAxis();
  if (!axis)
    return addResult(loc, kept, element, types);
  if (!type)
    return addUnranked(element, types);
  FailureOr<int64_t> front = normalizeAxis(loc, *axis, type.getRank());
  if (failed(front))
    return failure();
  Dims dims = getDims(type);
  dims[*front] = kept;
  return addResult(loc, dims, element, types);
}

LogicalResult NonZeroOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op, Types &types) {
  RankedTensorType type = rankedType(op.getX());
  AffineExpr rank =
      type ? constantDim(type.getRank(), context) : freshDim(context);
  return addResult(loc, {rank, freshDim(context)},
                   IntegerType::get(context, 64), types);
}

LogicalResult UniqueOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getX()),
       index = IntegerType::get(context, 64);
  RankedTensorType type = rankedType(op.getX());
  std::optional<int64_t> axis = op.getAxis();
  AffineExpr distinct = freshDim(context), entries = freshDim(context);
  if (!axis) {
    if (type)
      entries = product(getDims(type), context);
    if (failed(addResult(loc, distinct, element, types)))
      return failure();
  } else if (type) {
    FailureOr<int64_t> front = normalizeAxis(loc, *axis, type.getRank());
    if (failed(front))
      return failure();
    Dims dims = getDims(type);
    entries = dims[*front];
    dims[*front] = distinct;
    if (failed(addResult(loc, dims, element, types)))
      return failure();
  } else if (failed(addUnranked(element, types))) {
    return failure();
  }
  for (AffineExpr count : {distinct, entries, distinct})
    if (failed(addResult(loc, count, index, types)))
      return failure();
  return success();
}

namespace ingot::onnx {
void registerSelectionOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Selection.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
