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
#include "dialects/ingot/Ingot.h"
#include "lib/Driver/Phases.h"
#include "passes/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<ingot::heavy::IngotDialect, ingot::onnx::OnnxDialect,
                  ingot::kernel::KernelDialect>();
  mlir::registerTransformsPasses();
  ingot::registerIngotPasses();
  ingot::registerPhasePipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Ingot's pass driver\n", registry));
}
