//===- Reduce.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Reduce.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/RegisterOps.h"

using namespace mlir;
using namespace ingot::onnx;

namespace ingot::onnx {
/// Result type of a reduction along axes known only at run time: every
/// dimension that may go is of unknown size.
static Type inferRunTimeReduction(RankedTensorType data, Value axes,
                                  bool keepdims) {
  Type element = data.getElementType();
  auto axesType = dyn_cast<RankedTensorType>(axes.getType());
  int64_t rank = data.getRank();
  if (!keepdims) {
    if (!axesType || axesType.getRank() != 1 || axesType.isDynamicDim(0))
      return UnrankedTensorType::get(element);
    rank = std::max<int64_t>(0, rank - axesType.getDimSize(0));
  }
  Dims dims;
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(freshDim(data.getContext()));
  return tensorOf(dims, element);
}

static LogicalResult inferReduction(std::optional<Location> loc, Value data,
                                    Value axes, bool keepdims, bool noop,
                                    SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(data.getType());
  if (!type) {
    types.push_back(data.getType());
    return success();
  }
  FailureOr<std::optional<SmallVector<int64_t>>> reduced =
      reducedAxes(loc, type.getRank(), axes, noop);
  if (failed(reduced))
    return failure();
  types.push_back(*reduced ? tensorOf(reducedDims(type, **reduced, keepdims),
                                      type.getElementType())
                           : inferRunTimeReduction(type, axes, keepdims));
  return success();
}

static LogicalResult inferArgReduction(std::optional<Location> loc, Value data,
                                       int64_t axis, bool keepdims,
                                       SmallVectorImpl<Type> &types) {
  Type element = IntegerType::get(data.getContext(), 64);
  auto type = dyn_cast<RankedTensorType>(data.getType());
  if (!type) {
    types.push_back(UnrankedTensorType::get(element));
    return success();
  }
  FailureOr<int64_t> at = normalizeAxis(loc, axis, type.getRank());
  if (failed(at))
    return failure();
  if (type.getDimSize(*at) == 0)
    return emitOptionalError(loc, "axis ", axis, " of ", type,
                             " has no element");
  types.push_back(tensorOf(reducedDims(type, *at, keepdims), element));
  return success();
}

static LogicalResult inferScan(std::optional<Location> loc, Value x, Value axis,
                               SmallVectorImpl<Type> &types) {
  if (failed(checkOneElement(loc, "axis", axis)))
    return failure();
  auto type = dyn_cast<RankedTensorType>(x.getType());
  std::optional<SmallVector<int64_t>> known = constantIntegers(axis, 1);
  if (type && known && known->size() == 1 &&
      failed(normalizeAxis(loc, known->front(), type.getRank())))
    return failure();
  types.push_back(x.getType());
  return success();
}
} // namespace ingot::onnx

#define GET_OP_CLASSES
#include "dialects/onnx/Reduce.cpp.inc"

namespace ingot::onnx {
void registerReduceOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Reduce.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
