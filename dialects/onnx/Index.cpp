//===- Index.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Index.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"

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

namespace ingot::onnx {
void registerIndexOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Index.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
