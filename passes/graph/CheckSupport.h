//===- CheckSupport.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tells before compiling which nodes of a model have no lowering, all at once.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_CHECKSUPPORT_H
#define INGOT_PASSES_GRAPH_CHECKSUPPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Location.h"

#include <string>
#include <vector>

namespace ingot {

/// An op that cannot be compiled as it stands.
struct UnsupportedOp {
  std::string op;   ///< "Conv"
  std::string node; ///< the ONNX node's name, empty if the op has none
  std::string reason;
  mlir::Location loc;
};

/// All ops that the lowering to kernels does not handle, in the order of the
/// module, which is not changed. The dialects of registerFoldDialects must be
/// loaded.
std::vector<UnsupportedOp> findUnsupported(mlir::ModuleOp module);

} // namespace ingot

#endif // INGOT_PASSES_GRAPH_CHECKSUPPORT_H
