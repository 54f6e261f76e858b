//===- NodeName.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/NodeName.h"

#include "mlir/IR/BuiltinAttributes.h"

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
