//===- FoldConstants.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/FoldConstants.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/ShapeValues.h"
#include "passes/Passes.h"
#include "passes/Remark.h"
#include "passes/graph/InferShapes.h"
#include "passes/graph/Interpret.h"
#include "passes/graph/LowerClone.h"

namespace ingot {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// Intermediate results may be this many times as large as the final one:
/// reductions widen half precision, for example.
static constexpr int64_t intermediateFactor = 8;

/// Tensors of sizes are short.
static constexpr int64_t maxShapeValues = 64;

/// Ops whose result is not a function of their operands.
static bool isRandom(Operation *op) {
  StringRef name = op->getName().stripDialect();
  return name.starts_with("Random") || name == "Bernoulli" ||
         name == "Multinomial";
}

/// Ops whose result depends on their operand's shape alone.
static bool readsShapeOnly(Operation *op) {
  StringRef name = op->getName().stripDialect();
  return name == "Shape" || name == "Size";
}

static int64_t bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return 0;
  return tensor.getNumElements() * elementBytes(tensor.getElementType());
}

/// Bytes of the constants that no other op uses.
static int64_t superfluousBytes(Operation *op) {
  int64_t total = 0;
  for (Value operand : op->getOperands())
    if (operand.hasOneUse())
      total += bytesOf(operand.getType());
  return total;
}

/// The elements of a small integer tensor computed from shapes, if all those
/// that it depends on are static: N x 3 x H x W gives the 3, though its other
/// sizes are not known.
static ElementsAttr foldShapeValue(Operation *op) {
  auto type = op->getNumResults() == 1
                  ? dyn_cast<RankedTensorType>(op->getResult(0).getType())
                  : RankedTensorType();
  if (!type || !type.hasStaticShape() || op->getNumRegions() != 0 ||
      !isa<IntegerType>(type.getElementType()) ||
      type.getNumElements() > maxShapeValues)
    return {};
  std::optional<onnx::Dims> dims = onnx::symbolicIntegers(op->getResult(0));
  if (!dims || int64_t(dims->size()) != type.getNumElements())
    return {};
  TensorData data = TensorData::zeros(type);
  for (auto [at, dim] : llvm::enumerate(*dims)) {
    std::optional<int64_t> value = onnx::constantValue(dim);
    if (!value)
      return {};
    data.store(at, uint64_t(*value));
  }
  return data.toAttr();
}

static bool mayFold(Operation *op, const FoldBudget &budget,
                    std::string &reason) {
  if (!isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) ||
      op->getNumResults() == 0 || op->getNumRegions() != 0 ||
      op->getNumOperands() == 0) {
    reason = "the op is not a function of tensors";
    return false;
  }
  if (isRandom(op)) {
    reason = "the result is random";
    return false;
  }
  if (op->getName().stripDialect() == "DequantizeLinear" &&
      !budget.dequantize) {
    reason = "quantized weights are kept for quantized kernels";
    return false;
  }
  if (readsShapeOnly(op))
    return true;
  for (Value operand : op->getOperands())
    if (!onnx::isNone(operand) && !constantOf(operand)) {
      reason = "an operand is not constant";
      return false;
    }
  return true;
}

/// Computes all results that have users; false with a reason otherwise.
static bool evaluate(Operation *op, FoldBudget &budget,
                     SmallVectorImpl<ElementsAttr> &values,
                     std::string &reason) {
  // Before the clone uses the operands too.
  int64_t bytes = budget.bytes;
  if (budget.replaceLarge)
    bytes = std::max(bytes, superfluousBytes(op));
  LoweredClone lowered = lowerClone(op);
  if (!lowered.complete) {
    reason = lowered.reason.empty() ? "the op has no lowering" : lowered.reason;
    return false;
  }
  Interpreter interpreter(bytes * intermediateFactor, budget.steps);
  interpreter.run(*lowered.scratch->getBody());
  budget.steps = interpreter.stepsLeft();
  for (auto [result, value] : llvm::zip(op->getResults(), lowered.results)) {
    values.emplace_back();
    if (result.use_empty() && op->getNumResults() > 1)
      continue;
    const TensorData *data = interpreter.lookup(value);
    if (!data || data->type() != result.getType()) {
      reason = interpreter.failureReason().str();
      return false;
    }
    if (!data->isFree() && bytesOf(data->type()) > bytes) {
      reason = "the result is larger than the budget";
      return false;
    }
    values.back() = data->toAttr();
  }
  return true;
}

bool ingot::foldIfConstant(Operation *op, FoldBudget &budget,
                           SmallVectorImpl<Value> *results,
                           std::string *reason) {
  std::string why;
  SmallVector<ElementsAttr> values;
  bool folds = false;
  if (!mayFold(op, budget, why)) {
    if (!isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()))
      return false;
    if (ElementsAttr value = foldShapeValue(op)) {
      values.push_back(value);
      folds = true;
    }
  } else {
    // The result's shape follows from operands that may have become constant
    // since it was last inferred.
    inferResultTypes(op);
    folds = evaluate(op, budget, values, why);
  }
  if (reason)
    *reason = why;
  if (!folds)
    return false;
  OpBuilder b(op);
  for (auto [result, value] : llvm::zip(op->getResults(), values)) {
    Value constant;
    if (value) {
      constant = onnx::ConstantOp::create(b, op->getLoc(), value);
      result.replaceAllUsesWith(constant);
    }
    if (results)
      results->push_back(constant);
  }
  op->erase();
  return true;
}

bool ingot::foldIfConstant(Operation *op, int64_t byteBudget,
                           SmallVectorImpl<Value> *results) {
  FoldBudget budget;
  budget.bytes = byteBudget;
  return foldIfConstant(op, budget, results);
}

void ingot::registerFoldDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, linalg::LinalgDialect, math::MathDialect,
                  scf::SCFDialect, tensor::TensorDialect, kernel::KernelDialect,
                  onnx::OnnxDialect>();
}

namespace {
struct FoldConstants : ingot::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    FoldBudget budget;
    budget.bytes = maxBytes;
    budget.steps = maxSteps;
    budget.replaceLarge = true;
    budget.dequantize = dequantize;
    // Operands come before their users, so one walk folds whole subgraphs.
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) &&
          !op->hasTrait<OpTrait::ConstantLike>())
        fold(op, budget);
    });
    getOperation().walk([](Operation *op) {
      if (op->hasTrait<OpTrait::ConstantLike>() && op->use_empty())
        op->erase();
    });
    releaseUnusedBlobs(getOperation());
    getOperation().walk(updateFunctionType);
  }

  void fold(Operation *op, FoldBudget &budget) {
    Location loc = op->getLoc();
    std::string name = op->getName().stripDialect().str(), reason;
    bool constant = allConstant(op);
    if (foldIfConstant(op, budget, /*results=*/nullptr, &reason))
      ++numFolded;
    else if (constant && remarks)
      remarkAt(loc, "graph",
               name + " of constants is left to run time: " + reason);
  }

  static bool allConstant(Operation *op) {
    bool any = false;
    for (Value operand : op->getOperands()) {
      if (!onnx::isNone(operand) && !constantOf(operand))
        return false;
      any |= !onnx::isNone(operand);
    }
    return any;
  }
};
} // namespace
