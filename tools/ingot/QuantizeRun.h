//===- QuantizeRun.h - the state of ingot quantize --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_QUANTIZERUN_H
#define INGOT_TOOLS_INGOT_QUANTIZERUN_H

#include "lib/Quantize/Improve.h"
#include "lib/Quantize/LayerTime.h"
#include "lib/Quantize/Metrics.h"
#include "tools/ingot/Calibrate.h"

#include "llvm/Support/JSON.h"

#include <cmath>

namespace ingot {

/// What is reported of one unit.
struct LayerResult {
  std::string node, opType;
  bool isInt = false, isHalf = false;
  /// Types that the search may give it beside float32.
  bool mayBeInt = false, mayBeHalf = false;
  /// Why it is in float, or what is special; may be empty.
  std::string reason;
  /// Why float16 cannot hold it; may be empty.
  std::string halfObstacle;
  /// Alone, and in the quantized model; NaN where not measured.
  double ownSqnr = NAN, sqnr = NAN, cosine = NAN, maxError = NAN;
  /// Alone in float16, and that of the model's result with this layer alone
  /// quantized.
  double halfSqnr = NAN, onlySqnr = NAN;
  quantize::Range range;
  quantize::QuantParams params;
  bool hasParams = false;
  quantize::LayerTime time;
  double products = 0, weights = 0;

  /// "int8", "float16" or "float".
  std::string typeName(const quantize::QuantizeFormat &format) const;
  /// Whether float16 is not slower, or smaller, than float32.
  bool gainsInHalf(bool forSize) const {
    return forSize ? weights > 0 : time.inHalf <= time.inFloat;
  }
};

/// The quantized model against the float model.
struct ModelError {
  double sqnr = NAN, cosine = NAN, maxError = NAN;
  /// Fraction of the samples with the same class, and with the right one in
  /// both models; NaN if there are no classes or labels.
  double top1 = NAN, floatAccuracy = NAN, accuracy = NAN;
  size_t samples = 0;

  /// Points of accuracy lost.
  double drop() const { return 100 * (floatAccuracy - accuracy); }
};

/// A model that the search measured.
struct TriedModel {
  std::vector<quantize::LayerType> types;
  /// Heavy layers in integers and in float16, their time and their weights'
  /// bytes.
  size_t ints = 0, halves = 0;
  double seconds = 0, bytes = 0;
  /// The sum of what layers lose alone, relative to the signal.
  double estimatedNoise = 0;
  ModelError error;
  /// How much of the budget the error takes: 1 is all.
  double use = 0;
  bool isChosen = false;
};

/// Everything that the steps of `ingot quantize` share.
struct QuantizeRun {
  explicit QuantizeRun(const Options &options)
      : options(options), progress(options.quiet) {}

  const Options &options;
  Progress progress;
  std::string output;
  uint64_t inputBytes = 0, outputBytes = 0;

  /// The float model in normal form, with pruning and equalisation.
  quantize::OnnxGraph graph;
  /// The model whose results count: before pruning.
  quantize::OnnxGraph reference;
  quantize::ValueTypes types;
  quantize::Units units;
  quantize::QuantizeFormat format;
  std::optional<SampleSource> source;
  std::vector<int64_t> labels;
  /// Samples [0, calibrating) calibrate, `evaluated` measure.
  size_t calibrating = 0;
  std::vector<size_t> evaluated;

  Calibration calibration;
  quantize::ValueRanges ranges;
  quantize::ValueParams params;
  quantize::WeightFindings findings;
  /// With every unit that can be quantized, and as chosen.
  quantize::Plan fullPlan, plan;
  /// By unit.
  std::vector<LayerResult> layers;
  ModelError error;
  /// Models that the search tried.
  int64_t evaluations = 0;
  std::vector<TriedModel> tried;
  /// With --smooth-quant=auto.
  quantize::SmoothingAlphas smoothing;
  /// The reference model with its own outputs, once compiled.
  std::shared_ptr<GraphSession> referenceSession;
  /// What it gave, by sample.
  std::map<size_t, std::vector<Tensor>> referenceOutputs;
  size_t referenceBytes = 0;
  std::vector<std::string> notes;

  quantize::QuantizeInputs inputs() const {
    return {&graph, &units, &format, &params, &findings};
  }
  /// The plan for heavy units in those types, by unit.
  quantize::Plan planFor(llvm::ArrayRef<quantize::LayerType> types) const;
  /// Why a heavy unit cannot be quantized; "" if it can be.
  std::string obstacleOf(size_t unit) const;
  /// True for heavy units that can be quantized.
  bool isCandidate(size_t unit) const {
    return units.list[unit].kind == quantize::UnitKind::Heavy &&
           obstacleOf(unit).empty();
  }
  bool isStatic() const {
    return format.scheme == quantize::QuantizeScheme::Static;
  }
  bool needsData() const;
};

/// `ingot quantize`: the steps, in order.
llvm::Error prepareModel(QuantizeRun &run);
llvm::Error openSamples(QuantizeRun &run);
llvm::Error improveFloatModel(QuantizeRun &run);
llvm::Error smoothModel(QuantizeRun &run);
/// Types and units of a graph that was changed.
llvm::Error findUnitsAgain(QuantizeRun &run);
llvm::Error chooseRanges(QuantizeRun &run);
llvm::Error improveWeights(QuantizeRun &run);
llvm::Error estimateTimes(QuantizeRun &run);
llvm::Error measureTimes(QuantizeRun &run);
llvm::Error measureAlone(QuantizeRun &run);
/// The model's error with one layer quantized at a time, and whether that is
/// estimated to take seconds rather than minutes.
llvm::Error measureInTurn(QuantizeRun &run);
bool isFewInTurn(const QuantizeRun &run);
llvm::Error chooseLayers(QuantizeRun &run);
/// All that can be quantized, in place of the steps before.
llvm::Error chooseAll(QuantizeRun &run);
llvm::Error writeModel(QuantizeRun &run, const quantize::OnnxGraph &graph);

/// Sets which types each layer may have, with the reasons of the others.
llvm::Error findAllowedTypes(QuantizeRun &run);
/// The first type that each layer may have.
std::vector<quantize::LayerType> fastestTypes(const QuantizeRun &run);
/// Searches for the types that keep the budget.
llvm::Expected<std::vector<quantize::LayerType>> searchTypes(QuantizeRun &run);
/// The largest use of any of the budgets.
double budgetUse(const QuantizeOptions &wanted, const ModelError &error);

/// Runs the float model on the samples that calibrate, with `values` to look
/// at.
llvm::Error forEachSample(
    QuantizeRun &run, const std::vector<std::string> &values, size_t samples,
    llvm::StringRef what,
    llvm::function_ref<llvm::Error(const GraphSession &, size_t)> visit);

/// Runs both models on the samples that measure; fills `perLayer` (may be
/// null) with the errors of units' results.
llvm::Expected<ModelError>
compareModels(QuantizeRun &run, const quantize::QuantizedGraph &quantized,
              std::map<size_t, quantize::ErrorMeter> *perLayer);

/// An error with a code of lib/Diagnostics/Codes.def from one of the library.
llvm::Error toError(wire::Failure failure);
/// The error of a step of the algorithms, under a code.
llvm::Error withCode(unsigned code, const llvm::Twine &what, llvm::Error error);

/// The table, the page and the JSON.
void printQuantizeTable(const QuantizeRun &run);
llvm::Error writeQuantizePage(const QuantizeRun &run, llvm::StringRef path);
llvm::json::Value describeQuantization(const QuantizeRun &run);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_QUANTIZERUN_H
