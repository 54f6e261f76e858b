//===- Plan.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which nodes of a model can be quantized, which are, and which values
// therefore pass through QuantizeLinear and DequantizeLinear.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_PLAN_H
#define INGOT_LIB_QUANTIZE_PLAN_H

#include "lib/Quantize/Calibrators.h"
#include "lib/Quantize/OnnxGraph.h"

#include <functional>

namespace ingot::quantize {

/// What is known of a value without running the model; `dims` has -1 for
/// unknown sizes, and `isRanked` is false where even the rank is unknown.
struct ValueType {
  int32_t dtype = 0;
  bool isRanked = false;
  std::vector<int64_t> dims;
};
using ValueTypes = std::map<std::string, ValueType, std::less<>>;

/// What a unit does.
enum class UnitKind : uint8_t {
  /// A convolution or a matrix product: decides by itself.
  Heavy,
  /// Computes elementwise or averages: is quantized where that keeps a chain
  /// in integers.
  Light,
  /// Moves elements; its result has the parameters of its operand.
  Mover
};

/// Nodes that are quantized together or not at all: one, and those after it
/// that are part of its epilogue.
struct Unit {
  UnitKind kind = UnitKind::Heavy;
  /// Indices of nodes, in order.
  std::vector<size_t> nodes;
  std::string name, opType;
  /// The activation x * f(x) that it ends with, for people; "" if it has none.
  std::string activation;
  /// Whether it ends with Mul, Min or Max with constants.
  bool hasFactors = false;
  /// Operands that are computed at run time, and results.
  std::vector<std::string> activations, outputs;
  /// Constant operands of a heavy unit, or "".
  std::string weight, bias;
  /// The constant that the Add after a matrix product adds, or "".
  std::string addedBias;
  /// Of a heavy unit: the position of the weight among the operands, and the
  /// axis of its output channels, -1 if it has none.
  size_t weightOperand = 1;
  int64_t channelAxis = -1;
  /// What stands against quantizing it, for people; empty if nothing does.
  std::string obstacle;
};

/// The units of a model.
struct Units {
  std::vector<Unit> list;
  /// By node; -1 for nodes that belong to none.
  std::vector<int64_t> ofNode;
  /// The unit that computes a value as a result.
  std::map<std::string, size_t, std::less<>> producer;
};

/// Finds the units of a model in the form of Normalize.h. Activations x * f(x)
/// are part of the heavy unit before them, unless `separateActivations`: then
/// its result is quantized before them too, as some engines need it to compute
/// the unit in integers.
Units findUnits(const OnnxGraph &graph, const ValueTypes &types,
                bool separateActivations = false);

/// What is in integers.
enum class QuantizeScheme : uint8_t {
  /// Activations and weights, with scales known beforehand.
  Static,
  /// Weights of matrix products, with a scale for each block.
  WeightOnly,
  /// Activations and weights of matrix products; the activations' scales are
  /// computed at run time.
  Dynamic
};

/// How activations and weights are quantized.
struct QuantizeFormat {
  QuantizeScheme scheme = QuantizeScheme::Static;
  /// Elements of a block along the depth, of WeightOnly.
  int64_t blockSize = 32;
  /// Dynamic: a scale for each row of activations rather than one for all.
  bool perToken = false;
  QuantSpec activations{QuantType::UInt8, /*isSymmetric=*/false};
  QuantSpec weights{QuantType::Int8, /*isSymmetric=*/true, /*isNarrow=*/true};
  bool perChannel = true;
};

/// What a heavy unit computes with.
enum class LayerType : uint8_t { Float32, Float16, Integer };

/// What is quantized.
struct Plan {
  /// By unit.
  std::vector<bool> isQuantized;
  /// Heavy units in float16, by unit; may be empty.
  std::vector<bool> halves;
  /// Values that pass through QuantizeLinear and DequantizeLinear.
  std::set<std::string, std::less<>> values;
  /// Values with the parameters of another: results of movers.
  std::map<std::string, std::string, std::less<>> sameAs;
  /// True if the value is computed by a quantized unit, so that all that read
  /// it read the dequantized one.
  std::set<std::string, std::less<>> isComputed;

  /// The value whose parameters `value` has.
  std::string root(const std::string &value) const;
  bool isHalf(size_t unit) const {
    return unit < halves.size() && halves[unit];
  }
};

/// Completes the choice of heavy units (`wanted`, by unit) with the light
/// units and movers between them.
Plan makePlan(const OnnxGraph &graph, const Units &units,
              const std::vector<bool> &wanted);

/// The plan of the schemes that leave activations in float: those heavy units.
Plan makeWeightPlan(const Units &units, const std::vector<bool> &wanted);

/// Why a heavy unit is not for a scheme other than Static; "" if it is.
std::string weightObstacle(const OnnxGraph &graph, const Unit &unit);

/// Ranges and parameters of quantized values, by root.
using ValueParams = std::map<std::string, QuantParams, std::less<>>;
using ValueRanges = std::map<std::string, Range, std::less<>>;

/// The operands of a Concat take its result's parameters where that costs at
/// most a bit, so that it only moves bytes.
void shareConcatRanges(const OnnxGraph &graph, const Units &units,
                       const Plan &plan, ValueRanges &ranges);

/// Parameters for the ranges.
llvm::Expected<ValueParams> paramsOfValues(const ValueRanges &ranges,
                                           const QuantizeFormat &format);

/// A weight in integers.
struct QuantizedWeight {
  std::vector<int32_t> values;
  /// One for all, for each channel, or for each block in ONNX's order.
  std::vector<QuantParams> params;
  /// The axis of channels or of blocks; -1: one parameter for all.
  int64_t axis = -1;
  /// 0: not in blocks.
  int64_t blockSize = 0;

  /// The parameters of each element of a weight of that shape.
  GroupedParams grouped(const std::vector<int64_t> &dims) const;
};

/// What was found out about a heavy unit's weight by other means than rounding
/// it to nearest, by the unit's first node.
struct WeightFindings {
  std::map<size_t, QuantizedWeight> rounded;
  /// Added to the bias where the unit is quantized.
  std::map<size_t, std::vector<float>> biasShifts;
};

/// Sets the weight's integers to those nearest to `floats`, of that shape.
void roundWeight(llvm::ArrayRef<float> floats, const std::vector<int64_t> &dims,
                 QuantizedWeight &weight);

/// The quantized weight of a unit, rounded to nearest.
llvm::Expected<QuantizedWeight> quantizeWeight(const OnnxGraph &graph,
                                               const Unit &unit,
                                               const QuantizeFormat &format);

/// Everything that the writers below need.
struct QuantizeInputs {
  const OnnxGraph *graph = nullptr;
  const Units *units = nullptr;
  const QuantizeFormat *format = nullptr;
  const ValueParams *params = nullptr;
  const WeightFindings *findings = nullptr;
};

/// A model with QuantizeLinear and DequantizeLinear.
struct QuantizedGraph {
  OnnxGraph graph;
  /// What readers see of values that were quantized, by value.
  std::map<std::string, std::string, std::less<>> dequantized;
};

/// The model with the plan's Q and DQ nodes.
llvm::Expected<QuantizedGraph> quantizeGraph(const QuantizeInputs &inputs,
                                             const Plan &plan);

/// A unit in a type that it is looked at in.
struct UnitVariant {
  size_t unit = 0;
  LayerType type = LayerType::Integer;
};

/// The float model with a copy of each unit of `which` beside it that reads the
/// float values: shows what each unit loses by itself. `copies` gets the name
/// of each copy's first result.
llvm::Expected<OnnxGraph> isolateUnits(const QuantizeInputs &inputs,
                                       const Plan &plan,
                                       const std::vector<UnitVariant> &which,
                                       std::vector<std::string> &copies);

/// The float model with such a copy of each unit, and for each an input of type
/// bool, named in `switches`: if it is true, all that read the unit's result
/// read the copy's.
llvm::Expected<OnnxGraph> switchUnits(const QuantizeInputs &inputs,
                                      const Plan &plan,
                                      const std::vector<UnitVariant> &which,
                                      std::vector<std::string> &switches);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_PLAN_H
