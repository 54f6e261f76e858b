//===- QuantizeSearch.cpp - types of layers within a budget -------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/PrecisionSearch.h"
#include "tools/ingot/QuantizeRun.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace ingot;
using namespace ingot::quantize;
using llvm::StringRef;

/// How much of a budget an error uses: 1 is all of it.
static double useOf(double error, double limit) {
  if (std::isnan(error))
    return INFINITY;
  return limit > 0 ? error / limit : error > 0 ? INFINITY : 0;
}

/// The largest use of any of the budgets.
double ingot::budgetUse(const QuantizeOptions &wanted,
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

namespace {
/// Layers that have a choice, with what is tried of it.
class TypeSearch {
public:
  explicit TypeSearch(QuantizeRun &run);
  llvm::Expected<std::vector<LayerType>> run();

private:
  llvm::Error rank();
  void addLayer(size_t unit);
  PrecisionOption optionOf(const LayerResult &layer, LayerType type) const;
  std::vector<LayerType> typesOf(llvm::ArrayRef<unsigned> choice) const;
  llvm::Expected<double> evaluate(llvm::ArrayRef<unsigned> choice);
  llvm::Expected<std::vector<unsigned>> searchPareto();
  void explain(llvm::ArrayRef<unsigned> choice);

  QuantizeRun &state;
  std::vector<PrecisionLayer> layers;
  /// Of each layer: its unit, and what its options stand for.
  std::vector<size_t> unitOf;
  std::vector<std::vector<LayerType>> kinds;
};
} // namespace

/// Noise relative to the signal; 1 where it was not measured.
static double noiseOf(double sqnr) {
  return std::isnan(sqnr) ? 1 : std::min(std::pow(10, -sqnr / 10), 1e30);
}

/// Bytes of a layer's weights in a type.
static double bytesOf(const QuantizeRun &run, const LayerResult &layer,
                      LayerType type) {
  if (type == LayerType::Integer)
    return layer.weights * bitWidth(run.format.weights.type) / 8;
  return layer.weights * (type == LayerType::Float16 ? 2 : 4);
}

static double secondsOf(const LayerResult &layer, LayerType type) {
  return type == LayerType::Integer   ? layer.time.inInt
         : type == LayerType::Float16 ? layer.time.inHalf
                                      : layer.time.inFloat;
}

/// The error that a type adds, and what it costs: time, or bytes.
PrecisionOption TypeSearch::optionOf(const LayerResult &layer,
                                     LayerType type) const {
  PrecisionOption option;
  double own = noiseOf(layer.ownSqnr), half = noiseOf(layer.halfSqnr);
  bool isInTurn = !std::isnan(layer.onlySqnr);
  if (type == LayerType::Integer)
    option.error = isInTurn ? noiseOf(layer.onlySqnr) : own;
  else if (type == LayerType::Float16)
    // Passed on through the model as the noise of integers is.
    option.error = isInTurn && state.options.quantize.triesInt && own > 0
                       ? half * noiseOf(layer.onlySqnr) / own
                   : isInTurn ? noiseOf(layer.onlySqnr)
                              : half;
  option.time = secondsOf(layer, type);
  if (state.options.quantize.forSize)
    // Seconds are small beside a byte: they decide between equals.
    option.time = bytesOf(state, layer, type) + std::min(option.time, 1.0) / 2;
  return option;
}

void TypeSearch::addLayer(size_t unit) {
  const LayerResult &layer = state.layers[unit];
  std::vector<LayerType> types;
  if (layer.mayBeInt)
    types.push_back(LayerType::Integer);
  if (layer.mayBeHalf)
    types.push_back(LayerType::Float16);
  if (types.empty())
    return;
  types.push_back(LayerType::Float32);
  PrecisionLayer options{layer.node, {}};
  for (LayerType type : types)
    options.options.push_back(optionOf(layer, type));
  // What is allowed although it is slower, is tried first all the same.
  for (size_t i = types.size() - 1; i-- > 0;)
    options.options[i].time =
        std::min(options.options[i].time, options.options[i + 1].time * 0.999);
  layers.push_back(std::move(options));
  unitOf.push_back(unit);
  kinds.push_back(std::move(types));
}

TypeSearch::TypeSearch(QuantizeRun &run) : state(run) {
  for (size_t i = 0; i < run.layers.size(); ++i)
    addLayer(i);
}

/// Where the first types of all layers are too inexact, finds out what the
/// model loses with each.
llvm::Error TypeSearch::rank() {
  const QuantizeOptions &wanted = state.options.quantize;
  if (wanted.sensitivity != "auto" || !state.isStatic() || !isFewInTurn(state))
    return llvm::Error::success();
  if (wanted.search == "greedy") {
    auto use = evaluate(std::vector<unsigned>(layers.size(), 0));
    if (!use || *use <= 1)
      return use.takeError();
  }
  if (llvm::Error error = measureInTurn(state))
    return error;
  layers.clear();
  unitOf.clear();
  kinds.clear();
  for (size_t i = 0; i < state.layers.size(); ++i)
    addLayer(i);
  return llvm::Error::success();
}

std::vector<LayerType>
TypeSearch::typesOf(llvm::ArrayRef<unsigned> choice) const {
  std::vector<LayerType> types(state.layers.size(), LayerType::Float32);
  for (size_t k = 0; k < choice.size(); ++k)
    types[unitOf[k]] = kinds[k][choice[k]];
  return types;
}

/// Compiles and runs the model of a choice; returns its use of the budget.
llvm::Expected<double> TypeSearch::evaluate(llvm::ArrayRef<unsigned> choice) {
  std::vector<LayerType> types = typesOf(choice);
  for (const TriedModel &tried : state.tried)
    if (tried.types == types)
      return tried.use;
  ++state.evaluations;
  auto quantized = quantizeGraph(state.inputs(), state.planFor(types));
  if (!quantized)
    return quantized.takeError();
  auto error = compareModels(state, *quantized, nullptr);
  if (!error)
    return error.takeError();
  TriedModel tried;
  tried.error = *error;
  tried.types = types;
  tried.use = budgetUse(state.options.quantize, *error);
  for (size_t i = 0; i < types.size(); ++i) {
    if (state.units.list[i].kind != UnitKind::Heavy)
      continue;
    tried.ints += types[i] == LayerType::Integer;
    tried.halves += types[i] == LayerType::Float16;
    tried.seconds += secondsOf(state.layers[i], types[i]);
    tried.bytes += bytesOf(state, state.layers[i], types[i]);
  }
  for (size_t k = 0; k < choice.size(); ++k)
    tried.estimatedNoise += layers[k].options[choice[k]].error;
  state.tried.push_back(std::move(tried));
  return state.tried.back().use;
}

/// States of the Pareto list, spread evenly from the fastest to the most
/// exact; the first that keeps the budget is taken, and with what is left of
/// the evaluations those before it are tried.
llvm::Expected<std::vector<unsigned>> TypeSearch::searchPareto() {
  auto states = paretoStates(layers);
  if (!states)
    return states.takeError();
  size_t most = std::max<size_t>(2, state.options.quantize.evaluations);
  // A third is for the refinement.
  size_t spread = std::min(states->size(), std::max<size_t>(2, most * 2 / 3));
  std::optional<size_t> best, bad;
  for (size_t i = 0; i < spread; ++i) {
    size_t at = spread == 1 ? 0 : i * (states->size() - 1) / (spread - 1);
    auto use = evaluate((*states)[at].choice);
    if (!use)
      return use.takeError();
    if (*use <= 1 && !best)
      best = at;
    else if (*use > 1 && !best)
      bad = at;
  }
  size_t left = most - std::min(most, spread);
  while (best && bad && *best - *bad > 1 && left-- > 0) {
    size_t middle = (*best + *bad) / 2;
    auto use = evaluate((*states)[middle].choice);
    if (!use)
      return use.takeError();
    (*use <= 1 ? best : bad) = middle;
  }
  return (*states)[best.value_or(states->size() - 1)].choice;
}

/// Why layers are not in the first type that they may have.
void TypeSearch::explain(llvm::ArrayRef<unsigned> choice) {
  for (size_t k = 0; k < choice.size(); ++k) {
    if (choice[k] == 0)
      continue;
    LayerResult &layer = state.layers[unitOf[k]];
    llvm::raw_string_ostream text(layer.reason = "");
    bool isHalf = kinds[k][choice[k]] == LayerType::Float16;
    text << (isHalf ? "in float16" : "left in float")
         << " to keep the budget: alone it has "
         << llvm::format("%.1f",
                         layer.mayBeInt ? layer.ownSqnr : layer.halfSqnr)
         << " dB";
    if (!std::isnan(layer.onlySqnr))
      text << ", and the model with it alone "
           << llvm::format("%.1f", layer.onlySqnr) << " dB";
  }
}

llvm::Expected<std::vector<LayerType>> TypeSearch::run() {
  if (llvm::Error error = rank())
    return std::move(error);
  std::vector<unsigned> choice;
  if (state.options.quantize.search == "pareto") {
    auto found = searchPareto();
    if (!found)
      return found.takeError();
    choice = std::move(*found);
  } else {
    SearchOptions options;
    options.budget = 1;
    options.maxEvaluations = state.options.quantize.evaluations;
    auto found =
        searchPrecision(layers, options, [&](llvm::ArrayRef<unsigned> choice) {
          return evaluate(choice);
        });
    if (!found)
      return found.takeError();
    choice = found->state.choice;
  }
  explain(choice);
  std::vector<LayerType> types = typesOf(choice);
  for (TriedModel &tried : state.tried)
    tried.isChosen = tried.types == types;
  return types;
}

llvm::Expected<std::vector<LayerType>> ingot::searchTypes(QuantizeRun &run) {
  return TypeSearch(run).run();
}
