//===- Norm.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Statistics are one pass each: sums, then sums of squared differences to the
// mean, in f32 (or f64) whatever the elements are.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Norm.h"
#include "passes/tensor/lower/RunTimeAxes.h"
#include "passes/tensor/lower/Statistics.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::onnx;

/// The operand's type if it and all results have a rank and elements that
/// bodies can work on.
static RankedTensorType computableType(Operation *op, Value operand) {
  auto type = dyn_cast<RankedTensorType>(operand.getType());
  if (!type || !isComputable(type.getElementType()))
    return {};
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    if (!rankedResult(op, i))
      return {};
  return type;
}

/// The wider of the types that elements of two types are computed in.
static Type widerType(Type a, Type b) {
  a = computeType(a), b = computeType(b);
  return a.getIntOrFloatBitWidth() < b.getIntOrFloatBitWidth() ? b : a;
}

/// The axes from `first` to `rank`.
static SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(first, rank));
}

/// A vector of the channels, over the dims of a tensor of that rank.
static Read perChannel(Value vector, int64_t rank) {
  MLIRContext *context = vector.getContext();
  AffineExpr channel = rank > 1 ? getAffineDimExpr(1, context)
                                : getAffineConstantExpr(0, context);
  return {vector, AffineMap::get(rank, 0, channel)};
}

Statistics::Statistics(OpBuilder &b, Location loc, Value data,
                       ArrayRef<int64_t> axes, Type real)
    : rows(b, loc, data, axes), real(real) {
  sum = rows.sum(real, {}, [&](Scalar acc, ScalarArgs args) {
    return acc + cast(args[0], real);
  });
  squares = rows.sum(real, sum, [&](Scalar acc, ScalarArgs args) {
    Scalar difference = cast(args[0], real) - mean(args[1]);
    return acc + difference * difference;
  });
}

Scalar Statistics::mean(Scalar sum) const { return sum / rows.length(sum); }
Scalar Statistics::variance(Scalar squares) const {
  return squares / rows.length(squares);
}
Scalar Statistics::inverseDeviation(Scalar squares, Literal epsilon) const {
  return 1 / sqrt(variance(squares) + epsilon);
}

Value Statistics::normalize(RankedTensorType out, Literal epsilon,
                            ArrayRef<Read> others, Finish finish) const {
  return rows.each(out, {sum, squares}, others, [&](ScalarArgs args) {
    Scalar x = cast(args[0], real) - mean(args[1]);
    x = x * inverseDeviation(args[2], epsilon);
    return cast(finish(x, args.drop_front(3)), out.getElementType());
  });
}

/// x * scale + bias, where there is a bias.
static Scalar scaleAndShift(Scalar x, ScalarArgs parameters) {
  x = x * cast(parameters[0], x.type());
  return parameters.size() > 1 ? x + cast(parameters[1], x.type()) : x;
}

namespace {

struct LowerSoftmax : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getInput());
    if (!in)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    FailureOr<int64_t> axis =
        normalizeAxis(std::nullopt, op.getAxis(), in.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    Location loc = op.getLoc();
    RankedTensorType out = rankedResult(op);
    Type real = computeType(in.getElementType());
    Rows rows(rewriter, loc, op.getInput(), *axis);
    Value maximum = rowMaximum(rewriter, loc, rows, real);
    Value powers =
        rows.each(tensorOf(getDims(in), real), maximum, {},
                  [](ScalarArgs args) { return exp(args[0] - args[1]); });
    Rows ofPowers(rewriter, loc, powers, *axis);
    Value total = ofPowers.sum(
        real, {}, [](Scalar acc, ScalarArgs args) { return acc + args[0]; });
    // One division per row where a row is a vector.
    rewriter.replaceOp(op, ofPowers.each(out, total, {}, [](ScalarArgs args) {
      return args[0] * (1 / args[1]);
    }));
    return success();
  }
};

} // namespace

Value ingot::logSoftmax(OpBuilder &b, Location loc, Value input, int64_t axis,
                        RankedTensorType out) {
  Type real = computeType(out.getElementType());
  Rows rows(b, loc, input, axis);
  Value maximum = rowMaximum(b, loc, rows, real);
  Value total = rows.sum(real, maximum, [](Scalar acc, ScalarArgs args) {
    return acc + exp(args[0] - args[1]);
  });
  return rows.each(out, {maximum, total}, {}, [](ScalarArgs args) {
    return (args[0] - args[1]) - log(args[2]);
  });
}

namespace {

struct LowerLogSoftmax : OpRewritePattern<LogSoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LogSoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getInput());
    if (!in)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    FailureOr<int64_t> axis =
        normalizeAxis(std::nullopt, op.getAxis(), in.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    rewriter.replaceOp(op, logSoftmax(rewriter, op.getLoc(), op.getInput(),
                                      *axis, rankedResult(op)));
    return success();
  }
};

struct LowerHardmax : OpRewritePattern<HardmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(HardmaxOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getInput());
    if (!in)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    FailureOr<int64_t> axis =
        normalizeAxis(std::nullopt, op.getAxis(), in.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    Location loc = op.getLoc();
    RankedTensorType out = rankedResult(op);
    Rows rows(rewriter, loc, op.getInput(), *axis);
    Value first = argReduce(rewriter, loc, op.getInput(), *axis, /*keep=*/false,
                            rows.type(rewriter.getI64Type()), /*greatest=*/true,
                            /*last=*/false);
    rewriter.replaceOp(op,
                       mapElements(rewriter, loc, out, Read{first, rows.rowMap},
                                   [&](Body &body, ScalarArgs args) {
                                     Value here = arith::IndexCastOp::create(
                                         body.b, loc, body.b.getI64Type(),
                                         body.index(*axis));
                                     return cast(args[0] == args[0].with(here),
                                                 out.getElementType());
                                   }));
    return success();
  }
};

struct LowerLpNormalization : OpRewritePattern<LpNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LpNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getInput());
    if (!in)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    FailureOr<int64_t> axis =
        normalizeAxis(std::nullopt, op.getAxis(), in.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    bool absolute = op.getP() == 1;
    Rows rows(rewriter, op.getLoc(), op.getInput(), *axis);
    Value total = rows.sum(computeType(in.getElementType()), {},
                           [&](Scalar acc, ScalarArgs args) {
                             Scalar x = args[0];
                             return acc + (absolute ? abs(x) : x * x);
                           });
    auto divide = [&](ScalarArgs args) {
      Scalar norm = absolute ? args[1] : sqrt(args[1]);
      return select(norm == 0, 0, args[0] * (1 / norm));
    };
    rewriter.replaceOp(op, rows.each(rankedResult(op), total, {}, divide));
    return success();
  }
};

struct LowerBatchNormalization : OpRewritePattern<BatchNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BatchNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getX());
    if (!in || in.getRank() < 1)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    if (op.getTrainingMode())
      return train(op, in, rewriter);
    auto read = [&](Value v) { return perChannel(v, in.getRank()); };
    RankedTensorType out = rankedResult(op);
    Value y =
        mapElements(rewriter, op.getLoc(), out,
                    {{op.getX(), rewriter.getMultiDimIdentityMap(in.getRank())},
                     read(op.getScale()),
                     read(op.getBias()),
                     read(op.getInputMean()),
                     read(op.getInputVar())},
                    [&](Body &, ScalarArgs args) {
                      SmallVector<Scalar> as;
                      for (Scalar arg : args)
                        as.push_back(cast(arg, args[0].type()));
                      Scalar factor =
                          as[1] * (1 / sqrt(as[4] + op.getEpsilon()));
                      return (as[0] - as[3]) * factor + as[2];
                    });
    // At inference the running statistics stay what they are.
    replaceUsed(rewriter, op, {y, op.getInputMean(), op.getInputVar()});
    return success();
  }

private:
  static LogicalResult train(BatchNormalizationOp op, RankedTensorType in,
                             PatternRewriter &rewriter) {
    if (in.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "no channels");
    SmallVector<int64_t> axes = axesFrom(2, in.getRank());
    axes.insert(axes.begin(), 0);
    Location loc = op.getLoc();
    Statistics batch(rewriter, loc, op.getX(), axes,
                     computeType(in.getElementType()));
    Value y = batch.normalize(rankedResult(op), op.getEpsilon(),
                              {perChannel(op.getScale(), in.getRank()),
                               perChannel(op.getBias(), in.getRank())},
                              scaleAndShift);
    Literal momentum = op.getMomentum();
    // The statistics of the batch enter the running ones.
    auto update = [&](unsigned result, Value running, Value sums) {
      RankedTensorType out = rankedResult(op, result);
      return batch.rows.combine(out, {running, sums}, [&](ScalarArgs args) {
        Scalar now = args[1] / batch.rows.length(args[1]);
        Scalar mixed =
            cast(args[0], now.type()) * momentum + now * (1 - momentum.value);
        return cast(mixed, out.getElementType());
      });
    };
    replaceUsed(rewriter, op,
                {y, update(1, op.getInputMean(), batch.sum),
                 update(2, op.getInputVar(), batch.squares)});
    return success();
  }
};

struct LowerInstanceNormalization : OpRewritePattern<InstanceNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(InstanceNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getInput());
    if (!in || in.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    int64_t rank = in.getRank();
    Statistics instance(rewriter, op.getLoc(), op.getInput(), axesFrom(2, rank),
                        computeType(in.getElementType()));
    rewriter.replaceOp(op, instance.normalize(rankedResult(op), op.getEpsilon(),
                                              {perChannel(op.getScale(), rank),
                                               perChannel(op.getBias(), rank)},
                                              scaleAndShift));
    return success();
  }
};

/// Seen as batch x groups x channels of a group x elements of a channel.
struct LowerGroupNormalization : OpRewritePattern<GroupNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getX());
    if (!in || in.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    MLIRContext *context = op.getContext();
    Location loc = op.getLoc();
    Dims dims = getDims(in);
    AffineExpr groups = constantDim(op.getNumGroups(), context);
    AffineExpr members = dims[1].floorDiv(op.getNumGroups());
    AffineExpr area = product(ArrayRef(dims).drop_front(2), context);
    Dims grouped = {dims[0], groups, members, area};
    auto group = [&](Value v, ArrayRef<AffineExpr> shape) {
      Type element = getElementTypeOrSelf(v.getType());
      return reshape(rewriter, loc, v, tensorOf(shape, element));
    };
    auto parameter = [&](Value v) {
      Value matrix = group(v, {groups, members});
      AffineExpr d1 = getAffineDimExpr(1, context);
      AffineExpr d2 = getAffineDimExpr(2, context);
      return Read{matrix, AffineMap::get(4, 0, {d1, d2}, context)};
    };
    Type stash = elementTypeOf(op.getStashType(), context);
    Statistics group4(rewriter, loc, group(op.getX(), grouped), {2, 3},
                      widerType(in.getElementType(), stash));
    RankedTensorType out = rankedResult(op);
    Value y = group4.normalize(
        tensorOf(grouped, out.getElementType()), op.getEpsilon(),
        {parameter(op.getScale()), parameter(op.getBias())}, scaleAndShift);
    rewriter.replaceOp(op, reshape(rewriter, loc, y, out));
    return success();
  }
};

struct LowerLayerNormalization : OpRewritePattern<LayerNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LayerNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getX());
    if (!in)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    int64_t rank = in.getRank();
    FailureOr<int64_t> axis = normalizeAxis(std::nullopt, op.getAxis(), rank);
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    SmallVector<Read> parameters;
    for (Value v : {Value(op.getScale()), Value(op.getBias())}) {
      if (isNone(v))
        continue;
      auto type = dyn_cast<RankedTensorType>(v.getType());
      if (!type)
        return rewriter.notifyMatchFailure(op, "operand has no rank");
      parameters.push_back({v, broadcastMap(type, rank, rank)});
    }
    Type stash = elementTypeOf(op.getStashType(), op.getContext());
    Statistics layer(rewriter, op.getLoc(), op.getX(), axesFrom(*axis, rank),
                     widerType(in.getElementType(), stash));
    Literal epsilon = op.getEpsilon();
    Value y =
        layer.normalize(rankedResult(op), epsilon, parameters, scaleAndShift);
    Value mean = perRow(rewriter, op, 1, layer, layer.sum,
                        [&](Scalar sum) { return layer.mean(sum); });
    Value inverse =
        perRow(rewriter, op, 2, layer, layer.squares, [&](Scalar squares) {
          return layer.inverseDeviation(squares, epsilon);
        });
    replaceUsed(rewriter, op, {y, mean, inverse});
    return success();
  }

private:
  /// A result with one value per row; null if it has no users.
  static Value perRow(PatternRewriter &rewriter, LayerNormalizationOp op,
                      unsigned result, const Statistics &layer, Value of,
                      function_ref<Scalar(Scalar)> body) {
    if (op->getResult(result).use_empty())
      return Value();
    RankedTensorType out = rankedResult(op, result);
    Type element = out.getElementType();
    Value values =
        layer.rows.combine(layer.rows.type(element), of, [&](ScalarArgs args) {
          return cast(body(args[0]), element);
        });
    return reshape(rewriter, op.getLoc(), values, out);
  }
};

struct LowerRMSNormalization : OpRewritePattern<RMSNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RMSNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getX());
    auto scale = dyn_cast<RankedTensorType>(op.getScale().getType());
    if (!in || !scale)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    int64_t rank = in.getRank();
    FailureOr<int64_t> axis = normalizeAxis(std::nullopt, op.getAxis(), rank);
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    Type stash = elementTypeOf(op.getStashType(), op.getContext());
    Type real = widerType(in.getElementType(), stash);
    Rows rows(rewriter, op.getLoc(), op.getX(), axesFrom(*axis, rank));
    Value squares = rows.sum(real, {}, [&](Scalar acc, ScalarArgs args) {
      Scalar x = cast(args[0], real);
      return acc + x * x;
    });
    RankedTensorType out = rankedResult(op);
    auto body = [&](ScalarArgs args) {
      Scalar mean = args[1] / rows.length(args[1]);
      Scalar factor = 1 / sqrt(mean + op.getEpsilon());
      return cast(cast(args[0], real) * factor * cast(args[2], real),
                  out.getElementType());
    };
    rewriter.replaceOp(
        op,
        rows.each(out, squares,
                  Read{op.getScale(), broadcastMap(scale, rank, rank)}, body));
    return success();
  }
};

struct LowerMeanVarianceNormalization
    : OpRewritePattern<MeanVarianceNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MeanVarianceNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getX());
    if (!in)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    FailureOr<SmallVector<int64_t>> axes =
        normalizeAxes(std::nullopt, op.getAxes(), in.getRank());
    if (failed(axes))
      return rewriter.notifyMatchFailure(op, "axes do not suit the rank");
    Statistics part(rewriter, op.getLoc(), op.getX(), *axes,
                    computeType(in.getElementType()));
    auto body = [&](ScalarArgs args) {
      Scalar deviation = sqrt(part.variance(args[2]));
      return (args[0] - part.mean(args[1])) * (1 / (deviation + 1e-9));
    };
    rewriter.replaceOp(op, part.rows.each(rankedResult(op),
                                          {part.sum, part.squares}, {}, body));
    return success();
  }
};

/// Sums of squares over neighbouring channels, then the quotient.
struct LowerLRN : OpRewritePattern<LRNOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LRNOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = computableType(op, op.getX());
    if (!in || in.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "operand or result type");
    Location loc = op.getLoc();
    Value squares = sumSquares(rewriter, op, in);
    AffineMap map = rewriter.getMultiDimIdentityMap(in.getRank());
    Literal alpha = op.getAlpha(), beta = op.getBeta(), bias = op.getBias();
    auto body = [&](Body &, ScalarArgs args) {
      Scalar base = args[1] * (alpha.value / double(op.getSize())) + bias;
      return args[0] / pow(base, base.constant(beta));
    };
    rewriter.replaceOp(op,
                       mapElements(rewriter, loc, rankedResult(op),
                                   {{op.getX(), map}, {squares, map}}, body));
    return success();
  }

private:
  static Value sumSquares(OpBuilder &b, LRNOp op, RankedTensorType in) {
    Location loc = op.getLoc();
    int64_t rank = in.getRank(), before = (op.getSize() - 1) / 2;
    Type real = computeType(in.getElementType());
    Dims dims = getDims(in);
    auto body = [&](Body &at, Value accumulator) -> Value {
      SmallVector<Value> indices;
      for (int64_t d = 0; d < rank; ++d)
        indices.push_back(at.index(d));
      Value shifted =
          arith::AddIOp::create(at.b, loc, indices[1], at.index(rank));
      Value channel =
          arith::SubIOp::create(at.b, loc, shifted, at.constant(before));
      Value zero = at.constant(0);
      Value last = arith::SubIOp::create(at.b, loc, extent(at.b, loc, dims[1]),
                                         at.constant(1));
      indices[1] = arith::MinSIOp::create(
          at.b, loc, arith::MaxSIOp::create(at.b, loc, channel, zero), last);
      Value inside = arith::CmpIOp::create(at.b, loc, arith::CmpIPredicate::eq,
                                           channel, indices[1]);
      Scalar x(at.b, loc, at.load(op.getX(), indices), in);
      return x.with(accumulator) + select(x.with(inside), x * x, 0);
    };
    return reduce(b, loc, tensorOf(dims, real),
                  constantDim(op.getSize(), b.getContext()), {}, {},
                  constantLike(b, loc, real, 0), body);
  }
};

} // namespace

void ingot::populateNormPatterns(RewritePatternSet &patterns) {
  patterns
      .add<LowerSoftmax, LowerLogSoftmax, LowerHardmax, LowerLpNormalization,
           LowerBatchNormalization, LowerInstanceNormalization,
           LowerGroupNormalization, LowerLayerNormalization,
           LowerRMSNormalization, LowerMeanVarianceNormalization, LowerLRN>(
          patterns.getContext());
  populateLossPatterns(patterns);
}
