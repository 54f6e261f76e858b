//===- ingot-reduce.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes a module smaller as long as a script finds it interesting (exit status
// 1), as mlir-reduce does, with ways to make onnx ops simpler:
//
//   ingot-reduce big.mlir -reduction-tree='traversal-mode=0 test=script.sh'
//
//===----------------------------------------------------------------------===//
#include "tools/IngotDialects.h"

#include "dialects/onnx/Shape.h"
#include "lib/Driver/Phases.h"
#include "passes/Passes.h"

#include "mlir/Reducer/ReductionPatternInterface.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace ingot;

/// What an op may become: an operand that has the type of its result.
static SmallVector<Value> operandLike(Operation *op, OpBuilder &) {
  if (op->getNumResults() == 1)
    for (Value operand : op->getOperands())
      if (operand.getType() == op->getResult(0).getType())
        return {operand};
  return {};
}

/// Or zeros.
static SmallVector<Value> zeros(Operation *op, OpBuilder &b) {
  SmallVector<DenseElementsAttr> attributes;
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() ||
        !tensor.getElementType().isIntOrFloat())
      return {};
    attributes.push_back(
        DenseElementsAttr::get(tensor, b.getZeroAttr(tensor.getElementType())));
  }
  SmallVector<Value> values;
  for (DenseElementsAttr value : attributes)
    values.push_back(onnx::ConstantOp::create(b, op->getLoc(), value));
  return values;
}

namespace {
/// Replaces an onnx op by something simpler if the module stays interesting.
/// (What patterns do without asking, mlir-reduce takes to be harmless.)
struct ReplaceOp : RewritePattern {
  using Replacement = SmallVector<Value> (*)(Operation *, OpBuilder &);

  ReplaceOp(Replacement replacement, unsigned benefit, MLIRContext *context,
            Tester &tester)
      : RewritePattern(MatchAnyOpTypeTag(), benefit, context),
        replacement(replacement), tester(tester) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) ||
        op->hasTrait<OpTrait::ConstantLike>() || op->use_empty())
      return rewriter.notifyMatchFailure(op, "no onnx op that computes");
    if (!staysInteresting(op))
      return rewriter.notifyMatchFailure(op, "the script needs it");
    rewriter.replaceOp(op, replacement(op, rewriter));
    return success();
  }

  /// Tries it on a copy.
  bool staysInteresting(Operation *op) const {
    auto module = op->getParentOfType<ModuleOp>();
    if (!module)
      return false;
    // Copies have their ops in the same order.
    SmallVector<Operation *> before, after;
    module.walk([&](Operation *each) { before.push_back(each); });
    OwningOpRef<ModuleOp> copy = module.clone();
    copy->walk([&](Operation *each) { after.push_back(each); });
    Operation *same = after[llvm::find(before, op) - before.begin()];
    IRRewriter rewriter(same);
    SmallVector<Value> values = replacement(same, rewriter);
    if (values.empty())
      return false;
    rewriter.replaceOp(same, values);
    return tester.isInteresting(*copy).first == Tester::Interestingness::True;
  }

  Replacement replacement;
  Tester &tester;
};

/// The ways to make onnx ops simpler.
struct OnnxReduction : DialectReductionPatternInterface {
  explicit OnnxReduction(Dialect *dialect)
      : DialectReductionPatternInterface(dialect) {}

  void populateReductionPatterns(RewritePatternSet &) const override {}

  void populateReductionPatternsWithTester(RewritePatternSet &patterns,
                                           Tester &tester) const override {
    patterns.add<ReplaceOp>(operandLike, /*benefit=*/2, patterns.getContext(),
                            tester);
    patterns.add<ReplaceOp>(zeros, /*benefit=*/1, patterns.getContext(),
                            tester);
  }
};
} // namespace

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerToolDialects(registry);
  registry.addExtension(+[](MLIRContext *, onnx::OnnxDialect *dialect) {
    dialect->addInterfaces<OnnxReduction>();
  });
  registerTransformsPasses();
  registerIngotPasses();
  registerPhasePipelines();
  MLIRContext context(registry);
  // The patterns of a dialect are asked for only once it is there.
  context.loadDialect<onnx::OnnxDialect>();
  return failed(mlirReduceMain(argc, argv, context));
}
