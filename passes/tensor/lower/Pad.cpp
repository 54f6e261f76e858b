//===- Pad.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pad and CenterCropPad: elements added around a tensor, or taken away.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/ShapeValues.h"
#include "passes/tensor/lower/IndexMath.h"
#include "passes/tensor/lower/LayoutPatterns.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Where an element of one dimension of the result comes from.
struct Source {
  Value index;  ///< in bounds
  Value inside; ///< null: always
};

struct LowerPad : OpRewritePattern<onnx::PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::PadOp op,
                                PatternRewriter &rewriter) const override;

private:
  /// What is known of the pads of each dimension; null where it depends on
  /// data.
  struct Pads {
    onnx::Dims before, after;
  };
  static std::optional<Pads> staticPads(onnx::PadOp op, int64_t rank);
  static std::pair<Value, Value> runtimePads(Body &body, onnx::PadOp op,
                                             int64_t d, int64_t rank);
  static Source source(Body &body, onnx::PadOp op, int64_t d,
                       const std::optional<Pads> &pads, AffineExpr size,
                       AffineExpr padded);
};
} // namespace

/// Nothing when the axes are known at run time only.
std::optional<LowerPad::Pads> LowerPad::staticPads(onnx::PadOp op,
                                                   int64_t rank) {
  auto axes = onnx::axesOperand(std::nullopt, op.getAxes(), rank, rank);
  if (failed(axes) || !*axes)
    return std::nullopt;
  int64_t count = (*axes)->size();
  onnx::Dims values = onnx::listElements(op.getPads(), 2 * count);
  if (llvm::is_contained(values, AffineExpr()))
    return std::nullopt;
  onnx::Dims zeros(rank, onnx::constantDim(0, op.getContext()));
  Pads pads{zeros, zeros};
  for (auto [i, axis] : llvm::enumerate(**axes)) {
    pads.before[axis] = values[i];
    pads.after[axis] = values[count + i];
  }
  return pads;
}

std::pair<Value, Value> LowerPad::runtimePads(Body &body, onnx::PadOp op,
                                              int64_t d, int64_t rank) {
  IndexMath math{body.b, body.loc};
  int64_t count = onnx::rankedType(op.getPads()).getNumElements() / 2;
  Value before = body.constant(0), after = before;
  for (int64_t i = 0; i < count; ++i) {
    if (onnx::isNone(op.getAxes()) && i != d)
      continue;
    Value first = loadInteger(body, op.getPads(), i);
    Value last = loadInteger(body, op.getPads(), count + i);
    if (onnx::isNone(op.getAxes()))
      return {first, last};
    Value axis =
        math.wrap(loadInteger(body, op.getAxes(), i), body.constant(rank));
    Value mine = math.equal(axis, body.constant(d));
    before = math.select(mine, first, before);
    after = math.select(mine, last, after);
  }
  return {before, after};
}

/// Index `at` of a dimension of the result, by the mode. Elements that negative
/// pads remove are no longer there to be mirrored or repeated.
Source LowerPad::source(Body &body, onnx::PadOp op, int64_t d,
                        const std::optional<Pads> &pads, AffineExpr size,
                        AffineExpr padded) {
  IndexMath math{body.b, body.loc};
  Value at = body.index(d), zero = body.constant(0), one = body.constant(1);
  bool constantMode = op.getMode() == "constant";
  if (pads && onnx::constantValue(pads->before[d]) == 0 &&
      onnx::constantValue(pads->after[d]) == 0 && size == padded)
    return {at, {}};
  Value length = math.extent(size), before, after;
  if (pads) {
    before = math.extent(pads->before[d]);
    after = math.extent(pads->after[d]);
  } else {
    int64_t rank = onnx::rankedType(op.getData()).getRank();
    std::tie(before, after) = runtimePads(body, op, d, rank);
  }
  // Only where inference took the result's size from these very pads is there
  // nothing to check.
  if (!pads || onnx::constantValue(onnx::simplifySum(
                   size + pads->before[d] + pads->after[d] - padded)) != 0)
    math.fault(math.compare(arith::CmpIPredicate::ne,
                            math.add(math.add(length, before), after),
                            math.extent(padded)),
               faultShape);
  Value last = math.sub(length, one);
  if (constantMode) {
    Value from = math.sub(at, before);
    Value inside = math.compare(arith::CmpIPredicate::ult, from, length);
    return {math.clamp(from, zero, last), inside};
  }
  Value first = math.max(math.sub(zero, before), zero);
  Value kept =
      math.add(math.add(length, math.min(before, zero)), math.min(after, zero));
  kept = math.max(kept, one);
  Value from = math.sub(at, math.max(before, zero));
  if (op.getMode() == "edge") {
    from = math.clamp(from, zero, math.sub(kept, one));
  } else if (op.getMode() == "wrap") {
    from = math.floorMod(from, kept);
  } else {
    // Mirrored without repeating the border: the period is 2 (kept - 1).
    Value border = math.sub(kept, one);
    Value period = math.max(math.add(border, border), one);
    from = math.floorMod(from, period);
    from = math.min(from, math.sub(period, from));
    from = math.select(math.equal(border, zero), zero, from);
  }
  return {math.clamp(math.add(from, first), zero, last), {}};
}

LogicalResult LowerPad::matchAndRewrite(onnx::PadOp op,
                                        PatternRewriter &rewriter) const {
  RankedTensorType out = rankedResult(op);
  RankedTensorType type = onnx::rankedType(op.getData());
  RankedTensorType list = onnx::rankedType(op.getPads());
  if (!out || !type || type.getRank() != out.getRank())
    return rewriter.notifyMatchFailure(op, "operand or result has no rank");
  if (!isMovable(op.getData()))
    return rewriter.notifyMatchFailure(op, "elements have no fixed size");
  int64_t rank = type.getRank();
  std::optional<Pads> pads = staticPads(op, rank);
  if (!pads && (!list || !list.hasStaticShape()))
    return rewriter.notifyMatchFailure(op, "number of axes is not known");
  bool empty = llvm::is_contained(type.getShape(), 0);
  if (empty && op.getMode() != "constant")
    return rewriter.notifyMatchFailure(op, "operand has no elements");
  onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
  Value result = moveElements(
      rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
        Value fill;
        if (onnx::isNone(op.getConstantValue())) {
          Type element = movedType(out.getElementType());
          fill = arith::ConstantOp::create(body.b, body.loc,
                                           body.b.getZeroAttr(element));
        } else {
          auto scalar = cast<RankedTensorType>(op.getConstantValue().getType());
          SmallVector<Value> at(scalar.getRank(), body.constant(0));
          fill = body.load(op.getConstantValue(), at);
        }
        if (empty)
          return fill;
        IndexMath math{body.b, body.loc};
        SmallVector<Value> at;
        Value inside;
        for (int64_t d = 0; d < rank; ++d) {
          Source place = source(body, op, d, pads, from[d], to[d]);
          at.push_back(place.index);
          if (place.inside)
            inside = inside ? math.both(inside, place.inside) : place.inside;
        }
        Value element = body.load(op.getData(), at);
        return inside ? math.select(inside, element, fill) : element;
      });
  rewriter.replaceOp(op, result);
  return success();
}

namespace {
/// The centre stays: index i of the result is i + (size - wanted) / 2 of the
/// operand, rounded towards zero.
struct LowerCenterCropPad : OpRewritePattern<onnx::CenterCropPadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::CenterCropPadOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    RankedTensorType type = onnx::rankedType(op.getInputData());
    if (!out || !type || type.getRank() != out.getRank())
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    if (!isMovable(op.getInputData()))
      return rewriter.notifyMatchFailure(op, "elements have no fixed size");
    onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
    bool empty = llvm::is_contained(type.getShape(), 0);
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          IndexMath math{body.b, body.loc};
          Type element = movedType(out.getElementType());
          Value zero = arith::ConstantOp::create(body.b, body.loc,
                                                 body.b.getZeroAttr(element));
          if (empty)
            return zero;
          SmallVector<Value> at;
          Value inside;
          for (int64_t d = 0; d < type.getRank(); ++d) {
            if (from[d] == to[d]) {
              at.push_back(body.index(d));
              continue;
            }
            Value size = math.extent(from[d]);
            Value shift = centreShift(body, from[d], to[d]);
            Value place = math.add(body.index(d), shift);
            Value own = math.compare(arith::CmpIPredicate::ult, place, size);
            inside = inside ? math.both(inside, own) : own;
            at.push_back(math.clamp(place, body.constant(0),
                                    math.sub(size, body.constant(1))));
          }
          Value moved = body.load(op.getInputData(), at);
          return inside ? math.select(inside, moved, zero) : moved;
        });
    rewriter.replaceOp(op, result);
    return success();
  }

  static Value centreShift(Body &body, AffineExpr size, AffineExpr wanted) {
    if (std::optional<int64_t> excess = onnx::constantValue(size - wanted))
      return body.constant(*excess / 2);
    IndexMath math{body.b, body.loc};
    Value excess = math.sub(math.extent(size), math.extent(wanted));
    return arith::DivSIOp::create(body.b, body.loc, excess, body.constant(2));
  }
};
} // namespace

void ingot::populatePadPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPad, LowerCenterCropPad>(patterns.getContext());
}
