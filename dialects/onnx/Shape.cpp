//===- Shape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/ShapeValues.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Shape.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Types = SmallVectorImpl<Type>;

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location>, Adaptor op,
                                           Types &types) {
  types.push_back(op.getValue().getType());
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// The dims a Reshape asks for; null where they depend on data.
struct ReshapeRequest {
  std::optional<Location> loc;
  std::optional<Dims> from; ///< of the operand, if its rank is known
  Dims to;
  std::optional<size_t> inferred; ///< the place of -1
  MLIRContext *context;

  /// Replaces 0 by the operand's size and checks the elements' signs.
  LogicalResult resolve(bool allowZero) {
    bool hasZero = false;
    for (size_t i = 0; i < to.size(); ++i) {
      std::optional<int64_t> size = to[i] ? constantValue(to[i]) : std::nullopt;
      if (!size || *size > 0)
        continue;
      if (*size == 0) {
        hasZero = true;
        if (failed(resolveZero(i, allowZero)))
          return failure();
        continue;
      }
      if (*size < -1)
        return emitOptionalError(loc, "shape has the negative size ", *size,
                                 " at ", i);
      if (inferred)
        return emitOptionalError(loc, "shape has -1 at ", *inferred, " and at ",
                                 i);
      inferred = i;
    }
    if (allowZero && hasZero && inferred)
      return emitOptionalError(loc,
                               "shape has both 0 and -1 with allowzero set");
    return success();
  }

  LogicalResult resolveZero(size_t i, bool allowZero) {
    if (allowZero)
      return success();
    if (!from) {
      to[i] = {};
      return success();
    }
    if (i >= from->size())
      return emitOptionalError(loc, "shape has 0 at ", i,
                               ", but the operand's rank is ", from->size());
    to[i] = (*from)[i];
    return success();
  }

  /// Finds the size at -1, or the only one that is not constant, from the
  /// number of elements.
  LogicalResult completeFromCount() {
    std::optional<size_t> open = inferred ? inferred : onlyOpenPlace();
    if (!from || !open)
      return success();
    Dims others;
    for (size_t i = 0; i < to.size(); ++i) {
      if (i == *open)
        continue;
      if (!to[i])
        return success();
      others.push_back(to[i]);
    }
    FailureOr<AffineExpr> size = quotient(*from, others, context);
    if (succeeded(size))
      to[*open] = *size;
    if (succeeded(size) || !inferred)
      return success();
    return emitOptionalError(loc, "cannot reshape ", printDims(*from), " to ",
                             printDims(to));
  }

  /// The place of the only size that is not constant, where the count of
  /// elements is.
  std::optional<size_t> onlyOpenPlace() {
    std::optional<size_t> open;
    if (!from || !llvm::all_of(*from, constantValue))
      return open;
    for (size_t i = 0; i < to.size(); ++i) {
      if (to[i] && constantValue(to[i]))
        continue;
      if (open)
        return std::nullopt;
      open = i;
    }
    return open;
  }

  std::string printDims(ArrayRef<AffineExpr> dims) {
    std::string text;
    for (AffineExpr dim : dims)
      text += (text.empty() ? "" : "x") + (dim ? printDim(dim, context) : "?");
    return "[" + text + "]";
  }
};
} // namespace

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  auto length = listLength(loc, op.getShape(), "shape");
  if (failed(length))
    return failure();
  ReshapeRequest request{loc, std::nullopt, {}, std::nullopt, context};
  if (RankedTensorType type = rankedType(op.getData()))
    request.from = getDims(type);
  if (std::optional<Dims> shape = partialIntegers(op.getShape()))
    request.to = *shape;
  else if (*length && **length <= maxRank)
    request.to.resize(**length);
  else
    return addUnranked(element, types);
  if (failed(request.resolve(op.getAllowzero() != 0)) ||
      failed(request.completeFromCount()))
    return failure();
  for (size_t i = 0; i < request.to.size(); ++i)
    if (!request.to[i] || constantValue(request.to[i]) == -1)
      request.to[i] = freshDim(context);
  if (request.from && llvm::all_of(*request.from, constantValue) &&
      llvm::all_of(request.to, constantValue) &&
      !sameProduct(*request.from, request.to))
    return emitOptionalError(loc, "cannot reshape ",
                             request.printDims(*request.from), " to ",
                             request.printDims(request.to));
  return addResult(loc, request.to, element, types);
}

LogicalResult ReshapeOp::verify() {
  auto from = dyn_cast<RankedTensorType>(getData().getType());
  auto to = dyn_cast<RankedTensorType>(getReshaped().getType());
  if (!from || !to || !from.hasStaticShape() || !to.hasStaticShape() ||
      from.getNumElements() == to.getNumElements())
    return success();
  return emitOpError("cannot reshape ")
         << from.getNumElements() << " elements to " << to;
}

//===----------------------------------------------------------------------===//
// Squeeze, Unsqueeze, Flatten
//===----------------------------------------------------------------------===//

/// The axes Squeeze removes: those given, or all of constant size 1.
static FailureOr<std::optional<SmallVector<int64_t>>>
squeezedAxes(std::optional<Location> loc, Value axes,
             ArrayRef<AffineExpr> dims) {
  using Axes = std::optional<SmallVector<int64_t>>;
  SmallVector<int64_t> ones;
  bool known = true;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (constantValue(dim) == 1)
      ones.push_back(i);
    known &= constantValue(dim).has_value();
  }
  if (isNone(axes))
    return Axes(ones);
  auto given = axesOperand(loc, axes, dims.size(), dims.size());
  if (failed(given))
    return failure();
  if (*given)
    return given;
  // Axes known at run time only: as many as there are ones, or unclear.
  auto length = listLength(loc, axes, "axes");
  if (failed(length))
    return failure();
  if (known && *length && **length == int64_t(ones.size()))
    return Axes(ones);
  return Axes();
}

LogicalResult SqueezeOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType type = rankedType(op.getData());
  if (!type)
    return addUnranked(element, types);
  Dims dims = getDims(type);
  auto axes = squeezedAxes(loc, op.getAxes(), dims);
  auto length = listLength(loc, op.getAxes(), "axes");
  if (failed(axes) || failed(length))
    return failure();
  if (!*axes) {
    if (!*length || **length > type.getRank())
      return addUnranked(element, types);
    return addResult(loc, unknownDims(type.getRank() - **length, context),
                     element, types);
  }
  Dims result;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (!llvm::is_contained(**axes, int64_t(i))) {
      result.push_back(dim);
      continue;
    }
    if (constantValue(dim).value_or(1) != 1)
      return emitOptionalError(loc, "cannot squeeze axis ", i, " of size ",
                               *constantValue(dim));
  }
  return addResult(loc, result, element, types);
}

LogicalResult UnsqueezeOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location> loc,
                                            Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType type = rankedType(op.getData());
  auto length = listLength(loc, op.getAxes(), "axes");
  if (failed(length))
    return failure();
  if (!type || !*length || **length > maxRank)
    return addUnranked(element, types);
  int64_t rank = type.getRank() + **length;
  auto axes = axesOperand(loc, op.getAxes(), rank, rank);
  if (failed(axes))
    return failure();
  if (!*axes)
    return addResult(loc, unknownDims(rank, context), element, types);
  Dims result, dims = getDims(type);
  for (int64_t i = 0, next = 0; i < rank; ++i)
    result.push_back(llvm::is_contained(**axes, i) ? constantDim(1, context)
                                                   : dims[next++]);
  return addResult(loc, result, element, types);
}

LogicalResult FlattenOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> loc,
                                          Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getInput());
  RankedTensorType type = rankedType(op.getInput());
  if (!type)
    return addResult(loc, unknownDims(2, context), element, types);
  int64_t rank = type.getRank(), axis = op.getAxis();
  if (axis < -rank || axis > rank)
    return emitOptionalError(loc, "axis ", axis, " is out of range for rank ",
                             rank);
  Dims dims = getDims(type);
  ArrayRef<AffineExpr> all(dims);
  size_t split = axis < 0 ? axis + rank : axis;
  return addResult(loc,
                   {product(all.take_front(split), context),
                    product(all.drop_front(split), context)},
                   element, types);
}

//===----------------------------------------------------------------------===//
// Shape, Size, Expand
//===----------------------------------------------------------------------===//

/// The half-open range of axes that Shape lists.
static std::pair<int64_t, int64_t> listedAxes(int64_t rank, int64_t start,
                                              std::optional<int64_t> end) {
  auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  int64_t first = clamp(start), last = end ? clamp(*end) : rank;
  return {first, std::max(first, last)};
}

std::optional<Dims> ShapeOp::listedDims() {
  RankedTensorType type = rankedType(getData());
  if (!type)
    return std::nullopt;
  auto [first, last] = listedAxes(type.getRank(), getStart(), getEnd());
  return Dims(ArrayRef<AffineExpr>(getDims(type)).slice(first, last - first));
}

LogicalResult ShapeOp::inferReturnTypes(MLIRContext *context,
                                        std::optional<Location> loc, Adaptor op,
                                        Types &types) {
  Type element = IntegerType::get(context, 64);
  RankedTensorType type = rankedType(op.getData());
  if (!type)
    return addResult(loc, freshDim(context), element, types);
  auto [first, last] = listedAxes(type.getRank(), op.getStart(), op.getEnd());
  return addResult(loc, constantDim(last - first, context), element, types);
}

LogicalResult SizeOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc, Adaptor,
                                       Types &types) {
  return addResult(loc, {}, IntegerType::get(context, 64), types);
}

LogicalResult ExpandOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getInput());
  RankedTensorType type = rankedType(op.getInput());
  auto length = listLength(loc, op.getShape(), "shape");
  if (failed(length))
    return failure();
  std::optional<Dims> shape = partialIntegers(op.getShape());
  if (!shape && *length && **length <= maxRank)
    shape = Dims(**length);
  if (!type || !shape)
    return addUnranked(element, types);
  Dims from = getDims(type);
  for (size_t i = 0; i < shape->size(); ++i) {
    AffineExpr &size = (*shape)[i];
    if (size && constantValue(size).value_or(0) < 0)
      return emitOptionalError(loc, "shape has the negative size ",
                               *constantValue(size), " at ", i);
    if (size)
      continue;
    // Unknown: it broadcasts with the operand's size, so that a size over 1
    // stays.
    int64_t at = int64_t(i) - int64_t(shape->size()) + int64_t(from.size());
    bool fixed = at >= 0 && constantValue(from[at]).value_or(1) != 1;
    size = fixed ? from[at] : freshDim(context);
  }
  FailureOr<Dims> result = broadcast(from, *shape);
  if (failed(result))
    return emitOptionalError(loc, "cannot expand ", type, " to ",
                             tensorOf(*shape, element));
  return addResult(loc, *result, element, types);
}

namespace ingot::onnx {
void registerShapeOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Shape.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
