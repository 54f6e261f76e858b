//===- Shape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Infer.h"
#include "passes/tensor/lower/IndexMath.h"

using namespace mlir;
using namespace ingot;

/// The same elements under another shape, copied and checked where the shapes
/// are not known to hold equally many.
static FailureOr<Value> viewAs(PatternRewriter &rewriter, Operation *op,
                               Value data, RankedTensorType out) {
  RankedTensorType type = onnx::rankedType(data);
  if (!out || !type)
    return rewriter.notifyMatchFailure(op, "operand or result has no rank");
  onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
  if (onnx::sameProduct(from, to))
    return reshape(rewriter, op->getLoc(), data, out);
  if (type.hasStaticShape() && out.hasStaticShape())
    return rewriter.notifyMatchFailure(op, "numbers of elements differ");
  if (!isMovable(data))
    return rewriter.notifyMatchFailure(op, "elements have no fixed size");

  MLIRContext *context = rewriter.getContext();
  AffineExpr total = onnx::product(from, context);
  Value list = reshape(rewriter, op->getLoc(), data,
                       onnx::tensorOf(total, type.getElementType()));
  return moveElements(
      rewriter, op->getLoc(), out, {}, {}, [&](Body &body) -> Value {
        IndexMath math{body.b, body.loc};
        Value count = math.extent(total);
        Value wanted = math.extent(onnx::product(to, context));
        math.fault(math.compare(arith::CmpIPredicate::ne, count, wanted),
                   faultShape);
        Value at = body.constant(0);
        for (int64_t d = 0; d < out.getRank(); ++d)
          at = math.add(math.mul(at, math.extent(to[d])), body.index(d));
        at =
            math.clamp(at, body.constant(0), math.sub(count, body.constant(1)));
        return body.load(list, at);
      });
}

namespace {
/// Ops whose result has the elements of the first operand in its order.
template <typename Op> struct LowerView : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Value> view =
        viewAs(rewriter, op, op->getOperand(0), rankedResult(op));
    if (failed(view))
      return failure();
    rewriter.replaceOp(op, *view);
    return success();
  }
};

/// Shape and Size: a constant if all sizes are, else a list of extents.
template <typename Op> struct LowerSizes : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  std::optional<onnx::Dims> listed(onnx::ShapeOp op) const {
    return op.listedDims();
  }
  std::optional<onnx::Dims> listed(onnx::SizeOp op) const {
    RankedTensorType type = onnx::rankedType(op.getData());
    if (!type)
      return std::nullopt;
    return onnx::Dims{onnx::product(onnx::getDims(type), op.getContext())};
  }

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    std::optional<onnx::Dims> dims = listed(op);
    RankedTensorType out = rankedResult(op);
    if (!dims || !out || !out.hasStaticShape() ||
        out.getNumElements() != int64_t(dims->size()))
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    if (llvm::all_of(*dims, onnx::constantValue)) {
      SmallVector<int64_t> sizes;
      for (AffineExpr dim : *dims)
        sizes.push_back(*onnx::constantValue(dim));
      rewriter.replaceOpWithNewOp<onnx::ConstantOp>(
          op, out, DenseElementsAttr::get(out, ArrayRef(sizes)));
      return success();
    }
    Value list = compute(rewriter, op.getLoc(), out, [&](Body &body) {
      IndexMath math{body.b, body.loc};
      Value size = math.extent(dims->back());
      for (int64_t i = int64_t(dims->size()) - 2; i >= 0; --i)
        size = math.select(math.equal(body.index(0), body.constant(i)),
                           math.extent((*dims)[i]), size);
      return math.toInteger(size, out.getElementType());
    });
    rewriter.replaceOp(op, list);
    return success();
  }
};

struct LowerExpand : OpRewritePattern<onnx::ExpandOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ExpandOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    RankedTensorType type = onnx::rankedType(op.getInput());
    if (!out || !type || type.getRank() > out.getRank())
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    if (!isMovable(op.getInput()))
      return rewriter.notifyMatchFailure(op, "elements have no fixed size");
    onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
    int64_t offset = out.getRank() - type.getRank();
    SmallVector<bool> unclear(type.getRank());
    for (int64_t d = 0; d < type.getRank(); ++d)
      unclear[d] =
          from[d] != to[offset + d] && onnx::constantValue(from[d]) != 1;
    if (!llvm::is_contained(unclear, true)) {
      AffineMap map = broadcastMap(type, out.getRank(), out.getRank());
      rewriter.replaceOp(
          op, moveElements(rewriter, op.getLoc(), out, op.getInput(), map));
      return success();
    }
    // Whether a dimension repeats is known at run time only.
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          IndexMath math{body.b, body.loc};
          SmallVector<Value> at;
          for (int64_t d = 0; d < type.getRank(); ++d) {
            Value index = body.index(offset + d), one = body.constant(1);
            Value size = math.extent(from[d]);
            if (unclear[d]) {
              Value repeats = math.equal(size, one);
              Value wanted = math.extent(to[offset + d]);
              math.fault(
                  math.both(
                      math.compare(arith::CmpIPredicate::ne, size, one),
                      math.compare(arith::CmpIPredicate::ne, size, wanted)),
                  faultShape);
              index = math.select(
                  repeats, body.constant(0),
                  math.clamp(index, body.constant(0), math.sub(size, one)));
            } else if (onnx::constantValue(from[d]) == 1) {
              index = body.constant(0);
            }
            at.push_back(index);
          }
          return body.load(op.getInput(), at);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void ingot::populateShapePatterns(RewritePatternSet &patterns) {
  patterns
      .add<LowerView<onnx::ReshapeOp>, LowerView<onnx::SqueezeOp>,
           LowerView<onnx::UnsqueezeOp>, LowerView<onnx::FlattenOp>,
           LowerSizes<onnx::ShapeOp>, LowerSizes<onnx::SizeOp>, LowerExpand>(
          patterns.getContext());
}
