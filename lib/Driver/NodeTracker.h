//===- NodeTracker.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Watches the nodes of the model through the passes, so that none vanishes
// without a word: a remark says which pass took it out, or made it one op with
// others.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_NODETRACKER_H
#define INGOT_LIB_DRIVER_NODETRACKER_H

#include "mlir/IR/Location.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace ingot {

/// To be added to one pass manager.
class NodeTracker : public mlir::PassInstrumentation {
public:
  void runBeforePass(mlir::Pass *pass, mlir::Operation *op) override;
  void runAfterPass(mlir::Pass *pass, mlir::Operation *op) override;

private:
  llvm::SetVector<mlir::Location> nodes;
  llvm::DenseSet<mlir::Location> joined;
};

} // namespace ingot

#endif // INGOT_LIB_DRIVER_NODETRACKER_H
