//===- SimplifyArithmetic.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elementwise identities. All are exact (to the last bit, but for the sign of
// a zero or NaN) except small powers, which become products.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Activation.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Shape.h"
#include "passes/graph/FloatBits.h"
#include "passes/graph/Simplify.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

/// The value of `value` if all elements are that constant.
static bool isNumber(Value value, double number) {
  return constantNumber(value) == number;
}

namespace {
/// x + 0, x - 0, x * 1, x / 1. Adding +0 would turn -0 into +0: integers only.
template <typename Op> struct RemoveNeutral : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    constexpr bool isSum = std::is_same_v<Op, onnx::AddOp>;
    constexpr bool commutes = isSum || std::is_same_v<Op, onnx::MulOp>;
    double neutral = isSum || std::is_same_v<Op, onnx::SubOp> ? 0 : 1;
    if (isSum && isFloat(op.getC()))
      return failure();
    if (isNumber(op.getB(), neutral) && haveSameShape(op.getA(), op.getC()))
      return replaceByValue(rewriter, op, op.getA());
    if (commutes && isNumber(op.getA(), neutral) &&
        haveSameShape(op.getB(), op.getC()))
      return replaceByValue(rewriter, op, op.getB());
    return failure();
  }
};

/// -(-x), not not x.
template <typename Op> struct RemoveInvolution : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto inner = op->getOperand(0).template getDefiningOp<Op>();
    return inner ? replaceByValue(rewriter, op, inner->getOperand(0))
                 : failure();
  }
};

/// Sum, Mean, Max or Min of one operand; Sum of two.
template <typename Op> struct SimplifyVariadic : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    ValueRange inputs = op.getInputs();
    if (inputs.size() == 1)
      return replaceByValue(rewriter, op, inputs[0]);
    if (!std::is_same_v<Op, onnx::SumOp> || inputs.size() != 2)
      return failure();
    rewriter.replaceOpWithNewOp<onnx::AddOp>(op, op.getY().getType(), inputs[0],
                                             inputs[1]);
    return success();
  }
};

/// x^2 -> x * x and the like. Products of three are off by one rounding more,
/// about as much as the pow they replace.
struct SimplifyPow : OpRewritePattern<onnx::PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::PowOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getX();
    std::optional<double> exponent = constantNumber(op.getY());
    if (!exponent || !haveSameShape(x, op.getZ()))
      return failure();
    Type type = op.getZ().getType();
    Location loc = op.getLoc();
    auto times = [&](Value a) {
      return onnx::MulOp::create(rewriter, loc, type, a, x).getResult();
    };
    Value result;
    if (*exponent == 1)
      return replaceByValue(rewriter, op, x);
    if (*exponent == 2)
      result = times(x);
    else if (*exponent == 3)
      result = times(times(x));
    else if (*exponent == 0.5 && isFloat(x))
      result = onnx::SqrtOp::create(rewriter, loc, type, x);
    else if (*exponent == -1 && isFloat(x))
      result = onnx::ReciprocalOp::create(rewriter, loc, type, x);
    else
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// x / c -> x * (1 / c) where that is exact: all c are powers of two whose
/// reciprocal is a normal number.
struct DivideByPowersOfTwo : OpRewritePattern<onnx::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DivOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<TensorData> divisor =
        isFloat(op.getB()) ? constantData(op.getB()) : std::nullopt;
    if (!divisor || divisor->size() > maxElements)
      return failure();
    bool splat = divisor->isSplat();
    TensorData factor = splat ? TensorData::splat(divisor->type(), 0)
                              : TensorData::zeros(divisor->type());
    auto format = cast<FloatType>(divisor->type().getElementType());
    for (int64_t i = 0, size = splat ? 1 : divisor->size(); i < size; ++i) {
      APFloat reciprocal(format.getFloatSemantics());
      APFloat value(format.getFloatSemantics(),
                    APInt(format.getWidth(), divisor->load(i)));
      if (!value.getExactInverse(&reciprocal))
        return failure();
      factor.store(i, reciprocal.bitcastToAPInt().getZExtValue());
    }
    Value c = makeConstant(rewriter, op.getB().getLoc(), factor.toAttr());
    rewriter.replaceOpWithNewOp<onnx::MulOp>(op, op.getC().getType(), op.getA(),
                                             c);
    return success();
  }

  static constexpr int64_t maxElements = 1 << 16;
};

/// where(c, x, x); where(constant, x, y).
struct SimplifyWhere : OpRewritePattern<onnx::WhereOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::WhereOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> condition = constantNumber(op.getCondition());
    Value chosen;
    if (op.getX() == op.getY())
      chosen = op.getX();
    else if (condition)
      chosen = *condition != 0 ? op.getX() : op.getY();
    if (!chosen || !haveSameShape(chosen, op.getZ()))
      return failure();
    return replaceByValue(rewriter, op, chosen);
  }
};

/// What a Relu or Clip limits its operand to.
struct Interval {
  Value x;
  double low = -INFINITY, high = INFINITY;

  static std::optional<Interval> of(Operation *op);
};

/// Limits of limits are one: clip(relu(x)), relu(relu(x)), clip(clip(x)).
struct MergeLimits : RewritePattern {
  explicit MergeLimits(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<Interval> outer = Interval::of(op);
    if (!outer)
      return failure();
    // NaN goes through every limit.
    if (outer->low == -INFINITY && outer->high == INFINITY)
      return replaceByValue(rewriter, op, outer->x);
    std::optional<Interval> inner = Interval::of(outer->x.getDefiningOp());
    Interval both = *outer;
    if (inner) {
      auto limit = [&](double v) {
        return std::min(std::max(v, outer->low), outer->high);
      };
      both = {inner->x, limit(std::min(inner->low, inner->high)),
              limit(inner->high)};
    } else if (isa<onnx::ReluOp>(op) || outer->low != 0 ||
               outer->high != INFINITY) {
      return failure();
    }
    rewriter.replaceOp(op, make(rewriter, op, both));
    return success();
  }

  /// Relu, or Clip with the limits that are none left out.
  static Value make(PatternRewriter &rewriter, Operation *op, Interval limits) {
    Location loc = op->getLoc();
    Type type = op->getResult(0).getType();
    if (limits.low == 0 && limits.high == INFINITY)
      return onnx::ReluOp::create(rewriter, loc, type, limits.x);
    auto bound = [&](double value) -> Value {
      if (std::isinf(value))
        return onnx::NoneOp::create(rewriter, loc, rewriter.getNoneType());
      return makeScalar(rewriter, loc, getElementTypeOrSelf(type), value);
    };
    Value low = bound(limits.low), high = bound(limits.high);
    return onnx::ClipOp::create(rewriter, loc, type, limits.x, low, high);
  }
};
} // namespace

std::optional<Interval> Interval::of(Operation *op) {
  // Doubles hold the bounds of 64-bit integers only up to 2^53.
  constexpr double largest = 0x1p53;
  if (auto relu = dyn_cast_or_null<onnx::ReluOp>(op))
    return Interval{relu.getX(), 0, INFINITY};
  auto clip = dyn_cast_or_null<onnx::ClipOp>(op);
  if (!clip)
    return std::nullopt;
  Interval result{clip.getX()};
  auto read = [&](Value bound, double &limit) {
    if (onnx::isNone(bound))
      return true;
    std::optional<double> number = constantNumber(bound);
    if (!number || std::isnan(*number) ||
        (!isFloat(bound) && std::fabs(*number) > largest))
      return false;
    limit = *number;
    return true;
  };
  if (!read(clip.getMin(), result.low) || !read(clip.getMax(), result.high) ||
      (result.low == INFINITY || result.high == -INFINITY))
    return std::nullopt;
  return result;
}

void graph::populateArithmeticPatterns(RewritePatternSet &patterns) {
  patterns.add<RemoveNeutral<onnx::AddOp>, RemoveNeutral<onnx::SubOp>,
               RemoveNeutral<onnx::MulOp>, RemoveNeutral<onnx::DivOp>,
               RemoveInvolution<onnx::NegOp>, RemoveInvolution<onnx::NotOp>,
               RemoveInvolution<onnx::BitwiseNotOp>,
               SimplifyVariadic<onnx::SumOp>, SimplifyVariadic<onnx::MeanOp>,
               SimplifyVariadic<onnx::MaxOp>, SimplifyVariadic<onnx::MinOp>,
               SimplifyPow, DivideByPowersOfTwo, SimplifyWhere, MergeLimits>(
      patterns.getContext());
}
