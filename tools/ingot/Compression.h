//===- Compression.h - how small a model's weights can be -------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_COMPRESSION_H
#define INGOT_TOOLS_INGOT_COMPRESSION_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace ingot {

/// Bytes of constants in several forms. int8: a float scale for each output
/// channel; int4: one for each 32 weights along the sum.
struct CompressedSizes {
  int64_t stored = 0, float32 = 0, float16 = 0, int8 = 0, int4 = 0;
  /// What an ideal entropy coder makes of the stored bytes and of the integers
  /// (with their scales).
  double storedEntropy = 0, int8Entropy = 0, int4Entropy = 0;

  CompressedSizes &operator+=(const CompressedSizes &other);
};

/// The weights of one layer.
struct WeightFacts {
  std::string name, type, opType, node;
  int64_t elements = 0;
  CompressedSizes sizes;
  /// Signal to noise of the weights rounded to nearest; none for weights that
  /// are integers already, which stay as they are in all forms.
  std::optional<double> int8Sqnr, int4Sqnr;
  double sparsity = 0;
  /// Whether two of four along the sum are 0.
  bool isTwoOfFour = false;
};

struct CompressionReport {
  std::vector<WeightFacts> weights;
  /// Biases, parameters of normalisations, scales, shapes, ...: they stay as
  /// they are, but for floats in float16.
  int64_t others = 0;
  CompressedSizes otherSizes, total;
  int64_t elements = 0, zeros = 0;
};

/// Looks at every constant of an imported model, in the onnx dialect.
CompressionReport measureCompression(mlir::ModuleOp module);

void printCompression(const CompressionReport &report);
llvm::json::Object describeCompression(const CompressionReport &report);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_COMPRESSION_H
