//===- Conversion.cpp - to and from bf16, f64 to f16 ----------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x86-64-v3 has instructions between f16 and f32 alone; for the rest LLVM calls
// compiler-rt. Where there is an instruction for bf16 it takes denormals for 0.
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Elementwise.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace ingot::vecmath {

static Expr bitcastTo(const Expr &x, Type element) {
  return x.with(arith::BitcastOp::create(x.builder(), x.loc(),
                                         x.typeOf(element), x.value()));
}

/// f64 to f32 so that a second rounding, to at most 22 bits, gives what
/// rounding the f64 once would: towards zero, with the last bit set when
/// inexact.
static Expr toF32RoundingToOdd(const Expr &x) {
  Expr nearest = toF32(x);
  Expr back = toF64(nearest);
  Expr away = abs(back) > abs(x);
  Expr inexact = (back < x) | (back > x);
  Expr bits = bitsOf(nearest);
  Expr down = select(away, bits - 1, bits);
  return floatOf(select(inexact, down | 1, bits));
}

static Expr f32ToBf16(const Expr &x) {
  Expr bits = bitsOf(x);
  // To nearest: add almost a half, and the rest where the result would be odd.
  Expr rounded = (bits + (((bits >> 16) & 1) + 0x7fff)) >> 16;
  Expr quiet = (bits >> 16) | 0x40;
  Expr result = toWidth(select(isNan(x), quiet, rounded), 16);
  return bitcastTo(result, x.builder().getBF16Type());
}

static Expr bf16ToF32(const Expr &x) {
  Expr bits = bitcastTo(x, x.builder().getI16Type());
  return floatOf(toWidth(bits, 32) << 16);
}

/// The vector type with all elements in one dimension.
static VectorType flatType(Type type) {
  auto vector = cast<VectorType>(type);
  return VectorType::get(vector.getNumElements(), vector.getElementType());
}

/// Applies `convert` to the operand as a scalar or 1-D vector.
static void replaceConversion(Operation *op, PatternRewriter &rewriter,
                              function_ref<Expr(const Expr &)> convert) {
  Location loc = op->getLoc();
  Value operand = op->getOperand(0);
  Type type = op->getResult(0).getType();
  auto vector = dyn_cast<VectorType>(type);
  bool reshape = vector && vector.getRank() != 1;
  if (reshape)
    operand = vector::ShapeCastOp::create(rewriter, loc,
                                          flatType(operand.getType()), operand);
  Value result = convert(Expr(rewriter, loc, operand)).value();
  if (reshape)
    result = vector::ShapeCastOp::create(rewriter, loc, type, result);
  rewriter.replaceOp(op, result);
}

namespace {
struct ExpandTruncF : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn());
    Type to = getElementTypeOrSelf(op.getType());
    bool toBf16 = to.isBF16() && (from.isF32() || from.isF64());
    bool doubleToHalf = to.isF16() && from.isF64();
    if (!isSupported(op.getType()) || (!toBf16 && !doubleToHalf))
      return rewriter.notifyMatchFailure(op, "has an instruction");
    if (op.getRoundingmode().value_or(arith::RoundingMode::to_nearest_even) !=
        arith::RoundingMode::to_nearest_even)
      return rewriter.notifyMatchFailure(op, "does not round to nearest even");
    replaceConversion(op, rewriter, [&](const Expr &x) {
      Expr single = from.isF64() ? toF32RoundingToOdd(x) : x;
      if (toBf16)
        return f32ToBf16(single);
      return single.with(arith::TruncFOp::create(
          rewriter, op.getLoc(), single.typeOf(to), single.value()));
    });
    return success();
  }
};

struct ExpandExtF : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Type to = getElementTypeOrSelf(op.getType());
    if (!isSupported(op.getType()) ||
        !getElementTypeOrSelf(op.getIn()).isBF16() ||
        !(to.isF32() || to.isF64()))
      return rewriter.notifyMatchFailure(op, "has an instruction");
    replaceConversion(op, rewriter, [&](const Expr &x) {
      Expr single = bf16ToF32(x);
      return to.isF64() ? toF64(single) : single;
    });
    return success();
  }
};
} // namespace

void populateConversionPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandTruncF, ExpandExtF>(patterns.getContext());
}

} // namespace ingot::vecmath
