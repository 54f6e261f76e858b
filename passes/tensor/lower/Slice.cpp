//===- Slice.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slice and Split: the parts of a tensor.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/ShapeValues.h"
#include "dialects/onnx/SliceBounds.h"
#include "passes/tensor/lower/IndexMath.h"
#include "passes/tensor/lower/LayoutPatterns.h"

using namespace mlir;
using namespace ingot;

/// The element offset of a slice that is one run of memory: whole dimensions
/// after one that is cut, and single entries before it. Null if it is none.
static AffineExpr runOffset(ArrayRef<onnx::SliceBound> bounds,
                            ArrayRef<AffineExpr> from,
                            ArrayRef<AffineExpr> to) {
  MLIRContext *context = bounds.empty() ? nullptr : from[0].getContext();
  bool cut = false;
  for (size_t i = bounds.size(); i-- > 0;) {
    bool single = onnx::constantValue(to[i]) == 1;
    if (cut && !single)
      return {};
    if (!bounds[i].isWhole(from[i]) && !single) {
      if (bounds[i].step != 1)
        return {};
      cut = true;
    }
    // An entry of several: whatever is before it must be single too.
    cut |= single && onnx::constantValue(from[i]) != 1;
  }
  AffineExpr offset = onnx::constantDim(0, context);
  for (auto [i, bound] : llvm::enumerate(bounds))
    offset = offset * from[i] + bound.start;
  return offset;
}

/// A slice whose bounds are known and inside the tensor.
static Value knownSlice(OpBuilder &b, Location loc, Value data,
                        RankedTensorType out,
                        ArrayRef<onnx::SliceBound> bounds) {
  auto type = cast<RankedTensorType>(data.getType());
  onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
  if (llvm::is_contained(out.getShape(), 0))
    return emptyTensor(b, loc, out);
  if (bounds.empty())
    return reshape(b, loc, data, out);
  if (AffineExpr offset = runOffset(bounds, from, to))
    return kernel::ViewOp::create(b, loc, out, data,
                                  onnx::DimsAttr::get(b.getContext(), offset));
  // linalg takes a plain loop dimension for the whole of the operand's, so that
  // a map cannot say "the first few".
  bool isMap = true;
  for (auto [d, bound] : llvm::enumerate(bounds)) {
    std::optional<int64_t> start = onnx::constantValue(bound.start);
    bool isFront = start == 0 && bound.step == 1 && bound.size != from[d];
    isMap &= start && !isFront;
  }
  if (isMap) {
    SmallVector<AffineExpr> results;
    for (auto [d, bound] : llvm::enumerate(bounds))
      results.push_back(getAffineDimExpr(d, b.getContext()) * bound.step +
                        *onnx::constantValue(bound.start));
    return moveElements(
        b, loc, out, data,
        AffineMap::get(out.getRank(), 0, results, b.getContext()));
  }
  return moveElements(b, loc, out, {}, {}, [&](Body &body) -> Value {
    IndexMath math{body.b, body.loc};
    SmallVector<Value> at;
    for (auto [d, bound] : llvm::enumerate(bounds))
      at.push_back(math.add(math.mul(body.index(d), body.constant(bound.step)),
                            math.extent(bound.start)));
    return body.load(data, at);
  });
}

/// The start and the step along dimension `d`, computed at run time from the
/// operands; reports a size other than the result's.
static std::pair<Value, Value> runtimeBound(Body &body, onnx::SliceOp op,
                                            int64_t d, AffineExpr dim,
                                            AffineExpr outDim) {
  IndexMath math{body.b, body.loc};
  Value zero = body.constant(0), one = body.constant(1);
  Value size = math.extent(dim);
  Value start = zero, end = size, step = one;
  int64_t count = onnx::rankedType(op.getStarts()).getNumElements();
  int64_t rank = onnx::rankedType(op.getData()).getRank();
  for (int64_t i = 0; i < count; ++i) {
    Value own = loadInteger(body, op.getStarts(), i);
    Value last = loadInteger(body, op.getEnds(), i);
    Value stride =
        onnx::isNone(op.getSteps()) ? one : loadInteger(body, op.getSteps(), i);
    if (onnx::isNone(op.getAxes())) {
      if (i == d)
        std::tie(start, end, step) = std::tuple(own, last, stride);
      continue;
    }
    Value axis =
        math.wrap(loadInteger(body, op.getAxes(), i), body.constant(rank));
    Value mine = math.equal(axis, body.constant(d));
    start = math.select(mine, own, start);
    end = math.select(mine, last, end);
    step = math.select(mine, stride, step);
  }
  math.fault(math.equal(step, zero), faultArgument);
  Value forward = math.less(zero, step), minusOne = body.constant(-1);
  Value high = math.select(forward, size, math.sub(size, one));
  start = math.clamp(math.wrap(start, size), zero, high);
  end = math.clamp(math.wrap(end, size), math.select(forward, zero, minusOne),
                   high);
  // The number of steps over the distance; neither 0 nor INT64_MIN divide.
  Value distance =
      math.select(forward, math.sub(end, start), math.sub(start, end));
  Value stride = math.max(
      math.select(forward, step,
                  math.sub(zero, math.max(step, body.constant(-INT64_MAX)))),
      one);
  Value steps =
      math.add(math.div(math.max(math.sub(distance, one), zero), stride), one);
  Value count0 = math.select(math.less(zero, distance), steps, zero);
  math.fault(
      math.compare(arith::CmpIPredicate::ne, count0, math.extent(outDim)),
      faultShape);
  return {start, step};
}

namespace {
struct LowerSlice : OpRewritePattern<onnx::SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::SliceOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    RankedTensorType type = onnx::rankedType(op.getData());
    if (!out || !type || type.getRank() != out.getRank())
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    if (!isMovable(op.getData()))
      return rewriter.notifyMatchFailure(op, "elements have no fixed size");
    FailureOr<onnx::SliceBounds> bounds =
        onnx::sliceBounds(std::nullopt, type, op.getStarts(), op.getEnds(),
                          op.getAxes(), op.getSteps());
    if (failed(bounds))
      return rewriter.notifyMatchFailure(op, "bounds are malformed");
    onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
    bool known = true;
    for (auto [d, bound] : llvm::enumerate(*bounds))
      known &= (bound.isWhole(from[d]) && to[d] == from[d]) ||
               (bound.size == to[d] && bound.staysInside(from[d]));
    if (known) {
      rewriter.replaceOp(
          op, knownSlice(rewriter, op.getLoc(), op.getData(), out, *bounds));
      return success();
    }
    for (Value list : op->getOperands().drop_front()) {
      RankedTensorType listType = onnx::rankedType(list);
      if (!onnx::isNone(list) && (!listType || !listType.hasStaticShape()))
        return rewriter.notifyMatchFailure(op, "number of axes is not known");
    }
    if (type.hasStaticShape() && type.getNumElements() == 0 &&
        !llvm::is_contained(out.getShape(), 0))
      return rewriter.notifyMatchFailure(op, "operand has no elements");
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          SmallVector<Value> at;
          for (auto [d, bound] : llvm::enumerate(*bounds)) {
            Value index = body.index(d);
            if (!bound.isWhole(from[d]) || to[d] != from[d])
              index = clampedIndex(body, op, d, bound, from[d], to[d]);
            at.push_back(index);
          }
          return body.load(op.getData(), at);
        });
    rewriter.replaceOp(op, result);
    return success();
  }

  /// The place along dimension `d` where the bounds are not known to be inside.
  static Value clampedIndex(Body &body, onnx::SliceOp op, int64_t d,
                            const onnx::SliceBound &bound, AffineExpr dim,
                            AffineExpr outDim) {
    IndexMath math{body.b, body.loc};
    Value zero = body.constant(0),
          last = math.sub(math.extent(dim), body.constant(1));
    Value start, step;
    if (bound.size && bound.size == outDim) {
      start = math.extent(bound.start);
      step = body.constant(bound.step);
      Value end = math.add(
          start,
          math.mul(math.sub(math.extent(outDim), body.constant(1)), step));
      math.fault(math.either(math.less(last, math.max(start, end)),
                             math.less(math.min(start, end), zero)),
                 faultShape);
    } else {
      std::tie(start, step) = runtimeBound(body, op, d, dim, outDim);
    }
    Value at = math.add(math.mul(body.index(d), step), start);
    return math.clamp(at, zero, last);
  }
};

/// Parts of static or symbolic sizes, cut one after another.
struct LowerSplit : OpRewritePattern<onnx::SplitOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::SplitOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = onnx::rankedType(op.getInput());
    if (!type)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    if (!isMovable(op.getInput()))
      return rewriter.notifyMatchFailure(op, "elements have no fixed size");
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), type.getRank());
    if (failed(axis))
      return failure();
    onnx::Dims from = onnx::getDims(type);
    AffineExpr start = onnx::constantDim(0, rewriter.getContext());
    SmallVector<onnx::SliceBounds> parts;
    for (unsigned i = 0; i < op->getNumResults(); ++i) {
      RankedTensorType out = rankedResult(op, i);
      if (!out || out.getRank() != type.getRank())
        return rewriter.notifyMatchFailure(op, "a result has no rank");
      onnx::SliceBounds bounds;
      for (AffineExpr dim : from)
        bounds.push_back({onnx::constantDim(0, rewriter.getContext()), dim, 1});
      AffineExpr size = onnx::getDims(out)[*axis];
      bounds[*axis] = {start, size, 1};
      start = start + size;
      parts.push_back(bounds);
    }
    // Memory safety: the parts must not reach past the end.
    AffineExpr rest = onnx::simplifySum(from[*axis] - start);
    if (onnx::constantValue(rest) != 0)
      return rewriter.notifyMatchFailure(
          op, "sizes are not known to add up to the operand's");
    SmallVector<Value> results;
    for (auto [i, bounds] : llvm::enumerate(parts))
      results.push_back(knownSlice(rewriter, op.getLoc(), op.getInput(),
                                   rankedResult(op, i), bounds));
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

void ingot::populateSlicePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerSlice, LowerSplit>(patterns.getContext());
}
