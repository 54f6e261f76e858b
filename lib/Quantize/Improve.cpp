//===- Improve.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Improve.h"

#include "lib/Quantize/Equalize.h"
#include "lib/Quantize/Normalize.h"
#include "lib/Quantize/Prune.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <cstring>

using namespace ingot;
using namespace ingot::quantize;

static std::vector<char> bytesOf(const std::vector<float> &values) {
  std::vector<char> data(values.size() * sizeof(float));
  if (!data.empty())
    std::memcpy(data.data(), values.data(), data.size());
  return data;
}

/// Gives an initializer other elements.
static void replaceFloats(OnnxGraph &graph, const std::string &name,
                          const std::vector<float> &values) {
  std::vector<int64_t> dims = graph.findInitializer(name)->dims;
  graph.addInitializer(name, INGOT_FLOAT32, dims, bytesOf(values));
}

std::optional<LayerShape> quantize::layerShapeOf(const OnnxGraph &graph,
                                                 const Unit &unit) {
  if (unit.weight.empty() || unit.weightOperand != 1 || !unit.obstacle.empty())
    return std::nullopt;
  const OnnxNode &node = graph.nodes[unit.nodes[0]];
  const std::vector<int64_t> &dims = graph.findInitializer(unit.weight)->dims;
  LayerShape shape;
  if (node.is("Conv") && dims.size() > 2) {
    shape.groups = node.getInt("group", 1);
    shape.outputs = dims[0];
    shape.inputs = dims[1] * shape.groups;
    for (size_t d = 2; d < dims.size(); ++d)
      shape.inner *= dims[d];
  } else if ((node.is("MatMul") || node.is("Gemm")) && dims.size() == 2) {
    shape.isTransposed = !node.is("Gemm") || !node.getInt("transB", 0);
    shape.inputs = dims[shape.isTransposed ? 0 : 1];
    shape.outputs = dims[shape.isTransposed ? 1 : 0];
  } else {
    return std::nullopt;
  }
  if (llvm::Error error =
          shape.check(graph.findInitializer(unit.weight)->elements())) {
    llvm::consumeError(std::move(error));
    return std::nullopt;
  }
  return shape;
}

//===-- pruning -----------------------------------------------------------===//

llvm::Expected<int64_t> quantize::pruneWeights(OnnxGraph &graph,
                                               const Units &units,
                                               double fraction,
                                               int64_t &total) {
  std::set<std::string> seen;
  int64_t zeros = 0;
  total = 0;
  for (const Unit &unit : units.list) {
    auto shape = layerShapeOf(graph, unit);
    if (unit.kind != UnitKind::Heavy || !shape ||
        !seen.insert(unit.weight).second)
      continue;
    const OnnxTensor &tensor = *graph.findInitializer(unit.weight);
    std::vector<float> weights;
    if (!graph.loadFloats(tensor, weights))
      continue;
    llvm::Expected<int64_t> count = 0;
    if (fraction > 0) {
      llvm::MutableArrayRef<float> list[] = {weights};
      count = pruneMagnitude(list, fraction, /*isGlobal=*/false);
    } else {
      ChannelView view =
          ChannelView::along(tensor.dims, shape->isTransposed ? 0 : 1);
      count = pruneTwoOfFour(weights, view);
    }
    if (!count)
      return count.takeError();
    zeros += *count;
    total += int64_t(weights.size());
    replaceFloats(graph, unit.weight, weights);
  }
  return zeros;
}

//===-- equalization ------------------------------------------------------===//

namespace {
/// A unit that equalization changes.
struct Equalizable {
  std::string weightName, biasName;
  LayerShape shape;
  std::vector<float> weights, bias;
  /// What the results were divided by.
  std::vector<float> divisors;

  EqualizedLayer view() { return {weights, shape, bias}; }
};
} // namespace

/// The unit with its weights, if no other node has them and its bias is known.
static std::optional<Equalizable> readEqualizable(
    const OnnxGraph &graph, const Unit &unit,
    const std::map<std::string, std::vector<int64_t>, std::less<>> &users) {
  auto shape = layerShapeOf(graph, unit);
  if (unit.kind != UnitKind::Heavy || !shape ||
      users.find(unit.weight)->second.size() != 1)
    return std::nullopt;
  Equalizable result{unit.weight, "", *shape, {}, {}, {}};
  result.divisors.assign(size_t(shape->outputs), 1);
  if (!graph.loadFloats(*graph.findInitializer(unit.weight), result.weights))
    return std::nullopt;
  const OnnxNode &node = graph.nodes[unit.nodes[0]];
  if (node.is("Gemm") && unit.bias.empty() && !node.input(2).empty())
    return std::nullopt;
  result.biasName = std::string(node.is("MatMul") ? "" : node.input(2));
  // The bias of a MatMul is the constant of the Add after it.
  if (!unit.addedBias.empty()) {
    if (!result.biasName.empty())
      return std::nullopt;
    result.biasName = unit.addedBias;
  }
  if (result.biasName.empty())
    return result;
  const OnnxTensor *bias = graph.findInitializer(result.biasName);
  if (!bias || users.find(result.biasName)->second.size() != 1 ||
      !graph.loadFloats(*bias, result.bias) ||
      int64_t(result.bias.size()) != shape->outputs)
    return std::nullopt;
  return result;
}

namespace {
/// A Clip behind a layer, as its last node.
struct ClipBounds {
  size_t node = 0;
  float low = -INFINITY, high = INFINITY;
};
} // namespace

/// Reads a bound; false if it is no single number.
static bool readBound(const OnnxGraph &graph, std::string_view name,
                      float &bound) {
  if (name.empty())
    return true;
  const OnnxTensor *tensor = graph.findInitializer(name);
  std::vector<float> values;
  if (!tensor || !graph.loadFloats(*tensor, values) || values.size() != 1)
    return false;
  bound = values[0];
  return true;
}

/// How the end of a unit commutes with positive factors.
enum class Commutes : uint8_t { No, Yes, ByClip };

static Commutes commutes(const OnnxGraph &graph, const Unit &unit,
                         ClipBounds &clip) {
  if (!unit.activation.empty() || unit.hasFactors)
    return Commutes::No;
  for (size_t index : unit.nodes) {
    const OnnxNode &node = graph.nodes[index];
    if (!node.is("Clip"))
      continue;
    clip.node = index;
    if (index != unit.nodes.back() ||
        !readBound(graph, node.input(1), clip.low) ||
        !readBound(graph, node.input(2), clip.high) || !(clip.low <= clip.high))
      return Commutes::No;
    return Commutes::ByClip;
  }
  return Commutes::Yes;
}

/// A bound for each channel, as a constant that is broadcast along the others.
static std::string channelBound(OnnxGraph &graph, const std::string &stem,
                                float bound, const OnnxNode &layer,
                                const Equalizable &equalized) {
  std::vector<float> bounds;
  for (float divisor : equalized.divisors)
    bounds.push_back(bound / divisor);
  std::vector<int64_t> dims{int64_t(bounds.size())};
  if (layer.is("Conv")) {
    size_t spatial = graph.findInitializer(layer.input(1))->dims.size() - 2;
    dims.insert(dims.end(), spatial, 1);
  }
  std::string name = graph.freshName(stem);
  graph.addInitializer(name, INGOT_FLOAT32, dims, bytesOf(bounds));
  return name;
}

/// The nodes that stand for a Clip of channels that were divided.
static std::vector<OnnxNode> splitClip(OnnxGraph &graph, const ClipBounds &clip,
                                       const OnnxNode &layer,
                                       const Equalizable &equalized) {
  const OnnxNode old = graph.nodes[clip.node];
  std::vector<OnnxNode> result;
  auto add = [&](const char *op, std::vector<std::string> more) {
    OnnxNode node;
    node.opType = op;
    node.name = graph.freshName(old.name + "_" + op);
    node.inputs = {result.empty() ? old.inputs[0] : result.back().outputs[0]};
    node.inputs.insert(node.inputs.end(), more.begin(), more.end());
    node.outputs = {graph.freshName(old.outputs[0] + "_" + op)};
    result.push_back(std::move(node));
  };
  auto bound = [&](const char *stem, float value) {
    return channelBound(graph, old.outputs[0] + stem, value, layer, equalized);
  };
  if (clip.low == 0)
    add("Relu", {});
  else if (clip.low > -INFINITY)
    add("Max", {bound("_low", clip.low)});
  if (clip.high < INFINITY)
    add("Min", {bound("_high", clip.high)});
  if (result.empty())
    add("Identity", {});
  result.back().outputs = old.outputs;
  return result;
}

/// Replaces nodes by others.
static void replaceNodes(OnnxGraph &graph,
                         std::map<size_t, std::vector<OnnxNode>> replacements) {
  std::vector<OnnxNode> nodes;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    auto it = replacements.find(i);
    if (it == replacements.end())
      nodes.push_back(std::move(graph.nodes[i]));
    else
      std::move(it->second.begin(), it->second.end(),
                std::back_inserter(nodes));
  }
  graph.nodes = std::move(nodes);
}

llvm::Expected<EqualizedLayers> quantize::equalizeLayers(OnnxGraph &graph,
                                                         const Units &units) {
  auto users = usersOf(graph);
  std::vector<std::optional<Equalizable>> layers;
  for (const Unit &unit : units.list)
    layers.push_back(readEqualizable(graph, unit, users));
  std::vector<std::pair<size_t, size_t>> pairs;
  std::map<size_t, ClipBounds> clips;
  for (size_t i = 0; i < units.list.size(); ++i) {
    const Unit &unit = units.list[i];
    if (!layers[i])
      continue;
    ClipBounds clip;
    Commutes how = commutes(graph, unit, clip);
    auto it = users.find(unit.outputs[0]);
    if (how == Commutes::No || it == users.end() || it->second.size() != 1 ||
        it->second[0] < 0)
      continue;
    int64_t reader = units.ofNode[size_t(it->second[0])];
    if (reader < 0 || !layers[size_t(reader)] ||
        layers[i]->shape.outputs != layers[size_t(reader)]->shape.inputs ||
        units.list[size_t(reader)].activations.size() != 1)
      continue;
    pairs.push_back({i, size_t(reader)});
    if (how == Commutes::ByClip)
      clips[i] = clip;
  }
  constexpr int mostRounds = 20;
  for (int round = 0; round < mostRounds; ++round) {
    double change = 0;
    for (auto [first, second] : pairs) {
      auto factors =
          equalizePair(layers[first]->view(), layers[second]->view());
      if (!factors)
        return factors.takeError();
      change = std::max(change, equalizationChange(*factors));
      for (size_t c = 0; c < factors->size(); ++c)
        layers[first]->divisors[c] *= (*factors)[c];
    }
    if (change < 0.01)
      break;
  }
  for (auto &layer : layers) {
    if (!layer)
      continue;
    replaceFloats(graph, layer->weightName, layer->weights);
    if (!layer->biasName.empty())
      replaceFloats(graph, layer->biasName, layer->bias);
  }
  std::map<size_t, std::vector<OnnxNode>> replacements;
  for (auto &[index, clip] : clips)
    replacements[clip.node] = splitClip(
        graph, clip, graph.nodes[units.list[index].nodes[0]], *layers[index]);
  replaceNodes(graph, std::move(replacements));
  return EqualizedLayers{int64_t(pairs.size()), int64_t(clips.size())};
}
