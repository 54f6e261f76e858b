//===- SelectProduct.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the patterns for quantized convolutions and matrix products share.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_QUANT_SELECTPRODUCT_H
#define INGOT_PASSES_GRAPH_QUANT_SELECTPRODUCT_H

#include "passes/graph/quant/SelectQuantized.h"

#include "mlir/IR/PatternMatch.h"

namespace ingot::quant {

/// Fails, and says why.
inline llvm::LogicalResult say(std::string &why, const llvm::Twine &text) {
  why = text.str();
  return llvm::failure();
}

/// Selects the integer form of an op, or says why there is none.
template <typename Op> struct SelectProduct : mlir::OpRewritePattern<Op> {
  SelectProduct(mlir::MLIRContext *context, Signs signs)
      : mlir::OpRewritePattern<Op>(context), signs(signs) {}

  llvm::LogicalResult
  matchAndRewrite(Op op, mlir::PatternRewriter &rewriter) const override {
    std::string why;
    if (failed(select(op, rewriter, why)))
      return rewriter.notifyMatchFailure(op, why);
    return llvm::success();
  }

protected:
  virtual llvm::LogicalResult select(Op op, mlir::PatternRewriter &rewriter,
                                     std::string &why) const = 0;

  Signs signs;
};

} // namespace ingot::quant

#endif // INGOT_PASSES_GRAPH_QUANT_SELECTPRODUCT_H
