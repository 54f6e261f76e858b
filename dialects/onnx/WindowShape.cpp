//===- WindowShape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/WindowShape.h"
#include "dialects/onnx/TypeChecks.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::onnx;

/// More than any real model uses, and small enough that no product of two
/// overflows.
static constexpr int64_t largestAttribute = (int64_t(1) << 31) - 1;

static std::optional<SmallVector<int64_t, 3>>
constants(ArrayRef<AffineExpr> e) {
  SmallVector<int64_t, 3> values;
  for (AffineExpr expr : e) {
    std::optional<int64_t> value = constantValue(expr);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<SmallVector<int64_t, 3>> WindowParams::constantPadsBegin() const {
  return constants(padsBegin);
}

std::optional<SmallVector<int64_t, 3>> WindowParams::constantPadsEnd() const {
  return constants(padsEnd);
}

Dims WindowParams::kernelDims(MLIRContext *context) const {
  Dims dims;
  for (int64_t size : kernel)
    dims.push_back(constantDim(size, context));
  return dims;
}

/// The values of an attribute, `fallback` if it is missing or empty; fails if
/// there are not `count` of them or one is not in [least, largestAttribute].
static FailureOr<SmallVector<int64_t, 3>>
valuesOf(std::optional<Location> loc, StringRef name,
         std::optional<ArrayRef<int64_t>> values, size_t count, int64_t least,
         int64_t fallback) {
  if (!values || values->empty())
    return SmallVector<int64_t, 3>(count, fallback);
  if (values->size() != count)
    return emitOptionalError(loc, name, " has ", values->size(),
                             " values, expected ", count);
  for (int64_t value : *values)
    if (value < least || value > largestAttribute)
      return emitOptionalError(loc, name, " ", value, " is not in [", least,
                               ", ", largestAttribute, "]");
  return SmallVector<int64_t, 3>(*values);
}

/// Reads the attributes that need no sizes; also the explicit pads.
static FailureOr<WindowParams> readAttributes(std::optional<Location> loc,
                                              const WindowAttributes &from,
                                              ArrayRef<AffineExpr> input) {
  size_t rank = input.size();
  if (failed(checkChoice(loc, "auto_pad", from.autoPad,
                         {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"})))
    return failure();
  if (!from.kernel || from.kernel->size() != rank)
    return emitOptionalError(loc, "kernel_shape has ",
                             from.kernel ? from.kernel->size() : 0,
                             " values, expected ", rank);
  auto kernel = valuesOf(loc, "kernel_shape", from.kernel, rank, 1, 1);
  auto strides = valuesOf(loc, "strides", from.strides, rank, 1, 1);
  auto dilations = valuesOf(loc, "dilations", from.dilations, rank, 1, 1);
  auto pads = valuesOf(loc, "pads", from.pads, 2 * rank, 0, 0);
  if (failed(kernel) || failed(strides) || failed(dilations) || failed(pads))
    return failure();
  WindowParams window;
  window.kernel = *kernel;
  window.strides = *strides;
  window.dilations = *dilations;
  window.input.assign(input.begin(), input.end());
  bool explicitPads = from.autoPad == "NOTSET";
  for (size_t i = 0; i < rank; ++i) {
    MLIRContext *context = input[i].getContext();
    window.padsBegin.push_back(
        constantDim(explicitPads ? (*pads)[i] : 0, context));
    window.padsEnd.push_back(
        constantDim(explicitPads ? (*pads)[rank + i] : 0, context));
  }
  return window;
}

/// max(0, value) of a value known to lie in [-bound, bound).
static AffineExpr clampToZero(AffineExpr value, int64_t bound) {
  if (std::optional<int64_t> constant = constantValue(value))
    return constantDim(std::max<int64_t>(0, *constant), value.getContext());
  return value * (value + bound).floorDiv(bound);
}

/// Sets pads of an axis so that the result has size ceil(input / stride).
static void padToSame(WindowParams &window, size_t i, bool upper) {
  int64_t stride = window.strides[i], span = window.span(i);
  AffineExpr total = constantDim(0, window.input[i].getContext());
  // total = max(0, (output - 1) * stride + span - input): a constant for
  // stride 1, and never positive for span 1.
  if (stride == 1)
    total = total + (span - 1);
  else if (span > 1)
    total = (window.output[i] - 1) * stride + span - window.input[i];
  if (span < stride || constantValue(total))
    total = clampToZero(total, stride);
  AffineExpr half = total.floorDiv(2);
  window.padsBegin[i] = upper ? half : total - half;
  window.padsEnd[i] = upper ? total - half : half;
}

/// The number of windows that fit, for padding known beforehand.
static AffineExpr countWindows(const WindowParams &window, size_t i,
                               bool ceilMode) {
  AffineExpr padded = window.input[i] + window.padsBegin[i] + window.padsEnd[i];
  int64_t stride = window.strides[i], span = window.span(i);
  if (!ceilMode)
    return (padded - span).floorDiv(stride) + 1;
  // A window must start inside of the input or the padding before it, so the
  // count is the lesser of ceil((padded - span) / stride) + 1 and
  // ceil((input + begin) / stride); both are one ceildiv.
  int64_t end = *constantValue(window.padsEnd[i]);
  int64_t excess = std::min<int64_t>(0, end - span + stride);
  return (window.input[i] + window.padsBegin[i] + excess).ceilDiv(stride);
}

/// True if the last window along axis i may end behind the input's end.
static bool reachesBehind(const WindowParams &window, size_t i, bool ceilMode) {
  std::optional<int64_t> in = constantValue(window.input[i]);
  std::optional<int64_t> out = constantValue(window.output[i]);
  std::optional<int64_t> begin = constantValue(window.padsBegin[i]);
  if (in && out && begin)
    return (*out - 1) * window.strides[i] + window.span(i) - *begin > *in;
  return constantValue(window.padsEnd[i]) != 0 ||
         (ceilMode && window.strides[i] > 1);
}

FailureOr<WindowParams> onnx::resolveWindow(std::optional<Location> loc,
                                            const WindowAttributes &from,
                                            ArrayRef<AffineExpr> input) {
  FailureOr<WindowParams> window = readAttributes(loc, from, input);
  if (failed(window))
    return failure();
  bool same = from.autoPad.starts_with("SAME");
  // Of VALID padding the specification defines the size for floor and ceil
  // alike: no window reaches outside.
  bool ceilMode = from.ceilMode && from.autoPad == "NOTSET";
  for (size_t i = 0; i < input.size(); ++i) {
    if (same) {
      window->output.push_back(input[i].ceilDiv(window->strides[i]));
      padToSame(*window, i, from.autoPad == "SAME_UPPER");
    } else {
      window->output.push_back(countWindows(*window, i, ceilMode));
    }
    std::optional<int64_t> size = constantValue(input[i]);
    std::optional<int64_t> count = constantValue(window->output[i]);
    if (size && *size == 0)
      return emitOptionalError(loc, "spatial axis ", i,
                               " of the input is empty");
    if (count && *count < 1)
      return emitOptionalError(loc, "a window of ", window->span(i),
                               " elements does not fit the ",
                               *size + *constantValue(window->padsBegin[i]) +
                                   *constantValue(window->padsEnd[i]),
                               " padded elements of spatial axis ", i);
    window->padded.push_back(constantValue(window->padsBegin[i]) != 0 ||
                             reachesBehind(*window, i, ceilMode));
  }
  return window;
}

FailureOr<WindowParams> onnx::resolveTransposedWindow(
    std::optional<Location> loc, const WindowAttributes &from,
    std::optional<ArrayRef<int64_t>> outputPadding,
    std::optional<ArrayRef<int64_t>> outputShape, ArrayRef<AffineExpr> input) {
  FailureOr<WindowParams> window = readAttributes(loc, from, input);
  size_t rank = input.size();
  auto extra = valuesOf(loc, "output_padding", outputPadding, rank, 0, 0);
  if (failed(window) || failed(extra))
    return failure();
  // Some exporters prepend batch and channels to output_shape.
  if (outputShape && outputShape->size() == rank + 2)
    outputShape = outputShape->drop_front(2);
  auto shape = valuesOf(loc, "output_shape", outputShape, rank, 1, 1);
  if (failed(shape))
    return failure();
  bool hasShape = outputShape && !outputShape->empty();
  bool same = from.autoPad.starts_with("SAME");
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = window->strides[i];
    if ((*extra)[i] >= std::max(stride, window->dilations[i]))
      return emitOptionalError(loc, "output_padding ", (*extra)[i],
                               " is not less than stride ", stride,
                               " or dilation ", window->dilations[i]);
    AffineExpr covered =
        (input[i] - 1) * stride + (*extra)[i] + window->span(i);
    if (!hasShape && !same) {
      window->output.push_back(covered - window->padsBegin[i] -
                               window->padsEnd[i]);
    } else {
      window->output.push_back(
          hasShape ? constantDim((*shape)[i], input[i].getContext())
                   : input[i] * stride);
      AffineExpr total = covered - window->output[i];
      if (std::optional<int64_t> constant = constantValue(total))
        total =
            constantDim(std::max<int64_t>(0, *constant), input[i].getContext());
      AffineExpr half = total.floorDiv(2);
      window->padsBegin[i] = from.autoPad == "SAME_UPPER" ? half : total - half;
    }
    std::optional<int64_t> count = constantValue(window->output[i]);
    if (count && *count < 1)
      return emitOptionalError(loc, "spatial axis ", i,
                               " of the result would have size ", *count);
    window->padded.push_back(true);
  }
  return window;
}
