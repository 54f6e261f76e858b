//===- Pooling.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shape rules of the pooling operators of the Window family and of the
// operators that undo windows.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/ShapeValues.h"
#include "dialects/onnx/WindowAttributes.h"

using namespace mlir;
using namespace ingot::onnx;

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

/// The window of a pooling over x.
static FailureOr<WindowParams> resolvePool(std::optional<Location> loc,
                                           RankedTensorType x,
                                           const WindowAttributes &attributes) {
  if (x.getRank() < 3)
    return emitOptionalError(loc, "X must have at least 3 dimensions, got ", x);
  return resolveWindow(loc, attributes, spatial(getDims(x)));
}

FailureOr<TensorType> ingot::onnx::poolType(std::optional<Location> loc,
                                            RankedTensorType x,
                                            const WindowAttributes &attributes,
                                            Type element) {
  if (!x)
    return unrankedOf(element);
  FailureOr<WindowParams> window = resolvePool(loc, x, attributes);
  if (failed(window))
    return failure();
  Dims out(ArrayRef<AffineExpr>(getDims(x)).take_front(2));
  out.append(window->output);
  return TensorType(tensorOf(out, element));
}

/// The type of the result of a pooling over a value.
static FailureOr<TensorType> inferPool(std::optional<Location> loc, Value x,
                                       const WindowAttributes &attributes,
                                       Type element) {
  return poolType(loc, rankedType(x), attributes, element);
}

static bool isPoolable(Type type) { return isRealFloat(type) || isByte(type); }

LogicalResult MaxPoolOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op,
                                          SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isPoolable)))
    return failure();
  if (op.getStorageOrder() > 1)
    return emitOptionalError(loc, "storage_order ",
                             int64_t(op.getStorageOrder()),
                             " is neither 0 nor 1");
  auto type =
      inferPool(loc, op.getX(), poolAttributes(op), elementType(op.getX()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  types.push_back(type->clone(IntegerType::get(context, 64)));
  return success();
}

LogicalResult AveragePoolOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> loc,
                                              Adaptor op,
                                              SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isRealFloat)))
    return failure();
  auto type =
      inferPool(loc, op.getX(), poolAttributes(op), elementType(op.getX()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

/// Fails unless the norm's p is positive.
static LogicalResult checkNorm(std::optional<Location> loc, int64_t p) {
  if (p >= 1)
    return success();
  return emitOptionalError(loc, "p ", p, " is less than 1");
}

LogicalResult LpPoolOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isRealFloat)) ||
      failed(checkNorm(loc, op.getP())))
    return failure();
  auto type =
      inferPool(loc, op.getX(), poolAttributes(op), elementType(op.getX()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

/// The result type of a pooling over all spatial dimensions.
static LogicalResult inferGlobalPool(std::optional<Location> loc, Value x,
                                     SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, x, "X", isRealFloat)))
    return failure();
  RankedTensorType in = rankedType(x);
  if (!in) {
    types.push_back(unrankedOf(elementType(x)));
    return success();
  }
  if (in.getRank() < 2)
    return emitOptionalError(loc, "X must have at least 2 dimensions, got ",
                             in);
  Dims out = getDims(in);
  for (AffineExpr &dim : MutableArrayRef<AffineExpr>(out).drop_front(2))
    dim = constantDim(1, in.getContext());
  types.push_back(tensorOf(out, in.getElementType()));
  return success();
}

LogicalResult
GlobalAveragePoolOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  return inferGlobalPool(loc, op.getX(), types);
}

LogicalResult GlobalMaxPoolOp::inferReturnTypes(MLIRContext *,
                                                std::optional<Location> loc,
                                                Adaptor op,
                                                SmallVectorImpl<Type> &types) {
  return inferGlobalPool(loc, op.getX(), types);
}

LogicalResult GlobalLpPoolOp::inferReturnTypes(MLIRContext *,
                                               std::optional<Location> loc,
                                               Adaptor op,
                                               SmallVectorImpl<Type> &types) {
  if (failed(checkNorm(loc, op.getP())))
    return failure();
  return inferGlobalPool(loc, op.getX(), types);
}

//===----------------------------------------------------------------------===//
// Inverses
//===----------------------------------------------------------------------===//

LogicalResult MaxUnpoolOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location> loc,
                                            Adaptor op,
                                            SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isRealFloat)))
    return failure();
  RankedTensorType x = rankedType(op.getX());
  Type element = elementType(op.getX());
  if (!x) {
    types.push_back(unrankedOf(element));
    return success();
  }
  if (x.getRank() < 3)
    return emitOptionalError(loc, "X must have at least 3 dimensions, got ", x);
  Dims dims = getDims(x);
  auto window = resolveTransposedWindow(loc, commonAttributes(op), std::nullopt,
                                        std::nullopt, spatial(dims));
  if (failed(window))
    return failure();
  Dims out(ArrayRef<AffineExpr>(dims).take_front(2));
  out.append(window->output);
  if (!isNone(op.getOutputShape())) {
    auto sizes = partialIntegers(op.getOutputShape());
    if (sizes && sizes->size() != size_t(x.getRank()))
      return emitOptionalError(loc, "output_shape has ", sizes->size(),
                               " values, expected ", x.getRank());
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = sizes && (*sizes)[i] ? (*sizes)[i] : freshDim(context);
    for (AffineExpr size : out)
      if (constantValue(size).value_or(0) < 0)
        return emitOptionalError(loc, "output_shape ", *constantValue(size),
                                 " is negative");
  }
  types.push_back(tensorOf(out, element));
  return success();
}

/// The number of elements of a tensor of rank 1, if it is known.
static std::optional<int64_t> lengthOf(Value list) {
  RankedTensorType type = rankedType(list);
  if (!type || type.getRank() != 1 || type.isDynamicDim(0))
    return std::nullopt;
  return type.getDimSize(0);
}

LogicalResult Col2ImOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = rankedType(op.getInput());
  Type element = elementType(op.getInput());
  if (input && input.getRank() != 3)
    return emitOptionalError(loc, "input must have 3 dimensions, got ", input);
  auto image = partialIntegers(op.getImageShape());
  auto block = constantIntegers(op.getBlockShape());
  std::optional<int64_t> rank = lengthOf(op.getImageShape());
  if (!rank)
    rank = lengthOf(op.getBlockShape());
  if (!input || !rank) {
    types.push_back(unrankedOf(element));
    return success();
  }
  if ((image && image->size() != size_t(*rank)) ||
      (block && block->size() != size_t(*rank)))
    return emitOptionalError(
        loc, "image_shape and block_shape must have the same length");
  for (AffineExpr size : image.value_or(Dims()))
    if (size && constantValue(size).value_or(1) < 1)
      return emitOptionalError(loc, "size ", *constantValue(size),
                               " of image_shape is less than 1");
  for (int64_t size : block.value_or(SmallVector<int64_t>()))
    if (size < 1)
      return emitOptionalError(loc, "size ", size,
                               " of block_shape is less than 1");
  Dims dims = getDims(input);
  Dims out = {dims[0], freshDim(context)};
  if (block) {
    AffineExpr points = constantDim(1, context);
    for (int64_t size : *block)
      points = points * size;
    std::optional<int64_t> count = constantValue(points);
    if (!count || *count < 1)
      return emitOptionalError(loc, "block_shape is too large");
    if (failed(checkDivides(loc, "the product of block_shape,", *count,
                            "rows of input (axis 1)", dims[1])))
      return failure();
    out[1] = dims[1].floorDiv(*count);
  }
  for (int64_t i = 0; i < *rank; ++i)
    out.push_back(image && (*image)[i] ? (*image)[i] : freshDim(context));
  types.push_back(tensorOf(out, element));
  return success();
}

//===----------------------------------------------------------------------===//
// Windows of existing operators
//===----------------------------------------------------------------------===//

/// The window of a pooling op.
template <typename Op> static FailureOr<WindowParams> windowOfPool(Op op) {
  RankedTensorType in = rankedType(op.getX());
  if (!in)
    return failure();
  return resolvePool(op.getLoc(), in, poolAttributes(op));
}

namespace ingot::onnx {
FailureOr<WindowParams> resolveWindow(MaxPoolOp op) { return windowOfPool(op); }
FailureOr<WindowParams> resolveWindow(AveragePoolOp op) {
  return windowOfPool(op);
}
FailureOr<WindowParams> resolveWindow(LpPoolOp op) { return windowOfPool(op); }
} // namespace ingot::onnx
