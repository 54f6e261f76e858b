//===- QuantizeChoose.cpp - which layers are quantized --------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/Target.h"
#include "lib/Driver/Compiler.h"
#include "lib/Quantize/HalfFloat.h"
#include "tools/ingot/QuantizeRun.h"

#include "ingot/ingot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace ingot;
using namespace ingot::quantize;
using llvm::StringRef;

std::string LayerResult::typeName(const QuantizeFormat &format) const {
  return isInt    ? quantTypeName(format.weights.type).str()
         : isHalf ? "float16"
                  : "float";
}

Plan QuantizeRun::planFor(llvm::ArrayRef<LayerType> types) const {
  std::vector<bool> wanted, halves;
  for (LayerType type : types) {
    wanted.push_back(type == LayerType::Integer);
    halves.push_back(type == LayerType::Float16);
  }
  if (!isStatic())
    return makeWeightPlan(units, wanted);
  Plan plan = makePlan(graph, units, wanted);
  plan.halves = std::move(halves);
  // Where a mover is not quantized any more, its result still has the range of
  // its operand, and was not observed by itself.
  for (const std::string &value : plan.values)
    if (!plan.sameAs.count(value))
      if (auto it = fullPlan.sameAs.find(value); it != fullPlan.sameAs.end())
        plan.sameAs[value] = fullPlan.root(value);
  return plan;
}

//===-- times -------------------------------------------------------------===//

/// Rates of one core, from what the target's machine says of itself.
static llvm::Expected<MachineRates> ratesOf(const Options &options) {
  auto context = createContext();
  std::string error;
  kernel::MachineAttr machine =
      resolveMachine(options.target, options.cpu, context.get(), error);
  if (!machine)
    return failure(6001, error);
  constexpr double clock = 2.5e9;
  MachineRates rates;
  rates.floatProducts = clock * 2 * double(machine.lanes(32));
  double gain = 1;
  // Weights of 7 bits can be multiplied as pairs of bytes.
  if (kernel::MachineAttr pairs = machine.forBytePairs();
      pairs && options.quantize.reduceRange)
    machine = pairs;
  switch (machine.getDot()) {
  case kernel::DotForm::lanes:
    gain = 1.1;
    break;
  case kernel::DotForm::pairs:
    gain = 1.5;
    break;
  case kernel::DotForm::bytes:
    gain = 2.5;
    break;
  case kernel::DotForm::vnni:
  case kernel::DotForm::sdot:
  case kernel::DotForm::words:
    gain = 4;
    break;
  case kernel::DotForm::smmla:
    gain = 7;
    break;
  }
  rates.intProducts = rates.floatProducts * gain;
  rates.conversions = clock * double(machine.lanes(32)) / 2;
  return rates;
}

/// Why a heavy unit is not for float16; "" if it is.
static std::string halfObstacleOf(const QuantizeRun &run, size_t index) {
  const Unit &unit = run.units.list[index];
  if (!run.options.quantize.triesHalf || !run.isCandidate(index))
    return "it is not tried";
  const OnnxNode &node = run.graph.nodes[unit.nodes[0]];
  auto text = [](StringRef what, double most) {
    std::string result;
    llvm::raw_string_ostream(result)
        << what << " reach " << llvm::format("%.3g", most)
        << ", and float16 ends at 65504";
    return result;
  };
  double most = 0;
  auto see = [&](const std::string &value) {
    auto it = run.calibration.values.find(value);
    if (it == run.calibration.values.end())
      return;
    Range range = it->second.extremes();
    most = std::max(
        {most, std::fabs(double(range.low)), std::fabs(double(range.high))});
  };
  for (const std::string &value : unit.activations)
    see(value);
  if (most > largestHalf)
    return text("its operands", most);
  most = 0;
  see(node.outputs[0]);
  if (most > largestHalf)
    return text("its results", most);
  most = 0;
  for (const std::string &input : node.inputs) {
    const OnnxTensor *tensor = run.graph.findInitializer(input);
    std::vector<float> floats;
    if (tensor && run.graph.loadFloats(*tensor, floats))
      for (float value : floats)
        most = std::max(most, std::fabs(double(value)));
  }
  return most > largestHalf ? text("its weights", most) : "";
}

/// What the layers are, with nothing measured.
static void listLayers(QuantizeRun &run) {
  run.layers.assign(run.units.list.size(), LayerResult());
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    const Unit &unit = run.units.list[i];
    LayerResult &layer = run.layers[i];
    layer.node = unit.name;
    layer.opType =
        unit.opType + (unit.activation.empty() ? "" : " + " + unit.activation);
    if (unit.kind == UnitKind::Heavy) {
      layer.reason = run.obstacleOf(i);
      layer.halfObstacle = halfObstacleOf(run, i);
    }
    auto range = run.ranges.find(run.fullPlan.root(unit.outputs[0]));
    if (range == run.ranges.end() ||
        !run.fullPlan.values.count(unit.outputs[0]))
      continue;
    layer.range = range->second;
    layer.params = run.params.find(range->first)->second;
    layer.hasParams = true;
  }
}

/// The time of a layer in the scheme.
static LayerTime timeOf(const QuantizeRun &run, size_t index,
                        const LayerWork &work, const MachineRates &rates) {
  LayerBorders borders = bordersOf(run.graph, run.units, run.fullPlan, index,
                                   run.calibration.shapes);
  switch (run.format.scheme) {
  case QuantizeScheme::Static:
    break;
  case QuantizeScheme::Dynamic:
    // Range, quantization and the product of scales, at run time.
    borders = {3 * work.inputs + work.outputs, 0};
    break;
  case QuantizeScheme::WeightOnly:
    return estimateWeightOnly(work, rates, bitWidth(run.format.weights.type));
  }
  return estimateTime(work, borders, rates,
                      bitWidth(run.format.activations.type));
}

llvm::Error ingot::estimateTimes(QuantizeRun &run) {
  auto rates = ratesOf(run.options);
  if (!rates)
    return rates.takeError();
  listLayers(run);
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    const Unit &unit = run.units.list[i];
    LayerResult &layer = run.layers[i];
    if (unit.kind != UnitKind::Heavy)
      continue;
    LayerWork work = workOf(run.graph, unit, run.calibration.shapes);
    layer.products = work.products;
    layer.weights = work.weights;
    layer.time = timeOf(run, i, work, *rates);
    layer.time.inHalf = estimateHalf(work, *rates);
  }
  return llvm::Error::success();
}

//===-- the choice --------------------------------------------------------===//

/// The reason why a layer is not in integers, with that against float16.
static void explainHalf(const QuantizeRun &run, LayerResult &layer) {
  if (!run.options.quantize.triesHalf || layer.isInt || layer.isHalf)
    return;
  std::string why = layer.halfObstacle;
  if (why.empty() && !layer.gainsInHalf(run.options.quantize.forSize)) {
    llvm::raw_string_ostream(why)
        << "float16 would be slower ("
        << llvm::format("%.1f", layer.time.inHalf * 1e6) << " us, and "
        << llvm::format("%.1f", layer.time.inFloat * 1e6) << " us in float)";
  }
  if (!why.empty() && why != "it is not tried")
    layer.reason += (layer.reason.empty() ? "" : "; ") + why;
}

llvm::Error ingot::findAllowedTypes(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  for (const std::string &name : wanted.keepFloat)
    if (llvm::none_of(run.layers, [&](const LayerResult &layer) {
          return layer.node == name;
        }))
      return failure(6111, "--keep-float names the node " + quoted(name) +
                               ", which the model does not have as a layer; "
                               "the table lists them");
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    LayerResult &layer = run.layers[i];
    if (!run.isCandidate(i))
      continue;
    if (llvm::is_contained(wanted.keepFloat, layer.node)) {
      layer.reason = "kept by --keep-float";
      continue;
    }
    if (!wanted.triesInt)
      layer.reason = "--precisions is without int8";
    else if (!wanted.ignoreSpeed && !wanted.forSize &&
             !layer.time.reason.empty())
      layer.reason = "int8 would be slower here because " + layer.time.reason;
    else
      layer.mayBeInt = true;
    layer.mayBeHalf =
        layer.halfObstacle.empty() && layer.gainsInHalf(wanted.forSize);
  }
  return llvm::Error::success();
}

std::vector<LayerType> ingot::fastestTypes(const QuantizeRun &run) {
  std::vector<LayerType> types;
  for (const LayerResult &layer : run.layers)
    types.push_back(layer.mayBeInt    ? LayerType::Integer
                    : layer.mayBeHalf ? LayerType::Float16
                                      : LayerType::Float32);
  return types;
}

/// Writes the plan, and why units are not in it, to the layers.
static void applyChoice(QuantizeRun &run, llvm::ArrayRef<LayerType> types) {
  run.plan = run.planFor(types);
  for (size_t i = 0; i < run.layers.size(); ++i) {
    LayerResult &layer = run.layers[i];
    layer.isInt = run.plan.isQuantized[i];
    layer.isHalf = run.plan.isHalf(i);
    if (run.units.list[i].kind == UnitKind::Heavy)
      explainHalf(run, layer);
    if (!layer.isInt && !layer.isHalf && layer.reason.empty())
      layer.reason = run.isStatic() ? "not between layers in integers"
                                    : "only matrix products have this form";
  }
}

llvm::Error ingot::chooseAll(QuantizeRun &run) {
  listLayers(run);
  if (llvm::Error error = findAllowedTypes(run))
    return error;
  applyChoice(run, fastestTypes(run));
  return llvm::Error::success();
}

/// No layer but in float32.
static bool isAllFloat(llvm::ArrayRef<LayerType> types) {
  return llvm::all_of(
      types, [](LayerType type) { return type == LayerType::Float32; });
}

llvm::Error ingot::chooseLayers(QuantizeRun &run) {
  const QuantizeOptions &options = run.options.quantize;
  if (llvm::Error error = findAllowedTypes(run))
    return error;
  if (options.sensitivity == "one-at-a-time")
    if (llvm::Error error = measureInTurn(run))
      return error;
  std::vector<LayerType> types = fastestTypes(run);
  bool hasBudget = !options.maxError.empty() || options.maxDrop >= 0;
  if ((hasBudget || options.search == "pareto") && !isAllFloat(types)) {
    auto found = searchTypes(run);
    if (!found)
      return found.takeError();
    types = std::move(*found);
  }
  if (isAllFloat(types)) {
    std::string why;
    for (const LayerResult &layer : run.layers)
      if (why.empty() && !layer.reason.empty())
        why = "; " + layer.opType + " " + quoted(layer.node) + ": " +
              layer.reason;
    return failure(
        6108, "no layer can be quantized" +
                  llvm::Twine(hasBudget ? " within the budget" : "") + why);
  }
  applyChoice(run, types);
  auto quantized = quantizeGraph(run.inputs(), run.plan);
  if (!quantized)
    return quantized.takeError();
  std::map<size_t, ErrorMeter> meters;
  auto error = compareModels(run, *quantized, &meters);
  if (!error)
    return error.takeError();
  run.error = *error;
  for (auto &[unit, meter] : meters) {
    run.layers[unit].sqnr = meter.sqnrDb();
    run.layers[unit].cosine = meter.cosine();
    run.layers[unit].maxError = meter.maxError();
  }
  if (hasBudget && budgetUse(options, run.error) > 1)
    return failure(6108, "the budget was not kept after " +
                             llvm::Twine(run.evaluations) +
                             " models; allow more by --evaluations");
  return llvm::Error::success();
}
