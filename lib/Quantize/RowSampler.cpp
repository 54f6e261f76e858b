//===- RowSampler.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/RowSampler.h"

#include <algorithm>

using namespace ingot;
using namespace ingot::quantize;

std::optional<RowSampler> RowSampler::of(const OnnxGraph &graph,
                                         const Unit &unit) {
  auto shape = layerShapeOf(graph, unit);
  const OnnxNode &node = graph.nodes[unit.nodes[0]];
  if (!shape || (node.is("Gemm") && node.getInt("transA", 0)))
    return std::nullopt;
  RowSampler sampler;
  sampler.shape = *shape;
  sampler.groups.resize(size_t(shape->groups));
  if (!node.is("Conv"))
    return sampler;
  sampler.isConv = true;
  const std::vector<int64_t> &dims = graph.findInitializer(unit.weight)->dims;
  sampler.kernel.assign(dims.begin() + 2, dims.end());
  size_t spatial = sampler.kernel.size();
  sampler.strides = node.getInts("strides");
  sampler.strides.resize(spatial, 1);
  sampler.dilations = node.getInts("dilations");
  sampler.dilations.resize(spatial, 1);
  sampler.pads = node.getInts("pads");
  sampler.pads.resize(2 * spatial, 0);
  sampler.autoPad = node.getString("auto_pad", "NOTSET");
  return sampler;
}

void RowSampler::clear() {
  for (std::vector<float> &rows : groups)
    std::vector<float>().swap(rows);
  rowCount = 0;
}

/// A number below `most`, from a seed.
static int64_t place(uint64_t seed, int64_t most) {
  uint64_t z = (seed + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return int64_t((z ^ z >> 31) % uint64_t(most));
}

void RowSampler::addPatch(llvm::ArrayRef<float> input,
                          llvm::ArrayRef<int64_t> dims, int64_t place,
                          llvm::ArrayRef<int64_t> out,
                          llvm::ArrayRef<int64_t> before) {
  size_t spatial = kernel.size();
  std::vector<int64_t> start(spatial), at(spatial, 0);
  for (size_t d = spatial; d-- > 0;) {
    start[d] = place % out[d] * strides[d] - before[d];
    place /= out[d];
  }
  int64_t batch = place, perGroup = shape.inputsPerGroup();
  int64_t plane = 1;
  for (size_t d = 0; d < spatial; ++d)
    plane *= dims[d + 2];
  for (int64_t channel = 0; channel < shape.inputs; ++channel) {
    std::vector<float> &rows = groups[size_t(channel / perGroup)];
    llvm::ArrayRef<float> image = input.slice(
        size_t((batch * shape.inputs + channel) * plane), size_t(plane));
    std::fill(at.begin(), at.end(), 0);
    for (int64_t k = 0; k < shape.inner; ++k) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t d = 0; d < spatial; ++d) {
        int64_t index = start[d] + at[d] * dilations[d];
        inside &= index >= 0 && index < dims[d + 2];
        offset = offset * dims[d + 2] + index;
      }
      rows.push_back(inside ? image[size_t(offset)] : 0);
      for (size_t d = spatial; d-- > 0;) {
        if (++at[d] < kernel[d])
          break;
        at[d] = 0;
      }
    }
  }
}

bool RowSampler::addPatches(llvm::ArrayRef<float> input,
                            llvm::ArrayRef<int64_t> dims, size_t count,
                            uint64_t seed) {
  size_t spatial = kernel.size();
  if (dims.size() != spatial + 2 || dims[1] != shape.inputs)
    return false;
  std::vector<int64_t> out(spatial), before(spatial, 0);
  int64_t places = dims[0];
  for (size_t d = 0; d < spatial; ++d) {
    int64_t window = (kernel[d] - 1) * dilations[d] + 1;
    int64_t size = dims[d + 2], total = pads[d] + pads[d + spatial];
    before[d] = pads[d];
    if (autoPad == "VALID")
      total = before[d] = 0;
    if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      out[d] = (size + strides[d] - 1) / strides[d];
      total = std::max<int64_t>(0, (out[d] - 1) * strides[d] + window - size);
      before[d] = autoPad == "SAME_UPPER" ? total / 2 : (total + 1) / 2;
    } else {
      out[d] = (size + total - window) / strides[d] + 1;
    }
    if (size + total < window || out[d] <= 0)
      return false;
    places *= out[d];
  }
  if (places <= 0)
    return false;
  count = std::min(count, size_t(places));
  for (size_t i = 0; i < count; ++i)
    addPatch(input, dims, place(seed + i, places), out, before);
  rowCount += int64_t(count);
  return true;
}

bool RowSampler::add(llvm::ArrayRef<float> input, llvm::ArrayRef<int64_t> dims,
                     size_t count, uint64_t seed) {
  if (isConv)
    return addPatches(input, dims, count, seed);
  if (dims.empty() || dims.back() != shape.inputs || input.empty())
    return false;
  int64_t rows = int64_t(input.size()) / shape.inputs;
  bool all = int64_t(count) >= rows;
  count = std::min(count, size_t(rows));
  for (size_t i = 0; i < count; ++i) {
    int64_t row = all ? int64_t(i) : place(seed + i, rows);
    auto values = input.slice(size_t(row * shape.inputs), size_t(shape.inputs));
    groups[0].insert(groups[0].end(), values.begin(), values.end());
  }
  rowCount += int64_t(count);
  return true;
}

std::vector<float> quantize::groupWeights(llvm::ArrayRef<float> weights,
                                          const LayerShape &shape,
                                          int64_t group) {
  int64_t outputs = shape.outputsPerGroup();
  std::vector<float> rows;
  rows.reserve(size_t(outputs * shape.inputsPerGroup() * shape.inner));
  for (int64_t o = group * outputs; o < (group + 1) * outputs; ++o)
    for (int64_t i = 0; i < shape.inputsPerGroup(); ++i)
      for (int64_t k = 0; k < shape.inner; ++k)
        rows.push_back(weights[size_t(shape.offset(o, i) + k)]);
  return rows;
}

void quantize::putGroup(llvm::ArrayRef<int32_t> values, const LayerShape &shape,
                        int64_t group, llvm::MutableArrayRef<int32_t> weights) {
  int64_t outputs = shape.outputsPerGroup();
  size_t next = 0;
  for (int64_t o = group * outputs; o < (group + 1) * outputs; ++o)
    for (int64_t i = 0; i < shape.inputsPerGroup(); ++i)
      for (int64_t k = 0; k < shape.inner; ++k)
        weights[size_t(shape.offset(o, i) + k)] = values[next++];
}

std::vector<QuantParams> quantize::groupParamsOf(const QuantizedWeight &weight,
                                                 const LayerShape &shape,
                                                 int64_t group) {
  int64_t outputs = shape.outputsPerGroup();
  std::vector<QuantParams> params;
  for (int64_t o = group * outputs; o < (group + 1) * outputs; ++o) {
    if (weight.axis < 0) {
      params.push_back(weight.params[0]);
      continue;
    }
    if (!weight.blockSize) {
      params.push_back(weight.params[size_t(o)]);
      continue;
    }
    int64_t blocks = (shape.inputs + weight.blockSize - 1) / weight.blockSize;
    for (int64_t b = 0; b < blocks; ++b)
      params.push_back(weight.params[size_t(
          shape.isTransposed ? b * shape.outputs + o : o * blocks + b)]);
  }
  return params;
}
