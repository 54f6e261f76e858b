//===- Normalize.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Normalize.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace ingot;
using namespace ingot::quantize;

std::map<std::string, std::vector<int64_t>, std::less<>>
quantize::usersOf(const OnnxGraph &graph) {
  std::map<std::string, std::vector<int64_t>, std::less<>> users;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    for (const std::string &input : graph.nodes[i].inputs)
      if (!input.empty())
        users[input].push_back(int64_t(i));
  for (const OnnxValue &output : graph.outputs)
    users[output.name].push_back(-1);
  return users;
}

//===-- constants ---------------------------------------------------------===//

/// The value of a Constant node as an initializer.
static bool takeConstant(OnnxGraph &graph, const OnnxNode &node) {
  if (node.attributes.size() != 1 || node.outputs.size() != 1)
    return false;
  wire::Attribute attribute;
  if (wire::readNew(node.attributes[0].bytes, attribute))
    return false;
  const std::string &name = node.outputs[0];
  if (attribute.tensor.parts.size() == 1) {
    Tensor tensor;
    std::string error;
    if (!parseTensorProto(attribute.tensor.parts[0], tensor, error))
      return false;
    graph.addInitializer(name, tensor.dtype, tensor.dims,
                         std::move(tensor.data));
    return true;
  }
  std::vector<char> data;
  auto append = [&](auto value) {
    const char *raw = reinterpret_cast<const char *>(&value);
    data.insert(data.end(), raw, raw + sizeof(value));
  };
  if (attribute.name == "value_float" && attribute.f) {
    append(*attribute.f);
    graph.addInitializer(name, INGOT_FLOAT32, {}, std::move(data));
    return true;
  }
  if (attribute.name == "value_int" && attribute.i) {
    append(*attribute.i);
    graph.addInitializer(name, INGOT_INT64, {}, std::move(data));
    return true;
  }
  if (attribute.name == "value_ints") {
    graph.addInts(name, node.getInts("value_ints"));
    return true;
  }
  return false;
}

/// The elements of `tensor` in the order that a Transpose gives them.
static std::vector<char> transposed(const Tensor &tensor,
                                    const std::vector<int64_t> &perm,
                                    std::vector<int64_t> &dims) {
  size_t rank = tensor.dims.size();
  std::vector<int64_t> strides(rank, 1), index(rank, 0);
  for (size_t d = rank; d-- > 1;)
    strides[d - 1] = strides[d] * tensor.dims[d];
  for (size_t d = 0; d < rank; ++d)
    dims.push_back(tensor.dims[size_t(perm[d])]);
  int64_t count = 0;
  countElements(dims, count);
  size_t width = count ? tensor.data.size() / size_t(count) : 1;
  std::vector<char> data(tensor.data.size());
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = 0;
    for (size_t d = 0; d < rank; ++d)
      from += index[d] * strides[size_t(perm[d])];
    std::memcpy(&data[size_t(i) * width], &tensor.data[size_t(from) * width],
                width);
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < dims[d])
        break;
      index[d] = 0;
    }
  }
  return data;
}

/// The shape that a node gives to its constant operand, which keeps the order
/// of its elements; false for other nodes.
static bool reshapedTo(const OnnxGraph &graph, const OnnxNode &node,
                       const std::vector<int64_t> &from,
                       std::vector<int64_t> &to) {
  int64_t count = 0;
  countElements(from, count);
  int64_t rank = int64_t(from.size());
  if (node.is("Identity")) {
    to = from;
    return true;
  }
  if (node.is("Flatten")) {
    int64_t axis = node.getInt("axis", 1);
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis > rank)
      return false;
    to = {1, 1};
    for (int64_t d = 0; d < rank; ++d)
      to[d >= axis] *= from[size_t(d)];
    return true;
  }
  std::vector<int64_t> list;
  bool hasInput = node.inputs.size() > 1 && !node.inputs[1].empty();
  if (hasInput && !graph.loadInts(node.inputs[1], list))
    return false;
  if (node.is("Reshape")) {
    if (!hasInput)
      return false;
    int64_t known = 1, open = -1;
    for (size_t d = 0; d < list.size(); ++d) {
      if (list[d] == 0 && !node.getInt("allowzero", 0))
        list[d] = d < from.size() ? from[d] : 0;
      if (list[d] == -1)
        open = int64_t(d);
      else
        known *= list[d];
    }
    if (open >= 0 && known > 0)
      list[size_t(open)] = count / known;
    to = list;
    int64_t now = 0;
    return countElements(to, now) && now == count;
  }
  if (!hasInput)
    list = node.getInts("axes");
  if (node.is("Unsqueeze")) {
    int64_t newRank = rank + int64_t(list.size());
    for (int64_t &axis : list)
      axis += axis < 0 ? newRank : 0;
    size_t next = 0;
    for (int64_t d = 0; d < newRank; ++d) {
      bool isNew = std::find(list.begin(), list.end(), d) != list.end();
      if (!isNew && next == from.size())
        return false;
      to.push_back(isNew ? 1 : from[next++]);
    }
    return next == from.size();
  }
  if (node.is("Squeeze") && !list.empty()) {
    for (int64_t &axis : list)
      axis += axis < 0 ? rank : 0;
    for (int64_t d = 0; d < rank; ++d)
      if (std::find(list.begin(), list.end(), d) == list.end())
        to.push_back(from[size_t(d)]);
    int64_t now = 0;
    return countElements(to, now) && now == count;
  }
  return false;
}

/// Evaluates a node that rearranges one initializer.
static bool foldNode(OnnxGraph &graph, const OnnxNode &node) {
  static const char *const operators[] = {"Identity",  "Reshape", "Transpose",
                                          "Unsqueeze", "Squeeze", "Flatten"};
  bool known = std::any_of(std::begin(operators), std::end(operators),
                           [&](const char *name) { return node.is(name); });
  if (!known || node.inputs.empty() || node.outputs.size() != 1 ||
      graph.isOutput(node.outputs[0]))
    return false;
  const OnnxTensor *source = graph.findInitializer(node.inputs[0]);
  std::vector<int64_t> dims;
  Tensor tensor;
  if (!source)
    return false;
  if (node.is("Transpose")) {
    std::vector<int64_t> perm = node.getInts("perm"), sorted = perm;
    if (perm.empty()) {
      perm.resize(source->dims.size());
      std::iota(perm.rbegin(), perm.rend(), 0);
      sorted = perm;
    }
    std::sort(sorted.begin(), sorted.end());
    for (size_t d = 0; d < sorted.size(); ++d)
      if (sorted[d] != int64_t(d))
        return false;
    if (perm.size() != source->dims.size() ||
        ingot_dtype_bits(source->dtype) < 8 || graph.load(*source, tensor))
      return false;
    tensor.data = transposed(tensor, perm, dims);
  } else if (!reshapedTo(graph, node, source->dims, dims) ||
             graph.load(*source, tensor)) {
    return false;
  }
  graph.addInitializer(node.outputs[0], tensor.dtype, dims,
                       std::move(tensor.data));
  return true;
}

void quantize::foldConstants(OnnxGraph &graph) {
  std::map<std::string, std::string> renamed;
  std::vector<OnnxNode> kept;
  for (OnnxNode &node : graph.nodes) {
    for (std::string &input : node.inputs)
      if (auto it = renamed.find(input); it != renamed.end())
        input = it->second;
    if (node.is("Constant") && !graph.isOutput(node.output(0)) &&
        takeConstant(graph, node))
      continue;
    bool hasMask = node.outputs.size() > 1 && !node.outputs[1].empty();
    if (node.is("Dropout") && !hasMask && !graph.isOutput(node.output(0)) &&
        node.inputs.size() < 3 && !graph.hasSubgraphs) {
      renamed[node.outputs[0]] = node.inputs[0];
      continue;
    }
    if (!foldNode(graph, node))
      kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
}

//===-- convolutions ------------------------------------------------------===//

namespace {
/// What a node after a convolution does to each channel: y = x * a + b.
struct ChannelWork {
  std::vector<float> factor, shift;
};
} // namespace

/// The work of a BatchNormalization of `channels` channels.
static bool readBatchNorm(const OnnxGraph &graph, const OnnxNode &node,
                          size_t channels, ChannelWork &work) {
  if (!node.is("BatchNormalization") || node.inputs.size() != 5 ||
      node.getInt("training_mode", 0) || !node.getInt("spatial", 1))
    return false;
  for (size_t i = 1; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      return false;
  std::vector<float> parts[4];
  for (size_t i = 0; i < 4; ++i) {
    const OnnxTensor *tensor = graph.findInitializer(node.inputs[i + 1]);
    if (!tensor || !graph.loadFloats(*tensor, parts[i]) ||
        parts[i].size() != channels)
      return false;
  }
  double epsilon = node.getFloat("epsilon", 1e-5f);
  for (size_t c = 0; c < channels; ++c) {
    double a = parts[0][c] / std::sqrt(double(parts[3][c]) + epsilon);
    work.factor.push_back(float(a));
    work.shift.push_back(float(double(parts[1][c]) - double(parts[2][c]) * a));
  }
  return true;
}

/// The work of an Add of one constant for each channel.
static bool readChannelAdd(const OnnxGraph &graph, const OnnxNode &node,
                           std::string_view operand, size_t channels,
                           size_t rank, ChannelWork &work) {
  if (!node.is("Add") || node.inputs.size() != 2)
    return false;
  const OnnxTensor *tensor =
      graph.findInitializer(node.inputs[node.inputs[0] == operand]);
  if (!tensor)
    return false;
  std::vector<int64_t> dims = tensor->dims;
  if (dims.size() > rank)
    return false;
  dims.insert(dims.begin(), rank - dims.size(), 1);
  for (size_t d = 0; d < rank; ++d)
    if (dims[d] != (d == 1 ? int64_t(channels) : 1))
      return false;
  work.factor.assign(channels, 1);
  return graph.loadFloats(*tensor, work.shift);
}

static std::vector<char> bytesOf(const std::vector<float> &values) {
  std::vector<char> data(values.size() * sizeof(float));
  std::memcpy(data.data(), values.data(), data.size());
  return data;
}

/// Folds node `next`, the only user of `conv`, into it.
static bool foldPair(OnnxGraph &graph, OnnxNode &conv, const OnnxNode &next) {
  const OnnxTensor *weight = graph.findInitializer(conv.input(1));
  if (!weight || weight->dtype != INGOT_FLOAT32 || weight->dims.size() < 3)
    return false;
  bool isTransposed = conv.is("ConvTranspose");
  int64_t group = conv.getInt("group", 1);
  std::vector<int64_t> dims = weight->dims;
  size_t channels = size_t(isTransposed ? dims[1] * group : dims[0]);
  ChannelWork work;
  if (!readBatchNorm(graph, next, channels, work) &&
      !readChannelAdd(graph, next, conv.outputs[0], channels, dims.size(),
                      work))
    return false;
  std::vector<float> weights, bias(channels, 0);
  if (!graph.loadFloats(*weight, weights))
    return false;
  if (const OnnxTensor *given = graph.findInitializer(conv.input(2))) {
    if (!graph.loadFloats(*given, bias) || bias.size() != channels)
      return false;
  } else if (!conv.input(2).empty()) {
    return false;
  }
  // [filters, channels / group, kernel], or [channels, filters / group, kernel]
  // of a transposed one.
  int64_t inner = 1;
  for (size_t d = 2; d < dims.size(); ++d)
    inner *= dims[d];
  for (size_t i = 0; i < weights.size(); ++i) {
    int64_t row = int64_t(i) / inner;
    int64_t filter = row / dims[1];
    if (isTransposed)
      filter =
          (row / dims[1]) / std::max<int64_t>(1, dims[0] / group) * dims[1] +
          row % dims[1];
    weights[i] *= work.factor[size_t(filter)];
  }
  for (size_t c = 0; c < channels; ++c)
    bias[c] = bias[c] * work.factor[c] + work.shift[c];
  std::string stem = conv.outputs[0];
  std::string weightName = graph.freshName(stem + "_folded_weight");
  std::string biasName = graph.freshName(stem + "_folded_bias");
  graph.addInitializer(weightName, INGOT_FLOAT32, dims, bytesOf(weights));
  graph.addInitializer(biasName, INGOT_FLOAT32, {int64_t(channels)},
                       bytesOf(bias));
  conv.inputs.resize(3);
  conv.inputs[1] = weightName;
  conv.inputs[2] = biasName;
  conv.outputs[0] = next.outputs[0];
  return true;
}

int64_t quantize::foldIntoConvolutions(OnnxGraph &graph) {
  if (graph.hasSubgraphs)
    return 0;
  auto users = usersOf(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  int64_t folded = 0;
  for (OnnxNode &conv : graph.nodes) {
    if (!conv.is("Conv") && !conv.is("ConvTranspose"))
      continue;
    for (;;) {
      auto it = users.find(conv.outputs[0]);
      if (it == users.end() || it->second.size() != 1 || it->second[0] < 0)
        break;
      size_t next = size_t(it->second[0]);
      if (!foldPair(graph, conv, graph.nodes[next]))
        break;
      gone[next] = true;
      ++folded;
    }
  }
  std::vector<OnnxNode> kept;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (!gone[i])
      kept.push_back(std::move(graph.nodes[i]));
  graph.nodes = std::move(kept);
  return folded;
}
