//===- SelectQuantized.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/quant/SelectQuantized.h"
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "passes/Float8Cores.h"
#include "passes/Remark.h"
#include "passes/graph/FoldConstants.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"

namespace ingot {
#define GEN_PASS_DEF_SELECTQUANTIZED
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

/// True for ops that have an integer form as an ingot op.
static bool isProduct(Operation *op) {
  return isa<onnx::ConvOp, onnx::ConvIntegerOp, onnx::ConvTransposeOp,
             onnx::GemmOp, onnx::MatMulOp, onnx::MatMulIntegerOp,
             onnx::QLinearConvOp, onnx::QLinearMatMulOp>(op);
}

static bool isQuantized(Operation *op) {
  return isa<onnx::ConvIntegerOp, onnx::MatMulIntegerOp, onnx::QLinearConvOp,
             onnx::QLinearMatMulOp>(op);
}

namespace {
/// Keeps the last reason why a pattern did not apply at each place.
struct Reasons : RewriterBase::Listener {
  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> reason) override {
    Diagnostic diagnostic(loc, DiagnosticSeverity::Remark);
    reason(diagnostic);
    if (!diagnostic.str().empty())
      byPlace[loc] = diagnostic.str();
  }
  llvm::MapVector<Location, std::string> byPlace;
};

struct SelectQuantized : ingot::impl::SelectQuantizedBase<SelectQuantized> {
  using SelectQuantizedBase::SelectQuantizedBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!hasQuantizedOps(module))
      return;
    Signs signs{module->getAttrOfType<kernel::MachineAttr>("ingot.machine")};
    Reasons reasons;
    chooseSigns(module, signs);
    MLIRContext *context = module.getContext();
    apply(context, reasons, populateQuantizedConvTranspose);
    apply(context, reasons, populateQuantizedMovement);
    foldMovedWeights(module);
    apply(context, reasons, populateQuantizedTable);
    apply(context, reasons, [&](RewritePatternSet &patterns) {
      populateQuantizedConv(patterns, signs);
      populateQuantizedMatMul(patterns, signs);
      populateQuantizedElementwise(patterns);
      populateQuantizedMean(patterns, signs);
    });
    if (module->hasAttr(float8CoresAttrName))
      apply(context, reasons, [&](RewritePatternSet &patterns) {
        populateFloat8Products(patterns, signs);
      });
    // One change of sign, or row sum, for all readers of a tensor.
    IRRewriter rewriter(context);
    DominanceInfo dominance(module);
    eliminateCommonSubExpressions(rewriter, dominance, module);
    if (remarks)
      explain(reasons);
    foldWeights(module);
  }

private:
  static bool hasQuantizedOps(ModuleOp module) {
    return module
        .walk([](Operation *op) {
          bool found = isQuantized(op) ||
                       isa<onnx::DequantizeLinearOp, onnx::QuantizeLinearOp,
                           onnx::DynamicQuantizeLinearOp>(op);
          return found ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  void apply(MLIRContext *context, Reasons &reasons,
             function_ref<void(RewritePatternSet &)> populate) {
    RewritePatternSet patterns(context);
    populate(patterns);
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled)
        .enableFolding(false)
        .setListener(&reasons);
    // Not converging is no failure: what was done is right all the same.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }

  /// Integer weights that moved through a Transpose or Reshape are constants
  /// again.
  static void foldMovedWeights(ModuleOp module) {
    FoldBudget budget;
    budget.bytes = int64_t(1) << 31;
    budget.steps = int64_t(1) << 30;
    SmallVector<Operation *> ops;
    module.walk([&](onnx::DequantizeLinearOp op) {
      Operation *def = op.getX().getDefiningOp();
      if (def && !def->hasTrait<OpTrait::ConstantLike>())
        ops.push_back(def);
    });
    llvm::SetVector<Operation *> unique(ops.begin(), ops.end());
    for (Operation *op : unique)
      foldIfConstant(op, budget);
  }

  /// Weights of convolutions that stay in float are computed now, where the
  /// float emitters pack them.
  static void foldWeights(ModuleOp module) {
    FoldBudget budget;
    budget.bytes = int64_t(1) << 31;
    budget.steps = int64_t(1) << 32;
    budget.dequantize = true;
    SmallVector<Operation *> ops;
    module.walk([&](onnx::DequantizeLinearOp op) {
      bool isWeight = llvm::any_of(op->getUses(), [](OpOperand &use) {
        return isa<onnx::ConvOp, onnx::ConvTransposeOp>(use.getOwner()) &&
               use.getOperandNumber() > 0;
      });
      if (isWeight)
        ops.push_back(op);
    });
    for (Operation *op : ops)
      foldIfConstant(op, budget);
  }

  void explain(const Reasons &reasons);
};
} // namespace

/// True for an op that computes floats, or integers from quantized numbers.
static bool computes(Operation *op) {
  bool isFloat = llvm::any_of(op->getResultTypes(), [](Type type) {
    return isa<FloatType>(getElementTypeOrSelf(type));
  });
  return (isFloat || isQuantized(op)) &&
         isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) &&
         !op->hasTrait<OpTrait::ConstantLike>() &&
         !isa<onnx::QuantizeLinearOp, onnx::DequantizeLinearOp, onnx::NoneOp>(
             op);
}

/// The ops that compute with floats between quantized tensors: products of
/// one, and what lies on a way from DequantizeLinear to QuantizeLinear.
static llvm::SetVector<Operation *> opsBetween(ModuleOp module) {
  SmallVector<Operation *> order;
  module.walk([&](Operation *op) {
    if (computes(op))
      order.push_back(op);
  });
  auto dequantizes = [](Value operand) {
    auto made = operand.getDefiningOp<onnx::DequantizeLinearOp>();
    return made && !graph::constantOf(made.getX());
  };
  llvm::DenseSet<Operation *> after, before;
  for (Operation *op : order)
    for (Value operand : op->getOperands())
      if (dequantizes(operand) || after.contains(operand.getDefiningOp()))
        after.insert(op);
  for (Operation *op : llvm::reverse(order))
    for (Operation *user : op->getUsers())
      if (isa<onnx::QuantizeLinearOp>(user) || before.contains(user))
        before.insert(op);
  llvm::SetVector<Operation *> result;
  for (Operation *op : order) {
    bool isProductOf =
        isQuantized(op) ||
        (isProduct(op) && llvm::any_of(op->getOperands(), dequantizes));
    if (isProductOf || (after.contains(op) && before.contains(op)))
      result.insert(op);
  }
  return result;
}

/// Why there is no integer form, where no pattern said it.
static std::string reasonFor(Operation *op) {
  std::string name = op->getName().stripDialect().str();
  for (Value operand : op->getOperands()) {
    auto made = operand.getDefiningOp<onnx::DequantizeLinearOp>();
    if (made && !dequantized(operand))
      return "an operand has not one constant scale and zero point of 8 or 16 "
             "bits";
  }
  for (Operation *user : op->getUsers()) {
    auto reader = dyn_cast<onnx::QuantizeLinearOp>(user);
    if (reader && !quantizedStep(reader))
      return "the result has not one constant scale and zero point of 8 or 16 "
             "bits";
  }
  return "there is no integer form of " + name + " with these operands";
}

void SelectQuantized::explain(const Reasons &reasons) {
  llvm::SetVector<Operation *> between = opsBetween(getOperation());
  getOperation()->walk([&](Operation *op) {
    auto product = [&](Value left, StringRef what) {
      Type type = getElementTypeOrSelf(left.getType());
      if (type.getIntOrFloatBitWidth() == 8)
        remarkAt(op->getLoc(), "quantization",
                 what + " of 8-bit " +
                     (isa<FloatType>(type) ? "floats" : "integers"));
    };
    if (auto conv = dyn_cast<heavy::ConvOp>(op))
      return product(conv.getInput(), "convolution");
    if (auto matmul = dyn_cast<heavy::MatmulOp>(op))
      return product(matmul.getA(), "matrix product");
    if (!between.contains(op))
      return;
    auto known = reasons.byPlace.find(op->getLoc());
    std::string reason = isProduct(op) && known != reasons.byPlace.end()
                             ? known->second
                             : reasonFor(op);
    remarkAt(
        op->getLoc(), "quantization",
        (isQuantized(op) ? "computed by generic loops: " : "stays in float: ") +
            reason);
  });
}
