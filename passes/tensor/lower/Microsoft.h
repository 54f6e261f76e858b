//===- Microsoft.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the rewrites of ONNX Runtime's operators share: operators of ONNX, made
// where the operator is that they stand for.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_MICROSOFT_H
#define INGOT_PASSES_TENSOR_LOWER_MICROSOFT_H

#include "dialects/onnx/Microsoft.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/Lowering.h"

namespace ingot {

/// Makes operators of ONNX.
class OnnxMaker {
public:
  OnnxMaker(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::Value none();
  /// A float constant of rank 0.
  mlir::Value number(mlir::Type element, double value);
  mlir::Value integers(llvm::ArrayRef<int64_t> values);

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value cast(mlir::Value x, mlir::Type element);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> perm);
  mlir::Value dequantize(mlir::Value x, mlir::Value scale, mlir::Value zero,
                         int64_t axis = 0, int64_t blockSize = 0);
  /// Scale and zero point are one for all elements.
  mlir::Value quantize(mlir::Value x, mlir::Value scale, mlir::Value zero,
                       mlir::Type element);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// True if `value` is left out or a tensor of known shape with one element.
bool isOneOrNone(mlir::Value value);

/// Replaces a single-result op. The value gets the type of that result, which
/// may know more.
void replaceRefined(mlir::PatternRewriter &rewriter, mlir::Operation *op,
                    mlir::Value value);

/// The rewrites of matrix products.
void populateMicrosoftProductPatterns(mlir::RewritePatternSet &patterns);

/// The rewrite of MatMulNBits.
void populateMatMulNBitsPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_MICROSOFT_H
