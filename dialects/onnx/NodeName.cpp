//===- NodeName.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/NodeName.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ingot;

Location onnx::nodeLocation(MLIRContext *context, StringRef opType,
                            StringRef name) {
  return NameLoc::get(
      StringAttr::get(context, llvm::Twine(opType) + ":" + name));
}

/// "<op type>:<node name>" of the first name location within `loc`.
static StringRef nodeText(Location loc) {
  StringRef text;
  loc->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (!name)
      return WalkResult::advance();
    text = name.getName().getValue();
    return WalkResult::interrupt();
  });
  return text;
}

StringRef onnx::nodeName(Location loc) {
  auto [opType, name] = nodeText(loc).split(':');
  return name;
}

StringRef onnx::nodeOpType(Location loc) {
  StringRef text = nodeText(loc);
  return text.contains(':') ? text.split(':').first : StringRef();
}

SmallVector<Location> onnx::nodesAt(Location loc) {
  llvm::SetVector<Location> nodes;
  loc->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (name && name.getName().getValue().contains(':'))
      nodes.insert(part);
    return WalkResult::advance();
  });
  return nodes.takeVector();
}

static std::string describe(ArrayRef<Location> nodes) {
  std::string text;
  for (Location node : nodes)
    text += (text.empty() ? "" : ", ") + onnx::nodeOpType(node).str() + " '" +
            onnx::nodeName(node).str() + "'";
  return text;
}

std::string onnx::describeNodes(Location loc) {
  std::string text = describe(nodesAt(loc));
  return text.empty() ? "an op without a name" : text;
}

std::string onnx::describeNodes(Location loc, Location except) {
  SmallVector<Location> nodes = nodesAt(loc), known = nodesAt(except);
  llvm::erase_if(
      nodes, [&](Location node) { return llvm::is_contained(known, node); });
  return describe(nodes);
}
