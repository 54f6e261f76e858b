//===- FuseElementwise.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/NodeName.h"
#include "passes/Passes.h"
#include "passes/Precision.h"
#include "passes/Remark.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace ingot {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// True if computing the op's body again costs more than a load: it calls a
/// math function, divides, or gathers.
static bool isCostly(linalg::GenericOp op) {
  return op.getBody()
      ->walk([](Operation *inner) {
        // A fused multiply-add is one instruction.
        bool costly =
            (isa<math::MathDialect>(inner->getDialect()) &&
             !isa<math::FmaOp>(inner)) ||
            isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
                arith::RemUIOp, tensor::ExtractOp>(inner);
        return costly ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// True if the op finishes a heavy op's result, directly or through others: it
/// is computed best where that result is made, in registers.
static bool followsHeavyOp(linalg::GenericOp op, int depth = 0) {
  for (Value operand : op.getDpsInputs()) {
    Operation *def = operand.getDefiningOp();
    if (!def || !def->hasOneUse())
      continue;
    if (isa<heavy::ConvOp, heavy::MatmulOp, heavy::MatmulNBitsOp>(def))
      return true;
    auto producer = dyn_cast<linalg::GenericOp>(def);
    if (producer && depth < 8 &&
        producer.getNumLoops() == producer.getNumParallelLoops() &&
        followsHeavyOp(producer, depth + 1))
      return true;
  }
  return false;
}

/// Why the producer's elements are not computed where the consumer reads them;
/// empty if they are.
static StringRef whyNotFused(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || producer->getNumResults() != 1)
    return "one of them is not elementwise";
  if (!producer->hasOneUse())
    return "the value has several readers";
  // Not into a reader of another shape: the heavy op finishes it.
  if (!consumer.getMatchingIndexingMap(operand).isIdentity() &&
      followsHeavyOp(producer))
    return "a heavy op finishes it, and its reader has another shape";
  // The consumer's body grows with each producer; keep code small.
  if (consumer.getBody()->getOperations().size() +
          producer.getBody()->getOperations().size() >
      160)
    return "the reader's body would be too large";
  // Read at fewer loops than there are, an element would be computed again
  // and again.
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  bool repeated = map.getNumResults() < map.getNumDims();
  if (repeated && isCostly(producer))
    return "it is costly, and its reader would compute it several times";
  return linalg::areElementwiseOpsFusable(operand)
             ? ""
             : "one of them reduces, or reads in an order of its own";
}

/// Fusion rewrites indices as affine.apply; those that only choose a loop are
/// that loop's index.
static void simplifyIndices(RewriterBase &rewriter, Operation *fused) {
  fused->walk([&](affine::AffineApplyOp apply) {
    AffineMap map = apply.getAffineMap();
    if (auto dim = dyn_cast<AffineDimExpr>(map.getResult(0)))
      rewriter.replaceOp(apply, apply.getOperand(dim.getPosition()));
  });
}

/// True if the op does nothing but widen f16 or bf16.
static bool isWidening(linalg::GenericOp op) {
  Block *body = op.getBody();
  auto widened = dyn_cast<arith::ExtFOp>(body->front());
  return widened && op.getNumDpsInputs() == 1 &&
         body->getOperations().size() == 2 &&
         widened.getIn() == body->getArgument(0) &&
         body->getTerminator()->getOperand(0) == widened;
}

/// Every reader gets a widening of its own, which costs less than f32 in
/// memory.
static void splitWidenings(Operation *root) {
  SmallVector<linalg::GenericOp> widenings;
  root->walk([&](linalg::GenericOp op) {
    if (isWidening(op))
      widenings.push_back(op);
  });
  for (linalg::GenericOp op : widenings)
    for (OpOperand &use :
         llvm::make_early_inc_range(op.getResult(0).getUses())) {
      if (op->hasOneUse() || !isa<linalg::GenericOp>(use.getOwner()))
        continue;
      OpBuilder b(use.getOwner());
      use.set(b.clone(*op)->getResult(0));
    }
}

/// Where values go through memory in half precision by choice, those that now
/// stay in registers keep their f32.
static void keepSingle(RewriterBase &rewriter, linalg::GenericOp fused) {
  auto module = fused->getParentOfType<ModuleOp>();
  if (!module || !module->hasAttr(precisionAttrName))
    return;
  fused->walk([&](arith::ExtFOp widened) {
    auto narrowed = widened.getIn().getDefiningOp<arith::TruncFOp>();
    if (narrowed && narrowed.getIn().getType() == widened.getType())
      rewriter.replaceOp(widened, narrowed.getIn());
  });
}

namespace {
/// Fuses one producer into the op. Upstream's pattern set is not used: it
/// brings canonicalisations that forget the symbolic dimensions of types.
struct FuseProducer : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    for (OpOperand *operand : op.getDpsInputOperands()) {
      if (!whyNotFused(operand).empty())
        continue;
      Operation *producer = operand->get().getDefiningOp();
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, operand);
      if (failed(fused))
        continue;
      simplifyIndices(rewriter, fused->fusedOp);
      keepSingle(rewriter, cast<linalg::GenericOp>(fused->fusedOp));
      fused->fusedOp->setLoc(
          rewriter.getFusedLoc({producer->getLoc(), op.getLoc()}));
      for (auto [before, after] : fused->replacements)
        rewriter.replaceUsesWithIf(before, after, [&](OpOperand &use) {
          return use.getOwner() != producer;
        });
      rewriter.eraseOp(op);
      if (producer->use_empty())
        rewriter.eraseOp(producer);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no producer to fuse");
  }
};

/// Reads an operand once that comes twice in the same order, as x * sigmoid(x)
/// does once fused: its producer then has one reader and can be fused in turn.
struct MergeEqualInputs : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (int64_t i = 0, e = op.getNumDpsInputs(); i < e; ++i) {
      for (int64_t j = i + 1; j < e; ++j) {
        if (op.getInputs()[i] != op.getInputs()[j] || maps[i] != maps[j])
          continue;
        rewriter.modifyOpInPlace(op, [&] {
          Block *body = op.getBody();
          body->getArgument(j).replaceAllUsesWith(body->getArgument(i));
          body->eraseArgument(j);
          op.getInputsMutable().erase(j);
          maps.erase(maps.begin() + j);
          op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
        });
        return success();
      }
    }
    return rewriter.notifyMatchFailure(op, "no input comes twice");
  }
};

/// Reads what a reduction makes for each row as it is, not under the shape that
/// dimensions of size 1 give it: so work on rows is seen to be that.
struct ReadRowsInPlace : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (OpOperand *operand : op.getDpsInputOperands()) {
      auto view = operand->get().getDefiningOp<kernel::ViewOp>();
      if (!view || view.getOffset())
        continue;
      auto reduction = view.getSource().getDefiningOp<linalg::GenericOp>();
      if (!reduction || reduction.getNumReductionLoops() == 0)
        continue;
      AffineMap &map = maps[operand->getOperandNumber()];
      std::optional<SmallVector<int64_t>> units = unitsOf(view);
      if (!units || !llvm::all_of(*units, [&](int64_t i) {
            return isRedundant(op, map.getResult(i));
          }))
        continue;
      map = map.dropResults(*units);
      rewriter.modifyOpInPlace(op, [&] {
        operand->set(view.getSource());
        op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
      });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no view of a reduction");
  }

private:
  /// The dimensions of size 1 that the view adds, if it does nothing else.
  static std::optional<SmallVector<int64_t>> unitsOf(kernel::ViewOp view) {
    // Unsigned elements may be seen as signless ones, and the other way round.
    if (getElementTypeOrSelf(view.getSource().getType()) !=
        getElementTypeOrSelf(view.getResult().getType()))
      return std::nullopt;
    onnx::Dims from =
        onnx::getDims(cast<RankedTensorType>(view.getSource().getType()));
    onnx::Dims to =
        onnx::getDims(cast<RankedTensorType>(view.getResult().getType()));
    SmallVector<int64_t> units;
    size_t at = 0;
    for (auto [i, dim] : llvm::enumerate(to)) {
      if (at < from.size() && from[at] == dim)
        ++at;
      else if (onnx::constantValue(dim) == 1)
        units.push_back(i);
      else
        return std::nullopt;
    }
    if (at != from.size())
      return std::nullopt;
    return units;
  }

  /// True for an index that no loop takes its size from.
  static bool isRedundant(linalg::GenericOp op, AffineExpr index) {
    if (isa<AffineConstantExpr>(index))
      return true;
    AffineMap out = op.getMatchingIndexingMap(&op.getDpsInitsMutable()[0]);
    return llvm::is_contained(out.getResults(), index);
  }
};

struct FuseElementwise : ingot::impl::FuseElementwiseBase<FuseElementwise> {
  using FuseElementwiseBase::FuseElementwiseBase;
  void runOnOperation() override {
    splitWidenings(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseProducer, MergeEqualInputs, ReadRowsInPlace>(
        &getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
    if (remarks)
      explain();
  }

  /// Says what is still computed apart, and why.
  void explain() {
    getOperation()->walk([](linalg::GenericOp op) {
      for (OpOperand *operand : op.getDpsInputOperands()) {
        auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
        if (producer &&
            producer.getNumLoops() == producer.getNumParallelLoops())
          remarkAt(producer.getLoc(), "fusion",
                   "not computed within " + onnx::describeNodes(op.getLoc()) +
                       ": " + whyNotFused(operand));
      }
    });
  }
};
} // namespace
