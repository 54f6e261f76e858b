//===- WritePerToken.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_WRITEPERTOKEN_H
#define INGOT_LIB_QUANTIZE_WRITEPERTOKEN_H

#include "lib/Quantize/OnnxGraph.h"

namespace ingot::quantize {

/// Integers that stand for an activation, and the scale of each of its rows.
struct TokenScaled {
  std::string quantized, scale;
};

/// Writes the operators that quantize activations with a scale for each row
/// along their last dimension: symmetric int8, the largest magnitude of a row
/// becoming 127.
class TokenQuantizer {
public:
  /// `nodes` are the nodes that `graph` will have.
  TokenQuantizer(OnnxGraph &graph, std::vector<OnnxNode> &nodes)
      : graph(graph), nodes(nodes) {}

  /// Appends the nodes for `activation`, unless they are there already.
  const TokenScaled &quantize(const std::string &activation);

private:
  void addConstants();
  std::string emit(const std::string &activation, const char *op,
                   std::vector<std::string> inputs, const char *what);

  OnnxGraph &graph;
  std::vector<OnnxNode> &nodes;
  std::map<std::string, TokenScaled, std::less<>> known;
  std::string least, most, low, axes;
};

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_WRITEPERTOKEN_H
