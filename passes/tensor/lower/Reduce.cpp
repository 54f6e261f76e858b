//===- Reduce.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Reduce.h"
#include "passes/tensor/lower/RunTimeAxes.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::onnx;

namespace {

/// What a Reduce operator computes: `step` folds the elements, starting with
/// `start`; `finish`, if there is one, makes the result of the total and the
/// number of elements.
struct Recipe {
  enum Start { Zero, One, Lowest, Highest } start;
  Scalar (*step)(Scalar total, Scalar x);
  Scalar (*finish)(Scalar total, Scalar count);

  Value startValue(OpBuilder &b, Location loc, Type element,
                   bool isUnsigned) const {
    switch (start) {
    case Zero:
      return constantLike(b, loc, element, 0);
    case One:
      return constantLike(b, loc, element, 1);
    case Lowest:
      return lowestValue(b, loc, element, isUnsigned);
    case Highest:
      return highestValue(b, loc, element, isUnsigned);
    }
  }
};

Scalar addStep(Scalar total, Scalar x) { return total + x; }
Scalar mulStep(Scalar total, Scalar x) { return total * x; }
Scalar maxStep(Scalar total, Scalar x) { return max(total, x); }
Scalar minStep(Scalar total, Scalar x) { return min(total, x); }
Scalar absStep(Scalar total, Scalar x) { return total + abs(x); }
Scalar squareStep(Scalar total, Scalar x) { return total + x * x; }
Scalar meanFinish(Scalar total, Scalar count) { return total / count; }
Scalar logFinish(Scalar total, Scalar) { return log(total); }
Scalar sqrtFinish(Scalar total, Scalar) {
  if (total.isFloat())
    return sqrt(total);
  Type real = total.builder().getF64Type();
  return cast(sqrt(cast(total, real)), total.type());
}

template <typename Op> constexpr Recipe recipe();
template <> constexpr Recipe recipe<ReduceL1Op>() {
  return {Recipe::Zero, absStep, nullptr};
}
template <> constexpr Recipe recipe<ReduceL2Op>() {
  return {Recipe::Zero, squareStep, sqrtFinish};
}
template <> constexpr Recipe recipe<ReduceLogSumOp>() {
  return {Recipe::Zero, addStep, logFinish};
}
template <> constexpr Recipe recipe<ReduceMaxOp>() {
  return {Recipe::Lowest, maxStep, nullptr};
}
template <> constexpr Recipe recipe<ReduceMeanOp>() {
  return {Recipe::Zero, addStep, meanFinish};
}
template <> constexpr Recipe recipe<ReduceMinOp>() {
  return {Recipe::Highest, minStep, nullptr};
}
template <> constexpr Recipe recipe<ReduceProdOp>() {
  return {Recipe::One, mulStep, nullptr};
}
template <> constexpr Recipe recipe<ReduceSumOp>() {
  return {Recipe::Zero, addStep, nullptr};
}
template <> constexpr Recipe recipe<ReduceSumSquareOp>() {
  return {Recipe::Zero, squareStep, nullptr};
}

/// What all Reduce operators have.
struct Reduction {
  Value data, axes;
  RankedTensorType in, out;
  bool keepdims, noop;
};

template <typename Op>
FailureOr<Reduction> reductionOf(Op op, PatternRewriter &rewriter) {
  auto in = dyn_cast<RankedTensorType>(op.getData().getType());
  RankedTensorType out = rankedResult(op);
  if (!in || !out)
    return rewriter.notifyMatchFailure(op, "operand or result has no rank");
  if (!isComputable(in.getElementType()))
    return rewriter.notifyMatchFailure(op, "element type");
  return Reduction{
      op.getData(), op.getAxes(),          in,
      out,          op.getKeepdims() != 0, op.getNoopWithEmptyAxes() != 0};
}

/// The axes if they are known; none if they come at run time, or failure if
/// they contradict the shapes.
FailureOr<std::optional<SmallVector<int64_t>>>
knownAxes(const Reduction &r, Operation *op, PatternRewriter &rewriter) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      reducedAxes(std::nullopt, r.in.getRank(), r.axes, r.noop);
  if (failed(axes))
    return rewriter.notifyMatchFailure(op, "axes do not suit the rank");
  int64_t rank = r.in.getRank();
  if (*axes && !r.keepdims)
    rank -= (*axes)->size();
  bool fits = *axes ? r.out.getRank() == rank : r.out.getRank() <= rank;
  if (!fits || (r.keepdims && r.out.getRank() != rank))
    return rewriter.notifyMatchFailure(op, "axes do not suit the result");
  return axes;
}

Rows rowsOf(OpBuilder &b, Location loc, const Reduction &r,
            ArrayRef<int64_t> axes) {
  return Rows(b, loc, r.data, axes, r.keepdims, getDims(r.out));
}

/// Rows that lie in memory as rows have a value each and no dimension of size 1
/// behind it: other work on such rows then joins their loop.
void dropLastDimension(Reduction &r, ArrayRef<int64_t> axes) {
  int64_t rank = r.in.getRank();
  if (!r.keepdims || rank < 2 || axes != ArrayRef(rank - 1))
    return;
  onnx::Dims dims = getDims(r.out);
  dims.pop_back();
  r.out = onnx::tensorOf(dims, r.out.getElementType());
  r.keepdims = false;
}

template <typename Op> struct LowerReduction : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Reduction> r = reductionOf(op, rewriter);
    if (failed(r))
      return failure();
    auto axes = knownAxes(*r, op, rewriter);
    if (failed(axes))
      return failure();
    rewriter.replaceOp(op, *axes ? lower(rewriter, op.getLoc(), *r, **axes)
                                 : lower(rewriter, op.getLoc(), *r));
    return success();
  }

private:
  static Value lower(OpBuilder &b, Location loc, Reduction r,
                     ArrayRef<int64_t> axes) {
    RankedTensorType wanted = r.out;
    dropLastDimension(r, axes);
    return reshape(b, loc, lowerRows(b, loc, r, axes), wanted);
  }

  static Value lowerRows(OpBuilder &b, Location loc, const Reduction &r,
                         ArrayRef<int64_t> axes) {
    constexpr Recipe how = recipe<Op>();
    Type element = computeType(r.in.getElementType());
    bool isUnsigned = onnx::isUnsigned(r.in);
    Rows rows = rowsOf(b, loc, r, axes);
    Value total = rows.fold(
        element, how.startValue(b, loc, element, isUnsigned), {},
        [&](Scalar acc, ScalarArgs args) { return how.step(acc, args[0]); });
    if (how.finish)
      return rows.combine(r.out, total, [&](ScalarArgs args) {
        Scalar at = args[0].with(args[0], isUnsigned);
        return how.finish(at, rows.length(at));
      });
    if (isa<FloatType>(element) && element != r.out.getElementType())
      return rows.combine(r.out, total,
                          [](ScalarArgs args) { return args[0]; });
    return reshape(b, loc, total, r.out);
  }

  /// With axes that come at run time.
  static Value lower(OpBuilder &b, Location loc, const Reduction &r) {
    constexpr Recipe how = recipe<Op>();
    Type element = computeType(r.in.getElementType());
    bool isUnsigned = onnx::isUnsigned(r.in);
    return reduceRunTimeAxes(
        b, loc, r.data, r.axes, r.out, r.keepdims, r.noop,
        [&](RunTimeFold &fold) {
          OpBuilder &at = fold.builder();
          Value start = how.startValue(at, loc, element, isUnsigned);
          Scalar total =
              fold(Scalar(at, loc, start, r.in),
                   [&](Scalar acc, Scalar x) { return how.step(acc, x); });
          return how.finish ? how.finish(total, fold.count(total)) : total;
        });
  }
};

/// The finite part of a maximum: exponentials of differences to it are never
/// NaN because of it.
Scalar finiteOrZero(Scalar maximum) {
  double infinity = std::numeric_limits<double>::infinity();
  return select(abs(maximum) == infinity, 0, maximum);
}

/// log(sum(exp(x))) as m + log(sum(exp(x - m))) with the maximum m.
struct LowerLogSumExp : OpRewritePattern<ReduceLogSumExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceLogSumExpOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Reduction> r = reductionOf(op, rewriter);
    if (failed(r))
      return failure();
    auto axes = knownAxes(*r, op, rewriter);
    if (failed(axes))
      return failure();
    rewriter.replaceOp(op, *axes ? lower(rewriter, op.getLoc(), *r, **axes)
                                 : lower(rewriter, op.getLoc(), *r));
    return success();
  }

private:
  static Value lower(OpBuilder &b, Location loc, const Reduction &r,
                     ArrayRef<int64_t> axes) {
    Type real = computeType(r.in.getElementType());
    Rows rows = rowsOf(b, loc, r, axes);
    Value maximum = rowMaximum(b, loc, rows, real);
    Value total = rows.sum(real, maximum, [&](Scalar acc, ScalarArgs args) {
      return acc + exp(args[0] - finiteOrZero(args[1]));
    });
    return rows.combine(r.out, {total, maximum}, [](ScalarArgs args) {
      return log(args[0]) + finiteOrZero(args[1]);
    });
  }

  static Value lower(OpBuilder &b, Location loc, const Reduction &r) {
    Type real = computeType(r.in.getElementType());
    return reduceRunTimeAxes(
        b, loc, r.data, r.axes, r.out, r.keepdims, r.noop,
        [&](RunTimeFold &fold) {
          OpBuilder &at = fold.builder();
          Scalar maximum = finiteOrZero(
              fold(Scalar(at, loc, lowestValue(at, loc, real), r.in), maxStep));
          Scalar total = fold(maximum.constant(0), [&](Scalar acc, Scalar x) {
            return acc + exp(x - maximum);
          });
          return log(total) + maximum;
        });
  }
};

template <typename Op> struct LowerArgReduction : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto in = dyn_cast<RankedTensorType>(op.getData().getType());
    RankedTensorType out = rankedResult(op);
    if (!in || !out)
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    FailureOr<int64_t> axis =
        normalizeAxis(std::nullopt, op.getAxis(), in.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    rewriter.replaceOp(op, argReduce(rewriter, op.getLoc(), op.getData(), *axis,
                                     op.getKeepdims() != 0, out,
                                     std::is_same_v<Op, ArgMaxOp>,
                                     op.getSelectLastIndex() != 0));
    return success();
  }
};

} // namespace

// The best value of each row first, then the first or last index that has it:
// both are reductions that vectors do well.
Value ingot::argReduce(OpBuilder &b, Location loc, Value data, int64_t axis,
                       bool keep, RankedTensorType out, bool greatest,
                       bool last) {
  auto in = cast<RankedTensorType>(data.getType());
  Type element = computeType(in.getElementType());
  bool isUnsigned = onnx::isUnsigned(in);
  Rows rows(b, loc, data, axis, keep, getDims(out));
  Value start = greatest ? lowestValue(b, loc, element, isUnsigned)
                         : highestValue(b, loc, element, isUnsigned);
  Value best = rows.fold(element, start, {}, [&](Scalar acc, ScalarArgs args) {
    return greatest ? max(acc, args[0]) : min(acc, args[0]);
  });
  Type i64 = b.getI64Type();
  Value none = last ? lowestValue(b, loc, i64) : highestValue(b, loc, i64);
  return reduce(b, loc, out, rows.reduced, {data, best},
                {rows.dataMap, rows.keptMap}, none,
                [&](Body &at, Value accumulator) -> Value {
                  Scalar x(at.b, loc, at.args[0], in);
                  Scalar found = x == x.with(at.args[1]);
                  // A NaN is the best of all, and equal to none.
                  if (x.isFloat())
                    found = found | isNan(x);
                  Scalar index = x.with(arith::IndexCastOp::create(
                      at.b, loc, i64, at.index(out.getRank())));
                  Scalar here = select(found, index, index.with(none));
                  Scalar before = index.with(accumulator);
                  return last ? max(before, here) : min(before, here);
                });
}

void ingot::populateReducePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerReduction<ReduceL1Op>, LowerReduction<ReduceL2Op>,
               LowerReduction<ReduceLogSumOp>, LowerReduction<ReduceMaxOp>,
               LowerReduction<ReduceMeanOp>, LowerReduction<ReduceMinOp>,
               LowerReduction<ReduceProdOp>, LowerReduction<ReduceSumOp>,
               LowerReduction<ReduceSumSquareOp>, LowerLogSumExp,
               LowerArgReduction<ArgMaxOp>, LowerArgReduction<ArgMinOp>>(
      patterns.getContext());
  populateScanPatterns(patterns);
}
