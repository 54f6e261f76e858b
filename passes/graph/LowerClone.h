//===- LowerClone.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowers a copy of one onnx op aside, by the patterns of ingot-lower-onnx, to
// fold it or to tell whether it can be compiled.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_LOWERCLONE_H
#define INGOT_PASSES_GRAPH_LOWERCLONE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace ingot::graph {

/// A lowered copy of an op. Its operands are the values of the op itself.
struct LoweredClone {
  mlir::OwningOpRef<mlir::ModuleOp> scratch;
  /// What became of the op's results.
  llvm::SmallVector<mlir::Value> results;
  /// True if no onnx op is left.
  bool complete = false;
  /// Otherwise, what the patterns said about the op that is left.
  std::string reason;
};

/// The patterns are made once per context and kept with the onnx dialect.
/// Other dialects that patterns make ops of must be loaded.
LoweredClone lowerClone(mlir::Operation *op);

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_LOWERCLONE_H
