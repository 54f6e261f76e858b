//===- LowerClone.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/LowerClone.h"
#include "passes/tensor/Lowering.h"

#include "mlir/IR/DialectInterface.h"
#include "mlir/Rewrite/FrozenRewritePatternSet.h"
#include "mlir/Rewrite/PatternApplicator.h"

#include <mutex>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

namespace {
/// The patterns of one context, ready to be applied.
class LoweringCache : public DialectInterface::Base<LoweringCache> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LoweringCache)

  explicit LoweringCache(Dialect *dialect)
      : Base(dialect), patterns(allPatterns(dialect->getContext())),
        applicator(patterns) {
    applicator.applyDefaultCostModel();
  }

  static LoweringCache &get(MLIRContext *context);

  std::mutex mutex;

private:
  static RewritePatternSet allPatterns(MLIRContext *context) {
    RewritePatternSet patterns(context);
    populateLoweringPatterns(patterns);
    return patterns;
  }

  FrozenRewritePatternSet patterns;

public:
  PatternApplicator applicator;
};

/// Keeps the onnx ops that patterns make to be lowered in turn, and what
/// patterns say about ops they do not match.
struct CloneListener : RewriterBase::Listener {
  void notifyOperationInserted(Operation *op,
                               OpBuilder::InsertPoint previous) override {
    if (isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()))
      pending.push_back(op);
  }
  void notifyOperationModified(Operation *op) override {
    if (isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) &&
        !llvm::is_contained(pending, op))
      pending.push_back(op);
  }
  void notifyOperationErased(Operation *op) override {
    llvm::erase(pending, op);
  }
  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> reason) override {
    Diagnostic diagnostic(loc, DiagnosticSeverity::Remark);
    reason(diagnostic);
    message = diagnostic.str();
  }

  SmallVector<Operation *> pending;
  std::string message;
};
} // namespace

LoweringCache &LoweringCache::get(MLIRContext *context) {
  static std::mutex making;
  std::lock_guard<std::mutex> lock(making);
  auto *dialect = context->getOrLoadDialect<onnx::OnnxDialect>();
  if (auto *cache = dialect->getRegisteredInterface<LoweringCache>())
    return *cache;
  return dialect->addInterface<LoweringCache>();
}

/// True for the onnx ops that stay: constants and omitted inputs.
static bool staysAsItIs(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         op->getName().stripDialect() == "None";
}

LoweredClone graph::lowerClone(Operation *op) {
  LoweringCache &cache = LoweringCache::get(op->getContext());
  std::lock_guard<std::mutex> lock(cache.mutex);
  LoweredClone result;
  result.scratch = ModuleOp::create(op->getLoc());
  if (auto module = op->getParentOfType<ModuleOp>())
    (*result.scratch)
        ->setDiscardableAttrs(module->getDiscardableAttrDictionary());
  CloneListener listener;
  PatternRewriter rewriter(op->getContext());
  rewriter.setInsertionPointToStart(result.scratch->getBody());
  Operation *clone = rewriter.clone(*op);
  // Stands for the users, so that replaced results can be found again.
  OperationState state(op->getLoc(), "builtin.unrealized_conversion_cast");
  state.addOperands(clone->getResults());
  Operation *user = rewriter.create(state);
  rewriter.setListener(&listener);
  listener.pending.push_back(clone);
  result.complete = true;
  while (!listener.pending.empty()) {
    Operation *next = listener.pending.pop_back_val();
    if (staysAsItIs(next))
      continue;
    rewriter.setInsertionPoint(next);
    listener.message.clear();
    if (failed(cache.applicator.matchAndRewrite(next, rewriter))) {
      result.complete = false;
      result.reason = listener.message;
      break;
    }
  }
  result.results.assign(user->operand_begin(), user->operand_end());
  return result;
}
