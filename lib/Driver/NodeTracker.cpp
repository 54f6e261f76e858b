//===- NodeTracker.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/NodeTracker.h"
#include "dialects/onnx/NodeName.h"
#include "passes/Remark.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace ingot;

/// What it means that a node is gone after the pass.
static std::string whyGone(Pass *pass) {
  StringRef reason =
      llvm::StringSwitch<StringRef>(pass->getArgument())
          .Case("canonicalize", "not needed: nothing uses its result")
          .Case("cse", "another node computes the same")
          .Case("ingot-fold-constants", "computed at compile time")
          .Case("ingot-simplify-graph",
                "taken out: it changes nothing, nothing uses its result, or "
                "another node computes the same")
          .Case("ingot-lower-onnx", "no work of its own: its value follows "
                                    "from shapes, or it passes its operand on")
          .Cases({"ingot-assign-layout", "ingot-fuse-elementwise"},
                 "not needed: its readers read its operand in the order it has")
          .Default("");
  return reason.empty() ? "gone after " + pass->getArgument().str()
                        : reason.str();
}

/// Nodes that something is computed for, in order.
static llvm::SetVector<Location> collect(Operation *module) {
  llvm::SetVector<Location> nodes;
  module->walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>())
      return;
    for (Location node : onnx::nodesAt(op->getLoc()))
      nodes.insert(node);
  });
  return nodes;
}

void NodeTracker::runBeforePass(Pass *pass, Operation *op) {
  if (nodes.empty() && isa<ModuleOp>(op))
    nodes = collect(op);
}

void NodeTracker::runAfterPass(Pass *pass, Operation *op) {
  if (!isa<ModuleOp>(op))
    return;
  llvm::SetVector<Location> left = collect(op);
  for (Location node : nodes)
    if (!left.contains(node))
      remarkAt(node, "graph", whyGone(pass));
  nodes = std::move(left);
  // Later passes say by themselves what they fuse.
  if (pass->getArgument() != "ingot-simplify-graph")
    return;
  op->walk([&](Operation *inner) {
    Location loc = inner->getLoc();
    if (isa<FusedLoc>(loc) && onnx::nodesAt(loc).size() > 1 &&
        joined.insert(loc).second)
      remarkAt(loc, "graph", "one op of " + onnx::describeNodes(loc));
  });
}
