//===- Index.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Index.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/ShapeValues.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Index.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Types = SmallVectorImpl<Type>;

/// Fails with an error if a constant index lies outside a constant size.
static LogicalResult constantsInside(std::optional<Location> loc, Value indices,
                                     AffineExpr dim, int64_t axis) {
  std::optional<int64_t> size = constantValue(dim);
  if (!size)
    return success();
  for (int64_t index :
       constantIntegers(indices).value_or(SmallVector<int64_t>()))
    if (index < -*size || index >= *size)
      return emitOptionalError(loc, "index ", index,
                               " is out of range for axis ", axis, " of size ",
                               *size);
  return success();
}

/// Fails with an error unless `reduction` is one that scatters know.
static LogicalResult knownReduction(std::optional<Location> loc,
                                    StringRef reduction) {
  return checkChoice(loc, "reduction", reduction,
                     {"none", "add", "mul", "max", "min"});
}

//===----------------------------------------------------------------------===//
// Gather, GatherElements, GatherND
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType data = rankedType(op.getData());
  RankedTensorType indices = rankedType(op.getIndices());
  if (!data || !indices)
    return addUnranked(element, types);
  FailureOr<int64_t> axis = normalizeAxis(loc, op.getAxis(), data.getRank());
  if (failed(axis))
    return failure();
  Dims dims = getDims(data);
  if (failed(constantsInside(loc, op.getIndices(), dims[*axis], *axis)))
    return failure();
  Dims picked = getDims(indices);
  dims.erase(dims.begin() + *axis);
  dims.insert(dims.begin() + *axis, picked.begin(), picked.end());
  return addResult(loc, dims, element, types);
}

/// Checks operands of one rank whose sizes other than along the axis must not
/// be larger than the data's; the axis counted from the front.
static FailureOr<int64_t> elementwiseAxis(std::optional<Location> loc,
                                          RankedTensorType data,
                                          RankedTensorType indices,
                                          int64_t axis) {
  FailureOr<int64_t> front = normalizeAxis(loc, axis, data.getRank());
  if (failed(front))
    return failure();
  if (data.getRank() != indices.getRank())
    return emitOptionalError(loc, "data has rank ", data.getRank(),
                             ", but indices has rank ", indices.getRank());
  for (int64_t i = 0; i < data.getRank(); ++i)
    if (i != *front && !data.isDynamicDim(i) && !indices.isDynamicDim(i) &&
        indices.getDimSize(i) > data.getDimSize(i))
      return emitOptionalError(loc, "dimension ", i, " of indices has size ",
                               indices.getDimSize(i), ", more than the data's ",
                               data.getDimSize(i));
  return front;
}

LogicalResult GatherElementsOp::inferReturnTypes(MLIRContext *,
                                                 std::optional<Location> loc,
                                                 Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType data = rankedType(op.getData());
  RankedTensorType indices = rankedType(op.getIndices());
  if (!indices)
    return addUnranked(element, types);
  if (data) {
    auto axis = elementwiseAxis(loc, data, indices, op.getAxis());
    if (failed(axis) || failed(constantsInside(loc, op.getIndices(),
                                               getDims(data)[*axis], *axis)))
      return failure();
  }
  return addResult(loc, getDims(indices), element, types);
}

/// The length of the index tuples in the last dimension; nothing if unknown.
static FailureOr<std::optional<int64_t>>
tupleLength(std::optional<Location> loc, RankedTensorType indices,
            int64_t most) {
  if (indices.getRank() == 0)
    return emitOptionalError(loc, "indices must have rank 1 or more");
  int64_t last = indices.getRank() - 1;
  if (indices.isDynamicDim(last))
    return std::optional<int64_t>();
  int64_t length = indices.getDimSize(last);
  if (length < 1 || length > most)
    return emitOptionalError(loc, "index tuples have length ", length,
                             ", but must have 1 to ", most);
  return std::optional<int64_t>(length);
}

LogicalResult GatherNDOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType data = rankedType(op.getData());
  RankedTensorType indices = rankedType(op.getIndices());
  if (!data || !indices)
    return addUnranked(element, types);
  int64_t batch = op.getBatchDims();
  if (batch < 0 || batch >= std::min(data.getRank(), indices.getRank()))
    return emitOptionalError(loc, "batch_dims ", batch,
                             " is out of range for ranks ", data.getRank(),
                             " and ", indices.getRank());
  auto length = tupleLength(loc, indices, data.getRank() - batch);
  if (failed(length))
    return failure();
  if (!*length)
    return addUnranked(element, types);
  Dims from = getDims(data), dims = getDims(indices);
  dims.pop_back();
  for (int64_t i = 0; i < batch; ++i) {
    FailureOr<AffineExpr> both = mergeDims(dims[i], from[i]);
    if (failed(both))
      return emitOptionalError(loc, "batch dimension ", i, " has sizes ",
                               *constantValue(from[i]), " and ",
                               *constantValue(dims[i]));
    dims[i] = *both;
  }
  dims.append(from.begin() + batch + **length, from.end());
  return addResult(loc, dims, element, types);
}

//===----------------------------------------------------------------------===//
// ScatterElements, ScatterND, TensorScatter
//===----------------------------------------------------------------------===//

LogicalResult ScatterElementsOp::inferReturnTypes(MLIRContext *,
                                                  std::optional<Location> loc,
                                                  Adaptor op, Types &types) {
  if (failed(knownReduction(loc, op.getReduction())) ||
      failed(checkSameElementType(loc, op.getData(), "data", op.getUpdates(),
                                  "updates")))
    return failure();
  RankedTensorType data = rankedType(op.getData());
  RankedTensorType indices = rankedType(op.getIndices());
  RankedTensorType updates = rankedType(op.getUpdates());
  if (data && indices) {
    auto axis = elementwiseAxis(loc, data, indices, op.getAxis());
    if (failed(axis) || failed(constantsInside(loc, op.getIndices(),
                                               getDims(data)[*axis], *axis)))
      return failure();
  }
  if (indices && updates && failed(verifyCompatibleShape(indices, updates)))
    return emitOptionalError(loc,
                             "shapes of indices and updates differ: ", indices,
                             " and ", updates);
  types.push_back(op.getData().getType());
  return success();
}

LogicalResult ScatterNDOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> loc,
                                            Adaptor op, Types &types) {
  if (failed(knownReduction(loc, op.getReduction())) ||
      failed(checkSameElementType(loc, op.getData(), "data", op.getUpdates(),
                                  "updates")))
    return failure();
  types.push_back(op.getData().getType());
  RankedTensorType data = rankedType(op.getData());
  RankedTensorType indices = rankedType(op.getIndices());
  RankedTensorType updates = rankedType(op.getUpdates());
  if (!data || !indices)
    return success();
  auto length = tupleLength(loc, indices, data.getRank());
  if (failed(length))
    return failure();
  if (!*length || !updates)
    return success();
  SmallVector<int64_t> expected(indices.getShape().drop_back());
  llvm::append_range(expected, data.getShape().drop_front(**length));
  if (failed(verifyCompatibleShape(expected, updates.getShape())))
    return emitOptionalError(
        loc, "updates must have type ",
        RankedTensorType::get(expected, data.getElementType()), ", not ",
        updates);
  return success();
}

LogicalResult TensorScatterOp::inferReturnTypes(MLIRContext *,
                                                std::optional<Location> loc,
                                                Adaptor op, Types &types) {
  if (failed(checkChoice(loc, "mode", op.getMode(), {"linear", "circular"})))
    return failure();
  if (failed(checkSameElementType(loc, op.getPastCache(), "past_cache",
                                  op.getUpdate(), "update")))
    return failure();
  types.push_back(op.getPastCache().getType());
  RankedTensorType cache = rankedType(op.getPastCache());
  RankedTensorType update = rankedType(op.getUpdate());
  RankedTensorType indices = rankedType(op.getWriteIndices());
  if (!cache || !update)
    return success();
  FailureOr<int64_t> axis = normalizeAxis(loc, op.getAxis(), cache.getRank());
  if (failed(axis))
    return failure();
  if (*axis == 0)
    return emitOptionalError(loc, "axis 0 is the batch");
  bool fits = cache.getRank() == update.getRank();
  for (int64_t i = 0; fits && i < cache.getRank(); ++i) {
    if (cache.isDynamicDim(i) || update.isDynamicDim(i))
      continue;
    fits = i == *axis ? update.getDimSize(i) <= cache.getDimSize(i)
                      : update.getDimSize(i) == cache.getDimSize(i);
  }
  if (!fits)
    return emitOptionalError(loc, "update of type ", update,
                             " does not fit into a cache of type ", cache);
  if (indices && (indices.getRank() != 1 ||
                  failed(mergeDims(getDims(indices)[0], getDims(cache)[0]))))
    return emitOptionalError(loc,
                             "write_indices must have an element for each "
                             "entry of the batch, but has type ",
                             indices);
  return success();
}

//===----------------------------------------------------------------------===//
// TopK, Compress, NonZero, Unique
//===----------------------------------------------------------------------===//

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
void registerIndexOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Index.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
