//===- RaiseOpset.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One row for each operator whose form changed: lib/Import/UpgradeOpset.cpp
// has the same for the onnx dialect.
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Normalize.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace ingot;
using namespace ingot::quantize;

namespace {
/// Rewrites one node after another into a new list.
class Raiser {
public:
  Raiser(OnnxGraph &graph, const RankOf &rankOf)
      : graph(graph), rankOf(rankOf), from(graph.opset()) {}
  wire::Failure run(int64_t version);

  /// Moves an attribute of integers to input number `at`.
  void listToInput(OnnxNode &node, const char *attribute, size_t at);
  void floatToInput(OnnxNode &node, const char *attribute, size_t at,
                    float otherwise);
  void appendInts(OnnxNode &node, size_t at,
                  const std::vector<int64_t> &values);
  void setInput(OnnxNode &node, size_t at, std::string name);
  /// Emits a node before the one at work.
  void emit(OnnxNode node) { result.push_back(std::move(node)); }
  std::string fresh(const OnnxNode &node, const char *what) {
    return graph.freshName(
        (node.outputs.empty() ? node.name : node.outputs[0]) + "_" + what);
  }
  wire::Failure refuse(const OnnxNode &node, const std::string &reason) {
    return wire::Error{Code::QuantizeOpset,
                       node.opType + " " + quoted(node.name) + " of opset " +
                           std::to_string(from) + " " + reason};
  }

  OnnxGraph &graph;
  const RankOf &rankOf;
  const int64_t from;
  std::vector<OnnxNode> result;
};

/// One row of the table.
struct Row {
  const char *opType;
  int64_t since;
  wire::Failure (*rewrite)(Raiser &raiser, OnnxNode &node);
};
} // namespace

void Raiser::setInput(OnnxNode &node, size_t at, std::string name) {
  if (node.inputs.size() <= at)
    node.inputs.resize(at + 1);
  node.inputs[at] = std::move(name);
}

void Raiser::appendInts(OnnxNode &node, size_t at,
                        const std::vector<int64_t> &values) {
  std::string name = fresh(node, "list");
  graph.addInts(name, values);
  setInput(node, at, name);
}

void Raiser::listToInput(OnnxNode &node, const char *attribute, size_t at) {
  if (!node.findAttribute(attribute))
    return;
  appendInts(node, at, node.getInts(attribute));
  node.removeAttribute(attribute);
}

void Raiser::floatToInput(OnnxNode &node, const char *attribute, size_t at,
                          float otherwise) {
  float value = node.getFloat(attribute, otherwise);
  std::vector<char> data(sizeof(float));
  std::memcpy(data.data(), &value, sizeof(float));
  std::string name = fresh(node, attribute);
  graph.addInitializer(name, INGOT_FLOAT32, {}, std::move(data));
  setInput(node, at, name);
  node.removeAttribute(attribute);
}

static wire::Failure axesToInput(Raiser &raiser, OnnxNode &node) {
  raiser.listToInput(node, "axes", 1);
  return {};
}

static wire::Failure clipToInputs(Raiser &raiser, OnnxNode &node) {
  bool hasMin = node.findAttribute("min"), hasMax = node.findAttribute("max");
  if (hasMin)
    raiser.floatToInput(node, "min", 1, 0);
  if (hasMax)
    raiser.floatToInput(node, "max", 2, 0);
  return {};
}

static wire::Failure dropoutToIdentity(Raiser &raiser, OnnxNode &node) {
  if (node.outputs.size() > 1 && !node.outputs[1].empty())
    return raiser.refuse(node, "has a mask, which is not supported");
  node.opType = "Identity";
  node.attributes.clear();
  node.inputs.resize(1);
  node.outputs.resize(1);
  return {};
}

static wire::Failure padToInputs(Raiser &raiser, OnnxNode &node) {
  raiser.listToInput(node, "pads", 1);
  raiser.floatToInput(node, "value", 2, 0);
  return {};
}

static wire::Failure sliceToInputs(Raiser &raiser, OnnxNode &node) {
  raiser.listToInput(node, "starts", 1);
  raiser.listToInput(node, "ends", 2);
  raiser.listToInput(node, "axes", 3);
  return {};
}

static wire::Failure splitToInput(Raiser &raiser, OnnxNode &node) {
  raiser.listToInput(node, "split", 1);
  return {};
}

static wire::Failure splitCount(Raiser &, OnnxNode &node) {
  if (node.inputs.size() < 2 || node.inputs[1].empty())
    node.set(intAttribute("num_outputs", int64_t(node.outputs.size())));
  return {};
}

static wire::Failure topKToInput(Raiser &raiser, OnnxNode &node) {
  raiser.appendInts(node, 1, {node.getInt("k", 1)});
  node.removeAttribute("k");
  return {};
}

static wire::Failure dropSpatial(Raiser &raiser, OnnxNode &node) {
  if (!node.getInt("spatial", 1))
    return raiser.refuse(node, "has statistics per element (spatial = 0)");
  node.removeAttribute("spatial");
  return {};
}

/// Before opset 13 the axes from `axis` on were one.
static wire::Failure softmaxFlattened(Raiser &raiser, OnnxNode &node) {
  int64_t axis = node.getInt("axis", 1);
  int64_t rank = raiser.rankOf(node.input(0));
  if (axis == -1 || (rank >= 0 && axis == rank - 1)) {
    node.set(intAttribute("axis", -1));
    return {};
  }
  std::string flat = raiser.fresh(node, "flat");
  std::string shape = raiser.fresh(node, "shape");
  std::string done = raiser.fresh(node, "rows");
  OnnxNode flatten, shapeOf;
  flatten.opType = "Flatten";
  flatten.inputs = {node.inputs[0]};
  flatten.outputs = {flat};
  flatten.attributes = {intAttribute("axis", axis)};
  shapeOf.opType = "Shape";
  shapeOf.inputs = {node.inputs[0]};
  shapeOf.outputs = {shape};
  OnnxNode rows = node;
  rows.inputs = {flat};
  rows.outputs = {done};
  rows.set(intAttribute("axis", -1));
  raiser.emit(std::move(flatten));
  raiser.emit(std::move(shapeOf));
  raiser.emit(std::move(rows));
  node.opType = "Reshape";
  node.attributes.clear();
  node.inputs = {done, shape};
  return {};
}

static wire::Failure upsampleScales(Raiser &raiser, OnnxNode &node) {
  wire::Attribute attribute;
  const std::string *bytes = node.findAttribute("scales");
  if (!bytes || wire::readNew(*bytes, attribute))
    return raiser.refuse(node, "has no scales");
  std::vector<char> data;
  wire::Failure failure =
      wire::visitFloats(attribute.floats, 64, [&](uint32_t bits) {
        const char *raw = reinterpret_cast<const char *>(&bits);
        data.insert(data.end(), raw, raw + 4);
      });
  if (failure)
    return failure;
  std::string name = raiser.fresh(node, "scales");
  raiser.graph.addInitializer(name, INGOT_FLOAT32, {int64_t(data.size() / 4)},
                              data);
  raiser.setInput(node, 1, name);
  node.removeAttribute("scales");
  return {};
}

/// Resize of opset 10 and Upsample: coordinates are divided by the scale.
static wire::Failure resizeCoordinates(Raiser &raiser, OnnxNode &node) {
  std::string mode = node.getString("mode", "nearest");
  node.opType = "Resize";
  if (node.inputs.size() != 2)
    return raiser.refuse(node, "has no scales");
  node.inputs = {node.inputs[0], "", node.inputs[1]};
  node.set(stringAttribute("coordinate_transformation_mode", "asymmetric"));
  node.set(stringAttribute("mode", mode == "bilinear" ? "linear" : mode));
  if (mode == "nearest")
    node.set(stringAttribute("nearest_mode", "floor"));
  return {};
}

static wire::Failure gridSampleModes(Raiser &, OnnxNode &node) {
  std::string mode = node.getString("mode", "bilinear");
  if (mode == "bilinear" || mode == "bicubic")
    node.set(stringAttribute("mode", mode.substr(2)));
  return {};
}

static wire::Failure groupNorm(Raiser &raiser, OnnxNode &node) {
  return raiser.refuse(node, "has a scale for each group; export the model at "
                             "opset 21 or later");
}

/// RoiAlign of opset 10 has no half-pixel shift.
static wire::Failure roiAlign(Raiser &, OnnxNode &node) {
  if (!node.findAttribute("coordinate_transformation_mode"))
    node.set(
        stringAttribute("coordinate_transformation_mode", "output_half_pixel"));
  return {};
}

static const Row table[] = {
    {"BatchNormalization", 9, dropSpatial},
    {"Clip", 11, clipToInputs},
    {"Dropout", 12, dropoutToIdentity},
    {"GridSample", 20, gridSampleModes},
    {"GroupNormalization", 21, groupNorm},
    {"Hardmax", 13, softmaxFlattened},
    {"LogSoftmax", 13, softmaxFlattened},
    {"Pad", 11, padToInputs},
    {"ReduceL1", 18, axesToInput},
    {"ReduceL2", 18, axesToInput},
    {"ReduceLogSum", 18, axesToInput},
    {"ReduceLogSumExp", 18, axesToInput},
    {"ReduceMax", 18, axesToInput},
    {"ReduceMean", 18, axesToInput},
    {"ReduceMin", 18, axesToInput},
    {"ReduceProd", 18, axesToInput},
    {"ReduceSum", 13, axesToInput},
    {"ReduceSumSquare", 18, axesToInput},
    {"Resize", 11, resizeCoordinates},
    {"RoiAlign", 16, roiAlign},
    {"Slice", 10, sliceToInputs},
    {"Softmax", 13, softmaxFlattened},
    {"Split", 13, splitToInput},
    {"Split", 18, splitCount},
    {"Squeeze", 13, axesToInput},
    {"TopK", 10, topKToInput},
    {"Unsqueeze", 13, axesToInput},
    {"Upsample", 9, upsampleScales},
    {"Upsample", 10, resizeCoordinates},
};

wire::Failure Raiser::run(int64_t version) {
  for (OnnxNode &node : graph.nodes) {
    std::string original = node.opType;
    for (const Row &row : table) {
      if (!node.domain.empty() || original != row.opType || from >= row.since ||
          row.since > version)
        continue;
      if (wire::Failure failure = row.rewrite(*this, node))
        return failure;
    }
    result.push_back(std::move(node));
  }
  graph.nodes = std::move(result);
  graph.setOpset(version);
  return {};
}

wire::Failure quantize::raiseOpset(OnnxGraph &graph, int64_t version,
                                   const RankOf &rankOf) {
  int64_t from = graph.opset();
  if (from >= version)
    return {};
  if (from < 7)
    return wire::Error{Code::QuantizeOpset,
                       "the model is of opset " + std::to_string(from) +
                           ", which cannot be raised to " +
                           std::to_string(version) +
                           "; export it at opset 7 or later"};
  if (graph.hasSubgraphs)
    return wire::Error{
        Code::QuantizeOpset,
        "the model is of opset " + std::to_string(from) +
            " and has nodes with subgraphs; export it at opset " +
            std::to_string(version) + " or later"};
  return Raiser(graph, rankOf).run(version);
}
