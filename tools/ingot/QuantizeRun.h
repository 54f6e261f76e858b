//===- QuantizeRun.h - the state of ingot quantize --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_QUANTIZERUN_H
#define INGOT_TOOLS_INGOT_QUANTIZERUN_H

#include "lib/Quantize/LayerTime.h"
#include "lib/Quantize/Metrics.h"
#include "tools/ingot/Calibrate.h"

#include "llvm/Support/JSON.h"

#include <cmath>

namespace ingot {

/// What is reported of one unit.
struct LayerResult {
  std::string node, opType;
  bool isInt = false;
  /// Why it is in float, or what is special; may be empty.
  std::string reason;
  /// Alone, and in the quantized model; NaN where not measured.
  double ownSqnr = NAN, sqnr = NAN, cosine = NAN, maxError = NAN;
  quantize::Range range;
  quantize::QuantParams params;
  bool hasParams = false;
  quantize::LayerTime time;
  double products = 0;
};

/// The quantized model against the float model.
struct ModelError {
  double sqnr = NAN, cosine = NAN, maxError = NAN;
  /// Fraction of the samples with the same class, and with the right one in
  /// both models; NaN if there are no classes or labels.
  double top1 = NAN, floatAccuracy = NAN, accuracy = NAN;
  size_t samples = 0;
  double floatSeconds = 0, intSeconds = 0;

  /// Points of accuracy lost.
  double drop() const { return 100 * (floatAccuracy - accuracy); }
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
  /// The reference model with its own outputs, once compiled.
  std::shared_ptr<GraphSession> referenceSession;
  std::vector<std::string> notes;

  quantize::QuantizeInputs inputs() const {
    return {&graph, &units, &format, &params, &findings};
  }
  /// The plan for those heavy units.
  quantize::Plan planFor(const std::vector<bool> &wanted) const;
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
llvm::Error chooseRanges(QuantizeRun &run);
llvm::Error improveWeights(QuantizeRun &run);
llvm::Error estimateTimes(QuantizeRun &run);
llvm::Error measureTimes(QuantizeRun &run);
llvm::Error measureAlone(QuantizeRun &run);
llvm::Error chooseLayers(QuantizeRun &run);
/// All that can be quantized, in place of the steps before.
llvm::Error chooseAll(QuantizeRun &run);
llvm::Error writeModel(QuantizeRun &run, const quantize::OnnxGraph &graph);

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
