//===- PrecisionSearch.cpp -----------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/PrecisionSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace ingot::quantize;
using llvm::ArrayRef;

/// A layer's options on the lower convex hull of error over time, from the
/// fastest to the most exact: each step costs more time for the error it
/// removes than the one before.
static llvm::Expected<std::vector<unsigned>>
hullOf(const PrecisionLayer &layer) {
  ArrayRef<PrecisionOption> options = layer.options;
  std::vector<unsigned> usable;
  for (auto [i, option] : llvm::enumerate(options)) {
    if (!(option.error >= 0) || !(option.time >= 0) || std::isinf(option.time))
      return llvm::createStringError(llvm::formatv(
          "layer '{0}': an error of {1} in a time of {2} is no option",
          layer.name, option.error, option.time));
    if (std::isfinite(option.error))
      usable.push_back(unsigned(i));
  }
  if (usable.empty())
    return llvm::createStringError(
        llvm::formatv("layer '{0}' has no usable option", layer.name));
  llvm::sort(usable, [&](unsigned a, unsigned b) {
    return std::tuple(options[a].time, options[a].error, a) <
           std::tuple(options[b].time, options[b].error, b);
  });
  // Error removed per time from `a` to `b`, which is slower.
  auto slope = [&](unsigned a, unsigned b) {
    return (options[a].error - options[b].error) /
           (options[b].time - options[a].time);
  };
  std::vector<unsigned> hull;
  for (unsigned next : usable) {
    if (!hull.empty() && options[next].error >= options[hull.back()].error)
      continue; // Not faster and not better.
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) <=
                                   slope(hull.back(), next))
      hull.pop_back();
    hull.push_back(next);
  }
  return hull;
}

static void addUp(ArrayRef<PrecisionLayer> layers, PrecisionState &state) {
  state.error = state.time = 0;
  for (auto [layer, choice] : llvm::zip_equal(layers, state.choice)) {
    state.error += layer.options[choice].error;
    state.time += layer.options[choice].time;
  }
}

static llvm::Expected<std::vector<std::vector<unsigned>>>
hullsOf(ArrayRef<PrecisionLayer> layers) {
  std::vector<std::vector<unsigned>> hulls;
  for (const PrecisionLayer &layer : layers) {
    llvm::Expected<std::vector<unsigned>> hull = hullOf(layer);
    if (!hull)
      return hull.takeError();
    hulls.push_back(std::move(*hull));
  }
  return hulls;
}

namespace {
/// One step along a layer's hull.
struct Step {
  double gain;
  size_t layer, at;
  unsigned to;
};
} // namespace

static std::vector<PrecisionState> walk(ArrayRef<PrecisionLayer> layers,
                                        ArrayRef<std::vector<unsigned>> hulls) {
  std::vector<Step> steps;
  PrecisionState state;
  for (auto [i, hull] : llvm::enumerate(hulls)) {
    state.choice.push_back(hull[0]);
    for (size_t at = 1; at < hull.size(); ++at) {
      const PrecisionOption &from = layers[i].options[hull[at - 1]];
      const PrecisionOption &to = layers[i].options[hull[at]];
      steps.push_back(
          {(from.error - to.error) / (to.time - from.time), i, at, hull[at]});
    }
  }
  // The gains of a layer fall, so its steps stay in their order.
  llvm::sort(steps, [](const Step &a, const Step &b) {
    return std::tuple(-a.gain, a.layer, a.at) <
           std::tuple(-b.gain, b.layer, b.at);
  });
  addUp(layers, state);
  std::vector<PrecisionState> states{state};
  for (const Step &step : steps) {
    state.choice[step.layer] = step.to;
    state.changed = int64_t(step.layer);
    addUp(layers, state);
    states.push_back(state);
  }
  return states;
}

llvm::Expected<std::vector<PrecisionState>>
ingot::quantize::paretoStates(ArrayRef<PrecisionLayer> layers) {
  auto hulls = hullsOf(layers);
  if (!hulls)
    return hulls.takeError();
  return walk(layers, *hulls);
}

namespace {
/// A search in progress.
class Search {
public:
  Search(ArrayRef<PrecisionLayer> layers, ArrayRef<std::vector<unsigned>> hulls,
         const SearchOptions &options, const PrecisionEvaluator &evaluate)
      : layers(layers), hulls(hulls), options(options), evaluate(evaluate) {
    result.pareto = walk(layers, hulls);
    result.trueErrors.assign(result.pareto.size(),
                             std::numeric_limits<double>::quiet_NaN());
  }

  llvm::Expected<SearchResult> run() {
    if (llvm::Error error = bisect())
      return std::move(error);
    if (result.isWithinBudget)
      if (llvm::Error error = giveBack())
        return std::move(error);
    return std::move(result);
  }

private:
  bool keepsBudget(double error) const { return error <= options.budget; }
  bool canAsk() const { return result.evaluations < options.maxEvaluations; }

  llvm::Expected<double> ask(ArrayRef<unsigned> choice) {
    ++result.evaluations;
    return evaluate(choice);
  }

  /// Asks for a state of the list and takes it if it keeps the budget.
  llvm::Expected<bool> askState(size_t index) {
    llvm::Expected<double> error = ask(result.pareto[index].choice);
    if (!error)
      return error.takeError();
    result.trueErrors[index] = *error;
    if (keepsBudget(*error)) {
      result.state = result.pareto[index];
      result.trueError = *error;
      result.isWithinBudget = true;
    }
    return keepsBudget(*error);
  }

  llvm::Error bisect() {
    llvm::Expected<bool> isGood = askState(0);
    if (!isGood || *isGood)
      return isGood.takeError();
    size_t bad = 0, good = result.pareto.size() - 1;
    if (good > 0) {
      isGood = askState(good);
      if (!isGood)
        return isGood.takeError();
    }
    if (!*isGood) {
      result.state = result.pareto[good];
      result.trueError = result.trueErrors[good];
      return llvm::Error::success();
    }
    while (good - bad > 1 && canAsk()) {
      size_t middle = (bad + good) / 2;
      isGood = askState(middle);
      if (!isGood)
        return isGood.takeError();
      (*isGood ? good : bad) = middle;
    }
    // The step before the first good state was found to be needed.
    if (good - bad == 1)
      needed = result.pareto[good].changed;
    return llvm::Error::success();
  }

  /// The layer, not refused yet, that gains most time by a step back.
  std::optional<size_t> bestToGiveBack(const std::vector<bool> &isRefused,
                                       unsigned &to) const {
    std::optional<size_t> best;
    double most = 0;
    for (auto [i, hull] : llvm::enumerate(hulls)) {
      auto at = llvm::find(hull, result.state.choice[i]);
      if (isRefused[i] || at == hull.begin())
        continue;
      double gain =
          layers[i].options[*at].time - layers[i].options[*std::prev(at)].time;
      if (gain > most) {
        most = gain;
        best = i;
        to = *std::prev(at);
      }
    }
    return best;
  }

  llvm::Error giveBack() {
    std::vector<bool> isRefused(layers.size(), false);
    if (needed >= 0)
      isRefused[needed] = true;
    while (canAsk()) {
      PrecisionState next = result.state;
      unsigned to = 0;
      std::optional<size_t> layer = bestToGiveBack(isRefused, to);
      if (!layer)
        break;
      next.choice[*layer] = to;
      next.changed = int64_t(*layer);
      addUp(layers, next);
      llvm::Expected<double> error = ask(next.choice);
      if (!error)
        return error.takeError();
      if (!keepsBudget(*error)) {
        isRefused[*layer] = true;
        continue;
      }
      result.state = std::move(next);
      result.trueError = *error;
    }
    return llvm::Error::success();
  }

  ArrayRef<PrecisionLayer> layers;
  ArrayRef<std::vector<unsigned>> hulls;
  const SearchOptions &options;
  const PrecisionEvaluator &evaluate;
  SearchResult result;
  int64_t needed = -1;
};
} // namespace

llvm::Expected<SearchResult>
ingot::quantize::searchPrecision(ArrayRef<PrecisionLayer> layers,
                                 const SearchOptions &options,
                                 const PrecisionEvaluator &evaluate) {
  auto hulls = hullsOf(layers);
  if (!hulls)
    return hulls.takeError();
  return Search(layers, *hulls, options, evaluate).run();
}

llvm::Expected<SearchResult>
ingot::quantize::searchPrecision(ArrayRef<PrecisionLayer> layers,
                                 double budget) {
  auto sum = [&](ArrayRef<unsigned> choice) -> llvm::Expected<double> {
    PrecisionState state;
    state.choice = choice.vec();
    addUp(layers, state);
    return state.error;
  };
  // Each of the layers' steps back, and the bisection.
  SearchOptions options{budget, 64};
  for (const PrecisionLayer &layer : layers)
    options.maxEvaluations += int64_t(layer.options.size());
  return searchPrecision(layers, options, sum);
}
