//===- SliceBounds.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/SliceBounds.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/ShapeValues.h"

using namespace mlir;
using namespace ingot;
using onnx::constantDim;
using onnx::constantValue;
using onnx::Dims;
using onnx::SliceBound;

/// Bounds from here on mean "to the end" for a size that is not known: the
/// largest integers, and what converters from TensorFlow write.
static constexpr int64_t farAway = 1'000'000'000;

bool SliceBound::staysInside(AffineExpr dim) const {
  if (!start || !size || step == 0)
    return false;
  AffineExpr last = start + (size - 1) * step;
  AffineExpr room = simplifySum(step > 0 ? dim - 1 - last : last);
  AffineExpr other = simplifySum(step > 0 ? start : dim - 1 - start);
  return constantValue(size) == 0 ||
         (constantValue(room).value_or(-1) >= 0 && isNonNegative(other));
}

/// Whether a bound of a slice counts from the front. A difference such as N - 1
/// is taken for a position: written as a bound it would make no sense below 0.
static bool countsFromFront(AffineExpr bound) {
  if (onnx::isNonNegative(bound))
    return true;
  auto sum = dyn_cast<AffineBinaryOpExpr>(bound);
  return sum && sum.getKind() == AffineExprKind::Add &&
         onnx::isNonNegative(sum.getLHS());
}

/// One bound counted from the front and clamped to [low, high], null if it has
/// no closed form.
static AffineExpr resolveBound(AffineExpr bound, AffineExpr dim, int64_t low,
                               AffineExpr high) {
  MLIRContext *context = dim.getContext();
  std::optional<int64_t> size = constantValue(dim),
                         value = constantValue(bound);
  if (value && size) {
    // Not past the ends first, so that nothing overflows.
    int64_t near = std::clamp(*value, -*size - 1, *size);
    int64_t front = *value < 0 ? near + *size : near;
    return constantDim(std::min(std::max(front, low), *constantValue(high)),
                       context);
  }
  if (value) {
    if (*value >= farAway)
      return high;
    if (*value <= -farAway)
      return constantDim(low, context);
    return *value < 0 ? dim + *value : bound;
  }
  if (countsFromFront(bound))
    return bound;
  if (onnx::isNonNegative(bound * -1))
    return dim + bound;
  return {};
}

/// The bound of one sliced dimension.
static SliceBound sliceDim(AffineExpr dim, AffineExpr start, AffineExpr end,
                           int64_t step) {
  MLIRContext *context = dim.getContext();
  SliceBound bound{{}, {}, 0};
  if (!start || !end || step == 0)
    return bound;
  bool forward = step > 0;
  AffineExpr high = forward ? dim : dim - 1;
  bound.start = resolveBound(start, dim, 0, high);
  end = resolveBound(end, dim, forward ? 0 : -1, high);
  if (!bound.start || !end)
    return bound;
  bound.step = step;
  // Clamping a size that data decides is not left to good luck.
  if (onnx::dependsOnData(dim) &&
      !(constantValue(bound.start) == 0 && end == dim))
    return bound;
  AffineExpr length =
      onnx::simplifySum(forward ? end - bound.start : bound.start - end);
  int64_t stride = step == INT64_MIN ? INT64_MAX : std::abs(step);
  bound.size = length.ceilDiv(stride);
  if (constantValue(bound.size).value_or(0) < 0)
    bound.size = constantDim(0, context);
  return bound;
}

FailureOr<onnx::SliceBounds>
onnx::sliceBounds(std::optional<Location> loc, RankedTensorType type,
                  Value startsOperand, Value endsOperand, Value axesOperand,
                  Value stepsOperand) {
  int64_t rank = type.getRank();
  Dims dims = getDims(type);
  std::optional<int64_t> count;
  std::pair<Value, StringRef> lists[] = {{startsOperand, "starts"},
                                         {endsOperand, "ends"},
                                         {axesOperand, "axes"},
                                         {stepsOperand, "steps"}};
  for (auto [list, name] : lists) {
    if (isNone(list))
      continue;
    auto length = listLength(loc, list, name);
    if (failed(length))
      return failure();
    if (count && *length && *count != **length)
      return emitOptionalError(loc, name, " has ", **length,
                               " elements, but starts has ", *count);
    if (*length)
      count = **length;
  }
  SliceBounds bounds;
  for (AffineExpr dim : dims)
    bounds.push_back({constantDim(0, type.getContext()), dim, 1});
  if (count && *count > rank)
    return emitOptionalError(loc, "starts has ", *count, " elements for rank ",
                             rank);
  auto axes = onnx::axesOperand(loc, axesOperand, rank, count.value_or(rank));
  if (failed(axes))
    return failure();
  if (!*axes || !count) {
    bounds.assign(rank, SliceBound{{}, {}, 0});
    return bounds;
  }
  Dims starts = listElements(startsOperand, *count);
  Dims ends = listElements(endsOperand, *count);
  Dims steps = isNone(stepsOperand)
                   ? Dims(*count, constantDim(1, type.getContext()))
                   : listElements(stepsOperand, *count);
  for (auto [i, axis] : llvm::enumerate(**axes)) {
    std::optional<int64_t> step =
        steps[i] ? constantValue(steps[i]) : std::nullopt;
    if (step == 0)
      return emitOptionalError(loc, "step of axis ", axis, " is 0");
    bounds[axis] = sliceDim(dims[axis], starts[i], ends[i], step.value_or(0));
  }
  return bounds;
}
