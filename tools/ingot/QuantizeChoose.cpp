//===- QuantizeChoose.cpp - which layers are quantized --------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/Target.h"
#include "lib/Driver/Compiler.h"
#include "lib/Quantize/PrecisionSearch.h"
#include "tools/ingot/QuantizeRun.h"

#include "ingot/ingot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace ingot;
using namespace ingot::quantize;
using llvm::StringRef;

Plan QuantizeRun::planFor(const std::vector<bool> &wanted) const {
  if (!isStatic())
    return makeWeightPlan(units, wanted);
  Plan plan = makePlan(graph, units, wanted);
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
  switch (machine.getDot()) {
  case kernel::DotForm::lanes:
    gain = 1.1;
    break;
  case kernel::DotForm::pairs:
    gain = 1.5;
    break;
  case kernel::DotForm::vnni:
  case kernel::DotForm::sdot:
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

/// What the layers are, with nothing measured.
static void listLayers(QuantizeRun &run) {
  run.layers.assign(run.units.list.size(), LayerResult());
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    const Unit &unit = run.units.list[i];
    LayerResult &layer = run.layers[i];
    layer.node = unit.name;
    layer.opType = unit.opType;
    if (unit.kind == UnitKind::Heavy)
      layer.reason = run.obstacleOf(i);
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
    layer.time = timeOf(run, i, work, *rates);
  }
  return llvm::Error::success();
}

//===-- errors ------------------------------------------------------------===//

/// Samples that a layer's own error is measured on.
static constexpr size_t samplesAlone = 16;

llvm::Error ingot::measureAlone(QuantizeRun &run) {
  std::vector<size_t> which;
  for (size_t i = 0; i < run.units.list.size(); ++i)
    if (run.isCandidate(i))
      which.push_back(i);
  std::map<size_t, std::string> copies;
  auto graph = isolateUnits(run.inputs(), run.fullPlan, which, copies);
  if (!graph)
    return graph.takeError();
  std::vector<std::string> values;
  for (size_t i : which) {
    values.push_back(run.units.list[i].outputs[0]);
    values.push_back(copies[i]);
  }
  run.progress.step("compiling each layer beside itself");
  auto session = GraphSession::open(*graph, values, run.options);
  if (!session)
    return session.takeError();
  std::map<size_t, ErrorMeter> meters;
  size_t count = std::min(samplesAlone, run.evaluated.size());
  for (size_t s = 0; s < count; ++s) {
    run.progress.step("errors of layers " + std::to_string(s + 1) + "/" +
                      std::to_string(count));
    auto sample = run.source->read(run.evaluated[s]);
    if (!sample)
      return sample.takeError();
    if (llvm::Error error = (*session)->run(*sample))
      return error;
    for (size_t i : which)
      if (llvm::Error error =
              meters[i].add((*session)->floats(run.units.list[i].outputs[0]),
                            (*session)->floats(copies[i])))
        return error;
  }
  for (size_t i : which)
    run.layers[i].ownSqnr = meters[i].sqnrDb();
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
  llvm::Error add(const GraphSession &reference, const GraphSession &test,
                  size_t sample);
  ModelError result() const;
  double floatSeconds = 0, intSeconds = 0;

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

llvm::Error Comparison::add(const GraphSession &reference,
                            const GraphSession &test, size_t sample) {
  ++samples;
  bool isFirst = true;
  for (const OnnxValue &output : run.reference.outputs) {
    const Tensor *left = reference.find(output.name);
    const Tensor *right = test.find(output.name);
    if (!left || !right || left->dtype != INGOT_FLOAT32)
      continue;
    if (llvm::Error error =
            outputs[output.name].add(floatsOf(*left), floatsOf(*right)))
      return error;
    if (isFirst)
      if (llvm::Error error = addClasses(*left, *right, sample))
        return error;
    isFirst = false;
  }
  floatSeconds += reference.seconds();
  intSeconds += test.seconds();
  return llvm::Error::success();
}

ModelError Comparison::result() const {
  ModelError error;
  error.samples = samples;
  error.floatSeconds = floatSeconds / double(std::max<size_t>(1, samples));
  error.intSeconds = intSeconds / double(std::max<size_t>(1, samples));
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
  std::shared_ptr<GraphSession> reference =
      isOne ? layers : run.referenceSession;
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
    if (llvm::Error error = reference->run(*sample))
      return error;
    if (llvm::Error error = (*test)->run(*sample))
      return error;
    if (layers && layers != reference)
      if (llvm::Error error = layers->run(*sample))
        return error;
    if (llvm::Error error =
            comparison.add(*reference, **test, run.evaluated[s]))
      return error;
    for (size_t i = 0; i < which.size(); ++i)
      if (llvm::Error error = (*perLayer)[which[i]].add(
              layers->floats(values[i]), (*test)->floats(tested[i])))
        return error;
  }
  return comparison.result();
}

//===-- the choice --------------------------------------------------------===//

/// How much of a budget an error uses: 1 is all of it.
static double useOf(double error, double limit) {
  if (std::isnan(error))
    return INFINITY;
  return limit > 0 ? error / limit : error > 0 ? INFINITY : 0;
}

/// The largest use of any of the budgets.
static double budgetUse(const QuantizeOptions &wanted,
                        const ModelError &error) {
  double use = 0;
  for (const std::string &budget : wanted.maxError) {
    auto [what, text] = StringRef(budget).split('=');
    double limit = 0;
    text.getAsDouble(limit);
    if (what == "sqnr")
      use = std::max(use, useOf(std::pow(10, -error.sqnr / 20),
                                std::pow(10, -limit / 20)));
    else if (what == "cosine")
      use = std::max(use, useOf(1 - error.cosine, 1 - limit));
    else
      use = std::max(use, useOf(1 - error.top1, 1 - limit));
  }
  if (wanted.maxDrop >= 0)
    use = std::max(use, useOf(std::max(0.0, error.drop()), wanted.maxDrop));
  return use;
}

/// Candidates that may be quantized, with the reasons of the others.
static llvm::Expected<std::vector<bool>> allowedUnits(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  std::vector<bool> allowed(run.units.list.size(), false);
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
    if (llvm::is_contained(wanted.keepFloat, layer.node))
      layer.reason = "kept by --keep-float";
    else if (!wanted.ignoreSpeed && !layer.time.reason.empty())
      layer.reason = "int8 would be slower here because " + layer.time.reason;
    else
      allowed[i] = true;
  }
  return allowed;
}

/// Searches for the units that are quantized within the budget.
static llvm::Expected<std::vector<bool>>
searchBudget(QuantizeRun &run, const std::vector<bool> &allowed) {
  std::vector<PrecisionLayer> layers;
  std::vector<size_t> unitOf;
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (!allowed[i])
      continue;
    const LayerResult &layer = run.layers[i];
    double noise = std::pow(10, -layer.ownSqnr / 10);
    double slow = layer.time.inFloat;
    double fast = std::min(layer.time.inInt, slow * 0.999);
    layers.push_back(
        {layer.node,
         {{std::isnan(noise) ? 1 : std::min(noise, 1e30), fast}, {0, slow}}});
    unitOf.push_back(i);
  }
  auto wantedBy = [&](llvm::ArrayRef<unsigned> choice) {
    std::vector<bool> wanted(allowed.size(), false);
    for (size_t k = 0; k < choice.size(); ++k)
      wanted[unitOf[k]] = choice[k] == 0;
    return wanted;
  };
  auto evaluate =
      [&](llvm::ArrayRef<unsigned> choice) -> llvm::Expected<double> {
    ++run.evaluations;
    std::vector<bool> wanted = wantedBy(choice);
    auto quantized = quantizeGraph(run.inputs(), run.planFor(wanted));
    if (!quantized)
      return quantized.takeError();
    auto error = compareModels(run, *quantized, nullptr);
    if (!error)
      return error.takeError();
    return budgetUse(run.options.quantize, *error);
  };
  SearchOptions options;
  options.budget = 1;
  options.maxEvaluations = run.options.quantize.evaluations;
  auto found = searchPrecision(layers, options, evaluate);
  if (!found)
    return found.takeError();
  std::vector<bool> wanted = wantedBy(found->state.choice);
  for (size_t k = 0; k < unitOf.size(); ++k)
    if (!wanted[unitOf[k]]) {
      LayerResult &layer = run.layers[unitOf[k]];
      std::string text;
      llvm::raw_string_ostream(text)
          << "left in float to keep the budget: alone it has "
          << llvm::format("%.1f", layer.ownSqnr) << " dB";
      layer.reason = text;
    }
  return wanted;
}

/// Writes the plan, and why units are not in it, to the layers.
static void applyChoice(QuantizeRun &run, const std::vector<bool> &wanted) {
  run.plan = run.planFor(wanted);
  for (size_t i = 0; i < run.layers.size(); ++i) {
    run.layers[i].isInt = run.plan.isQuantized[i];
    if (!run.layers[i].isInt && run.layers[i].reason.empty())
      run.layers[i].reason = run.isStatic() ? "not between layers in integers"
                                            : "only matrix products have this "
                                              "form";
  }
}

llvm::Error ingot::chooseAll(QuantizeRun &run) {
  listLayers(run);
  auto allowed = allowedUnits(run);
  if (!allowed)
    return allowed.takeError();
  applyChoice(run, *allowed);
  return llvm::Error::success();
}

llvm::Error ingot::chooseLayers(QuantizeRun &run) {
  const QuantizeOptions &options = run.options.quantize;
  auto allowed = allowedUnits(run);
  if (!allowed)
    return allowed.takeError();
  std::vector<bool> wanted = *allowed;
  bool hasBudget = !options.maxError.empty() || options.maxDrop >= 0;
  if (hasBudget && llvm::is_contained(wanted, true)) {
    auto found = searchBudget(run, *allowed);
    if (!found)
      return found.takeError();
    wanted = std::move(*found);
  }
  if (!llvm::is_contained(wanted, true)) {
    std::string why;
    for (const LayerResult &layer : run.layers)
      if (why.empty() && !layer.reason.empty())
        why = "; " + layer.opType + " " + quoted(layer.node) + ": " +
              layer.reason;
    return failure(
        6108, "no layer can be quantized" +
                  llvm::Twine(hasBudget ? " within the budget" : "") + why);
  }
  applyChoice(run, wanted);
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
