//===- ingot-opt.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs passes on IR in text form, for people who write passes and tests.
//
//===----------------------------------------------------------------------===//
#include "tools/IngotDialects.h"

#include "lib/Driver/Phases.h"
#include "passes/Passes.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  ingot::registerToolDialects(registry);
  mlir::registerTransformsPasses();
  ingot::registerIngotPasses();
  ingot::registerPhasePipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Ingot's pass driver\n", registry));
}
