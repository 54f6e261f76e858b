//===- Scalars.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Short names for the arithmetic of bodies. Each picks the op by the type of
// its operands; integers are signed unless the name says otherwise.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_SCALARS_H
#define INGOT_PASSES_TENSOR_LOWER_SCALARS_H

#include "passes/tensor/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace ingot {

/// Builds scalar operations at one place.
struct Scalars {
  using Value = mlir::Value;
  using Type = mlir::Type;

  mlir::OpBuilder &b;
  mlir::Location loc;

  static bool isFloat(Value v) {
    return mlir::isa<mlir::FloatType>(v.getType());
  }

  Value constant(Type type, double v) const {
    return constantLike(b, loc, type, v);
  }
  Value index(int64_t v) const { return indexConstant(b, loc, v); }
  Value size(mlir::AffineExpr dim) const { return extent(b, loc, dim); }

  Value add(Value x, Value y) const;
  Value sub(Value x, Value y) const;
  Value mul(Value x, Value y) const;
  /// Of floats only.
  Value div(Value x, Value y) const;
  Value min(Value x, Value y) const;
  Value max(Value x, Value y) const;
  Value less(Value x, Value y) const;
  Value lessOrEqual(Value x, Value y) const;
  Value equal(Value x, Value y) const;
  Value both(Value x, Value y) const;
  Value either(Value x, Value y) const;
  Value select(Value condition, Value x, Value y) const;
  /// x / y and x mod y of indices that are not negative.
  Value quotient(Value x, Value y) const;
  Value remainder(Value x, Value y) const;
  /// x limited to [low, high]; of a float NaN becomes low.
  Value clamp(Value x, Value low, Value high) const;
  /// True if 0 <= x < size, of indices.
  Value isIn(Value x, Value size) const;
  /// Rounds towards minus infinity, and to the nearest even.
  Value floor(Value x) const;
  Value roundEven(Value x) const;
  Value abs(Value x) const;

  /// An index as a float. Values must be below 2^31.
  Value toFloat(Value index, Type floatType) const;
  /// A float that is an index below 2^31, as an index.
  Value toIndex(Value x) const;
  /// A float in another float type.
  Value convertFloat(Value x, Type to) const;
  /// An integer in a wider type.
  Value widen(Value x, bool isUnsigned, Type to) const;
};

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_SCALARS_H
