//===- Elementwise.h - from any scalar or vector to a formula --*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formulas are for scalars and 1-D vectors of f32, f64 or integers. Here
// operands of other ranks are reshaped, and f16 and bf16 are computed in f32.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_MATH_ELEMENTWISE_H
#define INGOT_CODEGEN_MATH_ELEMENTWISE_H

#include "codegen/math/Functions.h"

#include "mlir/IR/PatternMatch.h"

namespace ingot::vecmath {

/// Whether a formula can be emitted for values of that type.
bool isSupported(mlir::Type type);

/// Applies a formula to operands of one shape. f16 and bf16 operands are
/// widened to f32, and a result is converted to the element type of its result
/// type.
llvm::SmallVector<mlir::Value> applyFormula(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange operands,
    mlir::TypeRange resultTypes,
    llvm::function_ref<llvm::SmallVector<Expr, 2>(llvm::ArrayRef<Expr>)>
        formula);

using Args = llvm::ArrayRef<Expr>;
/// The results, one for each result of the op.
using Formula = llvm::SmallVector<Expr, 2> (*)(Args);

/// Expands one kind of op by a formula.
template <typename OpTy> class ExpandOp : public mlir::OpRewritePattern<OpTy> {
public:
  ExpandOp(mlir::MLIRContext *context, Formula formula)
      : mlir::OpRewritePattern<OpTy>(context), formula(formula) {}

  mlir::LogicalResult
  matchAndRewrite(OpTy op, mlir::PatternRewriter &rewriter) const override {
    for (mlir::Value operand : op->getOperands())
      if (!isSupported(operand.getType()))
        return rewriter.notifyMatchFailure(
            op, "only scalars and fixed-width vectors are expanded");
    rewriter.replaceOp(op,
                       applyFormula(rewriter, op.getLoc(), op->getOperands(),
                                    op->getResultTypes(), formula));
    return mlir::success();
  }

private:
  Formula formula;
};

template <typename OpTy>
void addFormula(mlir::RewritePatternSet &patterns, Formula formula) {
  patterns.add<ExpandOp<OpTy>>(patterns.getContext(), formula);
}

/// Patterns of the other files of this folder.
void populateRoundingPatterns(mlir::RewritePatternSet &patterns);
void populateIntegerPatterns(mlir::RewritePatternSet &patterns);
void populateConversionPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot::vecmath

#endif // INGOT_CODEGEN_MATH_ELEMENTWISE_H
