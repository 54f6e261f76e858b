//===- QuantizeMeasure.cpp - layers timed one by one ----------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --measure: each layer as a model of its own, in float and quantized, with the
// conversions that it would have in the whole model and no others.
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/QuantizeRun.h"

#include "ingot/ingot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

using namespace ingot;
using namespace ingot::quantize;

namespace {
/// A layer as a model, and its one unit.
struct SingleLayer {
  OnnxGraph graph;
  Units units;
  Plan plan;
};
} // namespace

static SingleLayer isolateLayer(const QuantizeRun &run, size_t index) {
  const Unit &unit = run.units.list[index];
  SingleLayer single;
  OnnxGraph &graph = single.graph;
  graph = run.graph;
  graph.nodes.clear();
  graph.inputs.clear();
  graph.values.clear();
  Unit only = unit;
  only.nodes.clear();
  for (size_t node : unit.nodes) {
    only.nodes.push_back(graph.nodes.size());
    graph.nodes.push_back(run.graph.nodes[node]);
  }
  std::set<std::string> seen;
  for (const std::string &value : unit.activations) {
    auto shape = run.calibration.shapes.find(value);
    if (seen.insert(value).second)
      graph.inputs.push_back(makeValue(
          value, INGOT_FLOAT32,
          shape == run.calibration.shapes.end() ? nullptr : &shape->second));
  }
  graph.outputs = {makeValue(unit.outputs[0], INGOT_FLOAT32, nullptr)};
  graph.hasSubgraphs = false;
  graph.removeUnused();
  single.units.ofNode.assign(graph.nodes.size(), 0);
  single.units.list = {only};
  single.units.producer[unit.outputs[0]] = 0;
  single.plan.isQuantized = {true};
  if (!run.isStatic())
    return single;
  single.plan.values.insert(unit.activations.begin(), unit.activations.end());
  if (run.fullPlan.isComputed.count(unit.outputs[0])) {
    single.plan.values.insert(unit.outputs[0]);
    single.plan.isComputed.insert(unit.outputs[0]);
  }
  for (const std::string &value : single.plan.values)
    if (std::string root = run.fullPlan.root(value); root != value)
      single.plan.sameAs[value] = root;
  return single;
}

/// Values that come from, or go to, layers in integers are integers.
static void cutBorders(const QuantizeRun &run, size_t index,
                       QuantizedGraph &quantized) {
  OnnxGraph &graph = quantized.graph;
  const Unit &unit = run.units.list[index];
  int32_t type = quantize::onnxDataType(run.format.activations.type);
  std::vector<OnnxNode> kept;
  for (OnnxNode &node : graph.nodes) {
    bool isBorder = node.is("QuantizeLinear") &&
                    run.fullPlan.isComputed.count(node.inputs[0]) &&
                    graph.isInput(node.inputs[0]);
    if (isBorder) {
      for (OnnxValue &input : graph.inputs)
        if (input.name == node.inputs[0])
          input = makeValue(node.outputs[0], type,
                            input.hasShape ? &input.dims : nullptr);
      continue;
    }
    bool isLast =
        node.is("DequantizeLinear") && node.outputs[0] == unit.outputs[0];
    if (isLast) {
      graph.outputs = {makeValue(node.inputs[0], type, nullptr)};
      continue;
    }
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
}

/// The least of some runs, in seconds.
static llvm::Expected<double> timeGraph(const QuantizeRun &run,
                                        const OnnxGraph &graph) {
  auto session = GraphSession::open(graph, {}, run.options);
  if (!session)
    return session.takeError();
  std::vector<Tensor> inputs;
  for (const TensorFacts &fact : (*session)->facts().inputs) {
    Tensor tensor;
    tensor.name = fact.name;
    tensor.dtype = fact.dtype;
    for (int64_t dim : fact.dims)
      tensor.dims.push_back(dim < 0 ? 1 : dim);
    fillRandom(tensor, 1);
    inputs.push_back(std::move(tensor));
  }
  double least = INFINITY, spent = 0;
  for (int i = 0; i < 100 && (i < 5 || spent < 0.05); ++i) {
    if (llvm::Error error = (*session)->run(inputs))
      return error;
    spent += (*session)->seconds();
    least = std::min(least, (*session)->seconds());
  }
  return least;
}

/// The time in float16.
static llvm::Expected<double> timeHalf(const QuantizeRun &run,
                                       const SingleLayer &single) {
  Plan plan;
  plan.isQuantized = {false};
  plan.halves = {true};
  QuantizeInputs inputs{&single.graph, &single.units, &run.format, &run.params,
                        nullptr};
  auto half = quantizeGraph(inputs, plan);
  if (!half)
    return half.takeError();
  return timeGraph(run, half->graph);
}

/// Equal for layers that take the same time.
static std::string signatureOf(const QuantizeRun &run, size_t index) {
  const Unit &unit = run.units.list[index];
  std::string text;
  for (size_t node : unit.nodes) {
    text += run.graph.nodes[node].opType + ";";
    for (const OnnxAttribute &attribute : run.graph.nodes[node].attributes)
      text += attribute.bytes;
  }
  auto dims = [&](const std::vector<int64_t> &list) {
    for (int64_t dim : list)
      text += std::to_string(dim) + ",";
    text += "/";
  };
  if (!unit.weight.empty())
    dims(run.graph.findInitializer(unit.weight)->dims);
  for (const std::string &value : unit.activations) {
    if (auto it = run.calibration.shapes.find(value);
        it != run.calibration.shapes.end())
      dims(it->second);
    text += run.fullPlan.isComputed.count(value) ? "i" : "f";
  }
  return text + (run.fullPlan.isComputed.count(unit.outputs[0]) ? "i" : "f");
}

llvm::Error ingot::measureTimes(QuantizeRun &run) {
  if (!run.options.quantize.measure)
    return llvm::Error::success();
  std::map<std::string, LayerTime> known;
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    if (!run.isCandidate(i))
      continue;
    LayerResult &layer = run.layers[i];
    LayerTime &time = layer.time;
    auto [it, isNew] = known.try_emplace(signatureOf(run, i));
    if (!isNew) {
      time = it->second;
      continue;
    }
    run.progress.step("timing " + run.layers[i].node);
    SingleLayer single = isolateLayer(run, i);
    auto inFloat = timeGraph(run, single.graph);
    if (!inFloat)
      return inFloat.takeError();
    QuantizeInputs inputs{&single.graph, &single.units, &run.format,
                          &run.params, nullptr};
    auto quantized = quantizeGraph(inputs, single.plan);
    if (!quantized)
      return quantized.takeError();
    if (run.isStatic())
      cutBorders(run, i, *quantized);
    auto inInt = timeGraph(run, quantized->graph);
    if (!inInt)
      return inInt.takeError();
    time = LayerTime();
    time.inHalf = INFINITY;
    time.inFloat = *inFloat;
    time.inInt = *inInt;
    if (run.options.quantize.triesHalf && layer.halfObstacle.empty()) {
      auto inHalf = timeHalf(run, single);
      if (!inHalf)
        return inHalf.takeError();
      time.inHalf = *inHalf;
    }
    if (time.inInt >= time.inFloat)
      llvm::raw_string_ostream(time.reason)
          << "it took " << llvm::format("%.1f", time.inInt * 1e6) << " us, and "
          << llvm::format("%.1f", time.inFloat * 1e6) << " us in float";
    it->second = time;
  }
  return llvm::Error::success();
}
