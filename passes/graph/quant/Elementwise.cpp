//===- Elementwise.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Quant.h"
#include "passes/graph/Simplify.h"
#include "passes/graph/quant/SelectQuantized.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

namespace {
/// A float value that is ratio * (q - z) + offset of a quantized tensor.
struct Linear {
  Quantized x;
  double ratio = 1, offset = 0;
};
} // namespace

/// Follows additions of and multiplications by numbers.
static std::optional<Linear> linearIn(Value value, int64_t depth = 0) {
  if (std::optional<Quantized> x = dequantized(value))
    return Linear{*x, x->step.scale, 0};
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<onnx::AddOp, onnx::SubOp, onnx::MulOp, onnx::DivOp,
                       onnx::NegOp>(op) ||
      depth > 8)
    return std::nullopt;
  if (isa<onnx::NegOp>(op)) {
    std::optional<Linear> x = linearIn(op->getOperand(0), depth + 1);
    if (x)
      x->ratio = -x->ratio, x->offset = -x->offset;
    return x;
  }
  Value a = op->getOperand(0), b = op->getOperand(1);
  std::optional<double> left = graph::constantNumber(a);
  std::optional<double> right = graph::constantNumber(b);
  if (left.has_value() == right.has_value())
    return std::nullopt;
  std::optional<Linear> x = linearIn(left ? b : a, depth + 1);
  double number = left ? *left : *right;
  // A constant of more dimensions would repeat the elements.
  if (!x || !std::isfinite(number) ||
      onnx::getDims(x->x.type()) !=
          onnx::getDims(cast<RankedTensorType>(value.getType())))
    return std::nullopt;
  if (isa<onnx::AddOp>(op)) {
    x->offset += number;
  } else if (isa<onnx::SubOp>(op)) {
    double sign = left ? -1 : 1;
    x->ratio *= sign;
    x->offset = sign * x->offset + (left ? number : -number);
  } else if (isa<onnx::MulOp>(op)) {
    x->ratio *= number;
    x->offset *= number;
  } else if (left || number == 0) {
    return std::nullopt;
  } else {
    x->ratio /= number;
    x->offset /= number;
  }
  return x;
}

bool quant::isLinear(Value value) { return linearIn(value).has_value(); }

/// An element less its zero point.
static Value centred(Body &body, unsigned operand, const Quantized &x) {
  Scalars s{body.b, body.loc};
  Type i32 = body.b.getI32Type();
  Value wide = s.widen(body.args[operand], x.isUnsigned(), i32);
  if (x.step.zeroPoint == 0)
    return wide;
  return s.sub(wide, integerConstant(s.b, s.loc, i32, x.step.zeroPoint));
}

namespace {
/// One tensor with another scale: QuantizeLinear of a linear function.
struct Rescale : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Step> step = quantizedStep(op);
    std::optional<Linear> linear = linearIn(op.getX());
    if (!step || !linear)
      return failure();
    const Quantized &x = linear->x;
    QuantizedResult to = quantizedResult(op, *step);
    Location loc = op.getX().getDefiningOp<onnx::DequantizeLinearOp>()
                       ? op.getLoc()
                       : to.loc(op.getX().getLoc());
    replaceChain(rewriter, to, rescaled(rewriter, loc, *linear, to, x));
    return success();
  }

private:
  static Value rescaled(PatternRewriter &rewriter, Location loc,
                        const Linear &linear, const QuantizedResult &to,
                        const Quantized &x) {
    int64_t shift = to.range.zeroPoint - x.step.zeroPoint;
    bool whole = to.range.low == QuantizedRange::of(to.type.getElementType(),
                                                    to.range.zeroPoint)
                                     .low &&
                 to.range.high - to.range.low == 255;
    if (isByte(x.type().getElementType()) && whole &&
        linear.ratio == to.scale && linear.offset == 0 &&
        isByte(to.type.getElementType()) &&
        x.isUnsigned() != onnx::isUnsigned(to.type) &&
        shift == (x.isUnsigned() ? -128 : 128))
      return flipSign(rewriter, loc, x.value);
    Requantization how;
    how.ratio = {linear.ratio / to.scale};
    if (linear.offset != 0)
      how.offset = {linear.offset / to.scale};
    how.bound = {x.bound()};
    how.range = to.range;
    return requantize(rewriter, loc, to.type, x.value,
                      rewriter.getMultiDimIdentityMap(to.type.getRank()), -1,
                      how, [&](Body &body) { return centred(body, 0, x); });
  }
};

/// Two tensors whose integers are added, subtracted or multiplied.
struct Combine : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    Operation *def = op.getX().getDefiningOp();
    if (!isa_and_nonnull<onnx::AddOp, onnx::SubOp, onnx::MulOp>(def))
      return failure();
    std::optional<Step> step = quantizedStep(op);
    std::optional<Quantized> a = dequantized(def->getOperand(0));
    std::optional<Quantized> b = dequantized(def->getOperand(1));
    if (!step || !a || !b)
      return failure();
    bool isProduct = isa<onnx::MulOp>(def);
    if (isProduct && a->bound() * b->bound() >= 0x1p31)
      return rewriter.notifyMatchFailure(op, "products may exceed 32 bits");
    QuantizedResult to = quantizedResult(op, *step);
    Location loc = to.loc(def->getLoc());
    SmallVector<AffineMap> maps;
    for (const Quantized &x : {*a, *b})
      maps.push_back(broadcastMap(x.type(), to.type, to.type.getRank()));
    auto integers = [&](Body &body) {
      return std::pair(centred(body, 0, *a), centred(body, 1, *b));
    };
    SmallVector<Value, 2> ins{a->value, b->value};
    Value result;
    if (isProduct) {
      Requantization how;
      how.ratio = {a->step.scale * b->step.scale / to.scale};
      how.bound = {a->bound() * b->bound()};
      how.range = to.range;
      result = requantize(
          rewriter, loc, to.type, ins, maps, -1, how, [&](Body &body) -> Value {
            auto [x, y] = integers(body);
            return arith::MulIOp::create(body.b, body.loc, x, y);
          });
    } else {
      SumRequantization how;
      how.scaleA = a->step.scale;
      how.scaleB = isa<onnx::SubOp>(def) ? -b->step.scale : b->step.scale;
      how.scale = to.scale;
      how.boundA = a->bound();
      how.boundB = b->bound();
      how.range = to.range;
      result = requantizeSum(rewriter, loc, to.type, ins, maps, how, integers);
    }
    replaceChain(rewriter, to, result);
    return success();
  }
};
} // namespace

void quant::populateQuantizedElementwise(RewritePatternSet &patterns) {
  patterns.add<Combine, Rescale>(patterns.getContext());
}
