//===- Sample.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/ResizeShape.h"
#include "dialects/onnx/ShapeValues.h"
#include "dialects/onnx/TypeChecks.h"

#include <cmath>

#define GET_OP_CLASSES
#include "dialects/onnx/Sample.cpp.inc"

using namespace mlir;
using namespace ingot;
using namespace ingot::onnx;

static Type elementType(Value value) {
  return getElementTypeOrSelf(value.getType());
}

//===----------------------------------------------------------------------===//
// Resize
//===----------------------------------------------------------------------===//

bool onnx::isGiven(Value list) {
  if (isNone(list))
    return false;
  RankedTensorType type = rankedType(list);
  return !(type && type.getRank() == 1 && type.getDimSize(0) == 0);
}

/// floor(size * scale) as ONNX Runtime and the reference compute it: in single
/// precision. A symbolic size needs the scale as a fraction.
static AffineExpr scaledSize(AffineExpr size, double scale) {
  MLIRContext *context = size.getContext();
  if (std::optional<int64_t> constant = constantValue(size)) {
    double product = float(scale) == scale
                         ? double(float(*constant) * float(scale))
                         : double(*constant) * scale;
    return constantDim(int64_t(std::floor(product)), context);
  }
  for (int64_t q = 1; q <= 1024; ++q) {
    double p = std::round(scale * double(q));
    if (p >= 1 && p < 1e9 && float(p / double(q)) == float(scale))
      return (size * int64_t(p)).floorDiv(q);
  }
  return freshDim(context);
}

/// The dimensions that scales, sizes and roi speak of, in that order.
static FailureOr<SmallVector<int64_t>>
resizedAxes(std::optional<Location> loc, DenseI64ArrayAttr axes, int64_t rank) {
  SmallVector<int64_t> result;
  if (!axes) {
    for (int64_t i = 0; i < rank; ++i)
      result.push_back(i);
    return result;
  }
  for (int64_t axis : axes.asArrayRef()) {
    FailureOr<int64_t> normalized = normalizeAxis(loc, axis, rank);
    if (failed(normalized))
      return failure();
    if (llvm::is_contained(result, *normalized))
      return emitOptionalError(loc, "axes has axis ", *normalized, " twice");
    result.push_back(*normalized);
  }
  return result;
}

/// Fails unless a list has `count` elements, as far as is known.
static LogicalResult checkLength(std::optional<Location> loc, Value list,
                                 StringRef name, int64_t count) {
  RankedTensorType type = rankedType(list);
  if (!type || !isGiven(list))
    return success();
  if (type.getRank() != 1)
    return emitOptionalError(loc, name, " must have 1 dimension, got ", type);
  if (!type.isDynamicDim(0) && type.getDimSize(0) != count)
    return emitOptionalError(loc, name, " has ", type.getDimSize(0),
                             " elements, expected ", count);
  return success();
}

/// Sets sizes and scales of dimensions with constant `scales`.
static LogicalResult applyScales(std::optional<Location> loc,
                                 ArrayRef<double> scales,
                                 ArrayRef<int64_t> axes,
                                 MutableArrayRef<ResizedDim> dims) {
  for (auto [scale, axis] : llvm::zip(scales, axes)) {
    if (!std::isfinite(scale) || scale <= 0 || scale > 1e9)
      return emitOptionalError(loc, "scale ", scale, " of axis ", axis,
                               " is not a positive number of sensible size");
    dims[axis].scale = scale;
    dims[axis].resultSize = scaledSize(dims[axis].size, scale);
  }
  return success();
}

/// Sets sizes and scales of dimensions by `sizes`; null ones are unknown.
static LogicalResult applySizes(std::optional<Location> loc,
                                ArrayRef<AffineExpr> sizes,
                                ArrayRef<int64_t> axes, StringRef policy,
                                MutableArrayRef<ResizedDim> dims) {
  for (auto [size, axis] : llvm::zip(sizes, axes)) {
    if (!size)
      continue;
    std::optional<int64_t> to = constantValue(size);
    std::optional<int64_t> from = constantValue(dims[axis].size);
    if (to && *to < 0)
      return emitOptionalError(loc, "size ", *to, " of axis ", axis,
                               " is negative");
    dims[axis].resultSize = size;
    if (from && to && *from > 0)
      dims[axis].scale = double(*to) / double(*from);
    else if (size == dims[axis].size)
      dims[axis].scale = 1;
  }
  if (policy == "stretch")
    return success();
  // One scale for all of them, if all are known.
  std::optional<double> common;
  bool isKnown = sizes.size() == axes.size();
  for (int64_t axis : axes) {
    std::optional<double> scale = dims[axis].scale;
    isKnown &= scale && constantValue(dims[axis].size);
    if (scale)
      common = !common                  ? *scale
               : policy == "not_larger" ? std::min(*common, *scale)
                                        : std::max(*common, *scale);
  }
  for (int64_t axis : axes) {
    dims[axis].scale = isKnown ? common : std::nullopt;
    dims[axis].resultSize = AffineExpr();
    if (isKnown)
      dims[axis].resultSize = constantDim(
          int64_t(*common * double(*constantValue(dims[axis].size)) + 0.5),
          dims[axis].size.getContext());
  }
  return success();
}

/// The dimensions of X; fails with an error if attributes contradict them.
template <typename Op>
static FailureOr<SmallVector<ResizedDim>> resolve(std::optional<Location> loc,
                                                  Op op, RankedTensorType x) {
  SmallVector<ResizedDim> dims;
  for (AffineExpr size : getDims(x))
    dims.push_back({std::nullopt, 1.0, size, size});
  auto axes = resizedAxes(loc, op.getAxesAttr(), x.getRank());
  if (failed(axes))
    return failure();
  int64_t count = axes->size();
  if (failed(checkLength(loc, op.getScales(), "scales", count)) ||
      failed(checkLength(loc, op.getSizes(), "sizes", count)) ||
      failed(checkLength(loc, op.getRoi(), "roi", 2 * count)))
    return failure();
  for (auto [position, axis] : llvm::enumerate(*axes)) {
    dims[axis].position = position;
    dims[axis].scale = std::nullopt;
    dims[axis].resultSize = AffineExpr();
  }
  LogicalResult applied = success();
  if (auto scales = constantFloats(op.getScales());
      scales && isGiven(op.getScales()))
    applied = applyScales(loc, *scales, *axes, dims);
  else if (auto sizes = partialIntegers(op.getSizes());
           sizes && isGiven(op.getSizes()))
    applied =
        applySizes(loc, *sizes, *axes, op.getKeepAspectRatioPolicy(), dims);
  if (failed(applied))
    return failure();
  for (ResizedDim &dim : dims) {
    if (!dim.resultSize)
      dim.resultSize = freshDim(x.getContext());
    if (constantValue(dim.size) == 0 &&
        constantValue(dim.resultSize).value_or(0) > 0)
      return emitOptionalError(loc, "cannot resize an empty dimension to ",
                               *constantValue(dim.resultSize));
  }
  return dims;
}

FailureOr<SmallVector<ResizedDim>> onnx::resolveResize(ResizeOp op) {
  RankedTensorType x = rankedType(op.getX());
  if (!x)
    return failure();
  FailureOr<SmallVector<ResizedDim>> dims = resolve(op.getLoc(), op, x);
  // What inference could not know, the declared result may tell.
  if (auto y = rankedType(op.getY());
      succeeded(dims) && y && y.getRank() == x.getRank())
    for (auto [dim, size] : llvm::zip(*dims, getDims(y)))
      dim.resultSize = size;
  return dims;
}

LogicalResult ResizeOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  StringRef mode = op.getMode();
  StringRef coordinates = op.getCoordinateTransformationMode();
  if (failed(checkChoice(loc, "mode", mode, {"nearest", "linear", "cubic"})) ||
      failed(checkChoice(loc, "coordinate_transformation_mode", coordinates,
                         {"half_pixel", "half_pixel_symmetric",
                          "pytorch_half_pixel", "align_corners", "asymmetric",
                          "tf_crop_and_resize"})) ||
      failed(checkChoice(
          loc, "nearest_mode", op.getNearestMode(),
          {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})) ||
      failed(checkChoice(loc, "keep_aspect_ratio_policy",
                         op.getKeepAspectRatioPolicy(),
                         {"stretch", "not_larger", "not_smaller"})))
    return failure();
  if (isGiven(op.getScales()) == isGiven(op.getSizes()))
    return emitOptionalError(loc, "exactly one of scales and sizes must be "
                                  "given");
  if (coordinates == "tf_crop_and_resize" && !isGiven(op.getRoi()))
    return emitOptionalError(loc, "tf_crop_and_resize needs roi");
  if (op.getAntialias() && mode == "nearest")
    return emitOptionalError(loc, "antialias needs mode linear or cubic");
  RankedTensorType x = rankedType(op.getX());
  if (!x) {
    types.push_back(unrankedOf(elementType(op.getX())));
    return success();
  }
  auto dims = resolve(loc, op, x);
  if (failed(dims))
    return failure();
  Dims out;
  for (const ResizedDim &dim : *dims)
    out.push_back(dim.resultSize);
  types.push_back(tensorOf(out, x.getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

LogicalResult GridSampleOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor op,
                                             SmallVectorImpl<Type> &types) {
  if (failed(checkChoice(loc, "mode", op.getMode(),
                         {"linear", "nearest", "cubic"})) ||
      failed(checkChoice(loc, "padding_mode", op.getPaddingMode(),
                         {"zeros", "border", "reflection"})) ||
      failed(checkElementType(loc, op.getGrid(), "grid", isRealFloat)))
    return failure();
  RankedTensorType x = rankedType(op.getX()), grid = rankedType(op.getGrid());
  if (!x || !grid) {
    types.push_back(unrankedOf(elementType(op.getX())));
    return success();
  }
  if (x.getRank() < 3 || grid.getRank() != x.getRank())
    return emitOptionalError(loc,
                             "X and grid must have one rank of at least "
                             "3, got ",
                             x, " and ", grid);
  Dims dims = getDims(x), places = getDims(grid);
  AffineExpr spatialRank = constantDim(x.getRank() - 2, x.getContext());
  if (failed(checkSameSize(loc, "the batch size of X", dims[0], "that of grid",
                           places[0])) ||
      failed(checkSameSize(loc, "the last dimension of grid", places.back(),
                           "the number of spatial dimensions of X",
                           spatialRank)))
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims))
    if (i >= 2 && constantValue(dim) == 0)
      return emitOptionalError(loc, "axis ", i, " of X is empty");
  Dims out(ArrayRef<AffineExpr>(dims).take_front(2));
  out.append(places.begin() + 1, places.end() - 1);
  types.push_back(tensorOf(out, x.getElementType()));
  return success();
}

LogicalResult AffineGridOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location> loc,
                                             Adaptor op,
                                             SmallVectorImpl<Type> &types) {
  RankedTensorType theta = rankedType(op.getTheta());
  Type element = elementType(op.getTheta());
  if (failed(checkElementType(loc, op.getTheta(), "theta", isRealFloat)))
    return failure();
  if (!theta) {
    types.push_back(unrankedOf(element));
    return success();
  }
  Dims dims = getDims(theta);
  std::optional<int64_t> rows;
  if (dims.size() == 3)
    rows = constantValue(dims[1]);
  if ((rows != 2 && rows != 3) || constantValue(dims[2]) != *rows + 1)
    return emitOptionalError(loc, "theta must be N x 2 x 3 or N x 3 x 4, got ",
                             theta);
  if (failed(checkLength(loc, op.getSize(), "size", *rows + 2)))
    return failure();
  Dims out = {dims[0]};
  Dims size = listElements(op.getSize(), *rows + 2);
  for (AffineExpr given : ArrayRef(size).drop_front(2)) {
    if (given && constantValue(given).value_or(0) < 0)
      return emitOptionalError(loc, "size ", *constantValue(given),
                               " is negative");
    out.push_back(given ? given : freshDim(context));
  }
  out.push_back(constantDim(*rows, context));
  types.push_back(tensorOf(out, element));
  return success();
}

//===----------------------------------------------------------------------===//
// Regions of interest
//===----------------------------------------------------------------------===//

/// The result type of a pooling of regions, each `columns` numbers in rois.
static FailureOr<TensorType> inferRois(std::optional<Location> loc, Value image,
                                       Value rois, int64_t columns,
                                       int64_t height, int64_t width) {
  if (failed(checkElementType(loc, image, "X", isRealFloat)) ||
      failed(checkSameElementType(loc, image, "X", rois, "rois")))
    return failure();
  for (int64_t size : {height, width})
    if (size < 1 || size > INT32_MAX)
      return emitOptionalError(loc, "output size ", size, " is not in [1, ",
                               INT32_MAX, "]");
  RankedTensorType x = rankedType(image), regions = rankedType(rois);
  if (!x || !regions)
    return unrankedOf(elementType(image));
  MLIRContext *context = x.getContext();
  if (x.getRank() != 4 || regions.getRank() != 2)
    return emitOptionalError(loc, "X must have 4 and rois 2 dimensions, got ",
                             x, " and ", regions);
  if (failed(checkSameSize(loc, "the number of columns of rois",
                           getDims(regions)[1], "the size of a region",
                           constantDim(columns, context))))
    return failure();
  Dims dims = getDims(x);
  for (int64_t axis : {2, 3})
    if (constantValue(dims[axis]) == 0)
      return emitOptionalError(loc, "axis ", axis, " of X is empty");
  return TensorType(
      tensorOf({getDims(regions)[0], dims[1], constantDim(height, context),
                constantDim(width, context)},
               x.getElementType()));
}

LogicalResult RoiAlignOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  if (failed(checkChoice(loc, "mode", op.getMode(), {"avg", "max"})) ||
      failed(checkChoice(loc, "coordinate_transformation_mode",
                         op.getCoordinateTransformationMode(),
                         {"half_pixel", "output_half_pixel"})))
    return failure();
  if (int64_t ratio = op.getSamplingRatio(); ratio < 0 || ratio > 1 << 20)
    return emitOptionalError(loc, "sampling_ratio ", ratio,
                             " is not in [0, 1048576]");
  auto type = inferRois(loc, op.getX(), op.getRois(), 4, op.getOutputHeight(),
                        op.getOutputWidth());
  if (failed(type))
    return failure();
  types.push_back(*type);
  RankedTensorType rois = rankedType(op.getRois());
  RankedTensorType batches = rankedType(op.getBatchIndices());
  if (!rois || !batches)
    return success();
  if (batches.getRank() != 1)
    return emitOptionalError(loc, "batch_indices must have 1 dimension, got ",
                             batches);
  return checkSameSize(loc, "the number of batch_indices", getDims(batches)[0],
                       "the number of rois", getDims(rois)[0]);
}

LogicalResult MaxRoiPoolOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor op,
                                             SmallVectorImpl<Type> &types) {
  DenseI64ArrayAttr shape = op.getPooledShapeAttr();
  if (!shape || shape.size() != 2)
    return emitOptionalError(loc, "pooled_shape must have 2 values, got ",
                             shape ? shape.size() : 0);
  auto type = inferRois(loc, op.getX(), op.getRois(), 5, shape[0], shape[1]);
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

namespace ingot::onnx {
void registerSampleOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Sample.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
