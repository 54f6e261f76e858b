//===- SimplifyMovement.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Removes ops that move no element: slices of everything, padding by nothing,
// resizing by one.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Activation.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/SliceBounds.h"
#include "passes/graph/Simplify.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// True if all elements of a constant list are `value`.
static bool allAre(Value list, int64_t value) {
  std::optional<SmallVector<int64_t>> values = onnx::constantIntegers(list);
  return values && llvm::all_of(*values, [&](int64_t v) { return v == value; });
}

//===----------------------------------------------------------------------===//
// What an op passes on unchanged, or null
//===----------------------------------------------------------------------===//

static Value unchanged(onnx::IdentityOp op) { return op.getInput(); }

static Value unchanged(onnx::DropoutOp op) {
  std::optional<double> training = 0.0, ratio = 0.5;
  if (!onnx::isNone(op.getTrainingMode()))
    training = constantNumber(op.getTrainingMode());
  if (!onnx::isNone(op.getRatio()))
    ratio = constantNumber(op.getRatio());
  return training == 0.0 || ratio == 0.0 ? op.getData() : Value();
}

/// True if every value of `from` is a value of `to` too.
static bool holdsAll(Type from, Type to) {
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (fromFloat && toFloat)
    return APFloat::isRepresentableBy(fromFloat.getFloatSemantics(),
                                      toFloat.getFloatSemantics());
  auto fromInt = dyn_cast<IntegerType>(from), toInt = dyn_cast<IntegerType>(to);
  if (!fromInt || !toInt)
    return false;
  bool fromUnsigned = fromInt.isUnsigned() || fromInt.getWidth() == 1;
  if (fromUnsigned == toInt.isUnsigned())
    return fromInt.getWidth() <= toInt.getWidth();
  return fromUnsigned && fromInt.getWidth() < toInt.getWidth();
}

static Value unchanged(onnx::CastOp op) {
  Type type = getElementTypeOrSelf(op.getOutput().getType());
  if (getElementTypeOrSelf(op.getInput().getType()) == type)
    return op.getInput();
  // To a wider type and back.
  auto inner = op.getInput().getDefiningOp<onnx::CastOp>();
  if (!inner || getElementTypeOrSelf(inner.getInput().getType()) != type)
    return {};
  Type wide = getElementTypeOrSelf(inner.getOutput().getType());
  return holdsAll(type, wide) ? Value(inner.getInput()) : Value();
}

static Value unchanged(onnx::CastLikeOp op) {
  Type type = getElementTypeOrSelf(op.getOutput().getType());
  return getElementTypeOrSelf(op.getInput().getType()) == type ? op.getInput()
                                                               : Value();
}

static Value unchanged(onnx::ConcatOp op) {
  return op.getInputs().size() == 1 ? op.getInputs().front() : Value();
}

static Value unchanged(onnx::SplitOp op) {
  return op.getNumResults() == 1 ? op.getInput() : Value();
}

static Value unchanged(onnx::SliceOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getData().getType());
  if (!type)
    return {};
  FailureOr<onnx::SliceBounds> bounds =
      onnx::sliceBounds(std::nullopt, type, op.getStarts(), op.getEnds(),
                        op.getAxes(), op.getSteps());
  if (failed(bounds))
    return {};
  for (auto [bound, dim] : llvm::zip(*bounds, onnx::getDims(type)))
    if (!bound.isWhole(dim))
      return {};
  return op.getData();
}

static Value unchanged(onnx::PadOp op) {
  return allAre(op.getPads(), 0) ? op.getData() : Value();
}

static Value unchanged(onnx::ExpandOp op) {
  return haveSameShape(op.getInput(), op.getOutput()) ? op.getInput() : Value();
}

static Value unchanged(onnx::TileOp op) {
  return allAre(op.getRepeats(), 1) ? op.getInput() : Value();
}

static Value unchanged(onnx::ResizeOp op) {
  // With a region of interest, equal sizes do not mean equal places.
  if (op.getCoordinateTransformationMode() == "tf_crop_and_resize" ||
      !haveSameShape(op.getX(), op.getY()))
    return {};
  // Nor with scales that only round to equal sizes.
  if (onnx::isNone(op.getScales()))
    return op.getX();
  return constantNumber(op.getScales()) == 1.0 ? op.getX() : Value();
}

static Value unchanged(onnx::DepthToSpaceOp op) {
  return op.getBlocksize() == 1 ? op.getInput() : Value();
}

static Value unchanged(onnx::SpaceToDepthOp op) {
  return op.getBlocksize() == 1 ? op.getInput() : Value();
}

namespace {
template <typename Op> struct RemoveUnchanged : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    for (Value result : op->getResults().drop_front())
      if (!result.use_empty())
        return failure();
    Value value = unchanged(op);
    return value ? replaceByValue(rewriter, op, value) : failure();
  }
};
} // namespace

void graph::populateMovementPatterns(RewritePatternSet &patterns) {
  patterns.add<
      RemoveUnchanged<onnx::IdentityOp>, RemoveUnchanged<onnx::DropoutOp>,
      RemoveUnchanged<onnx::CastOp>, RemoveUnchanged<onnx::CastLikeOp>,
      RemoveUnchanged<onnx::ConcatOp>, RemoveUnchanged<onnx::SplitOp>,
      RemoveUnchanged<onnx::SliceOp>, RemoveUnchanged<onnx::PadOp>,
      RemoveUnchanged<onnx::ExpandOp>, RemoveUnchanged<onnx::TileOp>,
      RemoveUnchanged<onnx::ResizeOp>, RemoveUnchanged<onnx::DepthToSpaceOp>,
      RemoveUnchanged<onnx::SpaceToDepthOp>>(patterns.getContext());
}
