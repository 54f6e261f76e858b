//===- NarrowInterface.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers of 2 and 4 bits at the model's interface: callers pass them packed,
// several in a byte, the first in the lowest bits, as ONNX does in files.
// Within compiled code each has a byte.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_NARROWINTERFACE_H
#define INGOT_PASSES_TENSOR_NARROWINTERFACE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ingot {

/// Unpacks such arguments of `main` before all else reads them, and packs such
/// results. The types of arguments and results stay.
void unpackInterface(mlir::func::FuncOp main);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_NARROWINTERFACE_H
