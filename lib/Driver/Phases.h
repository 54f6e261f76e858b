//===- Phases.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler's story, top to bottom: phases, and the passes of each.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_PHASES_H
#define INGOT_LIB_DRIVER_PHASES_H

#include "mlir/Pass/PassManager.h"

namespace ingot {

/// One phase between the imported module and code.
struct Phase {
  /// What --emit and pipelines call it.
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
  void (*addPasses)(mlir::OpPassManager &);
};

/// All phases in order.
llvm::ArrayRef<Phase> allPhases();

/// Registers `ingot-<phase>` pipelines and `ingot-all`, for ingot-opt.
void registerPhasePipelines();

} // namespace ingot

#endif // INGOT_LIB_DRIVER_PHASES_H
