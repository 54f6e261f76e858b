//===- Sums.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From sums of products x * w, which the emitters compute, to
// sum (x - zx) * (w - zw) = sum x * w - zx * sum w - zw * sum x + n * zx * zw,
// and on to the result: elementwise work that is fused with the product.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_QUANT_SUMS_H
#define INGOT_PASSES_GRAPH_QUANT_SUMS_H

#include "passes/graph/quant/Parameters.h"

namespace ingot::quant {

class Sums {
public:
  /// `value` is i32 with the channels along the last dimension.
  Sums(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

  /// A tensor of integers (of at most 32 bits) that is added, and its map.
  struct Factor {
    mlir::Value tensor;
    mlir::AffineMap map;
  };
  /// Adds a number per channel (or one for all) times the product of the
  /// factors.
  void add(llvm::ArrayRef<int64_t> numbers,
           llvm::ArrayRef<Factor> factors = {});

  /// The sums as i32, f32 (times scale plus bias, each rounded once), and
  /// requantized.
  mlir::Value integers() const;
  mlir::Value floats(llvm::ArrayRef<double> scale,
                     llvm::ArrayRef<double> bias) const;
  mlir::Value requantized(mlir::Type elementType,
                          const Requantization &how) const;

private:
  struct Term {
    llvm::SmallVector<int64_t> numbers;
    llvm::SmallVector<Factor> factors;
  };
  /// The operands of a generic, and how its body computes the sum from them.
  struct Operands;

  mlir::RankedTensorType type() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  mlir::RankedTensorType resultType(mlir::Type elementType) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value value;
  llvm::SmallVector<int64_t> constant;
  llvm::SmallVector<Term> terms;
};

/// The product of constant weights and a quantized tensor: how its result is
/// wanted, from the reader of the float value or from the op itself.
struct ProductResult {
  /// Real scale of one unit of the sums, one or one per channel.
  llvm::SmallVector<double> scale;
  Bias bias;
  /// Most of |sum (x - zx) * (w - zw)| per channel, without the bias.
  llvm::SmallVector<double> bound;
};

/// True if no sum with its bias can leave 32 bits.
bool fitsWord(const ProductResult &product);

/// How the sums become what `to` says.
Requantization requantizationOf(const ProductResult &product,
                                const QuantizedResult &to);

} // namespace ingot::quant

#endif // INGOT_PASSES_GRAPH_QUANT_SUMS_H
