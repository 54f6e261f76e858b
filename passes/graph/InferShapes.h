//===- InferShapes.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_INFERSHAPES_H
#define INGOT_PASSES_GRAPH_INFERSHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace ingot {

/// The symbols that sizes of a function's inputs are made of. Sizes in terms
/// of these are known before the model runs.
using InputSymbols = llvm::DenseSet<mlir::AffineExpr>;
InputSymbols inputSymbols(mlir::func::FuncOp function);

/// What is known of a value of type `known` whose operands give `inferred`:
/// per dimension the constant, else the expression over input symbols, else
/// what was known. Null if the two contradict each other.
mlir::Type mergeTypes(mlir::Type known, mlir::Type inferred,
                      const InputSymbols &symbols = {});

/// Infers the types of an op's results again and refines them in place.
/// Reports nothing and changes nothing when inference fails or contradicts.
/// True if a type changed.
bool inferResultTypes(mlir::Operation *op, const InputSymbols &symbols = {});

/// Does so for all ops until nothing changes, then for the function's result
/// types. Reports contradictions as errors.
mlir::LogicalResult inferShapes(mlir::func::FuncOp function);

/// Makes the function's type that of its arguments and returned values.
void updateFunctionType(mlir::func::FuncOp function);

} // namespace ingot

#endif // INGOT_PASSES_GRAPH_INFERSHAPES_H
