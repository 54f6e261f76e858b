//===- Remark.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Remark.h"
#include "dialects/onnx/NodeName.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;

void ingot::remarkAt(Location loc, StringRef topic, const Twine &text) {
  SmallVector<Location> nodes = onnx::nodesAt(loc);
  if (nodes.empty())
    nodes.push_back(loc);
  for (Location node : nodes)
    emitRemark(node) << topic << ": " << text;
}
