//===- LayerTime.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/LayerTime.h"

#include "lib/Quantize/Normalize.h"

#include <algorithm>

using namespace ingot;
using namespace ingot::quantize;

static double elementsOf(const ValueShapes &shapes, const std::string &value) {
  auto it = shapes.find(value);
  if (it == shapes.end())
    return 0;
  double count = 1;
  for (int64_t dim : it->second)
    count *= double(std::max<int64_t>(0, dim));
  return count;
}

LayerWork quantize::workOf(const OnnxGraph &graph, const Unit &unit,
                           const ValueShapes &shapes) {
  const OnnxNode &node = graph.nodes[unit.nodes[0]];
  LayerWork work;
  for (const std::string &value : unit.activations)
    work.inputs += elementsOf(shapes, value);
  work.outputs = elementsOf(shapes, unit.outputs[0]);
  const OnnxTensor *weight = graph.findInitializer(unit.weight);
  if (weight)
    work.weights = double(weight->elements());
  bool isConv = node.is("Conv") || node.is("ConvTranspose");
  if (isConv && weight && weight->dims.size() > 1 && weight->dims[0] > 0) {
    double filter = work.weights / double(weight->dims[0]);
    work.products = (node.is("Conv") ? work.outputs : work.inputs) * filter;
    work.isDepthwise =
        node.is("Conv") && weight->dims[1] == 1 && node.getInt("group", 1) > 1;
    return work;
  }
  if (isConv)
    return work;
  // A matrix product: the depth is the last dimension of the left operand.
  auto left = shapes.find(node.input(0));
  std::vector<int64_t> dims;
  if (left != shapes.end())
    dims = left->second;
  else if (const OnnxTensor *constant = graph.findInitializer(node.input(0)))
    dims = constant->dims;
  if (dims.empty())
    return work;
  bool isTransposed = node.is("Gemm") && node.getInt("transA", 0);
  work.products =
      work.outputs * double(isTransposed ? dims.front() : dims.back());
  return work;
}

LayerBorders quantize::bordersOf(const OnnxGraph &graph, const Units &units,
                                 const Plan &plan, size_t index,
                                 const ValueShapes &shapes) {
  LayerBorders borders;
  const Unit &unit = units.list[index];
  auto isQuantized = [&](const std::string &value) {
    auto it = units.producer.find(value);
    return it != units.producer.end() && it->second != index &&
           plan.isQuantized[it->second];
  };
  for (const std::string &value : unit.activations)
    (isQuantized(value) ? borders.convertedIfFloat : borders.convertedIfInt) +=
        elementsOf(shapes, value);
  bool anyInt = false, anyFloat = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    int64_t reader = units.ofNode[i];
    if (reader == int64_t(index))
      continue;
    for (const std::string &input : graph.nodes[i].inputs)
      if (input == unit.outputs[0])
        (reader >= 0 && plan.isQuantized[size_t(reader)] ? anyInt : anyFloat) =
            true;
  }
  anyFloat |= graph.isOutput(unit.outputs[0]);
  double results = elementsOf(shapes, unit.outputs[0]);
  if (anyInt)
    borders.convertedIfFloat += results;
  if (anyFloat && plan.isComputed.count(unit.outputs[0]))
    borders.convertedIfInt += results;
  return borders;
}

static std::string percent(double part, double whole) {
  return std::to_string(int(100 * part / whole + 0.5)) + " %";
}

LayerTime quantize::estimateTime(const LayerWork &work,
                                 const LayerBorders &borders,
                                 const MachineRates &rates,
                                 unsigned activationBits) {
  // Depthwise layers are bound by loads: a product for each element loaded.
  double floatRate = rates.floatProducts * (work.isDepthwise ? 0.15 : 0.7);
  double intRate = rates.intProducts * (work.isDepthwise ? 0.1 : 0.6);
  if (activationBits > 8)
    intRate = 0;
  double bytes = activationBits / 8.0;
  LayerTime time;
  time.inFloat =
      rates.launch +
      std::max(work.products / floatRate,
               4 * (work.inputs + work.outputs + work.weights) / rates.bytes) +
      borders.convertedIfFloat / rates.conversions;
  if (intRate == 0) {
    time.inInt =
        time.inFloat + 2 * (work.inputs + work.outputs) / rates.conversions;
    time.reason = "no machine multiplies 16-bit activations by 8-bit weights "
                  "faster than floats";
    return time;
  }
  double border = borders.convertedIfInt > 0 ? rates.launch : 0;
  time.conversions = border + borders.convertedIfInt / rates.conversions;
  // The result is rounded to 8 bits where it is made.
  double requantize = work.outputs / (2 * rates.conversions);
  time.inInt = rates.launch +
               std::max(work.products / intRate,
                        (bytes * (work.inputs + work.outputs) + work.weights) /
                            rates.bytes) +
               requantize + time.conversions;
  if (time.inInt < time.inFloat)
    return time;
  if (time.conversions > 0.3 * time.inInt)
    time.reason = "converting its operands and result takes " +
                  percent(time.conversions, time.inInt) + " of its time";
  else if (work.products < 16 * (work.inputs + work.outputs))
    time.reason = "it has few multiplications for its size, and rounding the "
                  "result costs more than they save";
  else
    time.reason = "this machine multiplies integers no faster";
  return time;
}

double quantize::estimateHalf(const LayerWork &work,
                              const MachineRates &rates) {
  // As docs/precision.md has measured it: widening is a tenth of the products,
  // and of one row it takes half as long as reading float16 does.
  double floatRate = rates.floatProducts * (work.isDepthwise ? 0.15 : 0.7);
  double bytes = 2 * (work.inputs + work.outputs + work.weights);
  return rates.launch +
         std::max(1.08 * work.products / floatRate,
                  bytes / rates.bytes + 1.5 * work.weights / rates.conversions);
}

LayerTime quantize::estimateWeightOnly(const LayerWork &work,
                                       const MachineRates &rates,
                                       unsigned weightBits) {
  double products = work.products / (rates.floatProducts * 0.7);
  double values = 4 * (work.inputs + work.outputs);
  LayerTime time;
  time.inFloat = rates.launch +
                 std::max(products, (values + 4 * work.weights) / rates.bytes);
  double packed = work.weights * weightBits / 8;
  time.inInt =
      rates.launch + std::max(products + work.weights / rates.conversions,
                              (values + packed) / rates.bytes);
  return time;
}
