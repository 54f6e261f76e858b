//===- Quantize.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Quantize.h"

#include "lib/Driver/OutputFile.h"
#include "lib/Quantize/Normalize.h"
#include "tools/ingot/Compile.h"
#include "tools/ingot/QuantizeRun.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace ingot;
using namespace ingot::quantize;
using llvm::StringRef;

llvm::Error ingot::toError(wire::Failure failure) {
  return ingot::failure(unsigned(failure->code), failure->text);
}

llvm::Error ingot::withCode(unsigned code, const llvm::Twine &what,
                            llvm::Error error) {
  return failure(code, what + ": " + llvm::toString(std::move(error)));
}

//===-- the model ---------------------------------------------------------===//

/// Operators that only quantized models have.
static bool isQuantizedOperator(const OnnxNode &node) {
  StringRef op = node.opType;
  return op == "QuantizeLinear" || op == "DequantizeLinear" ||
         op == "DynamicQuantizeLinear" || op == "MatMulNBits" ||
         op.starts_with("QLinear") || op.starts_with("QGemm") ||
         op == "ConvInteger" || op == "MatMulInteger";
}

static llvm::Error checkInput(const QuantizeRun &run) {
  for (const OnnxNode &node : run.graph.nodes)
    if (isQuantizedOperator(node))
      return failure(6105, quoted(run.options.subject) +
                               " is quantized already: it has the node " +
                               node.opType + " " + quoted(node.name) +
                               "; quantize the float model");
  return llvm::Error::success();
}

/// Symbols and shapes that --shape fixes, as inputs declare them.
static std::vector<TensorFacts> inputFacts(const QuantizeRun &run) {
  std::vector<TensorFacts> facts;
  for (const OnnxValue &input : run.graph.inputs) {
    auto it = run.types.find(input.name);
    TensorFacts fact{input.name, input.dtype, input.dims};
    if (it != run.types.end())
      fact.dims = it->second.dims;
    facts.push_back(std::move(fact));
  }
  return facts;
}

static void setFormat(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  QuantSpec &activations = run.format.activations;
  activations.type = *parseQuantType(wanted.activationType);
  activations.isSymmetric = wanted.isSymmetric;
  QuantSpec &weights = run.format.weights;
  weights.type = *parseQuantType(wanted.weightType);
  weights.isSymmetric = weights.type != QuantType::UInt8;
  weights.isNarrow = weights.type == QuantType::Int8;
  weights.isReduced = wanted.reduceRange;
  run.format.perChannel = !wanted.perTensor;
  if (wanted.isDynamic) {
    run.format.scheme = QuantizeScheme::Dynamic;
    activations = {QuantType::UInt8, /*isSymmetric=*/false};
    run.format.perToken = wanted.perToken;
  }
  if (wanted.weightOnly.empty())
    return;
  run.format.scheme = QuantizeScheme::WeightOnly;
  run.format.blockSize = wanted.blockSize;
  weights.type = *parseQuantType(wanted.weightOnly);
  weights.isSymmetric = true;
  weights.isNarrow = false;
}

bool QuantizeRun::needsData() const {
  const QuantizeOptions &wanted = options.quantize;
  return isStatic() || !wanted.data.empty() || wanted.adaRound || wanted.gptq ||
         wanted.biasCorrection || wanted.smoothQuant >= 0 ||
         !wanted.maxError.empty() || wanted.maxDrop >= 0;
}

std::string QuantizeRun::obstacleOf(size_t unit) const {
  return isStatic() ? units.list[unit].obstacle
                    : weightObstacle(graph, units.list[unit]);
}

llvm::Error ingot::findUnitsAgain(QuantizeRun &run) {
  auto types = inferTypes(run.graph, run.options);
  if (!types)
    return types.takeError();
  run.types = std::move(*types);
  run.units =
      findUnits(run.graph, run.types, run.options.quantize.separateActivations);
  return llvm::Error::success();
}

llvm::Error ingot::prepareModel(QuantizeRun &run) {
  run.progress.step("reading");
  const QuantizeOptions &wanted = run.options.quantize;
  if (wire::Failure failure =
          run.graph.read(run.options.subject, run.options.allowHardLinks))
    return toError(std::move(failure));
  llvm::sys::fs::file_size(run.options.subject, run.inputBytes);
  run.inputBytes = std::max(run.inputBytes, run.graph.estimateBytes());
  if (llvm::Error error = checkInput(run))
    return error;
  setFormat(run);
  bool isNew = wanted.activationType == "int16" ||
               wanted.weightType == "int4" || !wanted.weightOnly.empty();
  int64_t version = isNew ? 21 : 13;
  auto types = inferTypes(run.graph, run.options);
  if (!types)
    return types.takeError();
  run.types = std::move(*types);
  foldConstants(run.graph);
  auto rankOf = [&](std::string_view value) -> int64_t {
    auto it = run.types.find(value);
    return it == run.types.end() || !it->second.isRanked
               ? -1
               : int64_t(it->second.dims.size());
  };
  if (wire::Failure failure = raiseOpset(run.graph, version, rankOf))
    return toError(std::move(failure));
  foldIntoConvolutions(run.graph);
  run.graph.removeUnused();
  if (llvm::Error error = findUnitsAgain(run))
    return error;
  size_t candidates = 0;
  std::string obstacle;
  for (size_t i = 0; i < run.units.list.size(); ++i) {
    candidates += run.isCandidate(i);
    if (run.units.list[i].kind == UnitKind::Heavy && !run.obstacleOf(i).empty())
      obstacle = "; " + run.units.list[i].opType + " " +
                 quoted(run.units.list[i].name) + " stays because " +
                 run.obstacleOf(i);
  }
  if (candidates == 0)
    return failure(
        6106, quoted(run.options.subject) + " has nothing to quantize: no " +
                  (run.isStatic() ? "Conv, ConvTranspose, " : "") +
                  "MatMul or Gemm of float32 that can be" + obstacle);
  run.reference = run.graph;
  return llvm::Error::success();
}

//===-- the samples -------------------------------------------------------===//

llvm::Error ingot::openSamples(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  run.progress.step("looking at the data");
  auto source = SampleSource::open(run.options, inputFacts(run));
  if (!source)
    return source.takeError();
  run.source.emplace(std::move(*source));
  if (run.source->isRandom()) {
    run.notes.push_back("random data: scales and errors say little of real "
                        "inputs; give real samples by --data");
    run.progress.clear();
    llvm::errs() << "ingot: warning: [IG6112] the model is calibrated with "
                    "random numbers; give real samples by --data\n";
  }
  size_t count = run.source->size();
  if (!wanted.labels.empty()) {
    auto labels = readLabels(wanted.labels);
    if (!labels)
      return labels.takeError();
    if (labels->size() != count)
      return failure(
          6110, quoted(wanted.labels) + " has " + llvm::Twine(labels->size()) +
                    " labels, and the data " + llvm::Twine(count) + " samples");
    run.labels = std::move(*labels);
  }
  run.calibrating = std::min<size_t>(wanted.samples, count);
  size_t left = count - run.calibrating;
  size_t most = wanted.evalSamples   ? wanted.evalSamples
                : run.labels.empty() ? 100
                                     : left;
  // Without samples of their own, errors are measured on those that calibrate.
  size_t first = left ? run.calibrating : 0;
  if (!left) {
    most = wanted.evalSamples ? wanted.evalSamples : 100;
    if (!run.source->isRandom())
      run.notes.push_back("errors are measured on the samples that calibrate; "
                          "give more data to have others");
  }
  for (size_t i = first; i < count && run.evaluated.size() < most; ++i)
    run.evaluated.push_back(i);
  return llvm::Error::success();
}

//===-- ranges ------------------------------------------------------------===//

llvm::Error ingot::chooseRanges(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  std::vector<bool> all;
  for (size_t i = 0; i < run.units.list.size(); ++i)
    all.push_back(run.isCandidate(i));
  run.fullPlan = run.isStatic() ? makePlan(run.graph, run.units, all)
                                : makeWeightPlan(run.units, all);
  std::set<std::string> roots, shapes;
  for (const std::string &value : run.fullPlan.values)
    roots.insert(run.fullPlan.root(value));
  for (const Unit &unit : run.units.list)
    if (unit.kind == UnitKind::Heavy) {
      shapes.insert(unit.activations.begin(), unit.activations.end());
      shapes.insert(unit.outputs.begin(), unit.outputs.end());
    }
  std::set<std::string> observed = roots;
  for (size_t i = 0; wanted.triesHalf && i < run.units.list.size(); ++i) {
    if (!run.isCandidate(i))
      continue;
    const Unit &unit = run.units.list[i];
    observed.insert(unit.activations.begin(), unit.activations.end());
    observed.insert(run.graph.nodes[unit.nodes[0]].outputs[0]);
  }
  auto calibration = calibrate(run.graph, {observed.begin(), observed.end()},
                               {shapes.begin(), shapes.end()}, *run.source,
                               run.isStatic() ? run.calibrating : 1,
                               run.options, run.progress);
  if (!calibration)
    return calibration.takeError();
  run.calibration = std::move(*calibration);
  CalibrationOptions how;
  how.method = *parseCalibration(wanted.calibrate);
  how.spec = run.format.activations;
  how.percentile = wanted.percentile;
  run.ranges.clear();
  for (const auto &[value, calibrator] : run.calibration.values) {
    if (!roots.count(value))
      continue;
    auto range = calibrator.range(how);
    if (!range)
      return withCode(6103, "the value " + quoted(value), range.takeError());
    run.ranges[value] = *range;
  }
  shareConcatRanges(run.graph, run.units, run.fullPlan, run.ranges);
  auto params = paramsOfValues(run.ranges, run.format);
  if (!params)
    return params.takeError();
  run.params = std::move(*params);
  return llvm::Error::success();
}

//===-- writing -----------------------------------------------------------===//

llvm::Error ingot::writeModel(QuantizeRun &run, const OnnxGraph &graph) {
  run.progress.step("writing");
  WriteOptions options;
  std::string bytes, weights;
  // protobuf ends at 2 GiB.
  bool goesOut = run.options.quantize.externalData ||
                 graph.estimateBytes() > (uint64_t(2) << 30) - (64 << 20);
  std::string beside = run.output + ".data";
  if (goesOut) {
    options.externalFile = llvm::sys::path::filename(beside).str();
    options.externalBytes = &weights;
  }
  if (wire::Failure failure = graph.write(options, bytes))
    return toError(std::move(failure));
  if (goesOut)
    if (llvm::Error error = writeWhole(beside, weights))
      return error;
  run.outputBytes = bytes.size() + weights.size();
  return writeWhole(run.output, bytes);
}

static llvm::Error checkOptions(const Options &options, StringRef output) {
  const QuantizeOptions &wanted = options.quantize;
  auto contradiction = [](const llvm::Twine &text) {
    return failure(6111, text);
  };
  if (!wanted.weightOnly.empty() && wanted.isDynamic)
    return contradiction("--weight-only and --dynamic are two ways; choose "
                         "one");
  if (wanted.adaRound && wanted.gptq)
    return contradiction("--adaround and --gptq both round the weights; "
                         "choose one");
  bool isStatic = wanted.weightOnly.empty() && !wanted.isDynamic;
  if (!isStatic && wanted.biasCorrection)
    return contradiction("--bias-correction is for static quantization");
  if (wanted.isDynamic &&
      (wanted.weightType == "int4" || wanted.activationType != "uint8"))
    return contradiction("--dynamic has uint8 activations and 8-bit weights");
  if (!isStatic && wanted.triesHalf)
    return contradiction("--precisions with f16 is for static quantization");
  if (!isStatic && wanted.sensitivity == "one-at-a-time")
    return contradiction("--sensitivity=one-at-a-time is for static "
                         "quantization");
  if (wanted.perToken && !wanted.isDynamic)
    return contradiction("--per-token is for --dynamic");
  if (wanted.maxDrop >= 0 && wanted.labels.empty())
    return contradiction("--max-drop needs --labels=FILE");
  if (!output.ends_with(".onnx"))
    return contradiction("the output " + quoted(output) + " must end in .onnx");
  if (llvm::sys::fs::equivalent(options.subject, output))
    return failure(5001, "the output " + quoted(output) +
                             " would overwrite the model");
  for (StringRef path : {output, StringRef(wanted.report),
                         StringRef(wanted.state), StringRef(options.json)})
    if (!path.empty() && path != "-")
      if (llvm::Error error = checkWritable(path))
        return error;
  return llvm::Error::success();
}

/// The steps that look at data.
static llvm::Error chooseByData(QuantizeRun &run) {
  using Step = llvm::Error (*)(QuantizeRun &);
  const Step steps[] = {openSamples,   improveFloatModel, chooseRanges,
                        estimateTimes, improveWeights,    measureTimes,
                        measureAlone,  chooseLayers};
  for (Step step : steps)
    if (llvm::Error error = step(run))
      return error;
  return llvm::Error::success();
}

/// Without data nothing is known of errors and times.
static llvm::Error chooseBlindly(QuantizeRun &run) {
  if (llvm::Error error = improveFloatModel(run))
    return error;
  run.notes.push_back("no data: the error was not measured; give samples by "
                      "--data");
  return chooseAll(run);
}

static llvm::Error quantizeModel(QuantizeRun &run) {
  if (llvm::Error error =
          run.needsData() ? chooseByData(run) : chooseBlindly(run))
    return error;
  auto quantized = quantizeGraph(run.inputs(), run.plan);
  if (!quantized)
    return quantized.takeError();
  return writeModel(run, quantized->graph);
}

static llvm::Error runAll(QuantizeRun &run) {
  if (llvm::Error error = checkOptions(run.options, run.output))
    return error;
  if (llvm::Error error = prepareModel(run))
    return error;
  if (llvm::Error error = quantizeModel(run))
    return error;
  run.progress.clear();
  if (!run.options.quiet && run.options.json != "-")
    printQuantizeTable(run);
  if (!run.options.quantize.report.empty())
    if (llvm::Error error = writeQuantizePage(run, run.options.quantize.report))
      return error;
  if (!run.options.json.empty())
    return writeJson(run.options.json, describeQuantization(run));
  return llvm::Error::success();
}

int ingot::quantizeCommand(const Options &options) {
  QuantizeRun run(options);
  run.output = options.output.empty()
                   ? llvm::sys::path::stem(options.subject).str() + "-int8.onnx"
                   : options.output;
  llvm::Error error = runAll(run);
  run.progress.clear();
  return error ? report(std::move(error)) : 0;
}
