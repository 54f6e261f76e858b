//===- PrecisionSearch.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which layers stay in higher precision: the time a model takes against the
// error it makes.
//
// Each layer has options, for example int8, float16 and float32, with the error
// that the option contributes and the time it takes. Errors are powers of noise
// at the model's output (or of another kind that adds up), measured with the
// layer alone in that option. Choosing one for each layer so that the sum of
// errors keeps a budget in the least time is the multiple-choice knapsack
// problem; greedy steps along each layer's convex hull give its linear
// relaxation (P. Sinha and A. Zoltners, "The multiple-choice knapsack problem",
// Operations Research 27, 1979) and every state on the way is optimal for its
// own error: the Pareto list. As errors only roughly add up, the true error is
// asked for where a decision depends on it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_PRECISIONSEARCH_H
#define INGOT_LIB_QUANTIZE_PRECISIONSEARCH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <string>
#include <vector>

namespace ingot::quantize {

struct PrecisionOption {
  /// Error contributed, >= 0, and time taken; infinite error: not possible.
  double error = 0, time = 0;
};

struct PrecisionLayer {
  std::string name;
  /// In any order; at least one of them of finite error.
  std::vector<PrecisionOption> options;
};

/// One option for each layer, with the sums of errors and times.
struct PrecisionState {
  std::vector<unsigned> choice;
  double error = 0, time = 0;
  /// The layer whose option changed to come here from the state before; -1 in
  /// the first.
  int64_t changed = -1;
};

/// All states that greedy steps pass, from the fastest to the most exact: times
/// grow and errors fall strictly. In the first, each layer has its fastest
/// option (of equally fast ones the more exact): a layer that int8 makes slower
/// is not in int8. Error: a layer without a usable option, NaN, negative.
llvm::Expected<std::vector<PrecisionState>>
paretoStates(llvm::ArrayRef<PrecisionLayer> layers);

/// True error of a choice, in the unit of the budget.
using PrecisionEvaluator =
    std::function<llvm::Expected<double>(llvm::ArrayRef<unsigned> choice)>;

struct SearchOptions {
  /// The largest true error that is allowed.
  double budget = 0;
  /// How often the evaluator may be called.
  int64_t maxEvaluations = 32;
};

struct SearchResult {
  PrecisionState state;
  /// The true error of `state`, and whether it keeps the budget.
  double trueError = 0;
  bool isWithinBudget = false;
  int64_t evaluations = 0;
  /// The Pareto list; trueErrors[i] is NaN where it was not asked for.
  std::vector<PrecisionState> pareto;
  std::vector<double> trueErrors;
};

/// The fastest choice found whose true error keeps the budget:
///   1. bisection finds the first state of the Pareto list that does;
///   2. with the evaluations left, layers are given back to their faster
///      options, the largest gain of time first, where the budget allows.
/// If not even the most exact state keeps it, that one, with isWithinBudget
/// false. Error: as paretoStates, or the evaluator's.
llvm::Expected<SearchResult>
searchPrecision(llvm::ArrayRef<PrecisionLayer> layers,
                const SearchOptions &options,
                const PrecisionEvaluator &evaluate);

/// Without an evaluator: the sum of errors is taken for the true one.
llvm::Expected<SearchResult>
searchPrecision(llvm::ArrayRef<PrecisionLayer> layers, double budget);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_PRECISIONSEARCH_H
