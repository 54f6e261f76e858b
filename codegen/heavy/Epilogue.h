//===- Epilogue.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What follows a contraction inside its kernel: the elementwise generic that
// consumes its result, evaluated on vectors still in registers.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_EPILOGUE_H
#define INGOT_CODEGEN_HEAVY_EPILOGUE_H

#include "codegen/loop/BodyEvaluator.h"

namespace ingot {

class Epilogue {
public:
  /// `root` is the contraction's result; `tail` the generic that consumes it
  /// through an identity map, or null.
  Epilogue(KernelContext &context, mlir::Value root,
           mlir::linalg::GenericOp tail)
      : context(context), root(root), tail(tail) {}

  /// True if rows of the `dims` leading dimensions may be counted as one: every
  /// operand of the tail either ignores those larger than 1 or holds them side
  /// by side in their order.
  bool canFlatten(int64_t dims);

  /// Stores the finished vector of the result at `indices` (all but the last
  /// uniform, the last the first lane's).
  void store(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Value> indices,
             mlir::Value vector, const Lanes &lanes);

private:
  KernelContext &context;
  mlir::Value root;
  mlir::linalg::GenericOp tail;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_EPILOGUE_H
