//===- QuantizeErrors.cpp - errors of layers and models -----------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/QuantizeRun.h"

#include "ingot/ingot.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace ingot;
using namespace ingot::quantize;

/// Samples that a layer's own error is measured on.
static constexpr size_t samplesAlone = 16;

/// The layers in the types that are tried; in the first of them if
/// `onlyFirst`.
static std::vector<UnitVariant> variantsOf(const QuantizeRun &run,
                                           bool onlyFirst) {
  bool triesInt = run.options.quantize.triesInt;
  std::vector<UnitVariant> which;
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    if (!run.isCandidate(i))
      continue;
    if (triesInt)
      which.push_back({i, LayerType::Integer});
    if (run.layers[i].halfObstacle.empty() && !(triesInt && onlyFirst))
      which.push_back({i, LayerType::Float16});
  }
  return which;
}

llvm::Error ingot::measureAlone(QuantizeRun &run) {
  std::vector<UnitVariant> which = variantsOf(run, /*onlyFirst=*/false);
  std::vector<std::string> copies, values;
  auto graph = isolateUnits(run.inputs(), run.fullPlan, which, copies);
  if (!graph)
    return graph.takeError();
  for (const UnitVariant &variant : which)
    values.push_back(run.units.list[variant.unit].outputs[0]);
  std::set<std::string> observed(values.begin(), values.end());
  observed.insert(copies.begin(), copies.end());
  run.progress.step("compiling each layer beside itself");
  auto session = GraphSession::open(
      *graph, std::vector<std::string>(observed.begin(), observed.end()),
      run.options);
  if (!session)
    return session.takeError();
  std::vector<ErrorMeter> meters(which.size());
  size_t count = std::min(samplesAlone, run.evaluated.size());
  for (size_t s = 0; s < count; ++s) {
    run.progress.step("errors of layers " + std::to_string(s + 1) + "/" +
                      std::to_string(count));
    auto sample = run.source->read(run.evaluated[s]);
    if (!sample)
      return sample.takeError();
    if (llvm::Error error = (*session)->run(*sample))
      return error;
    for (size_t k = 0; k < which.size(); ++k)
      if (llvm::Error error = meters[k].add((*session)->floats(values[k]),
                                            (*session)->floats(copies[k])))
        return error;
  }
  for (size_t k = 0; k < which.size(); ++k) {
    LayerResult &layer = run.layers[which[k].unit];
    (which[k].type == LayerType::Integer ? layer.ownSqnr : layer.halfSqnr) =
        meters[k].sqnrDb();
  }
  return llvm::Error::success();
}

/// Samples that the whole model is run on for each layer.
static constexpr size_t samplesInTurn = 3;

bool ingot::isFewInTurn(const QuantizeRun &run) {
  constexpr double mostSeconds = 10;
  double seconds = 0, layers = 0;
  for (size_t i = 0; i < run.layers.size(); ++i) {
    seconds += run.layers[i].time.inFloat + run.layers[i].time.inInt;
    layers += run.isCandidate(i);
  }
  return seconds * layers * double(samplesInTurn) <= mostSeconds;
}

llvm::Error ingot::measureInTurn(QuantizeRun &run) {
  std::vector<UnitVariant> which = variantsOf(run, /*onlyFirst=*/true);
  std::vector<std::string> switches;
  auto graph = switchUnits(run.inputs(), run.fullPlan, which, switches);
  if (!graph)
    return graph.takeError();
  run.progress.step("compiling a model with a switch for each layer");
  auto session = GraphSession::open(*graph, {}, run.options);
  if (!session)
    return session.takeError();
  // By variant and output.
  std::vector<std::vector<ErrorMeter>> meters(
      which.size(), std::vector<ErrorMeter>(run.graph.outputs.size()));
  size_t count = std::min(samplesInTurn, run.evaluated.size());
  for (size_t s = 0; s < count; ++s) {
    auto inputs = run.source->read(run.evaluated[s]);
    if (!inputs)
      return inputs.takeError();
    size_t first = inputs->size();
    for (const std::string &name : switches) {
      Tensor off;
      off.name = name;
      off.dtype = INGOT_BOOL;
      off.data.assign(1, 0);
      inputs->push_back(std::move(off));
    }
    std::vector<std::vector<float>> exact;
    if (llvm::Error error = (*session)->run(*inputs))
      return error;
    for (const OnnxValue &output : run.graph.outputs)
      exact.push_back((*session)->floats(output.name).vec());
    for (size_t k = 0; k < which.size(); ++k) {
      run.progress.step("layers in turn, sample " + std::to_string(s + 1) +
                        "/" + std::to_string(count) + ", layer " +
                        std::to_string(k + 1) + "/" +
                        std::to_string(which.size()));
      (*inputs)[first + k].data[0] = 1;
      if (llvm::Error error = (*session)->run(*inputs))
        return error;
      (*inputs)[first + k].data[0] = 0;
      for (size_t o = 0; o < exact.size(); ++o)
        if (llvm::Error error = meters[k][o].add(
                exact[o], (*session)->floats(run.graph.outputs[o].name)))
          return error;
    }
  }
  for (size_t k = 0; k < which.size(); ++k) {
    LayerResult &layer = run.layers[which[k].unit];
    double least = INFINITY;
    for (size_t o = 0; o < run.graph.outputs.size(); ++o)
      if (run.graph.outputs[o].dtype == INGOT_FLOAT32)
        least = std::min(least, meters[k][o].sqnrDb());
    layer.onlySqnr = least;
  }
  return llvm::Error::success();
}

/// Number of classes if the tensor holds scores of classes, else 0.
static int64_t classesOf(const Tensor &tensor) {
  if (tensor.dtype != INGOT_FLOAT32 || tensor.dims.empty())
    return 0;
  int64_t rows = 1;
  for (size_t d = 1; d + 1 < tensor.dims.size(); ++d)
    rows *= tensor.dims[d];
  return rows == 1 && tensor.dims.back() > 1 ? tensor.dims.back() : 0;
}

namespace {
/// Compares two models sample by sample.
class Comparison {
public:
  explicit Comparison(QuantizeRun &run) : run(run) {}
  /// `reference` has the outputs of the model, in order.
  llvm::Error add(llvm::ArrayRef<Tensor> reference, const GraphSession &test,
                  size_t sample);
  ModelError result() const;

private:
  llvm::Error addClasses(const Tensor &reference, const Tensor &test,
                         size_t sample);

  QuantizeRun &run;
  std::map<std::string, ErrorMeter> outputs;
  std::optional<TopAgreement> agreement, right, rightFloat;
  size_t samples = 0;
};
} // namespace

llvm::Error Comparison::addClasses(const Tensor &reference, const Tensor &test,
                                   size_t sample) {
  int64_t classes = classesOf(reference);
  if (classes == 0)
    return llvm::Error::success();
  if (!agreement) {
    agreement.emplace(classes);
    right.emplace(classes);
    rightFloat.emplace(classes);
  }
  if (llvm::Error error = agreement->add(floatsOf(reference), floatsOf(test)))
    return error;
  if (run.labels.empty())
    return llvm::Error::success();
  size_t position = run.source->position(sample);
  size_t rows = floatsOf(test).size() / size_t(classes);
  if (rows != 1)
    return failure(6110, "--labels needs samples of one row of scores, and "
                         "the model gives " +
                             llvm::Twine(rows) + "; fix the batch by --shape");
  llvm::ArrayRef<int64_t> label(run.labels[position]);
  if (llvm::Error error = rightFloat->addLabels(floatsOf(reference), label))
    return withCode(6110, "label of sample " + llvm::Twine(position),
                    std::move(error));
  return right->addLabels(floatsOf(test), label);
}

llvm::Error Comparison::add(llvm::ArrayRef<Tensor> reference,
                            const GraphSession &test, size_t sample) {
  ++samples;
  bool isFirst = true;
  for (const Tensor &left : reference) {
    const Tensor *right = test.find(left.name);
    if (!right || left.dtype != INGOT_FLOAT32)
      continue;
    if (llvm::Error error =
            outputs[left.name].add(floatsOf(left), floatsOf(*right)))
      return error;
    if (isFirst)
      if (llvm::Error error = addClasses(left, *right, sample))
        return error;
    isFirst = false;
  }
  return llvm::Error::success();
}

/// The float model's outputs for a sample, of the session's last run.
static std::vector<Tensor> outputsOf(const QuantizeRun &run,
                                     const GraphSession &session) {
  std::vector<Tensor> result;
  for (const OnnxValue &output : run.reference.outputs)
    if (const Tensor *tensor = session.find(output.name)) {
      result.push_back(*tensor);
      result.back().name = output.name;
    }
  return result;
}

/// The same of the model as it was given, which is run once for each sample,
/// as long as its outputs fit into memory.
static llvm::Error runReference(QuantizeRun &run, size_t sample,
                                const std::vector<Tensor> &inputs,
                                std::vector<Tensor> &outputs) {
  constexpr size_t mostBytes = 256 << 20;
  auto known = run.referenceOutputs.find(sample);
  if (known != run.referenceOutputs.end()) {
    outputs = known->second;
    return llvm::Error::success();
  }
  if (llvm::Error error = run.referenceSession->run(inputs))
    return error;
  outputs = outputsOf(run, *run.referenceSession);
  for (const Tensor &tensor : outputs)
    run.referenceBytes += tensor.data.size();
  if (run.referenceBytes < mostBytes)
    run.referenceOutputs[sample] = outputs;
  return llvm::Error::success();
}

ModelError Comparison::result() const {
  ModelError error;
  error.samples = samples;
  bool isFirst = true;
  for (const auto &[name, meter] : outputs) {
    // The worst output counts.
    error.sqnr =
        isFirst ? meter.sqnrDb() : std::min(error.sqnr, meter.sqnrDb());
    error.cosine =
        isFirst ? meter.cosine() : std::min(error.cosine, meter.cosine());
    error.maxError =
        isFirst ? meter.maxError() : std::max(error.maxError, meter.maxError());
    isFirst = false;
  }
  if (agreement)
    error.top1 = agreement->top1();
  if (agreement && !run.labels.empty()) {
    error.floatAccuracy = rightFloat->top1();
    error.accuracy = right->top1();
  }
  return error;
}

llvm::Expected<ModelError>
ingot::compareModels(QuantizeRun &run, const QuantizedGraph &quantized,
                     std::map<size_t, ErrorMeter> *perLayer) {
  std::vector<std::string> values, tested;
  std::vector<size_t> which;
  if (perLayer)
    for (size_t i = 0; i < run.units.list.size(); ++i) {
      const Unit &unit = run.units.list[i];
      if (unit.kind == UnitKind::Mover)
        continue;
      auto it = quantized.dequantized.find(unit.outputs[0]);
      which.push_back(i);
      values.push_back(unit.outputs[0]);
      tested.push_back(it == quantized.dequantized.end() ? unit.outputs[0]
                                                         : it->second);
    }
  // Layers are compared with those of the model that is quantized, results with
  // those of the model as it was given: pruning makes them differ.
  std::shared_ptr<GraphSession> layers;
  bool isOne = perLayer && run.options.quantize.prune.empty();
  auto open = [&](const OnnxGraph &graph, llvm::ArrayRef<std::string> observed,
                  std::shared_ptr<GraphSession> &into) -> llvm::Error {
    run.progress.step("compiling the float model");
    auto session = GraphSession::open(graph, observed, run.options);
    if (!session)
      return session.takeError();
    into = std::move(*session);
    return llvm::Error::success();
  };
  if (perLayer)
    if (llvm::Error error = open(run.graph, values, layers))
      return error;
  if (!isOne && !run.referenceSession)
    if (llvm::Error error = open(run.reference, {}, run.referenceSession))
      return error;
  run.progress.step("compiling a quantized model");
  auto test = GraphSession::open(quantized.graph, tested, run.options);
  if (!test)
    return test.takeError();
  Comparison comparison(run);
  for (size_t s = 0; s < run.evaluated.size(); ++s) {
    run.progress.step("comparing " + std::to_string(s + 1) + "/" +
                      std::to_string(run.evaluated.size()));
    auto sample = run.source->read(run.evaluated[s]);
    if (!sample)
      return sample.takeError();
    if (llvm::Error error = (*test)->run(*sample))
      return error;
    if (layers)
      if (llvm::Error error = layers->run(*sample))
        return error;
    std::vector<Tensor> exact;
    if (isOne)
      exact = outputsOf(run, *layers);
    else if (llvm::Error error =
                 runReference(run, run.evaluated[s], *sample, exact))
      return error;
    if (llvm::Error error = comparison.add(exact, **test, run.evaluated[s]))
      return error;
    for (size_t i = 0; i < which.size(); ++i)
      if (llvm::Error error = (*perLayer)[which[i]].add(
              layers->floats(values[i]), (*test)->floats(tested[i])))
        return error;
  }
  return comparison.result();
}
