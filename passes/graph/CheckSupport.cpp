//===- CheckSupport.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/CheckSupport.h"
#include "dialects/onnx/NodeName.h"
#include "passes/Passes.h"
#include "passes/graph/LowerClone.h"

namespace ingot {
#define GEN_PASS_DEF_CHECKSUPPORT
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

std::vector<UnsupportedOp> ingot::findUnsupported(ModuleOp module) {
  std::vector<UnsupportedOp> found;
  module.walk([&](Operation *op) {
    if (!isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()))
      return;
    graph::LoweredClone lowered = graph::lowerClone(op);
    if (lowered.complete)
      return;
    std::string reason = lowered.reason;
    if (reason.empty())
      reason = "the operator has no lowering";
    found.push_back({op->getName().stripDialect().str(),
                     onnx::nodeName(op->getLoc()).str(), reason, op->getLoc()});
  });
  return found;
}

namespace {
struct CheckSupport : ingot::impl::CheckSupportBase<CheckSupport> {
  void runOnOperation() override {
    std::vector<UnsupportedOp> found = findUnsupported(getOperation());
    for (const UnsupportedOp &each : found) {
      InFlightDiagnostic error = emitError(each.loc) << "[IG3002] ";
      if (!each.node.empty())
        error << "node '" << each.node << "': ";
      error << each.op << " cannot be compiled: " << each.reason;
    }
    if (!found.empty())
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
