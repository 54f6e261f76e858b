//===- Layout.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/ShapeValues.h"
#include "dialects/onnx/SliceBounds.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Layout.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Types = SmallVectorImpl<Type>;

//===----------------------------------------------------------------------===//
// Transpose, Concat
//===----------------------------------------------------------------------===//

SmallVector<int64_t> TransposeOp::permutation(int64_t rank) {
  if (std::optional<ArrayRef<int64_t>> perm = getPerm())
    return llvm::to_vector(*perm);
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location> loc,
                                            Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType type = rankedType(op.getData());
  std::optional<ArrayRef<int64_t>> perm = op.getPerm();
  if (!type && !perm)
    return addUnranked(element, types);
  int64_t rank = type ? type.getRank() : perm->size();
  if (perm && int64_t(perm->size()) != rank)
    return emitOptionalError(loc, "perm has ", perm->size(),
                             " entries for rank ", rank);
  if (rank > maxRank)
    return emitOptionalError(loc, "rank ", rank, " is over ", maxRank);
  Dims dims = type ? getDims(type) : unknownDims(rank, context);
  if (!perm)
    return addResult(loc, llvm::to_vector(llvm::reverse(dims)), element, types);
  Dims result;
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t axis : *perm) {
    if (axis < 0 || axis >= rank || !seen.insert(axis).second)
      return emitOptionalError(loc, "perm is no permutation of ", rank,
                               " axes: it lists ", axis,
                               axis < 0 || axis >= rank ? "" : " twice");
    result.push_back(dims[axis]);
  }
  return addResult(loc, result, element, types);
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op, Types &types) {
  if (op.getInputs().empty())
    return emitOptionalError(loc, "needs at least one input");
  for (Value input : op.getInputs())
    if (failed(checkSameElementType(loc, op.getInputs().front(),
                                    "the first input", input, "another")))
      return failure();
  return addConcatenation(loc, llvm::to_vector(op.getInputs()), op.getAxis(),
                          elementTypeOf(op.getInputs().front()), types);
}

LogicalResult ingot::onnx::addConcatenation(std::optional<Location> loc,
                                            ArrayRef<Value> inputs,
                                            int64_t givenAxis, Type element,
                                            Types &types) {
  MLIRContext *context = element.getContext();
  std::optional<Dims> result;
  AffineExpr total = constantDim(0, context);
  int64_t axis = 0;
  for (Value input : inputs) {
    RankedTensorType type = rankedType(input);
    if (!type) {
      total = {};
      continue;
    }
    Dims dims = getDims(type);
    FailureOr<int64_t> front = normalizeAxis(loc, givenAxis, dims.size());
    if (failed(front))
      return failure();
    axis = *front;
    if (total)
      total = total + dims[axis];
    if (!result)
      result = dims;
    if (result->size() != dims.size())
      return emitOptionalError(loc, "ranks differ: ", result->size(), " and ",
                               dims.size());
    for (size_t i = 0; i < dims.size(); ++i) {
      if (int64_t(i) == axis)
        continue;
      FailureOr<AffineExpr> both = mergeDims((*result)[i], dims[i]);
      if (failed(both))
        return emitOptionalError(loc, "sizes of dimension ", i,
                                 " differ: ", printDim((*result)[i], context),
                                 " and ", printDim(dims[i], context),
                                 " (the axis is ", axis, ")");
      (*result)[i] = *both;
    }
  }
  if (!result)
    return addUnranked(element, types);
  (*result)[axis] = total ? total : freshDim(context);
  return addResult(loc, *result, element, types);
}

//===----------------------------------------------------------------------===//
// Slice, Split
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::inferReturnTypes(MLIRContext *context,
                                        std::optional<Location> loc, Adaptor op,
                                        Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType type = rankedType(op.getData());
  if (!type)
    return addUnranked(element, types);
  FailureOr<SliceBounds> bounds = sliceBounds(
      loc, type, op.getStarts(), op.getEnds(), op.getAxes(), op.getSteps());
  if (failed(bounds))
    return failure();
  Dims result;
  for (const SliceBound &bound : *bounds)
    result.push_back(bound.size ? bound.size : freshDim(context));
  return addResult(loc, result, element, types);
}

/// The sizes of the parts of a dimension cut into `count` equal ones.
static FailureOr<Dims> equalParts(std::optional<Location> loc, AffineExpr whole,
                                  int64_t count) {
  MLIRContext *context = whole.getContext();
  AffineExpr part = whole.ceilDiv(count);
  AffineExpr last = whole - part * (count - 1);
  if (constantValue(last).value_or(0) < 0)
    return emitOptionalError(loc, "cannot split a dimension of size ",
                             printDim(whole, context), " into ", count,
                             " parts");
  Dims parts(count - 1, part);
  parts.push_back(last);
  return parts;
}

/// The sizes in the operand `split`, checked against the size they add up to;
/// fresh ones for those known at run time only.
static FailureOr<Dims> givenParts(std::optional<Location> loc, AffineExpr whole,
                                  Dims sizes) {
  MLIRContext *context = whole.getContext();
  AffineExpr sum = constantDim(0, context);
  for (AffineExpr &size : sizes) {
    if (size && constantValue(size).value_or(0) < 0)
      return emitOptionalError(loc, "split has the negative size ",
                               *constantValue(size));
    if (!size)
      size = freshDim(context);
    sum = sum + size;
  }
  if (constantValue(sum) && constantValue(whole) &&
      constantValue(sum) != constantValue(whole))
    return emitOptionalError(loc, "split sizes add up to ", *constantValue(sum),
                             ", but the dimension's size is ",
                             *constantValue(whole));
  return sizes;
}

LogicalResult SplitOp::inferReturnTypes(MLIRContext *context,
                                        std::optional<Location> loc, Adaptor op,
                                        Types &types) {
  constexpr int64_t maxOutputs = 1 << 16;
  Type element = elementTypeOf(op.getInput());
  bool given = !isNone(op.getSplit());
  auto length = listLength(loc, op.getSplit(), "split");
  if (failed(length))
    return failure();
  std::optional<int64_t> count = op.getNumOutputs();
  if (!count)
    count = *length;
  if (!count && !given)
    return emitOptionalError(loc, "needs split or num_outputs");
  if (!count)
    return emitOptionalError(loc, "the number of outputs is not known");
  if (given && length->value_or(*count) != *count)
    return emitOptionalError(loc, "split has ", **length, " elements for ",
                             *count, " outputs");
  if (*count < 1 || *count > maxOutputs)
    return emitOptionalError(loc, "cannot split into ", *count, " outputs");
  RankedTensorType type = rankedType(op.getInput());
  if (!type) {
    types.append(*count, UnrankedTensorType::get(element));
    return success();
  }
  FailureOr<int64_t> axis = normalizeAxis(loc, op.getAxis(), type.getRank());
  if (failed(axis))
    return failure();
  Dims dims = getDims(type);
  FailureOr<Dims> parts =
      given ? givenParts(loc, dims[*axis], listElements(op.getSplit(), *count))
            : equalParts(loc, dims[*axis], *count);
  if (failed(parts))
    return failure();
  for (AffineExpr part : *parts) {
    dims[*axis] = part;
    if (failed(addResult(loc, dims, element, types)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pad, Tile, CenterCropPad
//===----------------------------------------------------------------------===//

/// The size of a dimension with `before` and `after` elements added, null if
/// one is.
static FailureOr<AffineExpr> paddedSize(std::optional<Location> loc,
                                        AffineExpr size, AffineExpr before,
                                        AffineExpr after, bool needsElements) {
  constexpr int64_t maxPad = int64_t(1) << 44;
  if (!before || !after)
    return AffineExpr();
  for (AffineExpr pad : {before, after})
    if (std::abs(constantValue(pad).value_or(0)) > maxPad)
      return emitOptionalError(loc, "cannot pad by ", *constantValue(pad));
  AffineExpr padded = size + before + after;
  if (constantValue(padded).value_or(0) < 0)
    return emitOptionalError(
        loc, "pads ", *constantValue(before), " and ", *constantValue(after),
        " remove more than the size ", *constantValue(size));
  if (needsElements && constantValue(size) == 0 && constantValue(padded) != 0)
    return emitOptionalError(loc, "mode needs elements, but the size is 0");
  return padded;
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *context,
                                      std::optional<Location> loc, Adaptor op,
                                      Types &types) {
  Type element = elementTypeOf(op.getData());
  RankedTensorType type = rankedType(op.getData());
  if (failed(checkChoice(loc, "mode", op.getMode(),
                         {"constant", "reflect", "edge", "wrap"})))
    return failure();
  if (failed(checkSameElementType(loc, op.getData(), "data",
                                  op.getConstantValue(), "constant_value")))
    return failure();
  if (!type)
    return addUnranked(element, types);
  Dims dims = getDims(type);
  int64_t rank = dims.size();
  auto axes = axesOperand(loc, op.getAxes(), rank, rank);
  auto count = listLength(loc, op.getPads(), "pads");
  if (failed(axes) || failed(count))
    return failure();
  if (!*axes)
    return addResult(loc, unknownDims(rank, context), element, types);
  size_t n = (*axes)->size();
  if (*count && **count != int64_t(2 * n))
    return emitOptionalError(loc, "pads has ", **count, " elements for ", n,
                             " axes");
  Dims pads = listElements(op.getPads(), 2 * n);
  for (size_t i = 0; i < n; ++i) {
    AffineExpr &dim = dims[(**axes)[i]];
    FailureOr<AffineExpr> padded =
        paddedSize(loc, dim, pads[i], pads[n + i], op.getMode() != "constant");
    if (failed(padded))
      return failure();
    dim = *padded ? *padded : freshDim(context);
  }
  return addResult(loc, dims, element, types);
}

/// The most often that Tile may repeat a dimension.
static constexpr int64_t maxRepeat = int64_t(1) << 44;

LogicalResult TileOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc, Adaptor op,
                                       Types &types) {
  Type element = elementTypeOf(op.getInput());
  RankedTensorType type = rankedType(op.getInput());
  auto length = listLength(loc, op.getRepeats(), "repeats");
  if (failed(length))
    return failure();
  if (!type)
    return *length && **length <= maxRank
               ? addResult(loc, unknownDims(**length, context), element, types)
               : addUnranked(element, types);
  Dims dims = getDims(type);
  if (*length && **length != int64_t(dims.size()))
    return emitOptionalError(loc, "repeats has ", **length,
                             " elements for rank ", dims.size());
  Dims repeats = listElements(op.getRepeats(), dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    AffineExpr count = repeats[i];
    std::optional<int64_t> constant =
        count ? constantValue(count) : std::nullopt;
    if (constant && (*constant < 0 || *constant > maxRepeat))
      return emitOptionalError(loc, "cannot repeat dimension ", i, " ",
                               *constant, " times");
    bool empty = constantValue(dims[i]) == 0;
    if (!empty)
      dims[i] = count ? dims[i] * count : freshDim(context);
  }
  return addResult(loc, dims, element, types);
}

LogicalResult CenterCropPadOp::inferReturnTypes(MLIRContext *context,
                                                std::optional<Location> loc,
                                                Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getInputData());
  RankedTensorType type = rankedType(op.getInputData());
  auto length = listLength(loc, op.getShape(), "shape");
  if (failed(length))
    return failure();
  if (!type)
    return addUnranked(element, types);
  Dims dims = getDims(type);
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, dims.size()));
  FailureOr<SmallVector<int64_t>> axes =
      orderedAxes(loc, op.getAxes().value_or(all), dims.size());
  if (failed(axes))
    return failure();
  if (*length && **length != int64_t(axes->size()))
    return emitOptionalError(loc, "shape has ", **length, " elements for ",
                             axes->size(), " axes");
  Dims shape = listElements(op.getShape(), axes->size());
  for (auto [i, axis] : llvm::enumerate(*axes))
    dims[axis] = shape[i] ? shape[i] : freshDim(context);
  return addResult(loc, dims, element, types);
}

//===----------------------------------------------------------------------===//
// DepthToSpace, SpaceToDepth
//===----------------------------------------------------------------------===//

/// Checks what both have in common; the operand's dims, none if unranked.
template <typename Adaptor>
static FailureOr<std::optional<Dims>> blockOperand(std::optional<Location> loc,
                                                   Adaptor op) {
  constexpr int64_t maxBlock = 1 << 20;
  int64_t block = op.getBlocksize();
  if (block < 1 || block > maxBlock)
    return emitOptionalError(loc, "blocksize ", block, " is out of range");
  if (failed(checkChoice(loc, "mode", op.getMode(), {"DCR", "CRD"})))
    return failure();
  RankedTensorType type = rankedType(op.getInput());
  if (!type)
    return std::optional<Dims>();
  if (type.getRank() != 4)
    return emitOptionalError(loc, "needs an operand of rank 4, not ",
                             type.getRank());
  return std::optional<Dims>(getDims(type));
}

/// `size` / `divisor`, which must be exact.
static FailureOr<AffineExpr> exactPart(std::optional<Location> loc,
                                       AffineExpr size, int64_t divisor,
                                       StringRef what) {
  std::optional<int64_t> constant = constantValue(size);
  if (constant && *constant % divisor)
    return emitOptionalError(loc, what, " ", *constant, " is no multiple of ",
                             divisor);
  return size.floorDiv(divisor);
}

LogicalResult DepthToSpaceOp::inferReturnTypes(MLIRContext *,
                                               std::optional<Location> loc,
                                               Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getInput());
  auto dims = blockOperand(loc, op);
  if (failed(dims))
    return failure();
  if (!*dims)
    return addUnranked(element, types);
  int64_t block = op.getBlocksize();
  Dims &d = **dims;
  FailureOr<AffineExpr> depth =
      exactPart(loc, d[1], block * block, "number of channels");
  if (failed(depth))
    return failure();
  return addResult(loc, {d[0], *depth, d[2] * block, d[3] * block}, element,
                   types);
}

LogicalResult SpaceToDepthOp::inferReturnTypes(MLIRContext *,
                                               std::optional<Location> loc,
                                               Adaptor op, Types &types) {
  Type element = elementTypeOf(op.getInput());
  auto dims = blockOperand(loc, op);
  if (failed(dims))
    return failure();
  if (!*dims)
    return addUnranked(element, types);
  int64_t block = op.getBlocksize();
  Dims &d = **dims;
  FailureOr<AffineExpr> height = exactPart(loc, d[2], block, "height");
  FailureOr<AffineExpr> width = exactPart(loc, d[3], block, "width");
  if (failed(height) || failed(width))
    return failure();
  return addResult(loc, {d[0], d[1] * (block * block), *height, *width},
                   element, types);
}

//===----------------------------------------------------------------------===//
// ReverseSequence, Trilu
//===----------------------------------------------------------------------===//

LogicalResult ReverseSequenceOp::inferReturnTypes(MLIRContext *,
                                                  std::optional<Location> loc,
                                                  Adaptor op, Types &types) {
  int64_t batch = op.getBatchAxis(), time = op.getTimeAxis();
  if (!((batch == 0 && time == 1) || (batch == 1 && time == 0)))
    return emitOptionalError(loc, "batch_axis ", batch, " and time_axis ", time,
                             " must be 0 and 1 or 1 and 0");
  RankedTensorType type = rankedType(op.getInput());
  RankedTensorType lengths = rankedType(op.getSequenceLens());
  if (type && type.getRank() < 2)
    return emitOptionalError(loc, "needs an operand of rank 2 or more, not ",
                             type.getRank());
  if (lengths && lengths.getRank() != 1)
    return emitOptionalError(loc, "sequence_lens must have rank 1, not ",
                             lengths.getRank());
  if (type && lengths &&
      failed(mergeDims(getDims(type)[batch], getDims(lengths)[0])))
    return emitOptionalError(loc, "sequence_lens has ", lengths.getDimSize(0),
                             " elements for a batch of ",
                             type.getDimSize(batch));
  if (!type)
    return addUnranked(elementTypeOf(op.getInput()), types);
  types.push_back(type);
  return success();
}

LogicalResult TriluOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc, Adaptor op,
                                        Types &types) {
  RankedTensorType type = rankedType(op.getInput());
  if (type && type.getRank() < 2)
    return emitOptionalError(loc, "needs an operand of rank 2 or more, not ",
                             type.getRank());
  auto length = listLength(loc, op.getK(), "k");
  if (failed(length))
    return failure();
  if (length->value_or(1) != 1)
    return emitOptionalError(loc, "k must be one number, but has ", **length);
  if (!type)
    return addUnranked(elementTypeOf(op.getInput()), types);
  types.push_back(type);
  return success();
}

namespace ingot::onnx {
void registerLayoutOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Layout.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
