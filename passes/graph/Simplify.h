//===- Simplify.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the patterns of ingot-simplify-graph share.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_SIMPLIFY_H
#define INGOT_PASSES_GRAPH_SIMPLIFY_H

#include "passes/graph/TensorData.h"

#include "mlir/IR/PatternMatch.h"

namespace ingot::graph {

/// Replaces the first result of an op that has no other used result by a value
/// of the same shape. The value takes over what only the result's type knew;
/// fails where it cannot, as for an input of the function.
mlir::LogicalResult replaceByValue(mlir::PatternRewriter &rewriter,
                                   mlir::Operation *op, mlir::Value value);

/// True if both are ranked and every dimension is the same size.
bool haveSameShape(mlir::Value a, mlir::Value b);

/// An onnx.Constant; of an int64 list; of one float or integer number of that
/// element type, as a scalar.
mlir::Value makeConstant(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::ElementsAttr value);
mlir::Value makeIntegers(mlir::OpBuilder &b, mlir::Location loc,
                         llvm::ArrayRef<int64_t> values);
mlir::Value makeScalar(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Type elementType, double value);

/// The elements of a constant value.
std::optional<TensorData> constantData(mlir::Value value);

/// The number that all elements of a constant are.
std::optional<double> constantNumber(mlir::Value value);

/// Families of patterns, by what they look at.
void populateMovementPatterns(mlir::RewritePatternSet &patterns);
void populateReshapePatterns(mlir::RewritePatternSet &patterns);
void populateArithmeticPatterns(mlir::RewritePatternSet &patterns);
/// Those that save work at run time and that users therefore ask about where
/// they do not apply: their match failures are reported as remarks.
void populatePadPatterns(mlir::RewritePatternSet &patterns);
void populateAffinePatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_SIMPLIFY_H
