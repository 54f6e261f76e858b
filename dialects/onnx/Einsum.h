//===- Einsum.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The equation of Einsum, with its ellipses spelled out.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_EINSUM_H
#define INGOT_DIALECTS_ONNX_EINSUM_H

#include "dialects/onnx/Dims.h"

namespace ingot::onnx {

/// A sum of products: loop labels are numbered from 0, those of the result
/// first, in its order.
struct EinsumEquation {
  /// For every operand the label of each of its dimensions.
  llvm::SmallVector<llvm::SmallVector<unsigned, 4>> operands;
  /// The size of every label.
  Dims sizes;
  /// The number of labels that are dimensions of the result.
  unsigned resultRank = 0;
};

/// Parses an equation for operands of these types. Emits an error that says
/// what is wrong with it.
mlir::FailureOr<EinsumEquation>
parseEinsum(std::optional<mlir::Location> loc, llvm::StringRef equation,
            llvm::ArrayRef<mlir::RankedTensorType> operands);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_EINSUM_H
