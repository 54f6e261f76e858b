//===- ExpandMath.cpp - vector math without a math library ----------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of which formula each op becomes, and the pass.
//
//===----------------------------------------------------------------------===//
#include "codegen/math/ExpandMath.h"
#include "codegen/math/Elementwise.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using namespace ingot::vecmath;

namespace ingot {

using Results = SmallVector<Expr, 2>;

/// In f64, for operands of either width.
template <typename FnTy, typename... ExprTy>
static Results viaF64(FnTy fn, const Expr &x, const ExprTy &...rest) {
  if (x.width() == 64)
    return {fn(x, rest..., Precision::Double)};
  return {toF32(fn(toF64(x), toF64(rest)..., Precision::Single))};
}

/// f32 in f32, f64 in f64.
template <typename SingleFn, typename DoubleFn>
static Results direct(SingleFn single, DoubleFn full, const Expr &x) {
  return {x.width() == 64 ? full(x, Precision::Double) : single(x)};
}

static Results sigmoid(Args a) { return direct(sigmoidF32, sigmoidF64, a[0]); }

Value emitSigmoid(OpBuilder &builder, Location loc, Value x) {
  return applyFormula(builder, loc, x, x.getType(), sigmoid).front();
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

#define DIRECT(OpTy, name)                                                     \
  addFormula<math::OpTy>(patterns, [](Args a) -> Results {                     \
    return direct(name##F32, name##F64, a[0]);                                 \
  })
#define VIA_F64(OpTy, name)                                                    \
  addFormula<math::OpTy>(                                                      \
      patterns, [](Args a) -> Results { return viaF64(name##F64, a[0]); })

static void populateElementaryPatterns(RewritePatternSet &patterns) {
  DIRECT(ExpOp, exp);
  DIRECT(Exp2Op, exp2);
  DIRECT(ExpM1Op, expm1);
  DIRECT(LogOp, log);
  DIRECT(Log1pOp, log1p);
  DIRECT(TanhOp, tanh);
  DIRECT(ErfOp, erf);
  VIA_F64(AcosOp, acos);
  VIA_F64(AcoshOp, acosh);
  VIA_F64(AsinOp, asin);
  VIA_F64(AsinhOp, asinh);
  VIA_F64(AtanOp, atan);
  VIA_F64(AtanhOp, atanh);
  VIA_F64(CbrtOp, cbrt);
  VIA_F64(CosOp, cos);
  VIA_F64(CoshOp, cosh);
  VIA_F64(ErfcOp, erfc);
  VIA_F64(Log10Op, log10);
  VIA_F64(Log2Op, log2);
  VIA_F64(SinOp, sin);
  VIA_F64(SinhOp, sinh);
  VIA_F64(TanOp, tan);
}

/// {sin x, cos x}, which share the reduction of the argument.
static Results sinCos(Args a) {
  if (a[0].width() == 64) {
    auto [sine, cosine] = sinCosF64(a[0], Precision::Double);
    return {sine, cosine};
  }
  auto [sine, cosine] = sinCosF64(toF64(a[0]), Precision::Single);
  return {toF32(sine), toF32(cosine)};
}

/// A float to an integer power.
static Results powInt(Args a) {
  const Expr &x = a[0], &n = a[1];
  Type f64 = x.builder().getF64Type();
  Expr y = intToFloat(n, f64);
  // An exponent of 64 bits is the sum of two floats.
  Expr yLo = y.constant(0.0);
  if (n.width() == 64)
    yLo = intToFloat(n - floatToInt(y, n.elementType()), f64);
  Expr odd = (n & 1) != 0;
  auto power = [&](const Expr &base, Precision p) {
    return powIntF64(base, y, yLo, odd, p);
  };
  if (x.width() == 64)
    return {power(x, Precision::Double)};
  return {toF32(power(toF64(x), Precision::Single))};
}

/// The value of all elements of a constant.
static std::optional<double> constantOf(Value value) {
  FloatAttr real;
  IntegerAttr integer;
  DenseElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)) && elements.isSplat()) {
    Attribute splat = elements.getSplatValue<Attribute>();
    real = dyn_cast<FloatAttr>(splat);
    integer = dyn_cast<IntegerAttr>(splat);
  } else if (!matchPattern(value, m_Constant(&real)) &&
             !matchPattern(value, m_Constant(&integer))) {
    return std::nullopt;
  }
  if (real)
    return real.getValueAsDouble();
  if (integer && integer.getValue().getSignificantBits() <= 32)
    return double(integer.getInt());
  return std::nullopt;
}

namespace {
/// A power known at compile time; before the pattern for any power.
template <typename OpTy> struct ExpandConstantPower : OpRewritePattern<OpTy> {
  explicit ExpandConstantPower(MLIRContext *context)
      : OpRewritePattern<OpTy>(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> power = constantOf(op.getRhs());
    Type element = getElementTypeOrSelf(op.getType());
    if (!power || !isSupported(op.getType()) ||
        !isCheapPower(*power, element.isF64()))
      return rewriter.notifyMatchFailure(op, "no cheap constant power");
    rewriter.replaceOp(op, applyFormula(rewriter, op.getLoc(), op.getLhs(),
                                        op.getType(), [&](Args a) -> Results {
                                          return {powConstant(a[0], *power)};
                                        }));
    return success();
  }
};
} // namespace

static void populatePowerPatterns(RewritePatternSet &patterns) {
  addFormula<math::Atan2Op>(
      patterns, [](Args a) -> Results { return viaF64(atan2F64, a[0], a[1]); });
  addFormula<math::PowFOp>(
      patterns, [](Args a) -> Results { return viaF64(powF64, a[0], a[1]); });
  addFormula<math::FPowIOp>(patterns, powInt);
  patterns.add<ExpandConstantPower<math::PowFOp>,
               ExpandConstantPower<math::FPowIOp>>(patterns.getContext());
  addFormula<math::RsqrtOp>(patterns,
                            [](Args a) -> Results { return {rsqrt(a[0])}; });
  addFormula<math::SincosOp>(patterns, sinCos);
  addFormula<arith::RemFOp>(
      patterns, [](Args a) -> Results { return {remainder(a[0], a[1])}; });
}

void populateExpandMathPatterns(RewritePatternSet &patterns,
                                const ExpandMathConfig &config) {
  populateElementaryPatterns(patterns);
  populatePowerPatterns(patterns);
  populateRoundingPatterns(patterns);
  populateIntegerPatterns(patterns);
  if (config.expandBf16)
    populateConversionPatterns(patterns);
}

namespace {
/// 1 / (1 + exp(-x)).
struct FuseSigmoid : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::DivFOp op,
                                PatternRewriter &rewriter) const override {
    auto sum = op.getRhs().getDefiningOp<arith::AddFOp>();
    if (!matchPattern(op.getLhs(), m_OneFloat()) || !sum)
      return rewriter.notifyMatchFailure(op, "not 1 / (a + b)");
    Value exp = sum.getRhs(), one = sum.getLhs();
    if (matchPattern(exp, m_OneFloat()))
      std::swap(exp, one);
    auto expOp = exp.getDefiningOp<math::ExpOp>();
    if (!matchPattern(one, m_OneFloat()) || !expOp)
      return rewriter.notifyMatchFailure(op, "not 1 / (1 + exp(y))");
    auto negation = expOp.getOperand().getDefiningOp<arith::NegFOp>();
    if (!negation || !isSupported(op.getType()))
      return rewriter.notifyMatchFailure(op, "not 1 / (1 + exp(-x))");
    rewriter.replaceOp(
        op, emitSigmoid(rewriter, op.getLoc(), negation.getOperand()));
    return success();
  }
};

} // namespace

void populateFuseSigmoidPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseSigmoid>(patterns.getContext());
}

void expandMath(Operation *root, const ExpandMathConfig &config) {
  RewritePatternSet fusion(root->getContext());
  populateFuseSigmoidPatterns(fusion);
  walkAndApplyPatterns(root, std::move(fusion));
  RewritePatternSet expansion(root->getContext());
  populateExpandMathPatterns(expansion, config);
  walkAndApplyPatterns(root, std::move(expansion));
  if (!config.expandBf16)
    return;
  // The expansion widens bf16 operands and narrows its results.
  RewritePatternSet conversion(root->getContext());
  populateConversionPatterns(conversion);
  walkAndApplyPatterns(root, std::move(conversion));
}

} // namespace ingot
