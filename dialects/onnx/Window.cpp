//===- Window.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Window.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/WindowAttributes.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Window.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

LogicalResult ingot::onnx::checkDivides(std::optional<Location> loc,
                                        StringRef name, int64_t count,
                                        StringRef what, AffineExpr size) {
  if (count < 1)
    return emitOptionalError(loc, name, " ", count, " is less than 1");
  std::optional<int64_t> constant = constantValue(size);
  if (constant && *constant % count)
    return emitOptionalError(loc, name, " ", count, " does not divide the ",
                             *constant, " ", what);
  return success();
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

FailureOr<TensorType> ingot::onnx::convType(std::optional<Location> loc,
                                            Value x, Value w, Value bias,
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
  auto type = convType(loc, op.getX(), op.getW(), op.getB(), convAttributes(op),
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
  auto type = convType(loc, x, w, Value(), convAttributes(op), op.getGroup(),
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
  auto type = convType(loc, x, w, op.getB(), convAttributes(op), op.getGroup(),
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
  auto type = convType(loc, x, op.getW(), op.getB(), attributes, op.getGroup(),
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

void registerWindowOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Window.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
