//===- InferShapes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/InferShapes.h"
#include "dialects/onnx/Dims.h"
#include "passes/Passes.h"

#include "mlir/Interfaces/InferTypeOpInterface.h"

namespace ingot {
#define GEN_PASS_DEF_INFERSHAPES
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// A refinement can only travel around nested regions this often.
static constexpr int maxRounds = 16;

InputSymbols ingot::inputSymbols(func::FuncOp function) {
  InputSymbols symbols;
  for (Type type : function.getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.hasStaticShape() || !tensor.getEncoding())
      continue;
    for (AffineExpr dim : onnx::getDims(tensor))
      dim.walk([&](AffineExpr part) {
        if (isa<AffineSymbolExpr>(part))
          symbols.insert(part);
      });
  }
  return symbols;
}

/// How much a size tells: the less the better.
static int uncertainty(AffineExpr dim, const InputSymbols &symbols) {
  if (onnx::constantValue(dim))
    return 0;
  bool known = true, fresh = false;
  auto *dialect = dim.getContext()->getLoadedDialect<onnx::OnnxDialect>();
  dim.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    known &= symbols.contains(part);
    fresh |= dialect->getSymbolName(symbol.getPosition()).starts_with("?");
  });
  return known ? 1 : fresh ? 3 : 2;
}

Type ingot::mergeTypes(Type known, Type inferred, const InputSymbols &symbols) {
  auto a = dyn_cast<TensorType>(known), b = dyn_cast<TensorType>(inferred);
  if (known == inferred || !a || !b)
    return known;
  if (a.getElementType() != b.getElementType())
    return {};
  if (!b.hasRank())
    return known;
  if (!a.hasRank())
    return inferred;
  if (a.getRank() != b.getRank())
    return {};
  onnx::Dims ours = onnx::getDims(cast<RankedTensorType>(known));
  onnx::Dims theirs = onnx::getDims(cast<RankedTensorType>(inferred));
  for (auto [our, their] : llvm::zip(ours, theirs)) {
    int before = uncertainty(our, symbols), after = uncertainty(their, symbols);
    if (before == 0 && after == 0 && our != their)
      return {};
    // Of two expressions over inputs, the one computed from operands is right:
    // models reuse names of dimensions for different sizes.
    if (after < before || (after == before && after == 1))
      our = their;
  }
  return onnx::tensorOf(ours, a.getElementType());
}

/// The types inferred for an op's results; fails without a message if it has
/// no inference.
static LogicalResult inferTypes(Operation *op, std::optional<Location> loc,
                                SmallVectorImpl<Type> &types) {
  auto infer = dyn_cast<InferTypeOpInterface>(op);
  return success(infer &&
                 succeeded(infer.inferReturnTypes(
                     op->getContext(), loc, op->getOperands(),
                     op->getDiscardableAttrDictionary(),
                     op->getPropertiesStorage(), op->getRegions(), types)) &&
                 types.size() == op->getNumResults());
}

/// Sets the merged types; false if some contradict, which are left alone.
static bool refine(Operation *op, ArrayRef<Type> types,
                   const InputSymbols &symbols, bool &changed) {
  SmallVector<Type> merged;
  for (auto [result, type] : llvm::zip(op->getResults(), types)) {
    merged.push_back(mergeTypes(result.getType(), type, symbols));
    if (!merged.back())
      return false;
  }
  for (auto [result, type] : llvm::zip(op->getResults(), merged)) {
    changed |= result.getType() != type;
    result.setType(type);
  }
  return true;
}

bool ingot::inferResultTypes(Operation *op, const InputSymbols &symbols) {
  SmallVector<Type> types;
  bool changed = false;
  if (succeeded(inferTypes(op, std::nullopt, types)))
    refine(op, types, symbols, changed);
  return changed;
}

static LogicalResult inferAndReport(Operation *op, const InputSymbols &symbols,
                                    bool &changed) {
  if (!isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) ||
      !isa<InferTypeOpInterface>(op))
    return success();
  SmallVector<Type> types;
  std::string message;
  {
    ScopedDiagnosticHandler handler(op->getContext(), [&](Diagnostic &d) {
      message = d.str();
      return success();
    });
    if (succeeded(inferTypes(op, op->getLoc(), types)))
      message.clear();
    else if (message.empty())
      message = "no shape can be inferred";
  }
  StringRef name = op->getName().stripDialect();
  if (!message.empty())
    return op->emitError("[IG2001] ") << name << ": " << message;
  if (refine(op, types, symbols, changed))
    return success();
  return op->emitError("[IG2002] ")
         << name << ": the operands give " << types << ", but the result is "
         << op->getResultTypes()
         << "; correct the declared shape or the shapes of the inputs";
}

LogicalResult ingot::inferShapes(func::FuncOp function) {
  if (function.isExternal())
    return success();
  InputSymbols symbols = inputSymbols(function);
  bool changed = true;
  for (int round = 0; changed && round < maxRounds; ++round) {
    changed = false;
    WalkResult result = function.walk([&](Operation *op) {
      return failed(inferAndReport(op, symbols, changed))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
  }
  updateFunctionType(function);
  return success();
}

void ingot::updateFunctionType(func::FuncOp function) {
  if (function.isExternal())
    return;
  Operation *end = function.getBody().back().getTerminator();
  function.setType(FunctionType::get(
      function.getContext(), function.getBody().front().getArgumentTypes(),
      end->getOperandTypes()));
}

namespace {
struct InferShapes : ingot::impl::InferShapesBase<InferShapes> {
  void runOnOperation() override {
    if (failed(inferShapes(getOperation())))
      signalPassFailure();
  }
};
} // namespace
