//===- Logic.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Logic.h"
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
} // namespace

void ingot::populateLogicPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerIdentity, LowerBitCast>(patterns.getContext());
}
