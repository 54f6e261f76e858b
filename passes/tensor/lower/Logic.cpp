//===- Logic.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Float8.h"
#include "passes/tensor/lower/Rows.h"

using namespace mlir;
using namespace ingot;

namespace {
struct LowerIdentity : OpRewritePattern<onnx::IdentityOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::IdentityOp op,
                                PatternRewriter &rewriter) const override {
    Value input = op.getInput();
    if (input.getType() != op.getType()) {
      RankedTensorType out = rankedResult(op);
      if (!out || !isa<RankedTensorType>(input.getType()))
        return rewriter.notifyMatchFailure(op, "operand or result has no rank");
      input = reshape(rewriter, op.getLoc(), input, out);
    }
    rewriter.replaceOp(op, input);
    return success();
  }
};

/// The same bytes under another type; but a bool is 0 or 1.
struct LowerBitCast : OpRewritePattern<onnx::BitCastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::BitCastOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    auto in = dyn_cast<RankedTensorType>(op.getInput().getType());
    if (!out || !in)
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    if (!isComputable(in.getElementType()) ||
        !isComputable(out.getElementType()))
      return rewriter.notifyMatchFailure(op, "element type");
    Location loc = op.getLoc();
    if (!out.getElementType().isInteger(1)) {
      rewriter.replaceOp(op, reshape(rewriter, loc, op.getInput(), out));
      return success();
    }
    AffineMap map = rewriter.getMultiDimIdentityMap(out.getRank());
    rewriter.replaceOp(
        op, mapElements(rewriter, loc, out, Read{op.getInput(), map},
                        [](Body &, ScalarArgs args) { return args[0] != 0; }));
    return success();
  }
};
/// Integers of 2 and 4 bits.
static bool isNarrowInteger(Type element) {
  return element.isInteger(2) || element.isInteger(4);
}

/// Casts from and to integers of less than 8 bits and floats of 8 bits at most,
/// whose tensors are seen as bytes.
template <typename Op> struct LowerNarrowCast : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    auto in = dyn_cast<RankedTensorType>(op.getInput().getType());
    if (!out || !in)
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    FloatType from = onnx::float8Type(in.getElementType());
    FloatType to = onnx::float8Type(out.getElementType());
    if ((!from && !isCastable(in.getElementType())) ||
        (!to && !isCastable(out.getElementType())))
      return rewriter.notifyMatchFailure(op, "element types");
    onnx::Float8Rounding rounding{op.getSaturate() != 0, op.getRoundMode()};
    Location loc = op.getLoc();
    Value input = from ? bytesOf(rewriter, loc, op.getInput()) : op.getInput();
    RankedTensorType stored = to ? byteType(out) : out;
    AffineMap map = rewriter.getMultiDimIdentityMap(out.getRank());
    auto body = [&](Body &, ScalarArgs args) {
      onnx::Scalar x = from ? decodeFloat8(args[0], from) : args[0];
      x = cast(x, out.getElementType());
      return to ? encodeFloat8(x, to, rounding) : x;
    };
    Value result = mapElements(rewriter, loc, stored, Read{input, map}, body);
    rewriter.replaceOp(op, reshape(rewriter, loc, result, out));
    return success();
  }

private:
  static bool isCastable(Type element) {
    return isComputable(element) || isNarrowInteger(element);
  }
  static RankedTensorType byteType(RankedTensorType type) {
    return onnx::tensorOf(onnx::getDims(type),
                          IntegerType::get(type.getContext(), 8));
  }
  static Value bytesOf(OpBuilder &b, Location loc, Value tensor) {
    return reshape(b, loc, tensor,
                   byteType(cast<RankedTensorType>(tensor.getType())));
  }
};
} // namespace

void ingot::populateLogicPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerIdentity, LowerBitCast, LowerNarrowCast<onnx::CastOp>,
               LowerNarrowCast<onnx::CastLikeOp>>(patterns.getContext());
}
