//===- ExpandMathPass.cpp - the pass ingot-expand-math --------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/ExpandMath.h"
#include "passes/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace ingot {

#define GEN_PASS_DEF_EXPANDMATH
#include "passes/Passes.h.inc"

namespace {
struct ExpandMath : impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;
  void runOnOperation() override {
    ExpandMathConfig config;
    config.expandBf16 = expandBf16;
    expandMath(getOperation(), config);
  }
};
} // namespace

} // namespace ingot
