//===- Quant.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/ElementTypes.h"
#include "dialects/onnx/Float8.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

/// The map that reads a scale or zero point where an element of x is: one for
/// all, one per index of the axis, or one per block along it.
static AffineMap granularityMap(Value parameter, RankedTensorType x,
                                int64_t axis, int64_t blockSize) {
  RankedTensorType type = onnx::rankedType(parameter);
  MLIRContext *context = x.getContext();
  onnx::Dims dims = onnx::getDims(type);
  int64_t rank = x.getRank();
  axis = axis < 0 ? axis + rank : axis;
  if (dims.empty() || (dims.size() == 1 && onnx::constantValue(dims[0]) == 1))
    return singleElementMap(parameter, rank);
  if (blockSize == 0)
    return AffineMap::get(rank, 0, getAffineDimExpr(axis, context), context);
  SmallVector<AffineExpr> place;
  for (int64_t i = 0; i < rank; ++i) {
    AffineExpr index = getAffineDimExpr(i, context);
    place.push_back(i == axis ? index.floorDiv(blockSize) : index);
  }
  return AffineMap::get(rank, 0, place, context);
}

/// A float of the type's precision in its compute type: rounded, if the type is
/// narrower than that.
static Value roundedTo(const Scalars &s, Value x, Type type) {
  Value converted = s.convertFloat(x, computeType(type));
  if (type == computeType(type))
    return converted;
  return s.convertFloat(s.convertFloat(converted, type), computeType(type));
}

/// The type that QuantizeLinear divides in.
static Type divisionType(onnx::QuantizeLinearOp op) {
  MLIRContext *context = op.getContext();
  if (op.getPrecision())
    return onnx::elementTypeOf(op.getPrecision(), context);
  Type x = getElementTypeOrSelf(op.getX().getType());
  Type scale = getElementTypeOrSelf(op.getYScale().getType());
  // Integers are divided exactly enough for the rounding that follows.
  if (isa<IntegerType>(x) || isa<IntegerType>(scale))
    return Float64Type::get(context);
  return x == scale || computeType(scale) == scale ? scale : computeType(scale);
}

/// An element of x or a scale as a number of type `to`.
static Value asNumber(const Scalars &s, Value v, Type to) {
  if (Scalars::isFloat(v))
    return roundedTo(s, v, to);
  return roundedTo(s, arith::SIToFPOp::create(s.b, s.loc, s.b.getF64Type(), v),
                   to);
}

/// The type of a tensor of floats of 8 bits at most seen as bytes.
static RankedTensorType byteType(RankedTensorType type) {
  return onnx::tensorOf(onnx::getDims(type),
                        IntegerType::get(type.getContext(), 8));
}

/// Fails with a reason for element types that code cannot be made for.
static LogicalResult requireTypes(Operation *op, PatternRewriter &rewriter) {
  for (Type type :
       llvm::concat<const Type>(SmallVector<Type>(op->getOperandTypes()),
                                SmallVector<Type>(op->getResultTypes()))) {
    if (isa<NoneType>(type))
      continue;
    if (!isa<RankedTensorType>(type))
      return rewriter.notifyMatchFailure(op, "tensor has no rank");
    Type element = getElementTypeOrSelf(type);
    if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 16 &&
        !onnx::float8Type(element))
      return rewriter.notifyMatchFailure(op, "6-bit float");
  }
  return success();
}

namespace {
struct LowerQuantizeLinear : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireTypes(op, rewriter)))
      return failure();
    Type precision = divisionType(op);
    if (!isa<FloatType>(precision) || precision.getIntOrFloatBitWidth() < 16)
      return rewriter.notifyMatchFailure(op, "unknown precision");
    RankedTensorType out = rankedResult(op);
    SmallVector<Value> ins = {op.getX(), op.getYScale()};
    FloatType to = onnx::float8Type(out.getElementType());
    // That of floats is 0.
    bool hasZero = !onnx::isNone(op.getYZeroPoint()) && !to;
    if (hasZero)
      ins.push_back(op.getYZeroPoint());
    SmallVector<AffineMap> maps = {
        rewriter.getMultiDimIdentityMap(out.getRank())};
    for (Value parameter : ArrayRef(ins).drop_front())
      maps.push_back(
          granularityMap(parameter, out, op.getAxis(), op.getBlockSize()));
    RankedTensorType stored = to ? byteType(out) : out;
    Value result = compute(
        rewriter, op.getLoc(), stored, ins, maps, [&](Body &body) -> Value {
          Scalars s{body.b, body.loc};
          Value x = asNumber(s, body.args[0], precision);
          Value scale = asNumber(s, body.args[1], precision);
          Value number = roundedTo(s, s.div(x, scale), precision);
          if (to)
            return encodeFloat8(
                onnx::Scalar(body.b, body.loc, number, /*isUnsigned=*/false),
                to, {op.getSaturate() != 0, "up"});
          return quantized(s, number, hasZero ? body.args[2] : Value(),
                           out.getElementType());
        });
    rewriter.replaceOp(op, reshape(rewriter, op.getLoc(), result, out));
    return success();
  }
};

struct LowerDequantizeLinear : OpRewritePattern<onnx::DequantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DequantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireTypes(op, rewriter)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType in = onnx::rankedType(op.getX());
    FloatType from = onnx::float8Type(in.getElementType());
    Value x = op.getX();
    if (from)
      x = reshape(rewriter, op.getLoc(), x, byteType(in));
    SmallVector<Value> ins = {x, op.getXScale()};
    // That of floats is 0.
    bool hasZero = !onnx::isNone(op.getXZeroPoint()) && !from;
    if (hasZero)
      ins.push_back(op.getXZeroPoint());
    SmallVector<AffineMap> maps = {
        rewriter.getMultiDimIdentityMap(out.getRank())};
    for (Value parameter : ArrayRef(ins).drop_front())
      maps.push_back(
          granularityMap(parameter, out, op.getAxis(), op.getBlockSize()));
    bool isUnsigned = onnx::isUnsigned(op.getX().getType());
    Type type = computeType(out.getElementType());
    rewriter.replaceOp(
        op, compute(rewriter, op.getLoc(), out, ins, maps, [&](Body &body) {
          Scalars s{body.b, body.loc};
          if (from) {
            Value number = decodeFloat8(
                onnx::Scalar(body.b, body.loc, body.args[0], false), from);
            return s.mul(s.convertFloat(number, type),
                         s.convertFloat(body.args[1], type));
          }
          Value difference = centered(s, body.args[0], isUnsigned,
                                      hasZero ? body.args[2] : Value());
          Value number =
              arith::SIToFPOp::create(body.b, body.loc, type, difference);
          return s.mul(number, s.convertFloat(body.args[1], type));
        }));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// DynamicQuantizeLinear
//===----------------------------------------------------------------------===//

/// The least or the greatest element of x or 0, as a scalar tensor.
static Value extremeOf(OpBuilder &b, Location loc, Value x, bool greatest) {
  RankedTensorType type = onnx::rankedType(x);
  RankedTensorType scalar = onnx::tensorOf({}, type.getElementType());
  Value zero = constantLike(b, loc, type.getElementType(), 0);
  return reduce(b, loc, scalar, onnx::getDims(type), x,
                b.getMultiDimIdentityMap(type.getRank()), zero,
                [&](Body &body, Value best) {
                  Scalars s{body.b, body.loc};
                  return greatest ? s.max(best, body.args[0])
                                  : s.min(best, body.args[0]);
                });
}

namespace {
struct LowerDynamicQuantizeLinear
    : OpRewritePattern<onnx::DynamicQuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DynamicQuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireTypes(op, rewriter)))
      return failure();
    Location loc = op.getLoc();
    RankedTensorType out = rankedResult(op), scaleType = rankedResult(op, 1);
    RankedTensorType zeroType = rankedResult(op, 2);
    Value least = extremeOf(rewriter, loc, op.getX(), /*greatest=*/false);
    Value most = extremeOf(rewriter, loc, op.getX(), /*greatest=*/true);
    AffineMap scalar = AffineMap::get(0, 0, {}, op.getContext());
    Value scale = compute(rewriter, loc, scaleType, ValueRange{least, most},
                          {scalar, scalar}, [](Body &body) {
                            Scalars s{body.b, body.loc};
                            Type type = body.args[0].getType();
                            Value range = s.sub(body.args[1], body.args[0]);
                            // All elements 0: any scale represents them.
                            Value isEmpty = s.equal(range, s.constant(type, 0));
                            range =
                                s.select(isEmpty, s.constant(type, 1), range);
                            return s.div(range, s.constant(type, 255));
                          });
    Value zero =
        compute(rewriter, loc, zeroType, ValueRange{least, scale},
                {scalar, scalar}, [&](Body &body) {
                  Scalars s{body.b, body.loc};
                  Value at = s.div(body.args[0], body.args[1]);
                  at = s.sub(s.constant(at.getType(), 0), at);
                  return quantized(s, at, Value(), zeroType.getElementType());
                });
    int64_t rank = out.getRank();
    Value y =
        compute(rewriter, loc, out, ValueRange{op.getX(), scale, zero},
                {rewriter.getMultiDimIdentityMap(rank),
                 singleElementMap(scale, rank), singleElementMap(zero, rank)},
                [&](Body &body) {
                  Scalars s{body.b, body.loc};
                  return quantized(s, s.div(body.args[0], body.args[1]),
                                   body.args[2], out.getElementType());
                });
    rewriter.replaceOp(op, {y, scale, zero});
    return success();
  }
};
} // namespace

void ingot::populateQuantPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDequantizeLinear, LowerDynamicQuantizeLinear,
               LowerQuantizeLinear>(patterns.getContext());
}
