//===- Movement.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DequantizeLinear (f) and QuantizeLinear (g) with one scale for all elements
// commute with ops that only choose among elements, and, as both are monotone,
// with those that compare them. Dequantizing goes down and quantizing up, so
// that the work between is on integers, until f meets g: g(f(q)) = q.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Activation.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Index.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Reduce.h"
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "passes/graph/Simplify.h"
#include "passes/graph/quant/SelectQuantized.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

/// The integer that a number becomes.
static int64_t quantize(double x, const Step &step, Type elementType) {
  QuantizedRange range = QuantizedRange::of(elementType, step.zeroPoint);
  double y = std::nearbyint(x / step.scale) + double(step.zeroPoint);
  return int64_t(std::clamp(y, double(range.low), double(range.high)));
}

/// True if the number is one of the quantized tensor's.
static bool isExact(double x, const Step &step, Type elementType) {
  int64_t q = quantize(x, step, elementType);
  return double(q - step.zeroPoint) * step.scale == x;
}

//===----------------------------------------------------------------------===//
// What moves or compares elements
//===----------------------------------------------------------------------===//

/// The operands that hold the elements; none for other ops.
static SmallVector<unsigned> dataOperands(Operation *op) {
  if (isa<onnx::TransposeOp, onnx::ReshapeOp, onnx::SqueezeOp,
          onnx::UnsqueezeOp, onnx::FlattenOp, onnx::IdentityOp, onnx::SliceOp,
          onnx::SplitOp, onnx::GatherOp, onnx::GatherElementsOp,
          onnx::GatherNDOp, onnx::TileOp, onnx::ExpandOp, onnx::DepthToSpaceOp,
          onnx::SpaceToDepthOp, onnx::PadOp, onnx::ReduceMaxOp,
          onnx::ReduceMinOp>(op))
    return {0};
  if (auto pool = dyn_cast<onnx::MaxPoolOp>(op))
    return pool.getIndices().use_empty() ? SmallVector<unsigned>{0}
                                         : SmallVector<unsigned>();
  if (auto resize = dyn_cast<onnx::ResizeOp>(op)) {
    bool chooses =
        resize.getMode() == "nearest" &&
        resize.getCoordinateTransformationMode() != "tf_crop_and_resize";
    return chooses ? SmallVector<unsigned>{0} : SmallVector<unsigned>();
  }
  if (isa<onnx::WhereOp>(op))
    return {1, 2};
  if (isa<onnx::ConcatOp, onnx::MaxOp, onnx::MinOp>(op))
    return llvm::to_vector(llvm::seq<unsigned>(0, op->getNumOperands()));
  return {};
}

/// True if the op may have fewer elements than it is given, so that quantizing
/// before it would be more work.
static bool drops(Operation *op) {
  return isa<onnx::SliceOp, onnx::SplitOp, onnx::GatherOp,
             onnx::GatherElementsOp, onnx::GatherNDOp, onnx::ReduceMaxOp,
             onnx::ReduceMinOp>(op);
}

/// Whether the op works on that element type, and on 16 bits.
static bool takes(Operation *op, Type elementType) {
  return isByte(elementType) || !isa<onnx::MaxPoolOp>(op);
}

/// What a Pad adds, as an integer; nothing where it is not exact.
static std::optional<int64_t> paddingOf(onnx::PadOp op, const Step &step,
                                        Type elementType) {
  if (op.getMode() != "constant" || onnx::isNone(op.getConstantValue()))
    return step.zeroPoint;
  std::optional<double> value = graph::constantNumber(op.getConstantValue());
  if (!value || !isExact(*value, step, elementType))
    return std::nullopt;
  return quantize(*value, step, elementType);
}

/// The op on other operands, its results with another element type. `data`
/// takes the places of the data operands.
static Operation *onIntegers(PatternRewriter &rewriter, Operation *op,
                             ValueRange data, Type elementType,
                             std::optional<int64_t> padding) {
  IRMapping mapping;
  Operation *made = rewriter.clone(*op, mapping);
  for (auto [number, value] : llvm::zip(dataOperands(op), data))
    made->setOperand(number, value);
  if (padding)
    made->setOperand(2, graph::makeScalar(rewriter, op->getLoc(), elementType,
                                          double(*padding)));
  if (padding)
    made->moveAfter(made->getOperand(2).getDefiningOp());
  for (Value result : made->getResults()) {
    auto type = cast<RankedTensorType>(result.getType());
    if (getElementTypeOrSelf(type).isF32())
      result.setType(onnx::tensorOf(onnx::getDims(type), elementType));
  }
  return made;
}

static bool hasRankedResults(Operation *op) {
  return llvm::all_of(op->getResultTypes(),
                      [](Type type) { return isa<RankedTensorType>(type); });
}

/// A DequantizeLinear or QuantizeLinear like `like` of another value.
template <typename Op>
static Value again(PatternRewriter &rewriter, Op like, Value x,
                   Type elementType) {
  IRMapping mapping;
  Operation *made = rewriter.clone(*like.getOperation(), mapping);
  made->setOperand(0, x);
  onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(x.getType()));
  made->getResult(0).setType(onnx::tensorOf(dims, elementType));
  return made->getResult(0);
}

namespace {
/// op(f(a), f(b)) = f(op(a, b)).
struct MoveDequantize : RewritePattern {
  explicit MoveDequantize(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    SmallVector<unsigned> operands = dataOperands(op);
    if (operands.empty() || !hasRankedResults(op))
      return failure();
    SmallVector<Value> data;
    std::optional<Quantized> first;
    for (unsigned number : operands) {
      std::optional<Quantized> x = dequantized(op->getOperand(number));
      if (!x || (first && (!(x->step == first->step) ||
                           x->type().getElementType() !=
                               first->type().getElementType())))
        return failure();
      if (!first)
        first = x;
      data.push_back(x->value);
    }
    Type element = first->type().getElementType();
    std::optional<int64_t> padding;
    if (auto pad = dyn_cast<onnx::PadOp>(op)) {
      padding = paddingOf(pad, first->step, element);
      if (!padding)
        return failure();
    }
    if (!takes(op, element))
      return failure();
    auto like =
        op->getOperand(operands[0]).getDefiningOp<onnx::DequantizeLinearOp>();
    Operation *made = onIntegers(rewriter, op, data, element, padding);
    SmallVector<Value> results;
    for (auto [old, now] : llvm::zip(op->getResults(), made->getResults())) {
      bool isData = getElementTypeOrSelf(now.getType()) == element &&
                    getElementTypeOrSelf(old.getType()).isF32();
      results.push_back(
          isData ? again(rewriter, like, now, rewriter.getF32Type()) : now);
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// g(op(x, y)) = op(g(x), g(y)).
struct MoveQuantize : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Step> step = quantizedStep(op);
    Operation *def = op.getX().getDefiningOp();
    if (!step || !def || drops(def) || !op.getX().hasOneUse() ||
        !hasRankedResults(def))
      return failure();
    Type element = rankedResult(op).getElementType();
    SmallVector<unsigned> operands = dataOperands(def);
    if (operands.empty() || !takes(def, element))
      return failure();
    std::optional<int64_t> padding;
    if (auto pad = dyn_cast<onnx::PadOp>(def)) {
      if (pad.getMode() == "constant" &&
          !onnx::isNone(pad.getConstantValue()) &&
          !graph::constantNumber(pad.getConstantValue()))
        return failure();
      padding = step->zeroPoint;
      if (!onnx::isNone(pad.getConstantValue()))
        padding = quantize(*graph::constantNumber(pad.getConstantValue()),
                           *step, element);
    }
    SmallVector<Value> data;
    for (unsigned number : operands) {
      Value x = def->getOperand(number);
      if (!isa<RankedTensorType>(x.getType()))
        return failure();
    }
    for (unsigned number : operands)
      data.push_back(again(rewriter, op, def->getOperand(number), element));
    Operation *made = onIntegers(rewriter, def, data, element, padding);
    rewriter.replaceOp(op, made->getResult(0));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

/// What Relu and Clip by constants limit to.
struct Limits {
  Value x;
  double low = -INFINITY, high = INFINITY;
};
} // namespace

static std::optional<Limits> limitsOf(Operation *op) {
  if (auto relu = dyn_cast_or_null<onnx::ReluOp>(op))
    return Limits{relu.getX(), 0};
  auto clip = dyn_cast_or_null<onnx::ClipOp>(op);
  if (!clip)
    return std::nullopt;
  Limits limits{clip.getX()};
  std::optional<double> low = limits.low, high = limits.high;
  if (!onnx::isNone(clip.getMin()))
    low = graph::constantNumber(clip.getMin());
  if (!onnx::isNone(clip.getMax()))
    high = graph::constantNumber(clip.getMax());
  if (!low || !high || !(*low <= *high))
    return std::nullopt;
  limits.low = *low;
  limits.high = *high;
  return limits;
}

/// The integers limited as their numbers would be; the same value where that
/// changes none.
static Value limited(PatternRewriter &rewriter, Location loc, Value x,
                     const Limits &limits, const Step &step) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  QuantizedRange range = QuantizedRange::of(element, step.zeroPoint);
  int64_t low = quantize(limits.low, step, element);
  int64_t high = quantize(limits.high, step, element);
  if (low == range.low && high == range.high)
    return x;
  Value least = graph::makeScalar(rewriter, loc, element, double(low));
  Value most = graph::makeScalar(rewriter, loc, element, double(high));
  return onnx::ClipOp::create(rewriter, loc, type, x, least, most);
}

namespace {
/// g(limit(x)) = limit(g(x)).
struct QuantizeLimits : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Step> step = quantizedStep(op);
    std::optional<Limits> limits = limitsOf(op.getX().getDefiningOp());
    if (!step || !limits || !op.getX().hasOneUse() ||
        limits->x.getType() != op.getX().getType())
      return failure();
    Value integers =
        again(rewriter, op, limits->x, rankedResult(op).getElementType());
    Location loc = op.getX().getLoc();
    rewriter.replaceOp(op, limited(rewriter, loc, integers, *limits, *step));
    return success();
  }
};

/// limit(f(q)) = f(limit(q)), where the limits are numbers of q's.
struct DequantizeLimits : RewritePattern {
  explicit DequantizeLimits(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<Limits> limits = limitsOf(op);
    if (!limits || !hasRankedResults(op))
      return failure();
    std::optional<Quantized> x = dequantized(limits->x);
    if (!x)
      return failure();
    // A limit beyond all of q's numbers is none.
    Type element = x->type().getElementType();
    QuantizedRange range = x->range();
    auto number = [&](int64_t q) {
      return double(q - x->step.zeroPoint) * x->step.scale;
    };
    auto suits = [&](double limit) {
      return limit <= number(range.low) || limit >= number(range.high) ||
             isExact(limit, x->step, element);
    };
    if (!suits(limits->low) || !suits(limits->high) ||
        limits->low > number(range.high) || limits->high < number(range.low))
      return failure();
    Value integers =
        limited(rewriter, op->getLoc(), x->value, *limits, x->step);
    auto like = limits->x.getDefiningOp<onnx::DequantizeLinearOp>();
    rewriter.replaceOp(op,
                       again(rewriter, like, integers, rewriter.getF32Type()));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Pairs, and weights
//===----------------------------------------------------------------------===//

/// g(f(q)) = q.
struct RemovePair : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Step> step = quantizedStep(op);
    std::optional<Quantized> x = dequantized(op.getX());
    if (!step || !x || !(x->step == *step) ||
        x->value.getType() != op.getY().getType())
      return failure();
    rewriter.replaceOp(op, x->value);
    return success();
  }
};

/// Transpose of dequantized weights, whose scales run along an axis.
struct TransposeWeights : OpRewritePattern<onnx::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto like = op.getData().getDefiningOp<onnx::DequantizeLinearOp>();
    if (!like || like.getBlockSize() || !hasRankedResults(op) ||
        !graph::constantOf(like.getX()) || dequantized(op.getData()))
      return failure();
    auto type = cast<RankedTensorType>(like.getX().getType());
    int64_t rank = type.getRank(), axis = like.getAxis();
    axis = axis < 0 ? axis + rank : axis;
    IRMapping mapping;
    mapping.map(op.getData(), like.getX());
    auto integers =
        cast<onnx::TransposeOp>(rewriter.clone(*op.getOperation(), mapping));
    onnx::Dims dims = onnx::getDims(rankedResult(op));
    integers.getTransposed().setType(
        onnx::tensorOf(dims, type.getElementType()));
    Value result = again(rewriter, like, integers.getTransposed(),
                         rankedResult(op).getElementType());
    SmallVector<int64_t> perm = op.permutation(rank);
    int64_t now = llvm::find(perm, axis) - perm.begin();
    result.getDefiningOp<onnx::DequantizeLinearOp>().setAxis(now);
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void quant::populateQuantizedMovement(RewritePatternSet &patterns) {
  patterns.add<DequantizeLimits, MoveDequantize, MoveQuantize, QuantizeLimits,
               RemovePair, TransposeWeights>(patterns.getContext());
}
