//===- Requantize.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From exact integer results to quantized numbers of another scale: the number
// that exact arithmetic and rounding to nearest even give, unless the exact
// value is within 2^-20 of a tie; with the same bits on every machine. How is
// decided from constants alone.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_REQUANTIZE_H
#define INGOT_PASSES_TENSOR_REQUANTIZE_H

#include "passes/tensor/Lowering.h"

namespace ingot {

/// Numbers that a body reads: constants in it where all channels have the same,
/// else one more operand, a tensor of one per channel.
struct ChannelConstants {
  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t loops, channelLoop;
  /// Operands of the generic to be, and their maps.
  llvm::SmallVectorImpl<mlir::Value> &ins;
  llvm::SmallVectorImpl<mlir::AffineMap> &maps;

  struct Number {
    double value = 0;
    int64_t operand = -1;
    mlir::Type type;

    mlir::Value get(Body &body) const;
    bool isZero() const { return operand < 0 && value == 0; }
  };
  /// One number or one per channel (none: 0), of a compute type.
  Number add(llvm::ArrayRef<double> list, mlir::Type type);
};

/// What a quantized result may be.
struct QuantizedRange {
  int64_t zeroPoint = 0;
  /// Limits, the zero point included.
  int64_t low = 0, high = 255;

  /// All values of an integer type.
  static QuantizedRange of(mlir::Type elementType, int64_t zeroPoint);
  /// The most that a number that is not limited differs from the zero point.
  double span() const;
};

/// clamp(round(integer * ratio + offset) + zero point). Lists have one number
/// for all elements or one per channel.
struct Requantization {
  llvm::SmallVector<double> ratio;
  /// In steps of the result; empty for 0.
  llvm::SmallVector<double> offset;
  /// The most that |integer| can be.
  llvm::SmallVector<double> bound;
  QuantizedRange range;

  /// True if single precision with compensated multiplication is enough.
  bool isSingle() const;
};

/// out[i...] = the requantized `integer` (an i32 that the callback computes
/// from the mapped operands). Channels run along loop `channelLoop`.
mlir::Value requantize(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::RankedTensorType out, mlir::ValueRange ins,
                       llvm::ArrayRef<mlir::AffineMap> maps,
                       int64_t channelLoop, const Requantization &how,
                       llvm::function_ref<mlir::Value(Body &)> integer);

/// clamp(round((a * scaleA + b * scaleB) / scale) + zero point) of two
/// integers.
struct SumRequantization {
  double scaleA = 1, scaleB = 1, scale = 1;
  double boundA = 255, boundB = 255;
  QuantizedRange range;

  bool isSingle() const;
  /// Most of the magnitude before rounding.
  double most() const;
};

/// The same for sums of two integers.
mlir::Value requantizeSum(
    mlir::OpBuilder &b, mlir::Location loc, mlir::RankedTensorType out,
    mlir::ValueRange ins, llvm::ArrayRef<mlir::AffineMap> maps,
    const SumRequantization &how,
    llvm::function_ref<std::pair<mlir::Value, mlir::Value>(Body &)> integers);

/// A number that does not fit single precision as the sum of two that do.
struct SplitNumber {
  float high, low;
  /// The nearest single and the rest.
  static SplitNumber nearest(double x);
  /// A multiple of `quantum`, a power of two, and the rest.
  static SplitNumber multiple(double x, double quantum);
};

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_REQUANTIZE_H
