//===- Loss.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Norm.h"
#include "lib/Runtime/ModelAbi.h"
#include "passes/tensor/lower/Statistics.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::onnx;

namespace {

/// The negative log likelihood of one class per sample.
struct Likelihood {
  /// Log probabilities (N x C x D1 ...), classes (N x D1 ...), and a weight for
  /// each class if there is one.
  Value logs, target, weights;
  std::optional<int64_t> ignored;
  StringRef reduction;

  RankedTensorType logType() const {
    return cast<RankedTensorType>(logs.getType());
  }
  RankedTensorType targetType() const {
    return cast<RankedTensorType>(target.getType());
  }
  bool isRanked() const {
    return isa<RankedTensorType>(logs.getType()) &&
           isa<RankedTensorType>(target.getType()) &&
           logType().getRank() == targetType().getRank() + 1 &&
           logType().getRank() > 1 && isComputable(logType().getElementType());
  }

  /// Loss and weight of the sample that the body's loops (the dims of the
  /// target) are at; its argument is the class.
  std::pair<Scalar, Scalar> sample(Body &at) const;
  /// The loss as `out`, reduced as told.
  Value lower(OpBuilder &b, Location loc, RankedTensorType out) const;
};

} // namespace

std::pair<Scalar, Scalar> Likelihood::sample(Body &at) const {
  OpBuilder &b = at.b;
  Scalar number(b, at.loc, at.args[0], target.getType());
  number = onnx::cast(number, b.getI64Type());
  Scalar last = sizeAs(number, getDims(logType())[1]) - 1;
  Scalar inside = min(max(number, 0), last);
  Scalar wrong = inside != number;
  Scalar skipped;
  if (ignored) {
    skipped = number == number.constant(APInt(64, uint64_t(*ignored)));
    wrong = wrong & ~skipped;
  }
  kernel::FaultOp::create(b, at.loc, wrong, INGOT_FAULT_INDEX);
  Value chosen =
      arith::IndexCastOp::create(b, at.loc, b.getIndexType(), inside);
  SmallVector<Value> indices;
  for (int64_t d = 0; d < targetType().getRank(); ++d)
    indices.push_back(at.index(d));
  indices.insert(indices.begin() + 1, chosen);
  Scalar log(b, at.loc, at.load(logs, indices), logs.getType());
  Scalar weight =
      weights ? log.with(at.load(weights, chosen)) : log.constant(1);
  if (ignored)
    weight = select(skipped, 0, weight);
  Scalar loss = -log * weight;
  return {ignored ? select(skipped, 0, loss) : loss, weight};
}

Value Likelihood::lower(OpBuilder &b, Location loc,
                        RankedTensorType out) const {
  AffineMap map = b.getMultiDimIdentityMap(targetType().getRank());
  if (reduction == "none")
    return compute(b, loc, out, target, map,
                   [&](Body &at) -> Value { return sample(at).first; });
  Type real = computeType(out.getElementType());
  RankedTensorType total = RankedTensorType::get({}, real);
  Value zero = constantLike(b, loc, real, 0);
  Dims samples = getDims(targetType());
  AffineMap scalar = b.getMultiDimIdentityMap(0);
  if (reduction == "sum") {
    Value sum = reduce(b, loc, total, samples, target, map, zero,
                       [&](Body &at, Value accumulator) -> Value {
                         Scalar loss = sample(at).first;
                         return loss.with(accumulator) + loss;
                       });
    return mapElements(b, loc, out, Read{sum, scalar},
                       [](Body &, ScalarArgs args) { return args[0]; });
  }
  SmallVector<Value> sums = reduceMany(
      b, loc, {total, total}, samples, target, map, {zero, zero},
      [&](Body &at, ValueRange accumulators) {
        auto [loss, weight] = sample(at);
        return SmallVector<Value>{loss.with(accumulators[0]) + loss,
                                  loss.with(accumulators[1]) + weight};
      });
  return mapElements(b, loc, out, {{sums[0], scalar}, {sums[1], scalar}},
                     [](Body &, ScalarArgs args) { return args[0] / args[1]; });
}

namespace {

struct LowerNegativeLogLikelihoodLoss
    : OpRewritePattern<NegativeLogLikelihoodLossOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(NegativeLogLikelihoodLossOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    Likelihood likelihood{op.getInput(), op.getTarget(), Value(),
                          op.getIgnoreIndex(), op.getReduction()};
    if (!isNone(op.getWeight()))
      likelihood.weights = op.getWeight();
    if (!out || !likelihood.isRanked())
      return rewriter.notifyMatchFailure(op, "operand or result type");
    rewriter.replaceOp(op, likelihood.lower(rewriter, op.getLoc(), out));
    return success();
  }
};

struct LowerSoftmaxCrossEntropyLoss
    : OpRewritePattern<SoftmaxCrossEntropyLossOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SoftmaxCrossEntropyLossOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op, 0), logType = rankedResult(op, 1);
    Likelihood likelihood{op.getScores(), op.getLabels(), Value(),
                          op.getIgnoreIndex(), op.getReduction()};
    if (!isNone(op.getWeights()))
      likelihood.weights = op.getWeights();
    if (!out || !logType || !likelihood.isRanked())
      return rewriter.notifyMatchFailure(op, "operand or result type");
    likelihood.logs = logSoftmax(rewriter, op.getLoc(), op.getScores(),
                                 /*axis=*/1, logType);
    Value loss = likelihood.lower(rewriter, op.getLoc(), out);
    rewriter.replaceOp(op, {loss, likelihood.logs});
    return success();
  }
};

} // namespace

void ingot::populateLossPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerNegativeLogLikelihoodLoss, LowerSoftmaxCrossEntropyLoss>(
      patterns.getContext());
}
