//===- SimplifyReshapes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chains of transposes and of ops that only change the shape.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Shape.h"
#include "passes/graph/Simplify.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// True for ops that keep the order of elements.
static bool isReshape(Operation *op) {
  return isa_and_nonnull<onnx::ReshapeOp, onnx::SqueezeOp, onnx::UnsqueezeOp,
                         onnx::FlattenOp>(op);
}

/// The shape operand that reshapes `from` to `to`: 0 for a size taken over, -1
/// for one that is left; none if that cannot say it.
static std::optional<SmallVector<int64_t>> shapeOperand(RankedTensorType from,
                                                        RankedTensorType to) {
  onnx::Dims source = onnx::getDims(from);
  SmallVector<int64_t> shape;
  for (auto [i, dim] : llvm::enumerate(onnx::getDims(to))) {
    std::optional<int64_t> size = onnx::constantValue(dim);
    if (size == 0)
      return std::nullopt;
    if (size)
      shape.push_back(*size);
    else if (i < source.size() && source[i] == dim)
      shape.push_back(0);
    else if (!llvm::is_contained(shape, -1))
      shape.push_back(-1);
    else
      return std::nullopt;
  }
  return shape;
}

/// Makes `op` a reshape of another value.
static LogicalResult reshapeInstead(PatternRewriter &rewriter, Operation *op,
                                    Value source, Location loc) {
  auto from = dyn_cast<RankedTensorType>(source.getType());
  auto to = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!from || !to)
    return failure();
  std::optional<SmallVector<int64_t>> shape = shapeOperand(from, to);
  if (!shape)
    return failure();
  rewriter.replaceOpWithNewOp<onnx::ReshapeOp>(
      op, to, source, makeIntegers(rewriter, loc, *shape));
  return success();
}

namespace {
/// A reshape to the operand's own shape.
struct RemoveReshape : RewritePattern {
  explicit RemoveReshape(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/2, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isReshape(op) || !haveSameShape(op->getOperand(0), op->getResult(0)))
      return failure();
    return replaceByValue(rewriter, op, op->getOperand(0));
  }
};

/// reshape(reshape(x)) -> one reshape.
struct MergeReshapes : RewritePattern {
  explicit MergeReshapes(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    Operation *inner =
        isReshape(op) ? op->getOperand(0).getDefiningOp() : nullptr;
    if (!isReshape(inner))
      return failure();
    return reshapeInstead(
        rewriter, op, inner->getOperand(0),
        rewriter.getFusedLoc({inner->getLoc(), op->getLoc()}));
  }
};

struct SimplifyTranspose : OpRewritePattern<onnx::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getData().getType());
    if (!type)
      return failure();
    SmallVector<int64_t> perm = op.permutation(type.getRank());
    if (perm.size() != size_t(type.getRank()))
      return failure();
    if (llvm::is_sorted(perm))
      return replaceByValue(rewriter, op, op.getData());
    if (keepsOrder(type, perm))
      return reshapeInstead(rewriter, op, op.getData(), op.getLoc());
    auto inner = op.getData().getDefiningOp<onnx::TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> first = inner.permutation(perm.size()), both;
    for (int64_t axis : perm)
      both.push_back(first[axis]);
    Location loc = rewriter.getFusedLoc({inner.getLoc(), op.getLoc()});
    auto merged = onnx::TransposeOp::create(
        rewriter, loc, op.getTransposed().getType(), inner.getData(),
        rewriter.getDenseI64ArrayAttr(both));
    rewriter.replaceOp(op, merged);
    return success();
  }

  /// True if only dimensions of size 1 change places with others.
  static bool keepsOrder(RankedTensorType type, ArrayRef<int64_t> perm) {
    int64_t last = -1;
    for (int64_t axis : perm) {
      if (type.getDimSize(axis) == 1)
        continue;
      if (axis < last)
        return false;
      last = axis;
    }
    return true;
  }
};
} // namespace

void graph::populateReshapePatterns(RewritePatternSet &patterns) {
  patterns.add<RemoveReshape, MergeReshapes, SimplifyTranspose>(
      patterns.getContext());
}
