//===- Interpret.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs what lowered onnx ops consist of (linalg.generic, linalg.fill,
// kernel.foreach, kernel.view over scalar bodies) on tensors known at compile
// time. The one definition of every operator, its lowering, is thereby also
// how it is folded.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_INTERPRET_H
#define INGOT_PASSES_GRAPH_INTERPRET_H

#include "passes/graph/TensorData.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ingot::kernel {
class ForeachOp;
} // namespace ingot::kernel

namespace ingot::graph {

class Interpreter {
public:
  /// No tensor that is made may be larger than `bytes` (splats count as
  /// nothing), and all loops together take no more than `steps` scalar steps.
  Interpreter(int64_t bytes, int64_t steps) : bytes(bytes), steps(steps) {}

  /// Runs the ops of a block in order, as far as they can be run. Constants
  /// defined anywhere are known.
  void run(mlir::Block &block);

  /// The elements of a tensor, if they could be computed.
  const TensorData *lookup(mlir::Value value);

  int64_t stepsLeft() const { return steps; }

  /// Why the first op that could not be run could not.
  llvm::StringRef failureReason() const { return reason; }

private:
  TensorData *find(mlir::Value value);
  bool fits(mlir::RankedTensorType type);
  mlir::LogicalResult fail(const llvm::Twine &why);
  mlir::LogicalResult runOp(mlir::Operation *op);
  mlir::LogicalResult runFill(mlir::linalg::FillOp fill);
  mlir::LogicalResult runGeneric(mlir::linalg::GenericOp generic);
  mlir::LogicalResult runForeach(kernel::ForeachOp loop);

  int64_t bytes, steps;
  llvm::DenseMap<mlir::Value, std::unique_ptr<TensorData>> tensors;
  std::string reason;
};

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_INTERPRET_H
