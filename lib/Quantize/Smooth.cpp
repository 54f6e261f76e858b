//===- Smooth.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/FindActivation.h"
#include "lib/Quantize/Improve.h"
#include "lib/Quantize/Normalize.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <cstring>

using namespace ingot;
using namespace ingot::quantize;

static std::vector<char> bytesOf(const std::vector<float> &values) {
  std::vector<char> data(values.size() * sizeof(float));
  if (!data.empty())
    std::memcpy(data.data(), values.data(), data.size());
  return data;
}

static bool isSmoothed(const OnnxGraph &graph, const Unit &unit) {
  auto shape = layerShapeOf(graph, unit);
  const OnnxNode &node = graph.nodes[unit.nodes[0]];
  return unit.kind == UnitKind::Heavy && shape && !node.is("Conv") &&
         !(node.is("Gemm") && node.getInt("transA", 0));
}

std::vector<std::string> quantize::smoothable(const OnnxGraph &graph,
                                              const Units &units) {
  std::set<std::string> values;
  for (const Unit &unit : units.list)
    if (isSmoothed(graph, unit))
      values.insert(unit.activations[0]);
  return {values.begin(), values.end()};
}

/// Divides the result of a LayerNormalization by the factors, in its weights.
static bool smoothNormalization(OnnxGraph &graph, const std::string &value,
                                const std::vector<float> &factors) {
  for (OnnxNode &node : graph.nodes) {
    if (node.output(0) != value)
      continue;
    if (!node.is("LayerNormalization") || node.inputs.size() < 2)
      return false;
    std::vector<std::vector<float>> parts;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const OnnxTensor *tensor = graph.findInitializer(node.inputs[i]);
      parts.emplace_back();
      if (!tensor || !graph.loadFloats(*tensor, parts.back()) ||
          parts.back().size() != factors.size())
        return false;
    }
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      for (size_t c = 0; c < factors.size(); ++c)
        parts[i - 1][c] /= factors[c];
      std::vector<int64_t> dims = graph.findInitializer(node.inputs[i])->dims;
      node.inputs[i] = graph.freshName(node.inputs[i] + "_smoothed");
      graph.addInitializer(node.inputs[i], INGOT_FLOAT32, dims,
                           bytesOf(parts[i - 1]));
    }
    return true;
  }
  return false;
}

/// A Mul of the activation by 1 / factors for those nodes alone.
static OnnxNode makeMul(OnnxGraph &graph, const std::string &value,
                        const std::vector<float> &factors,
                        const std::vector<size_t> &readers) {
  std::vector<float> inverse;
  for (float factor : factors)
    inverse.push_back(1 / factor);
  OnnxNode mul;
  mul.opType = "Mul";
  std::string constant = graph.freshName(value + "_smoothing");
  mul.inputs = {value, constant};
  mul.outputs = {graph.freshName(value + "_smoothed")};
  mul.name = graph.freshName(value + "_smooth");
  graph.addInitializer(constant, INGOT_FLOAT32, {int64_t(inverse.size())},
                       bytesOf(inverse));
  for (size_t reader : readers)
    for (std::string &input : graph.nodes[reader].inputs)
      if (input == value)
        input = mul.outputs[0];
  return mul;
}

namespace {
/// The products that read one activation, and what smoothing needs of them.
struct SmoothedReaders {
  std::vector<size_t> nodes;
  std::vector<std::pair<const Unit *, LayerShape>> units;
  std::vector<float> weightMax;
};
} // namespace

/// Reads the weights' ranges; false if they do not fit the activation.
static bool readRanges(const OnnxGraph &graph, size_t channels,
                       SmoothedReaders &readers) {
  readers.weightMax.assign(channels, 0);
  readers.nodes.clear();
  for (auto &[unit, shape] : readers.units) {
    std::vector<float> weights;
    if (shape.inputs != int64_t(channels) ||
        !graph.loadFloats(*graph.findInitializer(unit->weight), weights))
      return false;
    std::vector<float> each = inputAbsMax(weights, shape);
    for (size_t c = 0; c < channels; ++c)
      readers.weightMax[c] = std::max(readers.weightMax[c], each[c]);
    readers.nodes.push_back(unit->nodes[0]);
  }
  return true;
}

/// Gives each product a weight of its own, with the factors.
static void scaleReaders(OnnxGraph &graph, const SmoothedReaders &readers,
                         const std::vector<float> &factors) {
  for (auto &[unit, shape] : readers.units) {
    const OnnxTensor &tensor = *graph.findInitializer(unit->weight);
    std::vector<int64_t> dims = tensor.dims;
    std::vector<float> weights;
    graph.loadFloats(tensor, weights);
    scaleInputs(weights, shape, factors);
    std::string name = graph.freshName(unit->weight + "_smoothed");
    graph.addInitializer(name, INGOT_FLOAT32, dims, bytesOf(weights));
    graph.nodes[unit->nodes[0]].inputs[1] = name;
  }
}

/// The products that read each of the activations.
template <typename Known>
static std::map<std::string, SmoothedReaders>
readersOfEach(const OnnxGraph &graph, const Units &units, const Known &known) {
  std::map<std::string, SmoothedReaders> result;
  for (const Unit &unit : units.list)
    if (isSmoothed(graph, unit) && known.count(unit.activations[0]))
      result[unit.activations[0]].units.push_back(
          {&unit, *layerShapeOf(graph, unit)});
  return result;
}

/// Weights [outputs, inputs] of some outputs of all the products.
static std::vector<float> sampleOutputs(const OnnxGraph &graph,
                                        const SmoothedReaders &readers) {
  constexpr int64_t mostOutputs = 512;
  std::vector<float> rows;
  int64_t each =
      std::max<int64_t>(1, mostOutputs / int64_t(readers.units.size()));
  for (auto &[unit, shape] : readers.units) {
    std::vector<float> weights;
    graph.loadFloats(*graph.findInitializer(unit->weight), weights);
    int64_t count = std::min(each, shape.outputs);
    for (int64_t k = 0; k < count; ++k) {
      int64_t output = k * shape.outputs / count;
      for (int64_t i = 0; i < shape.inputs; ++i)
        rows.push_back(weights[size_t(shape.offset(output, i))]);
    }
  }
  return rows;
}

/// Whether a Mul behind the value would read what was rounded to integers
/// before, so that it is rounded twice.
static bool isRoundedTwice(const Units &units, const ValueUsers &users,
                           const std::string &value) {
  auto producer = units.producer.find(value);
  if (producer == units.producer.end())
    return false;
  // The Mul becomes part of the unit.
  if (units.list[producer->second].kind == UnitKind::Heavy)
    return users.find(value)->second.size() > 1;
  while (producer != units.producer.end() &&
         units.list[producer->second].kind == UnitKind::Mover)
    producer = units.producer.find(units.list[producer->second].activations[0]);
  return producer != units.producer.end();
}

llvm::Expected<SmoothingAlphas>
quantize::chooseAlphas(const OnnxGraph &graph, const Units &units,
                       const ChannelRows &rows, const QuantizeFormat &format) {
  auto users = usersOf(graph);
  SmoothingAlphas alphas;
  for (auto &[value, readers] : readersOfEach(graph, units, rows)) {
    const SampledRows &sampled = rows.find(value)->second;
    if (sampled.channels == 0 ||
        !readRanges(graph, size_t(sampled.channels), readers))
      continue;
    std::vector<float> weights = sampleOutputs(graph, readers);
    SmoothingProblem problem;
    problem.inputs = sampled.elements;
    problem.samples = int64_t(sampled.elements.size()) / sampled.channels;
    problem.weights = weights;
    problem.shape.inputs = sampled.channels;
    problem.shape.outputs = int64_t(weights.size()) / sampled.channels;
    problem.activationSpec = format.activations;
    problem.weightSpec = format.weights;
    auto choice = chooseAlpha(problem);
    if (!choice)
      return llvm::createStringError("the activation '" + value + "': " +
                                     llvm::toString(choice.takeError()));
    // What is gained must be worth the Mul.
    double limit = isRoundedTwice(units, users, value) ? 0.3 : 0.9;
    if (choice->errorAfter > limit * choice->errorBefore)
      choice->isSmoothed = false;
    alphas[value] = std::move(*choice);
  }
  return alphas;
}

llvm::Expected<int64_t> quantize::smoothActivations(
    OnnxGraph &graph, const Units &units, const ChannelMaxima &maxima,
    llvm::function_ref<double(const std::string &)> alphaOf) {
  auto users = usersOf(graph);
  int64_t smoothed = 0;
  // New nodes and where they go, from the last place to the first.
  std::multimap<size_t, OnnxNode, std::greater<size_t>> added;
  for (auto &[value, readers] : readersOfEach(graph, units, maxima)) {
    const std::vector<float> &activationMax = maxima.find(value)->second;
    double alpha = alphaOf(value);
    if (alpha < 0 || !readRanges(graph, activationMax.size(), readers))
      continue;
    auto factors = smoothingFactors(activationMax, readers.weightMax, alpha);
    if (!factors)
      return factors.takeError();
    scaleReaders(graph, readers, *factors);
    bool isAlone = users.find(value)->second.size() == readers.nodes.size();
    if (!isAlone || !smoothNormalization(graph, value, *factors))
      added.emplace(readers.nodes.front(),
                    makeMul(graph, value, *factors, readers.nodes));
    ++smoothed;
  }
  for (auto &[place, node] : added)
    graph.nodes.insert(graph.nodes.begin() + long(place), std::move(node));
  graph.removeUnused();
  return smoothed;
}
