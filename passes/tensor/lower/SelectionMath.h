//===- SelectionMath.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the lowerings of the Selection family share: the order of elements, and
// loops and branches of imperative bodies that carry one index.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_SELECTIONMATH_H
#define INGOT_PASSES_TENSOR_LOWER_SELECTIONMATH_H

#include "passes/tensor/lower/IndexMath.h"

namespace ingot {

/// The order of elements, NaN above every number and equal to itself.
struct ElementOrder {
  mlir::OpBuilder &b;
  mlir::Location loc;
  bool isUnsigned;

  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y);

private:
  mlir::Value isNan(mlir::Value x);
};

/// The opposite of an i1.
mlir::Value notOf(mlir::OpBuilder &b, mlir::Location loc,
                  mlir::Value condition);

/// An index as an element of an int64 tensor.
mlir::Value asInt64(mlir::OpBuilder &b, mlir::Location loc, mlir::Value index);

/// The point with `at` inserted along the axis.
llvm::SmallVector<mlir::Value> insertAt(mlir::ValueRange point, int64_t axis,
                                        mlir::Value at);

/// A loop over [0, count) that carries one index: the body gives the next.
mlir::Value carry(mlir::OpBuilder &b, mlir::Location loc, mlir::Value count,
                  mlir::Value start,
                  llvm::function_ref<mlir::Value(mlir::OpBuilder &,
                                                 mlir::Value i, mlir::Value)>
                      body);

/// The index that `then` gives where the condition holds, else `other`.
mlir::Value choose(mlir::OpBuilder &b, mlir::Location loc,
                   mlir::Value condition, mlir::Value other,
                   llvm::function_ref<mlir::Value(mlir::OpBuilder &)> then);

/// `then` where the condition holds.
void onlyIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value condition,
            llvm::function_ref<void(mlir::OpBuilder &)> then);

/// Unique, of Unique.cpp.
void populateUniquePatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_SELECTIONMATH_H
