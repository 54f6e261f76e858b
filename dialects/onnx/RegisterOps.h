//===- RegisterOps.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_REGISTEROPS_H
#define INGOT_DIALECTS_ONNX_REGISTEROPS_H

#include "mlir/IR/Dialect.h"
#include "mlir/IR/OperationSupport.h"

namespace ingot::onnx {
/// Adds the ops of one family to the dialect.
template <typename... Ops> void registerOps(mlir::Dialect &dialect) {
  (mlir::RegisteredOperationName::insert<Ops>(dialect), ...);
}
} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_REGISTEROPS_H
