//===- HeavyEmitter.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/HeavyEmitter.h"

using namespace mlir;
using namespace ingot;

bool ingot::isHeavy(Operation *op) {
  return op->getName().getDialectNamespace() == "ingot";
}

LogicalResult ingot::emitHeavy(OpBuilder &, KernelContext &,
                               ArrayRef<Operation *> ops, Value, Value,
                               AffineExpr &) {
  return ops.front()->emitError("[IG4002] no emitter for this kernel");
}
