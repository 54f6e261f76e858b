//===- PrecisionRanges.cpp ------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/PrecisionRanges.h"

#include "passes/Precision.h"
#include "tools/ingot/Messages.h"
#include "tools/ingot/Run.h"
#include "tools/ingot/SampleSource.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace ingot;

/// The larger magnitude; what is not a number counts as infinite.
static double larger(double most, double value) {
  if (std::isnan(value))
    return std::numeric_limits<double>::infinity();
  return std::max(most, std::abs(value));
}

llvm::Expected<std::optional<std::vector<double>>>
ingot::measureRanges(mlir::ModuleOp module, const Options &options,
                     const CompileOptions &compiling) {
  TemporaryFile artifact;
  if (llvm::Error error = artifact.create("so"))
    return error;
  size_t count = 0;
  CompileOptions observing;
  observing.threads = compiling.threads;
  observing.progress = compiling.progress;
  observing.afterGraph = [&](mlir::ModuleOp graph) {
    count = observeRanges(graph);
    return mlir::success();
  };
  CompileReport report;
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  if (failed(compile(*copy, "calibration", artifact.path(), observing, report)))
    return std::nullopt;
  auto session = openNative(artifact.path(), {0, ""});
  artifact.remove();
  if (!session)
    return session.takeError();
  const ModelFacts &facts = (*session)->facts();
  Options reading = options;
  reading.quantize.data = {options.calibrationData};
  auto source = SampleSource::open(reading, facts.inputs);
  if (!source)
    return source.takeError();
  // What was added to the outputs comes after the model's own.
  size_t own = facts.outputs.size() - count;
  std::vector<double> most(count, 0);
  size_t samples = std::min<size_t>(source->size(), options.quantize.samples);
  for (size_t sample = 0; sample < samples; ++sample) {
    if (compiling.progress)
      compiling.progress("calibration");
    auto inputs = source->read(sample);
    if (!inputs)
      return inputs.takeError();
    if (llvm::Error error = (*session)->prepare(*inputs))
      return error;
    if (llvm::Error error = (*session)->run())
      return error;
    const std::vector<Tensor> &outputs = (*session)->outputs();
    // Of no elements the magnitude is -infinity.
    for (size_t i = 0; i < count; ++i) {
      double value = elementValue(outputs[own + i], 0);
      if (!(value < 0))
        most[i] = larger(most[i], value);
    }
  }
  return most;
}
