//===- TestPlugin.cpp - a pass from outside -------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Activation.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

namespace {
/// Remarks on every Relu: knows the op by its class, not by its name.
struct RemarkOnRelu : PassWrapper<RemarkOnRelu, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RemarkOnRelu)

  StringRef getArgument() const override { return "remark-on-relu"; }
  StringRef getDescription() const override { return "remark on every Relu"; }
  void runOnOperation() override {
    getOperation().walk([](ingot::onnx::ReluOp op) {
      op.emitRemark("a Relu, seen by a plugin");
    });
  }
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "TestPlugin", LLVM_VERSION_STRING,
          [] { PassRegistration<RemarkOnRelu>(); }};
}
