//===- Products.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the lowerings of matrix products and convolutions share: accumulating
// in a wider type, and bringing a sum into the result's type.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_PRODUCTS_H
#define INGOT_PASSES_TENSOR_LOWER_PRODUCTS_H

#include "passes/tensor/Lowering.h"

namespace ingot {

struct Scalars;

/// The tensor type that sums of `type`'s elements accumulate in: the same, but
/// f32 for half precision.
mlir::RankedTensorType accumulatorType(mlir::RankedTensorType type);

/// The tensor with that type's element type; nothing to do where it has it.
mlir::Value convertElements(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value tensor, mlir::RankedTensorType type);

/// A byte minus a zero point (null for none) as i32.
mlir::Value centered(const Scalars &s, mlir::Value byte, bool isUnsigned,
                     mlir::Value zeroPoint);

/// The f64 `value` rounded to nearest even, plus the zero point, saturated, as
/// the compute type of the integer type `to`. NaN becomes the least value.
mlir::Value quantized(const Scalars &s, mlir::Value value,
                      mlir::Value zeroPoint, mlir::Type to);

/// An operand that `sums` are scaled with: its value and the map that reads it.
struct MappedOperand {
  mlir::Value tensor;
  mlir::AffineMap map;
};

/// saturate(round(sum * x * w / y) + zero point): the i32 `sums` in `out`'s
/// type. Scale y and the zero point are scalars or have one element.
mlir::Value requantize(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::RankedTensorType out, mlir::Value sums,
                       MappedOperand scaleX, MappedOperand scaleW,
                       mlir::Value scaleY, mlir::Value zeroPoint);

/// The map over `loops` dimensions that reads the only element of a tensor.
mlir::AffineMap singleElementMap(mlir::Value tensor, int64_t loops);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_PRODUCTS_H
