//===- IndexMath.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on index values for the bodies of lowerings, with indices from
// data checked and brought into bounds.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_INDEXMATH_H
#define INGOT_PASSES_TENSOR_LOWER_INDEXMATH_H

#include "passes/tensor/Lowering.h"

namespace ingot {

/// Emits index arithmetic. All values are of index type unless said otherwise.
struct IndexMath {
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value constant(int64_t v) { return indexConstant(b, loc, v); }
  mlir::Value extent(mlir::AffineExpr dim) {
    return ingot::extent(b, loc, dim);
  }
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  /// x brought into [low, high]; `low` where that is empty.
  mlir::Value clamp(mlir::Value x, mlir::Value low, mlir::Value high);
  /// x / y and x mod y for x >= 0 and y > 0.
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value mod(mlir::Value x, mlir::Value y);
  /// x mod y in [0, y) for any x and y > 0.
  mlir::Value floorMod(mlir::Value x, mlir::Value y);
  /// Signed comparison.
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x,
                      mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return compare(mlir::arith::CmpIPredicate::slt, x, y);
  }
  mlir::Value equal(mlir::Value x, mlir::Value y) {
    return compare(mlir::arith::CmpIPredicate::eq, x, y);
  }
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value either(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);

  /// An integer element as an index.
  mlir::Value fromInteger(mlir::Value integer);
  /// x as an integer of that type.
  mlir::Value toInteger(mlir::Value x, mlir::Type type);

  /// x + size where x is negative.
  mlir::Value wrap(mlir::Value x, mlir::Value size);
  /// Reports `code` when the condition holds.
  void fault(mlir::Value condition, int64_t code);
  /// An index from data: negative ones count from the back, one out of range
  /// is a fault and becomes one in range.
  mlir::Value checkedIndex(mlir::Value x, mlir::Value size);
};

/// Codes of kernel.fault, as in lib/Runtime/ModelAbi.h.
constexpr int64_t faultIndex = 1;
constexpr int64_t faultShape = 3;
constexpr int64_t faultArgument = 4;

/// Element `i` (a constant) of a list operand of integers, as an index; also
/// for a rank of 0 when `i` is 0.
mlir::Value loadInteger(Body &body, mlir::Value list, int64_t i);

/// The indices of the body's point along the first `rank` loops.
llvm::SmallVector<mlir::Value> pointOf(Body &body, int64_t rank);

/// True for tensors whose elements the kernels can move: not strings.
bool isMovable(mlir::Value tensor);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_INDEXMATH_H
