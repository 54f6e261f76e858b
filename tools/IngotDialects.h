//===- IngotDialects.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tools for compiler engineers understand: our dialects and all of
// MLIR's.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOTDIALECTS_H
#define INGOT_TOOLS_INGOTDIALECTS_H

#include "dialects/ingot/Ingot.h"
#include "dialects/kernel/Kernel.h"

#include "mlir/InitAllDialects.h"

namespace ingot {

/// Registers them.
inline void registerToolDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  registry
      .insert<heavy::IngotDialect, onnx::OnnxDialect, kernel::KernelDialect>();
}

} // namespace ingot

#endif // INGOT_TOOLS_INGOTDIALECTS_H
