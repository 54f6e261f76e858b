//===- FindActivation.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_FINDACTIVATION_H
#define INGOT_LIB_QUANTIZE_FINDACTIVATION_H

#include "lib/Quantize/OnnxGraph.h"

#include <optional>

namespace ingot::quantize {

using ValueUsers = std::map<std::string, std::vector<int64_t>, std::less<>>;

/// Nodes that compute a smooth activation of a value.
struct Activation {
  /// In order; the last gives `result`.
  std::vector<size_t> nodes;
  std::string result;
  /// For people: "SiLU".
  std::string name;
};

/// The activation x * f(x) of `value`, as one operator (HardSwish, Gelu, Mish,
/// Swish) or as several: x * Sigmoid(x), x * Clip(x + 3, 0, 6) / 6,
/// x * (1 + Erf(x / sqrt(2))) / 2, x * Tanh(Softplus(x)) ... Nothing if other
/// nodes read the value, or one on the way.
///
/// What such a function reads must be exact: it is close to zero over half of
/// its range, so that integers of the range of `value` would waste bits.
std::optional<Activation> findActivation(const OnnxGraph &graph,
                                         const ValueUsers &users,
                                         const std::string &value);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_FINDACTIVATION_H
