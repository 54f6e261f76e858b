//===- MicrosoftProducts.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products of ONNX Runtime as operators of ONNX: integer products and
// what scales them, or float products of dequantized operands.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "passes/tensor/lower/Microsoft.h"

using namespace mlir;
using namespace ingot;

/// Fails with a reason where an operand's rank is unknown.
static LogicalResult requireRanks(Operation *op, PatternRewriter &rewriter) {
  for (Value operand : op->getOperands())
    if (!onnx::isNone(operand) && !onnx::rankedType(operand))
      return rewriter.notifyMatchFailure(op, "an operand has no rank");
  return success();
}

//===----------------------------------------------------------------------===//
// QGemm
//===----------------------------------------------------------------------===//

namespace {
struct RewriteQGemm : OpRewritePattern<onnx::QGemmOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QGemmOp op,
                                PatternRewriter &rewriter) const override;

  /// B, whose scale and zero point may be one per column.
  static Value dequantizedB(OnnxMaker &make, onnx::QGemmOp op);
  /// C, whose scale is that of the products.
  static Value dequantizedC(OnnxMaker &make, onnx::QGemmOp op);
};
} // namespace

/// One per column, of a scale or zero point that may be one for all.
static Value perColumn(OnnxMaker &make, Value parameter, int64_t columns) {
  if (onnx::isNone(parameter) ||
      onnx::rankedType(parameter).getShape() == ArrayRef<int64_t>(columns))
    return parameter;
  return onnx::ExpandOp::create(make.b, make.loc, parameter,
                                make.integers(columns));
}

Value RewriteQGemm::dequantizedB(OnnxMaker &make, onnx::QGemmOp op) {
  Value b = op.getB(), scale = op.getBScale(), zero = op.getBZeroPoint();
  if (isOneOrNone(scale) && isOneOrNone(zero))
    return make.dequantize(b, scale, zero);
  int64_t axis = op.getTransB() ? 0 : 1;
  Value many = isOneOrNone(scale) ? zero : scale;
  int64_t columns = onnx::rankedType(many).getDimSize(0);
  return make.dequantize(b, perColumn(make, scale, columns),
                         perColumn(make, zero, columns), axis);
}

Value RewriteQGemm::dequantizedC(OnnxMaker &make, onnx::QGemmOp op) {
  Value c = op.getC();
  if (onnx::isNone(c))
    return c;
  Value scale = make.mul(op.getAScale(), op.getBScale());
  Type real = getElementTypeOrSelf(scale.getType());
  if (double alpha = op.getAlpha().convertToDouble(); alpha != 1)
    scale = make.mul(scale, make.number(real, alpha));
  if (isOneOrNone(op.getBScale()))
    return make.dequantize(c, scale, make.none());
  // One scale per column, and C may be one column.
  RankedTensorType type = onnx::rankedType(c);
  int64_t columns = onnx::rankedType(op.getBScale()).getDimSize(0);
  if (type.getRank() > 0 && type.getShape().back() == columns)
    return make.dequantize(c, scale, make.none(), type.getRank() - 1);
  return make.mul(make.cast(c, real), scale);
}

LogicalResult RewriteQGemm::matchAndRewrite(onnx::QGemmOp op,
                                            PatternRewriter &rewriter) const {
  if (failed(requireRanks(op, rewriter)))
    return failure();
  for (Value parameter : {op.getBScale(), op.getBZeroPoint()})
    if (!onnx::rankedType(parameter).hasStaticShape())
      return rewriter.notifyMatchFailure(
          op, "b_scale or b_zero_point is of unknown shape");
  SmallVector<Value> scalars = {op.getAScale(), op.getAZeroPoint(),
                                op.getYScale(), op.getYZeroPoint()};
  if (!llvm::all_of(scalars, isOneOrNone))
    return rewriter.notifyMatchFailure(
        op, "a scale or zero point is no tensor of known shape with one "
            "element");
  OnnxMaker make(rewriter, op.getLoc());
  Value a = make.dequantize(op.getA(), op.getAScale(), op.getAZeroPoint());
  Value y = onnx::GemmOp::create(rewriter, op.getLoc(), a,
                                 dequantizedB(make, op), dequantizedC(make, op),
                                 op.getAlphaAttr(), rewriter.getF32FloatAttr(1),
                                 op.getTransAAttr(), op.getTransBAttr());
  if (!onnx::isNone(op.getYScale()))
    y = make.quantize(y, op.getYScale(), op.getYZeroPoint(),
                      getElementTypeOrSelf(op.getY().getType()));
  replaceRefined(rewriter, op, y);
  return success();
}

//===----------------------------------------------------------------------===//
// MatMulIntegerToFloat, DynamicQuantizeMatMul
//===----------------------------------------------------------------------===//

/// The integer product times `scale`, plus the bias, in the type of the scale.
/// The sums may exceed half precision: they are scaled in single.
static Value scaledProduct(OnnxMaker &make, Value a, Value b, Value zeroA,
                           Value zeroB, Value scaleA, Value scaleB, Value bias,
                           Type element) {
  Type real = computeType(element);
  Value sums =
      onnx::MatMulIntegerOp::create(make.b, make.loc, a, b, zeroA, zeroB);
  Value scale = make.mul(make.cast(scaleA, real), make.cast(scaleB, real));
  Value y = make.mul(make.cast(sums, real), scale);
  if (!onnx::isNone(bias))
    y = make.add(y, make.cast(bias, real));
  return make.cast(y, element);
}

namespace {
struct RewriteMatMulIntegerToFloat
    : OpRewritePattern<onnx::MatMulIntegerToFloatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MatMulIntegerToFloatOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value y =
        scaledProduct(make, op.getA(), op.getB(), op.getAZeroPoint(),
                      op.getBZeroPoint(), op.getAScale(), op.getBScale(),
                      op.getBias(), getElementTypeOrSelf(op.getY().getType()));
    replaceRefined(rewriter, op, y);
    return success();
  }
};

struct RewriteDynamicQuantizeMatMul
    : OpRewritePattern<onnx::DynamicQuantizeMatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DynamicQuantizeMatMulOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    auto a =
        onnx::DynamicQuantizeLinearOp::create(rewriter, op.getLoc(), op.getA());
    Value y =
        scaledProduct(make, a.getY(), op.getB(), a.getYZeroPoint(),
                      op.getBZeroPoint(), a.getYScale(), op.getBScale(),
                      op.getBias(), getElementTypeOrSelf(op.getY().getType()));
    replaceRefined(rewriter, op, y);
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// FusedMatMul
//===----------------------------------------------------------------------===//

/// An operand with its first dimension behind its batch dimensions, and the
/// last two swapped, as asked for.
static Value arranged(OnnxMaker &make, Value operand, bool transBatch,
                      bool transposed) {
  int64_t rank = onnx::rankedType(operand).getRank();
  auto perm = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (transBatch)
    std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (transposed && rank > 1)
    std::swap(perm[rank - 1], perm[rank - 2]);
  return llvm::is_sorted(perm) ? operand : make.transpose(operand, perm);
}

namespace {
struct RewriteFusedMatMul : OpRewritePattern<onnx::FusedMatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::FusedMatMulOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value a = arranged(make, op.getA(), op.getTransBatchA() != 0,
                       op.getTransA() != 0);
    Value b = arranged(make, op.getB(), op.getTransBatchB() != 0,
                       op.getTransB() != 0);
    Value y = onnx::MatMulOp::create(rewriter, op.getLoc(), a, b);
    if (double alpha = op.getAlpha().convertToDouble(); alpha != 1)
      y = make.mul(y, make.number(getElementTypeOrSelf(y.getType()), alpha));
    replaceRefined(rewriter, op, y);
    return success();
  }
};
} // namespace

void ingot::populateMicrosoftProductPatterns(RewritePatternSet &patterns) {
  patterns.add<RewriteDynamicQuantizeMatMul, RewriteFusedMatMul,
               RewriteMatMulIntegerToFloat, RewriteQGemm>(
      patterns.getContext());
}
