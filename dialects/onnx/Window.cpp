//===- Window.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Window.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/TypeChecks.h"
#include "dialects/onnx/WindowShape.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Window.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

/// The values of an attribute that may be missing.
static std::optional<ArrayRef<int64_t>> valuesOf(DenseI64ArrayAttr attribute) {
  if (!attribute)
    return std::nullopt;
  return attribute.asArrayRef();
}

/// What is not the window's of the shape N x C x D1 x ... of a tensor.
static ArrayRef<AffineExpr> spatial(const Dims &dims) {
  return ArrayRef<AffineExpr>(dims).drop_front(2);
}

static Type elementType(Value value) {
  return getElementTypeOrSelf(value.getType());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// The attributes every windowed operator has.
template <typename Op> static WindowAttributes commonAttributes(Op op) {
  WindowAttributes attributes;
  attributes.kernel = valuesOf(op.getKernelShapeAttr());
  attributes.strides = valuesOf(op.getStridesAttr());
  attributes.pads = valuesOf(op.getPadsAttr());
  return attributes;
}

template <typename Op> static WindowAttributes convAttributes(Op op) {
  WindowAttributes attributes = commonAttributes(op);
  attributes.dilations = valuesOf(op.getDilationsAttr());
  if constexpr (!std::is_same_v<Op, DeformConvOp> &&
                !std::is_same_v<Op, DeformConvOp::Adaptor>)
    attributes.autoPad = op.getAutoPad();
  return attributes;
}

template <typename Op> static WindowAttributes poolAttributes(Op op) {
  WindowAttributes attributes = convAttributes(op);
  attributes.ceilMode = op.getCeilMode() != 0;
  return attributes;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Fails unless x and w are at least of rank 3 and of one rank.
static LogicalResult checkRanks(std::optional<Location> loc, RankedTensorType x,
                                RankedTensorType w) {
  if (x.getRank() < 3)
    return emitOptionalError(loc, "X must have at least 3 dimensions, got ", x);
  if (x.getRank() != w.getRank())
    return emitOptionalError(loc, "X and W must have the same rank, got ", x,
                             " and ", w);
  return success();
}

/// Fails unless `count`, the value of `name`, is positive and divides `size`.
static LogicalResult checkDivides(std::optional<Location> loc, StringRef name,
                                  int64_t count, StringRef what,
                                  AffineExpr size) {
  if (count < 1)
    return emitOptionalError(loc, name, " ", count, " is less than 1");
  std::optional<int64_t> constant = constantValue(size);
  if (constant && *constant % count)
    return emitOptionalError(loc, name, " ", count, " does not divide the ",
                             *constant, " ", what);
  return success();
}

static LogicalResult checkGroup(std::optional<Location> loc, int64_t group,
                                StringRef what, AffineExpr size) {
  return checkDivides(loc, "group", group, what, size);
}

/// Sets the kernel sizes from the weights, or checks that they agree.
static LogicalResult resolveKernel(std::optional<Location> loc,
                                   WindowAttributes &attributes,
                                   ArrayRef<AffineExpr> weight,
                                   SmallVectorImpl<int64_t> &storage) {
  bool given = attributes.kernel && !attributes.kernel->empty();
  if (given && attributes.kernel->size() != weight.size())
    return emitOptionalError(loc, "kernel_shape has ",
                             attributes.kernel->size(), " values, expected ",
                             weight.size());
  for (auto [i, dim] : llvm::enumerate(weight)) {
    std::optional<int64_t> size = constantValue(dim);
    if (given && size && *size != (*attributes.kernel)[i])
      return emitOptionalError(loc, "kernel_shape ", (*attributes.kernel)[i],
                               " differs from size ", *size, " of axis ", i + 2,
                               " of W");
    if (!given && !size)
      return emitOptionalError(loc, "the kernel size along spatial axis ", i,
                               " must be known");
    storage.push_back(given ? (*attributes.kernel)[i] : *size);
  }
  attributes.kernel = storage;
  return success();
}

/// Fails unless `bias` is left out or has `channels` elements.
static LogicalResult checkBias(std::optional<Location> loc, Value bias,
                               AffineExpr channels) {
  RankedTensorType type = rankedType(bias);
  if (!type)
    return success();
  if (type.getRank() != 1)
    return emitOptionalError(loc, "B must have 1 dimension, got ", type);
  return checkSameSize(loc, "the number of elements of B", getDims(type)[0],
                       "the number of output channels", channels);
}

/// The window of a convolution over x with weights w.
static FailureOr<WindowParams>
resolveConv(std::optional<Location> loc, RankedTensorType x, RankedTensorType w,
            WindowAttributes attributes, int64_t group) {
  Dims in = getDims(x), weight = getDims(w);
  if (failed(checkRanks(loc, x, w)) ||
      failed(checkGroup(loc, group, "output channels", weight[0])) ||
      failed(checkGroup(loc, group, "input channels", in[1])))
    return failure();
  if (failed(checkSameSize(loc, "the number of input channels per group",
                           in[1].floorDiv(group), "axis 1 of W", weight[1])))
    return failure();
  SmallVector<int64_t> kernel;
  if (failed(resolveKernel(loc, attributes, spatial(weight), kernel)))
    return failure();
  FailureOr<WindowParams> window = resolveWindow(loc, attributes, spatial(in));
  if (succeeded(window))
    window->group = group;
  return window;
}

/// The result type of a convolution.
static FailureOr<TensorType> inferConv(std::optional<Location> loc, Value x,
                                       Value w, Value bias,
                                       const WindowAttributes &attributes,
                                       int64_t group, Type element) {
  RankedTensorType in = rankedType(x), weight = rankedType(w);
  if (!in || !weight)
    return unrankedOf(element);
  FailureOr<WindowParams> window =
      resolveConv(loc, in, weight, attributes, group);
  if (failed(window))
    return failure();
  Dims out = {getDims(in)[0], getDims(weight)[0]};
  out.append(window->output);
  if (failed(checkBias(loc, bias, out[1])))
    return failure();
  return TensorType(tensorOf(out, element));
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isRealFloat)) ||
      failed(checkSameElementType(loc, op.getX(), "X", op.getW(), "W")) ||
      failed(checkSameElementType(loc, op.getX(), "X", op.getB(), "B")))
    return failure();
  auto type =
      inferConv(loc, op.getX(), op.getW(), op.getB(), convAttributes(op),
                op.getGroup(), elementType(op.getX()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

/// Fails unless the value, if it has a rank, is a scalar or has `size`
/// elements along one dimension.
static LogicalResult checkScalarOr(std::optional<Location> loc, Value value,
                                   StringRef name, AffineExpr size) {
  RankedTensorType type = rankedType(value);
  if (!type || type.getRank() == 0)
    return success();
  if (type.getRank() > 1)
    return emitOptionalError(loc, name, " must have at most 1 dimension, got ",
                             type);
  AffineExpr count = getDims(type)[0];
  if (constantValue(count) == 1)
    return success();
  if (!size)
    return emitOptionalError(loc, name, " must have 1 element, got ", type);
  return checkSameSize(loc, ("the number of elements of " + name).str(), count,
                       "the number of output channels", size);
}

/// The number of output channels, if it is known.
static AffineExpr outputChannels(Value w) {
  RankedTensorType type = rankedType(w);
  return type && type.getRank() ? getDims(type)[0] : AffineExpr();
}

LogicalResult ConvIntegerOp::inferReturnTypes(MLIRContext *context,
                                              std::optional<Location> loc,
                                              Adaptor op,
                                              SmallVectorImpl<Type> &types) {
  Value x = op.getX(), w = op.getW();
  if (failed(checkElementType(loc, x, "x", isByte)) ||
      failed(checkElementType(loc, w, "w", isByte)) ||
      failed(checkSameElementType(loc, x, "x", op.getXZeroPoint(),
                                  "x_zero_point")) ||
      failed(checkSameElementType(loc, w, "w", op.getWZeroPoint(),
                                  "w_zero_point")) ||
      failed(checkScalarOr(loc, op.getXZeroPoint(), "x_zero_point", {})) ||
      failed(checkScalarOr(loc, op.getWZeroPoint(), "w_zero_point",
                           outputChannels(w))))
    return failure();
  auto type = inferConv(loc, x, w, Value(), convAttributes(op), op.getGroup(),
                        IntegerType::get(context, 32));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

LogicalResult QLinearConvOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> loc,
                                              Adaptor op,
                                              SmallVectorImpl<Type> &types) {
  Value x = op.getX(), w = op.getW();
  AffineExpr channels = outputChannels(w);
  if (failed(checkElementType(loc, x, "x", isByte)) ||
      failed(checkElementType(loc, w, "w", isByte)) ||
      failed(
          checkElementType(loc, op.getYZeroPoint(), "y_zero_point", isByte)) ||
      failed(checkSameElementType(loc, x, "x", op.getXZeroPoint(),
                                  "x_zero_point")) ||
      failed(checkSameElementType(loc, w, "w", op.getWZeroPoint(),
                                  "w_zero_point")) ||
      failed(checkScalarOr(loc, op.getXScale(), "x_scale", {})) ||
      failed(checkScalarOr(loc, op.getXZeroPoint(), "x_zero_point", {})) ||
      failed(checkScalarOr(loc, op.getWScale(), "w_scale", channels)) ||
      failed(
          checkScalarOr(loc, op.getWZeroPoint(), "w_zero_point", channels)) ||
      failed(checkScalarOr(loc, op.getYScale(), "y_scale", {})) ||
      failed(checkScalarOr(loc, op.getYZeroPoint(), "y_zero_point", {})))
    return failure();
  auto type = inferConv(loc, x, w, op.getB(), convAttributes(op), op.getGroup(),
                        elementType(op.getYZeroPoint()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

/// The transposed window of x and w.
template <typename Op>
static FailureOr<WindowParams> resolveTransposed(std::optional<Location> loc,
                                                 Op op, RankedTensorType x,
                                                 RankedTensorType w) {
  Dims in = getDims(x), weight = getDims(w);
  int64_t group = op.getGroup();
  if (failed(checkRanks(loc, x, w)) ||
      failed(checkGroup(loc, group, "input channels", in[1])) ||
      failed(checkSameSize(loc, "the number of input channels", in[1],
                           "axis 0 of W", weight[0])))
    return failure();
  WindowAttributes attributes = convAttributes(op);
  SmallVector<int64_t> kernel;
  if (failed(resolveKernel(loc, attributes, spatial(weight), kernel)))
    return failure();
  auto window = resolveTransposedWindow(
      loc, attributes, valuesOf(op.getOutputPaddingAttr()),
      valuesOf(op.getOutputShapeAttr()), spatial(in));
  if (succeeded(window))
    window->group = group;
  return window;
}

LogicalResult ConvTransposeOp::inferReturnTypes(MLIRContext *,
                                                std::optional<Location> loc,
                                                Adaptor op,
                                                SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isRealFloat)) ||
      failed(checkSameElementType(loc, op.getX(), "X", op.getW(), "W")) ||
      failed(checkSameElementType(loc, op.getX(), "X", op.getB(), "B")))
    return failure();
  Type element = elementType(op.getX());
  RankedTensorType x = rankedType(op.getX()), w = rankedType(op.getW());
  if (!x || !w) {
    types.push_back(unrankedOf(element));
    return success();
  }
  FailureOr<WindowParams> window = resolveTransposed(loc, op, x, w);
  if (failed(window))
    return failure();
  Dims out = {getDims(x)[0], getDims(w)[1] * int64_t(op.getGroup())};
  out.append(window->output);
  if (failed(checkBias(loc, op.getB(), out[1])))
    return failure();
  types.push_back(tensorOf(out, element));
  return success();
}

/// Fails unless `value` is N x groups * points * factor x output sizes.
static LogicalResult checkTaps(std::optional<Location> loc, Value value,
                               StringRef name, int64_t groups,
                               const WindowParams &window, int64_t factor,
                               RankedTensorType x) {
  RankedTensorType type = rankedType(value);
  if (!type)
    return success();
  if (type.getRank() != x.getRank())
    return emitOptionalError(loc, name, " must have rank ", x.getRank(),
                             ", got ", type);
  Dims dims = getDims(type);
  AffineExpr points =
      product(window.kernelDims(x.getContext()), x.getContext()) *
      (groups * factor);
  if (failed(checkSameSize(loc, ("axis 1 of " + name).str(), dims[1],
                           "offset_group times the number of kernel points",
                           points)))
    return failure();
  for (auto [i, size] : llvm::enumerate(window.output))
    if (failed(checkSameSize(
            loc, ("axis " + std::to_string(i + 2) + " of " + name).str(),
            dims[i + 2], "the size of the result", size)))
      return failure();
  return success();
}

LogicalResult DeformConvOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor op,
                                             SmallVectorImpl<Type> &types) {
  Value x = op.getX();
  if (failed(checkElementType(loc, x, "X", isRealFloat)) ||
      failed(checkSameElementType(loc, x, "X", op.getW(), "W")) ||
      failed(checkSameElementType(loc, x, "X", op.getB(), "B")) ||
      failed(checkSameElementType(loc, x, "X", op.getOffset(), "offset")) ||
      failed(checkSameElementType(loc, x, "X", op.getMask(), "mask")))
    return failure();
  WindowAttributes attributes = convAttributes(op);
  auto type = inferConv(loc, x, op.getW(), op.getB(), attributes, op.getGroup(),
                        elementType(x));
  if (failed(type))
    return failure();
  types.push_back(*type);
  RankedTensorType in = rankedType(x), weight = rankedType(op.getW());
  if (!in || !weight)
    return success();
  int64_t groups = op.getOffsetGroup();
  if (failed(checkDivides(loc, "offset_group", groups, "input channels",
                          getDims(in)[1])))
    return failure();
  auto window = resolveConv(loc, in, weight, attributes, op.getGroup());
  if (failed(window) ||
      failed(checkTaps(loc, op.getOffset(), "offset", groups, *window,
                       window->rank(), in)) ||
      failed(checkTaps(loc, op.getMask(), "mask", groups, *window, 1, in)))
    return failure();
  return success();
}

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

/// The shape of the result of a pooling over x, as a tensor of `element`.
static FailureOr<TensorType> inferPool(std::optional<Location> loc, Value x,
                                       const WindowAttributes &attributes,
                                       Type element) {
  RankedTensorType in = rankedType(x);
  if (!in)
    return unrankedOf(element);
  FailureOr<WindowParams> window = resolvePool(loc, in, attributes);
  if (failed(window))
    return failure();
  Dims out(ArrayRef<AffineExpr>(getDims(in)).take_front(2));
  out.append(window->output);
  return TensorType(tensorOf(out, element));
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
    auto sizes = constantIntegers(op.getOutputShape());
    if (sizes && sizes->size() != size_t(x.getRank()))
      return emitOptionalError(loc, "output_shape has ", sizes->size(),
                               " values, expected ", x.getRank());
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = sizes ? constantDim((*sizes)[i], context) : freshDim(context);
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
  auto image = constantIntegers(op.getImageShape());
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
  for (auto *sizes : {&image, &block})
    for (int64_t size : *sizes ? **sizes : SmallVector<int64_t>())
      if (size < 1)
        return emitOptionalError(loc, "size ", size,
                                 " of image_shape or block_shape is less "
                                 "than 1");
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
    out.push_back(image ? constantDim((*image)[i], context)
                        : freshDim(context));
  types.push_back(tensorOf(out, element));
  return success();
}

//===----------------------------------------------------------------------===//
// Windows of existing operators
//===----------------------------------------------------------------------===//

/// The window of a convolution op.
template <typename Op>
static FailureOr<WindowParams> windowOfConv(Op op, Value x, Value w) {
  RankedTensorType in = rankedType(x), weight = rankedType(w);
  if (!in || !weight)
    return failure();
  return resolveConv(op.getLoc(), in, weight, convAttributes(op),
                     op.getGroup());
}

/// The window of a pooling op.
template <typename Op> static FailureOr<WindowParams> windowOfPool(Op op) {
  RankedTensorType in = rankedType(op.getX());
  if (!in)
    return failure();
  return resolvePool(op.getLoc(), in, poolAttributes(op));
}

namespace ingot::onnx {
FailureOr<WindowParams> resolveWindow(ConvOp op) {
  return windowOfConv(op, op.getX(), op.getW());
}
FailureOr<WindowParams> resolveWindow(ConvIntegerOp op) {
  return windowOfConv(op, op.getX(), op.getW());
}
FailureOr<WindowParams> resolveWindow(QLinearConvOp op) {
  return windowOfConv(op, op.getX(), op.getW());
}
FailureOr<WindowParams> resolveWindow(DeformConvOp op) {
  return windowOfConv(op, op.getX(), op.getW());
}
FailureOr<WindowParams> resolveWindow(ConvTransposeOp op) {
  RankedTensorType x = rankedType(op.getX()), w = rankedType(op.getW());
  if (!x || !w)
    return failure();
  return resolveTransposed(op.getLoc(), op, x, w);
}
FailureOr<WindowParams> resolveWindow(MaxPoolOp op) { return windowOfPool(op); }
FailureOr<WindowParams> resolveWindow(AveragePoolOp op) {
  return windowOfPool(op);
}
FailureOr<WindowParams> resolveWindow(LpPoolOp op) { return windowOfPool(op); }

void registerWindowOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Window.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
