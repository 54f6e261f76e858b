//===- NodeName.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How locations name the nodes of the model. The location of every op is
// "<op type>:<node name>", and passes keep it (fused locations hold several),
// so that any remark or error can speak of the model's own nodes.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_NODENAME_H
#define INGOT_DIALECTS_ONNX_NODENAME_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace ingot::onnx {

/// The location of a node.
mlir::Location nodeLocation(mlir::MLIRContext *context, llvm::StringRef opType,
                            llvm::StringRef name);

/// The name of the (first) node at that location; empty if it names none.
llvm::StringRef nodeName(mlir::Location loc);

/// The operator of the (first) node at that location; empty if it names none.
llvm::StringRef nodeOpType(mlir::Location loc);

/// The location of every node that `loc` names, each once, in order.
llvm::SmallVector<mlir::Location> nodesAt(mlir::Location loc);

/// The nodes for a message: "Conv 'c1', Relu 'r1'".
std::string describeNodes(mlir::Location loc);

/// Those that `except` does not name; empty if there are none.
std::string describeNodes(mlir::Location loc, mlir::Location except);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_NODENAME_H
