//===- SimplifyGraph.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Shape.h"
#include "passes/Passes.h"
#include "passes/Remark.h"
#include "passes/graph/InferShapes.h"
#include "passes/graph/Simplify.h"

#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"

namespace ingot {
#define GEN_PASS_DEF_SIMPLIFYGRAPH
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

LogicalResult graph::replaceByValue(PatternRewriter &rewriter, Operation *op,
                                    Value value) {
  for (Value result : op->getResults().drop_front())
    if (!result.use_empty())
      return failure();
  Type type = op->getResult(0).getType();
  Type merged = mergeTypes(value.getType(), type);
  bool mayRefine = isa_and_nonnull<InferTypeOpInterface>(value.getDefiningOp());
  if (!merged || (merged != value.getType() && !mayRefine))
    return failure();
  if (merged != value.getType())
    rewriter.modifyOpInPlace(value.getDefiningOp(),
                             [&] { value.setType(merged); });
  rewriter.replaceAllUsesWith(op->getResult(0), value);
  rewriter.eraseOp(op);
  return success();
}

bool graph::haveSameShape(Value a, Value b) {
  auto typeA = dyn_cast<RankedTensorType>(a.getType());
  auto typeB = dyn_cast<RankedTensorType>(b.getType());
  return typeA && typeB && onnx::getDims(typeA) == onnx::getDims(typeB);
}

Value graph::makeConstant(OpBuilder &b, Location loc, ElementsAttr value) {
  return onnx::ConstantOp::create(b, loc, value);
}

Value graph::makeIntegers(OpBuilder &b, Location loc,
                          ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(int64_t(values.size()), b.getI64Type());
  return makeConstant(b, loc, DenseIntElementsAttr::get(type, values));
}

Value graph::makeScalar(OpBuilder &b, Location loc, Type elementType,
                        double value) {
  TensorData data = TensorData::zeros(RankedTensorType::get({}, elementType));
  data.storeDouble(0, value);
  return makeConstant(b, loc, data.toAttr());
}

std::optional<TensorData> graph::constantData(Value value) {
  if (onnx::isNone(value))
    return std::nullopt;
  return TensorData::of(constantOf(value));
}

std::optional<double> graph::constantNumber(Value value) {
  std::optional<TensorData> data = constantData(value);
  if (!data || data->size() == 0)
    return std::nullopt;
  double first = data->loadDouble(0);
  uint64_t bits = data->load(0);
  // Long lists of one number are splats, if the model was written well.
  constexpr int64_t longest = 256;
  if (!data->isSplat() && data->size() > longest)
    return std::nullopt;
  for (int64_t i = 1; !data->isSplat() && i < data->size(); ++i)
    if (data->load(i) != bits)
      return std::nullopt;
  return first;
}

namespace {
/// Keeps the last reason why a pattern did not apply at each place. Only
/// patterns that users ask about give reasons.
struct Reasons : RewriterBase::Listener {
  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> reason) override {
    Diagnostic diagnostic(loc, DiagnosticSeverity::Remark);
    reason(diagnostic);
    byPlace[loc] = diagnostic.str();
  }
  llvm::MapVector<Location, std::string> byPlace;
};

struct SimplifyGraph : ingot::impl::SimplifyGraphBase<SimplifyGraph> {
  using SimplifyGraphBase::SimplifyGraphBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateMovementPatterns(set);
    populateReshapePatterns(set);
    populateArithmeticPatterns(set);
    populatePadPatterns(set);
    populateAffinePatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Reasons reasons;
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal()
        .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled)
        .enableFolding(false);
    if (remarks)
      config.setListener(&reasons);
    // Not converging is no failure: what was done is right all the same.
    (void)applyPatternsGreedily(module, patterns, config);
    IRRewriter rewriter(module.getContext());
    DominanceInfo dominance(module);
    eliminateCommonSubExpressions(rewriter, dominance, module);
    releaseUnusedBlobs(module);
    module.walk([](func::FuncOp function) {
      InputSymbols symbols = inputSymbols(function);
      function.walk([&](Operation *op) {
        if (isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()))
          inferResultTypes(op, symbols);
      });
      updateFunctionType(function);
    });
    if (remarks)
      explain(reasons);
  }

  /// Says what was not simplified, of the ops that are still there.
  void explain(const Reasons &reasons) {
    llvm::DenseSet<Location> places;
    getOperation().walk([&](Operation *op) { places.insert(op->getLoc()); });
    for (const auto &[loc, reason] : reasons.byPlace) {
      if (places.contains(loc))
        remarkAt(loc, "graph", reason);
    }
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
