//===- LowerOnnx.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Logic.h"
#include "lib/Runtime/ModelAbi.h"
#include "passes/graph/LowerClone.h"
#include "passes/tensor/Lowering.h"
#include "passes/tensor/NarrowInterface.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace ingot {
#define GEN_PASS_DEF_LOWERONNX
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

namespace {

/// Every elementwise op: one generic whose body is the op's scalar function.
struct LowerElementwise : OpInterfaceRewritePattern<onnx::Elementwise> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  /// False for an input that was left out, and for the one that CastLike takes
  /// only the element type of.
  static bool isRead(Operation *op, Value operand) {
    if (onnx::isNone(operand))
      return false;
    return !isa<onnx::CastLikeOp>(op) || operand == op->getOperand(0);
  }

  LogicalResult matchAndRewrite(onnx::Elementwise op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out)
      return rewriter.notifyMatchFailure(op, "result has no rank");
    SmallVector<Value> ins;
    SmallVector<AffineMap> maps;
    for (Value operand : op->getOperands()) {
      if (!isRead(op, operand))
        continue;
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (!type)
        return rewriter.notifyMatchFailure(op, "operand has no rank");
      if (!isComputable(type.getElementType()))
        return rewriter.notifyMatchFailure(op, "operand's element type");
      ins.push_back(operand);
      maps.push_back(broadcastMap(type, out, out.getRank()));
    }
    if (!isComputable(out.getElementType()))
      return rewriter.notifyMatchFailure(op, "result's element type");
    Value result =
        compute(rewriter, op.getLoc(), out, ins, maps, [&](Body &body) {
          SmallVector<Value> args;
          size_t next = 0;
          for (Value operand : op->getOperands())
            args.push_back(isRead(op, operand) ? body.args[next++] : Value());
          if (Value fault = op.emitFault(body.b, body.loc, args))
            kernel::FaultOp::create(body.b, body.loc, fault,
                                    INGOT_FAULT_DIVIDE);
          return op.emitScalar(body.b, body.loc, args);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// "f32[N,3], i64[2]".
static std::string printTypes(TypeRange types) {
  std::string text;
  for (Type type : types)
    text += (text.empty() ? "" : ", ") + onnx::printType(type);
  return text;
}

/// Says what the patterns have against the op.
static void refuse(Operation *op) {
  std::string reason = graph::lowerClone(op).reason;
  InFlightDiagnostic error =
      op->emitError("[IG3001] no lowering for this form of '")
      << op->getName().stripDialect() << "'";
  if (!reason.empty())
    error << ": " << reason;
  error << "; (" << printTypes(op->getOperandTypes()) << ") -> ("
        << printTypes(op->getResultTypes()) << ")";
}

struct LowerOnnx : ingot::impl::LowerOnnxBase<LowerOnnx> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateLoweringPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    bool complete = true;
    getOperation()->walk([&](Operation *op) {
      if (!isa<onnx::OnnxDialect>(op->getDialect()) ||
          op->hasTrait<OpTrait::ConstantLike>() ||
          op->getName().stripDialect() == "None")
        return;
      refuse(op);
      complete = false;
    });
    if (!complete)
      return signalPassFailure();
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main");
        main && !main.isExternal())
      unpackInterface(main);
  }
};

} // namespace

void ingot::populateLoweringPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerElementwise>(patterns.getContext());
#define INGOT_ONNX_FAMILY(name) populate##name##Patterns(patterns);
#include "dialects/onnx/Families.def"
#undef INGOT_ONNX_FAMILY
}
