//===- LayerTime.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A rough estimate of a layer's time in float and in 8-bit integers: enough to
// tell layers that gain from those that do not.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_LAYERTIME_H
#define INGOT_LIB_QUANTIZE_LAYERTIME_H

#include "lib/Quantize/Plan.h"

#include <map>

namespace ingot::quantize {

/// What a core does in a second.
struct MachineRates {
  /// Multiply-adds of floats and of 8-bit integers, bytes from memory, and
  /// elements converted between float and integers.
  double floatProducts = 40e9, intProducts = 80e9, bytes = 10e9,
         conversions = 8e9;
  /// Of starting a kernel, in seconds.
  double launch = 0.3e-6;
};

/// The work of a heavy unit.
struct LayerWork {
  double products = 0;
  double inputs = 0, outputs = 0, weights = 0;
  /// Of one filter for each channel: no reuse of what is loaded.
  bool isDepthwise = false;
};

using ValueShapes = std::map<std::string, std::vector<int64_t>, std::less<>>;

/// The work of a unit, from the shapes of its values.
LayerWork workOf(const OnnxGraph &graph, const Unit &unit,
                 const ValueShapes &shapes);

/// What surrounds a layer: elements that must be converted if it is in
/// integers, and if it is in float.
struct LayerBorders {
  double convertedIfInt = 0, convertedIfFloat = 0;
};

/// Borders of unit `index` when the other units are as in `plan`.
LayerBorders bordersOf(const OnnxGraph &graph, const Units &units,
                       const Plan &plan, size_t index,
                       const ValueShapes &shapes);

/// Seconds, conversions at the borders included.
struct LayerTime {
  double inFloat = 0, inInt = 0, inHalf = 0;
  /// Of inInt: the conversions.
  double conversions = 0;
  /// Why integers are not faster, for people; empty if they are.
  std::string reason;
};

LayerTime estimateTime(const LayerWork &work, const LayerBorders &borders,
                       const MachineRates &rates, unsigned activationBits);

/// Seconds with float16 weights and values and products of floats: gains where
/// reading the weights takes the time, loses where multiplying does, since
/// numbers are widened first.
double estimateHalf(const LayerWork &work, const MachineRates &rates);

/// The same with weights alone in integers of that many bits: never a reason
/// against it, since it is done for memory.
LayerTime estimateWeightOnly(const LayerWork &work, const MachineRates &rates,
                             unsigned weightBits);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_LAYERTIME_H
