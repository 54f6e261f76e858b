//===- Interpolation.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading a tensor at places that are no indices: weighted sums of neighbours,
// for bodies whose places come from data.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWER_INTERPOLATION_H
#define INGOT_PASSES_TENSOR_LOWER_INTERPOLATION_H

#include "passes/tensor/lower/Scalars.h"

namespace ingot {

/// One neighbour along an axis.
struct AxisTap {
  /// An index in bounds.
  mlir::Value index;
  /// Its weight, null for 1.
  mlir::Value weight;
  /// False where the neighbour counts as 0, null for always true.
  mlir::Value exists;
};

using AxisTaps = llvm::SmallVector<AxisTap, 4>;

/// The two neighbours of a place (a float) along an axis of `size` elements
/// (an index), weighted linearly; those outside count as 0.
AxisTaps linearTaps(const Scalars &s, mlir::Value place, mlir::Value size);

/// A tap at a whole number (a float): its index, and whether it is in bounds.
AxisTap tapAt(const Scalars &s, mlir::Value place, mlir::Value size);

/// The sum over all combinations of taps, one list per trailing axis, of
/// tensor[leading, taps] times the weights. `load` yields the element at
/// indices as a float.
mlir::Value interpolate(const Scalars &s, mlir::ValueRange leading,
                        llvm::ArrayRef<AxisTaps> axes,
                        llvm::function_ref<mlir::Value(mlir::ValueRange)> load);

/// The weight of a tap at a distance from the place, both floats, by linear
/// interpolation: max(0, 1 - |distance|).
mlir::Value linearWeight(const Scalars &s, mlir::Value distance);

/// Likewise by cubic convolution with the coefficient `a`.
mlir::Value cubicWeight(const Scalars &s, mlir::Value distance, double a);

/// The float rounded to nearest even and saturated, in the compute type of an
/// integer type of at most 32 bits; a float is converted to a float type.
mlir::Value fromInterpolated(const Scalars &s, mlir::Value v, mlir::Type to);

/// An element in its compute type as a float.
mlir::Value toInterpolated(const Scalars &s, mlir::Value v, bool isUnsigned,
                           mlir::Type floatType);

/// The float type that elements are interpolated in; null where an operator
/// cannot interpolate them.
mlir::Type interpolationType(mlir::Type elementType);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWER_INTERPOLATION_H
