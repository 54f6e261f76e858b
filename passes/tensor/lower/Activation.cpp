//===- Activation.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Activation.h"
#include "passes/tensor/lower/Rows.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Dropout that drops nothing.
struct LowerDropout : OpRewritePattern<onnx::DropoutOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DropoutOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op, 0), mask = rankedResult(op, 1);
    if (!out || !mask || !isa<RankedTensorType>(op.getData().getType()))
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    if (!dropsNothing(op))
      return rewriter.notifyMatchFailure(op, "training is not supported");
    Value output = reshape(rewriter, op.getLoc(), op.getData(), out), all;
    if (!op.getMask().use_empty())
      all = compute(rewriter, op.getLoc(), mask, [](Body &body) -> Value {
        return arith::ConstantOp::create(body.b, body.loc,
                                         body.b.getBoolAttr(true));
      });
    replaceUsed(rewriter, op, {output, all});
    return success();
  }

private:
  static bool dropsNothing(onnx::DropoutOp op) {
    if (onnx::isNone(op.getTrainingMode()))
      return true;
    auto mode = onnx::constantIntegers(op.getTrainingMode(), 1);
    auto ratio = onnx::constantFloats(op.getRatio(), 1);
    auto isZero = [](auto &values) {
      return values && values->size() == 1 && values->front() == 0;
    };
    return isZero(mode) || isZero(ratio);
  }
};
} // namespace

void ingot::populateActivationPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDropout>(patterns.getContext());
}
