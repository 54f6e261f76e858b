//===- QuantizeImprove.cpp - what makes quantization lose less ------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/AdaRound.h"
#include "lib/Quantize/BiasCorrection.h"
#include "lib/Quantize/Gptq.h"
#include "lib/Quantize/RowSampler.h"
#include "tools/ingot/QuantizeRun.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Parallel.h"

#include <thread>

using namespace ingot;
using namespace ingot::quantize;
using llvm::StringRef;

llvm::Error ingot::forEachSample(
    QuantizeRun &run, const std::vector<std::string> &values, size_t samples,
    StringRef what,
    llvm::function_ref<llvm::Error(const GraphSession &, size_t)> visit) {
  run.progress.step("compiling the float model");
  auto session = GraphSession::open(run.graph, values, run.options);
  if (!session)
    return session.takeError();
  for (size_t i = 0; i < samples; ++i) {
    run.progress.step(
        (what + " " + llvm::Twine(i + 1) + "/" + llvm::Twine(samples)).str());
    auto sample = run.source->read(i);
    if (!sample)
      return sample.takeError();
    if (llvm::Error error = (*session)->run(*sample))
      return error;
    if (llvm::Error error = visit(**session, i))
      return error;
  }
  return llvm::Error::success();
}

//===-- before calibration ------------------------------------------------===//

llvm::Error ingot::improveFloatModel(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  if (!wanted.prune.empty()) {
    double fraction = 0;
    if (wanted.prune != "2:4")
      StringRef(wanted.prune).getAsDouble(fraction);
    int64_t total = 0;
    auto zeros = pruneWeights(run.graph, run.units, fraction, total);
    if (!zeros)
      return withCode(6103, "--prune", zeros.takeError());
    run.notes.push_back("pruned " + wanted.prune + ": " +
                        std::to_string(*zeros) + " of " +
                        std::to_string(total) + " weights are 0");
  }
  if (wanted.equalize) {
    auto done = equalizeLayers(run.graph, run.units);
    if (!done)
      return withCode(6103, "--equalize", done.takeError());
    std::string text =
        "equalized " + std::to_string(done->pairs) + " pairs of layers";
    if (done->clips)
      text += ", " + std::to_string(done->clips) +
              " of them across a Clip, which has bounds for each channel now";
    run.notes.push_back(text);
    if (llvm::Error error = findUnitsAgain(run))
      return error;
  }
  return wanted.smoothQuant >= 0 ? smoothModel(run) : llvm::Error::success();
}

//===-- rounding ----------------------------------------------------------===//

namespace {
/// A unit whose weight is rounded, with the rows it multiplies.
struct RoundedUnit {
  size_t unit;
  RowSampler sampler;
  QuantizedWeight weight;
};
} // namespace

/// Bytes of rows that are collected in one pass over the samples.
static constexpr int64_t mostRowBytes = 256 << 20;

static llvm::Error roundGroup(QuantizeRun &run, RoundedUnit &work,
                              llvm::ArrayRef<float> weights, int64_t group) {
  const LayerShape &shape = work.sampler.layer();
  std::vector<float> rows(work.sampler.rows(group).begin(),
                          work.sampler.rows(group).end());
  std::vector<float> matrix = groupWeights(weights, shape, group);
  std::vector<QuantParams> params = groupParamsOf(work.weight, shape, group);
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  if (run.options.quantize.adaRound) {
    // Inputs as the quantized model has them, outputs as the float model.
    std::vector<float> targets =
        layerOutputs(rows, matrix, work.sampler.rowSize());
    const Unit &unit = run.units.list[work.unit];
    auto input = run.params.find(run.fullPlan.root(unit.activations[0]));
    if (input != run.params.end())
      fakeQuantize(rows, input->second, rows);
    RoundingProblem problem{rows,
                            matrix,
                            params,
                            work.sampler.count(),
                            work.sampler.rowSize(),
                            shape.outputsPerGroup(),
                            work.weight.blockSize,
                            targets};
    AdaRoundOptions options;
    options.threads = threads;
    auto rounded = adaRound(problem, options);
    if (!rounded)
      return rounded.takeError();
    putGroup(rounded->values, shape, group, work.weight.values);
    return llvm::Error::success();
  }
  // To nearest, as it is.
  if (work.sampler.rowSize() > maxGptqInputs)
    return llvm::Error::success();
  SecondMoments moments(work.sampler.rowSize());
  if (llvm::Error error = moments.add(rows))
    return error;
  GptqProblem problem{matrix, work.sampler.rowSize(), shape.outputsPerGroup(),
                      params, work.weight.blockSize};
  GptqOptions options;
  options.spec = run.format.weights;
  auto rounded = gptq(problem, moments, options);
  if (!rounded)
    return rounded.takeError();
  putGroup(rounded->values, shape, group, work.weight.values);
  return llvm::Error::success();
}

static llvm::Error roundUnits(QuantizeRun &run, std::vector<RoundedUnit> &units,
                              size_t rowsEach) {
  std::set<std::string> values;
  for (RoundedUnit &work : units)
    values.insert(run.units.list[work.unit].activations[0]);
  size_t perSample = (rowsEach + run.calibrating - 1) / run.calibrating;
  llvm::Error error = forEachSample(
      run, {values.begin(), values.end()}, run.calibrating, "rows of layers",
      [&](const GraphSession &session, size_t i) -> llvm::Error {
        for (RoundedUnit &work : units) {
          const Tensor *tensor =
              session.find(run.units.list[work.unit].activations[0]);
          if (tensor)
            work.sampler.add(floatsOf(*tensor), tensor->dims, perSample,
                             i * 7919 + work.unit);
        }
        return llvm::Error::success();
      });
  if (error)
    return error;
  for (RoundedUnit &work : units) {
    const Unit &unit = run.units.list[work.unit];
    run.progress.step("rounding " + unit.name);
    std::vector<float> weights;
    const OnnxTensor &tensor = *run.graph.findInitializer(unit.weight);
    if (work.sampler.count() == 0 || !run.graph.loadFloats(tensor, weights))
      continue;
    for (int64_t g = 0; g < work.sampler.layer().groups; ++g)
      if (llvm::Error error = roundGroup(run, work, weights, g))
        return withCode(6103, unit.opType + " " + quoted(unit.name),
                        std::move(error));
    work.sampler.clear();
    run.findings.rounded[unit.nodes[0]] = std::move(work.weight);
  }
  return llvm::Error::success();
}

static llvm::Error roundWeights(QuantizeRun &run) {
  size_t rowsEach = run.options.quantize.gptq ? 2048 : 512;
  std::vector<RoundedUnit> chunk;
  int64_t bytes = 0;
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    auto sampler = run.isCandidate(i) && !run.units.list[i].weight.empty()
                       ? RowSampler::of(run.graph, run.units.list[i])
                       : std::nullopt;
    if (sampler) {
      auto weight = quantizeWeight(run.graph, run.units.list[i], run.format);
      if (!weight)
        return withCode(6103, run.units.list[i].name, weight.takeError());
      int64_t inputs = sampler->layer().inputs * sampler->layer().inner;
      bytes += int64_t(rowsEach) * inputs * 4;
      chunk.push_back({i, std::move(*sampler), std::move(*weight)});
    }
    bool isLast = i + 1 == run.units.list.size();
    if (chunk.empty() || (bytes < mostRowBytes && !isLast))
      continue;
    if (llvm::Error error = roundUnits(run, chunk, rowsEach))
      return error;
    chunk.clear();
    bytes = 0;
  }
  return llvm::Error::success();
}

//===-- biases ------------------------------------------------------------===//

static llvm::Error correctBiases(QuantizeRun &run) {
  std::map<size_t, LayerShape> shapes;
  // Inputs of convolutions and of products.
  std::set<std::string> values, rows;
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    const Unit &unit = run.units.list[i];
    auto shape = layerShapeOf(run.graph, unit);
    if (!run.isCandidate(i) || !shape)
      continue;
    shapes[i] = *shape;
    bool isConv = run.graph.nodes[unit.nodes[0]].is("Conv");
    (isConv ? values : rows).insert(unit.activations[0]);
  }
  // A value that both a convolution and a product read has channels of both.
  std::map<std::string, ChannelMean, std::less<>> means, rowMeans;
  auto observed = values;
  observed.insert(rows.begin(), rows.end());
  auto add = [](const GraphSession &session, const std::string &value,
                int64_t axis, ChannelMean &mean) -> llvm::Error {
    const Tensor *tensor = session.find(value);
    if (!tensor || tensor->dims.size() < 2)
      return llvm::Error::success();
    return mean.add(floatsOf(*tensor), ChannelView::along(tensor->dims, axis));
  };
  llvm::Error error = forEachSample(
      run, {observed.begin(), observed.end()}, run.calibrating, "means",
      [&](const GraphSession &session, size_t) -> llvm::Error {
        for (const std::string &value : values)
          if (llvm::Error error = add(session, value, 1, means[value]))
            return error;
        for (const std::string &value : rows)
          if (llvm::Error error = add(session, value, -1, rowMeans[value]))
            return error;
        return llvm::Error::success();
      });
  if (error)
    return error;
  for (auto &[index, shape] : shapes) {
    const Unit &unit = run.units.list[index];
    auto rounded = run.findings.rounded.find(unit.nodes[0]);
    auto weight = rounded != run.findings.rounded.end()
                      ? llvm::Expected<QuantizedWeight>(rounded->second)
                      : quantizeWeight(run.graph, unit, run.format);
    if (!weight)
      return weight.takeError();
    const OnnxTensor &tensor = *run.graph.findInitializer(unit.weight);
    std::vector<float> floats;
    if (!run.graph.loadFloats(tensor, floats))
      continue;
    std::vector<float> back(floats.size());
    if (weight->axis < 0)
      dequantize(weight->values, weight->params[0], back);
    else
      dequantize(weight->values, weight->grouped(tensor.dims), back);
    bool isConv = run.graph.nodes[unit.nodes[0]].is("Conv");
    std::vector<float> inputMeans =
        (isConv ? means : rowMeans)[unit.activations[0]].means();
    // A vector has no rows.
    if (inputMeans.empty())
      continue;
    auto shift = analyticCorrection(floats, back, shape, inputMeans);
    if (!shift)
      return withCode(6103, unit.opType + " " + quoted(unit.name),
                      shift.takeError());
    run.findings.biasShifts[unit.nodes[0]] = std::move(*shift);
  }
  return llvm::Error::success();
}

llvm::Error ingot::improveWeights(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  if (wanted.adaRound || wanted.gptq)
    if (llvm::Error error = roundWeights(run))
      return error;
  return wanted.biasCorrection ? correctBiases(run) : llvm::Error::success();
}
