//===- AssignPrecision.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Shape.h"
#include "passes/Passes.h"
#include "passes/Precision.h"
#include "passes/Remark.h"
#include "passes/graph/PrecisionPlan.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"

namespace ingot {
#define GEN_PASS_DEF_ASSIGNPRECISION
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

static std::string printHalf(FloatType type) {
  return type.isBF16() ? "bf16" : "f16";
}

static RankedTensorType withElements(Value value, Type elementType) {
  auto type = cast<RankedTensorType>(value.getType());
  return onnx::tensorOf(onnx::getDims(type), elementType);
}

/// onnx.Cast to f16, bf16 or f32.
static Value cast(OpBuilder &b, Location loc, Value value, Type elementType) {
  int64_t number = elementType.isF16() ? 10 : elementType.isBF16() ? 16 : 1;
  return onnx::CastOp::create(b, loc, withElements(value, elementType), value,
                              b.getStringAttr("up"), b.getI64IntegerAttr(1),
                              b.getI64IntegerAttr(number));
}

namespace {
/// Puts casts around what goes through memory in half precision.
class PrecisionAssigner {
public:
  PrecisionAssigner(func::FuncOp function, const PrecisionPlan &plan)
      : function(function), plan(plan) {}
  void run();

private:
  Value narrowConstant(Value constant, FloatType type);
  void narrowWeights();
  void distribute(Value value, Value half);

  func::FuncOp function;
  const PrecisionPlan &plan;
  llvm::DenseMap<std::pair<Value, Type>, Value> narrowed;
};
} // namespace

/// The constant rounded to that type; once, however many read it.
Value PrecisionAssigner::narrowConstant(Value constant, FloatType type) {
  Value &made = narrowed[{constant, type}];
  if (made)
    return made;
  TensorData data = roundedTo(*TensorData::of(constantOf(constant)), type);
  OpBuilder b(constant.getContext());
  b.setInsertionPointAfter(constant.getDefiningOp());
  made = onnx::ConstantOp::create(b, constant.getLoc(), data.type(),
                                  data.toAttr());
  return made;
}

void PrecisionAssigner::narrowWeights() {
  for (const auto &[operand, storage] : plan.weights()) {
    if (!storage.type)
      continue;
    OpBuilder b(operand->getOwner());
    Value half = narrowConstant(operand->get(), storage.type);
    operand->set(cast(b, half.getLoc(), half, b.getF32Type()));
  }
}

/// Readers of `value` read `half`: as it is, or each through a cast of its
/// own, which becomes a part of that reader.
void PrecisionAssigner::distribute(Value value, Value half) {
  llvm::DenseMap<Operation *, Value> widened;
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : value.getUses())
    if (use.getOwner() != half.getDefiningOp())
      uses.push_back(&use);
  for (OpOperand *use : uses) {
    Operation *user = use->getOwner();
    HalfUse how = halfUseOf(user);
    if (how == HalfUse::Follows || how == HalfUse::Ignores) {
      use->set(half);
      continue;
    }
    Value &wide = widened[user];
    if (!wide) {
      OpBuilder b(user);
      wide = cast(b, value.getLoc(), half, b.getF32Type());
    }
    use->set(wide);
  }
}

void PrecisionAssigner::run() {
  narrowWeights();
  SmallVector<Operation *> ops;
  for (Operation &op : function.front())
    if (!op.hasTrait<OpTrait::ConstantLike>())
      ops.push_back(&op);
  for (Operation *op : ops) {
    HalfUse use = halfUseOf(op);
    if (use == HalfUse::Follows)
      for (OpOperand *operand : dataOperands(op)) {
        const Storage *storage = plan.find(operand->get());
        if (constantOf(operand->get()) && storage && storage->type)
          operand->set(narrowConstant(operand->get(), storage->type));
      }
    for (Value result : op->getResults()) {
      const Storage *storage = plan.find(result);
      if (!storage || !storage->type)
        continue;
      if (use == HalfUse::Follows) {
        result.setType(withElements(result, storage->type));
        distribute(result, result);
        continue;
      }
      OpBuilder b(op->getContext());
      b.setInsertionPointAfter(op);
      distribute(result, cast(b, op->getLoc(), result, storage->type));
    }
  }
}

/// What stays f32 within an op whatever its operands are; empty if that is no
/// question.
static StringRef whatStaysSingle(Operation *op) {
  StringRef name = op->getName().stripDialect();
  if (name == "Softmax" || name == "LogSoftmax")
    return "exponentials and their sums are f32";
  if (name.ends_with("Normalization"))
    return "means and deviations are f32";
  if (name.starts_with("Reduce") || name == "GlobalAveragePool")
    return "its sums are f32";
  if (name == "Conv" || name == "ConvTranspose" || name == "Gemm" ||
      name == "MatMul")
    return "its sums are f32";
  return "";
}

/// Says of each op what its results and weights are stored as, and why.
static void explain(func::FuncOp function, const PrecisionPlan &plan) {
  for (Operation &op : function.front()) {
    if (op.hasTrait<OpTrait::ConstantLike>() || op.getNumResults() == 0)
      continue;
    HalfUse use = halfUseOf(&op);
    auto say = [&](const Twine &text) {
      remarkAt(op.getLoc(), "precision", text);
    };
    if (const Storage *result = plan.find(op.getResult(0))) {
      std::string because = result->reason.empty() ? "" : ": " + result->reason;
      if (!result->type)
        say("its result stays f32" + because);
      else if (use == HalfUse::Follows)
        say("works on " + printHalf(result->type) + " as it is" + because);
      else
        say("its result is " + printHalf(result->type) +
            " wherever it goes through memory" + because);
    }
    for (OpOperand &operand : op.getOpOperands()) {
      auto it = plan.weights().find(&operand);
      if (it == plan.weights().end())
        continue;
      const Storage &storage = it->second;
      std::string text;
      llvm::raw_string_ostream os(text);
      if (storage.type)
        os << "its weights are " << printHalf(storage.type)
           << llvm::format(", off by %.2g of their norm", storage.error);
      else
        os << "its weights stay f32";
      if (!storage.reason.empty())
        os << ": " << storage.reason;
      say(text);
    }
    if (StringRef kept = whatStaysSingle(&op);
        !kept.empty() && use == HalfUse::Computes)
      say(kept);
  }
}

namespace {
struct AssignPrecision : ingot::impl::AssignPrecisionBase<AssignPrecision> {
  using AssignPrecisionBase::AssignPrecisionBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto asked = module->getAttrOfType<StringAttr>(precisionAttrName);
    if (!asked)
      return;
    auto wanted = llvm::StringSwitch<std::optional<Precision>>(asked.getValue())
                      .Case("f16", Precision::F16)
                      .Case("bf16", Precision::Bf16)
                      .Case("auto", Precision::Auto)
                      .Default(std::nullopt);
    if (!wanted) {
      module.emitError("[IG2030] there is no precision '")
          << asked.getValue() << "'; it is f16, bf16 or auto";
      return signalPassFailure();
    }
    size_t halfValues = 0, values = 0, halfWeights = 0, weights = 0;
    module.walk([&](func::FuncOp function) {
      if (function.isExternal())
        return;
      PrecisionPlan plan(function, *wanted);
      if (remarks)
        explain(function, plan);
      PrecisionAssigner(function, plan).run();
      halfValues += plan.halfValues();
      values += plan.countValues();
      halfWeights += plan.halfWeights();
      weights += plan.weights().size();
      function.walk([](Operation *op) { op->removeAttr(rangeAttrName); });
    });
    std::string summary;
    llvm::raw_string_ostream(summary)
        << asked.getValue() << " (" << halfWeights << " of " << weights
        << " weights, " << halfValues << " of " << values << " values)";
    module->setAttr(precisionAttrName,
                    StringAttr::get(module.getContext(), summary));
    IRRewriter rewriter(module.getContext());
    module.walk([&](Operation *op) {
      if (op->hasTrait<OpTrait::ConstantLike>() && op->use_empty())
        rewriter.eraseOp(op);
    });
    releaseUnusedBlobs(module);
  }
};
} // namespace
