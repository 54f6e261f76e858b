//===- FoldConstants.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_FOLDCONSTANTS_H
#define INGOT_PASSES_GRAPH_FOLDCONSTANTS_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Operation.h"

#include <string>

namespace ingot {

/// How much a fold may make and do.
struct FoldBudget {
  /// Bytes of a result. Splats and other shapes of the same bytes are free.
  int64_t bytes = 64 << 10;
  /// Scalar steps; folds take theirs out of it.
  int64_t steps = 1 << 22;
  /// A result may be as large as the constants that it makes superfluous.
  bool replaceLarge = false;
  /// Fold DequantizeLinear of weights, which quantized kernels want to see.
  bool dequantize = false;
};

/// If the results of an onnx op follow from constants and static shapes alone,
/// replaces it by onnx.Constant ops with the bits that compiled code would
/// give, and erases it. `results` receives the constants (null for a result
/// without users that was not computed), `reason` says why not otherwise.
/// The dialects of registerFoldDialects must be loaded.
bool foldIfConstant(mlir::Operation *op, FoldBudget &budget,
                    llvm::SmallVectorImpl<mlir::Value> *results = nullptr,
                    std::string *reason = nullptr);

/// The same with the default limits but for the bytes.
bool foldIfConstant(mlir::Operation *op, int64_t byteBudget,
                    llvm::SmallVectorImpl<mlir::Value> *results = nullptr);

/// The dialects that lowerings make ops of.
void registerFoldDialects(mlir::DialectRegistry &registry);

} // namespace ingot

#endif // INGOT_PASSES_GRAPH_FOLDCONSTANTS_H
