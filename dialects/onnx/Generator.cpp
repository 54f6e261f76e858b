//===- Generator.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Generator.h"
#include "dialects/onnx/ElementTypes.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/ShapeValues.h"

#include <cmath>

#define GET_OP_CLASSES
#include "dialects/onnx/Generator.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Types = SmallVectorImpl<Type>;

/// Fails with an error unless `value` can be one number.
static LogicalResult oneNumber(std::optional<Location> loc, Value value,
                               StringRef what) {
  auto length = listLength(loc, value, what);
  if (failed(length))
    return failure();
  if (length->value_or(1) != 1)
    return emitOptionalError(loc, what, " must be one number, but has ",
                             **length, " elements");
  return success();
}

/// The one element of an integer operand, null if it depends on data.
static AffineExpr oneInteger(Value value) {
  return listElements(value, 1).front();
}

/// The element type an attribute names by its ONNX number.
static FailureOr<Type> namedType(std::optional<Location> loc, int64_t dataType,
                                 StringRef attribute, MLIRContext *context) {
  Type type = elementTypeOf(dataType, context);
  if (type && type.isIntOrFloat())
    return type;
  return emitOptionalError(loc, attribute, " ", dataType,
                           " is no element type of this operator");
}

//===----------------------------------------------------------------------===//
// ConstantOfShape, EyeLike, OneHot
//===----------------------------------------------------------------------===//

LogicalResult ConstantOfShapeOp::inferReturnTypes(MLIRContext *context,
                                                  std::optional<Location> loc,
                                                  Adaptor op, Types &types) {
  Type element = Float32Type::get(context);
  if (std::optional<ElementsAttr> value = op.getValue()) {
    element = value->getElementType();
    if (value->getNumElements() != 1)
      return emitOptionalError(loc, "value must have one element, not ",
                               value->getNumElements());
  }
  auto length = listLength(loc, op.getInput(), "input");
  if (failed(length))
    return failure();
  if (!*length || **length > maxRank)
    return addUnranked(element, types);
  Dims dims = listElements(op.getInput(), **length);
  for (AffineExpr &dim : dims)
    if (!dim)
      dim = freshDim(context);
  return addResult(loc, dims, element, types);
}

LogicalResult EyeLikeOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op, Types &types) {
  RankedTensorType type = rankedType(op.getInput());
  if (type && type.getRank() != 2)
    return emitOptionalError(loc, "needs a matrix, not rank ", type.getRank());
  Type element = elementTypeOf(op.getInput());
  if (std::optional<int64_t> dtype = op.getDtype()) {
    FailureOr<Type> named = namedType(loc, *dtype, "dtype", context);
    if (failed(named))
      return failure();
    element = *named;
  }
  return addResult(loc, type ? getDims(type) : unknownDims(2, context), element,
                   types);
}

/// The depth of OneHot, which any number type may hold; null at run time.
static AffineExpr oneHotDepth(Value depth) {
  if (AffineExpr size = oneInteger(depth))
    return size;
  std::optional<SmallVector<double>> number = constantFloats(depth, 1);
  if (!number || number->size() != 1 || !(std::abs(number->front()) < 1e15))
    return {};
  return constantDim(int64_t(number->front()), depth.getContext());
}

LogicalResult OneHotOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getValues());
  auto values = listLength(loc, op.getValues(), "values");
  if (failed(values) || failed(oneNumber(loc, op.getDepth(), "depth")))
    return failure();
  if (values->value_or(2) != 2)
    return emitOptionalError(loc, "values must have two elements, not ",
                             **values);
  AffineExpr depth = oneHotDepth(op.getDepth());
  if (depth && constantValue(depth).value_or(0) < 0)
    return emitOptionalError(loc, "depth ", *constantValue(depth),
                             " is negative");
  RankedTensorType type = rankedType(op.getIndices());
  if (!type)
    return addUnranked(element, types);
  FailureOr<int64_t> axis =
      normalizeAxis(loc, op.getAxis(), type.getRank() + 1);
  if (failed(axis))
    return failure();
  Dims dims = getDims(type);
  dims.insert(dims.begin() + *axis, depth ? depth : freshDim(context));
  return addResult(loc, dims, element, types);
}

//===----------------------------------------------------------------------===//
// Range
//===----------------------------------------------------------------------===//

/// The number of elements from three constants, in the precision of `type`.
static FailureOr<int64_t> floatCount(std::optional<Location> loc, double start,
                                     double limit, double delta, Type type) {
  constexpr double maxCount = double(int64_t(1) << 44);
  double distance =
      type.isF64() ? limit - start : double(float(limit) - float(start));
  double count = std::ceil(distance / delta);
  if (delta == 0 || !std::isfinite(delta) || !(std::abs(count) < maxCount))
    return emitOptionalError(loc, "no range leads from ", start, " to ", limit,
                             " in steps of ", delta);
  return std::max<int64_t>(int64_t(count), 0);
}

/// The number of elements between integers, null where it depends on data.
static FailureOr<AffineExpr> integerCount(std::optional<Location> loc,
                                          AffineExpr start, AffineExpr limit,
                                          AffineExpr delta) {
  if (delta && constantValue(delta) == 0)
    return emitOptionalError(loc, "delta is 0");
  if (!start || !limit || !delta || !constantValue(delta))
    return AffineExpr();
  int64_t step = *constantValue(delta);
  auto isFar = [](AffineExpr bound) {
    constexpr int64_t far = int64_t(1) << 62;
    int64_t value = constantValue(bound).value_or(0);
    return value >= far || value <= -far;
  };
  if (isFar(start) || isFar(limit) || isFar(delta))
    return emitOptionalError(loc, "bounds are too far apart");
  AffineExpr distance = step > 0 ? limit - start : start - limit;
  AffineExpr count = distance.ceilDiv(std::abs(step));
  if (constantValue(count).value_or(0) < 0)
    return constantDim(0, start.getContext());
  return count;
}

LogicalResult RangeOp::inferReturnTypes(MLIRContext *context,
                                        std::optional<Location> loc, Adaptor op,
                                        Types &types) {
  Type element = elementTypeOf(op.getStart());
  if (failed(checkSameElementType(loc, op.getStart(), "start", op.getLimit(),
                                  "limit")) ||
      failed(checkSameElementType(loc, op.getStart(), "start", op.getDelta(),
                                  "delta")) ||
      failed(oneNumber(loc, op.getStart(), "start")) ||
      failed(oneNumber(loc, op.getLimit(), "limit")) ||
      failed(oneNumber(loc, op.getDelta(), "delta")))
    return failure();
  FailureOr<AffineExpr> count = AffineExpr();
  if (isa<FloatType>(element)) {
    auto start = constantFloats(op.getStart(), 1);
    auto limit = constantFloats(op.getLimit(), 1);
    auto delta = constantFloats(op.getDelta(), 1);
    if (start && limit && delta) {
      FailureOr<int64_t> number = floatCount(
          loc, start->front(), limit->front(), delta->front(), element);
      if (failed(number))
        return failure();
      count = constantDim(*number, context);
    }
  } else {
    count = integerCount(loc, oneInteger(op.getStart()),
                         oneInteger(op.getLimit()), oneInteger(op.getDelta()));
  }
  if (failed(count))
    return failure();
  return addResult(loc, *count ? *count : freshDim(context), element, types);
}

//===----------------------------------------------------------------------===//
// Windows, MelWeightMatrix
//===----------------------------------------------------------------------===//

/// The size a scalar operand gives: its value, or a fresh dim at run time.
static AffineExpr sizeOf(Value scalar) {
  AffineExpr size = oneInteger(scalar);
  return size ? size : freshDim(scalar.getContext());
}

template <typename Adaptor>
static LogicalResult inferWindow(MLIRContext *context,
                                 std::optional<Location> loc, Adaptor op,
                                 Types &types) {
  FailureOr<Type> element =
      namedType(loc, op.getOutputDatatype(), "output_datatype", context);
  if (failed(element) || failed(oneNumber(loc, op.getSize(), "size")))
    return failure();
  return addResult(loc, sizeOf(op.getSize()), *element, types);
}

LogicalResult HannWindowOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> loc,
                                             Adaptor op, Types &types) {
  return inferWindow(context, loc, op, types);
}

LogicalResult HammingWindowOp::inferReturnTypes(MLIRContext *context,
                                                std::optional<Location> loc,
                                                Adaptor op, Types &types) {
  return inferWindow(context, loc, op, types);
}

LogicalResult BlackmanWindowOp::inferReturnTypes(MLIRContext *context,
                                                 std::optional<Location> loc,
                                                 Adaptor op, Types &types) {
  return inferWindow(context, loc, op, types);
}

LogicalResult MelWeightMatrixOp::inferReturnTypes(MLIRContext *context,
                                                  std::optional<Location> loc,
                                                  Adaptor op, Types &types) {
  FailureOr<Type> element =
      namedType(loc, op.getOutputDatatype(), "output_datatype", context);
  if (failed(element) ||
      failed(oneNumber(loc, op.getNumMelBins(), "num_mel_bins")) ||
      failed(oneNumber(loc, op.getDftLength(), "dft_length")) ||
      failed(oneNumber(loc, op.getSampleRate(), "sample_rate")) ||
      failed(oneNumber(loc, op.getLowerEdgeHertz(), "lower_edge_hertz")) ||
      failed(oneNumber(loc, op.getUpperEdgeHertz(), "upper_edge_hertz")))
    return failure();
  AffineExpr length = oneInteger(op.getDftLength());
  AffineExpr bins = length ? length.floorDiv(2) + 1 : freshDim(context);
  return addResult(loc, {bins, sizeOf(op.getNumMelBins())}, *element, types);
}

namespace ingot::onnx {
void registerGeneratorOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Generator.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
