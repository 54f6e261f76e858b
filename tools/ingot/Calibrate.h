//===- Calibrate.h - what activations look like -----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_CALIBRATE_H
#define INGOT_TOOLS_INGOT_CALIBRATE_H

#include "tools/ingot/GraphSession.h"
#include "tools/ingot/Messages.h"
#include "tools/ingot/SampleSource.h"

namespace ingot {

/// What the samples showed.
struct Calibration {
  std::map<std::string, quantize::Calibrator, std::less<>> values;
  /// Of the last sample.
  std::map<std::string, std::vector<int64_t>, std::less<>> shapes;
  size_t samples = 0;
  /// Of these, how many came from the state file.
  size_t resumed = 0;
};

/// Runs the model on the first `samples` samples and collects statistics of
/// `values`; of `shapesOf` only the shapes. One sample is in memory at a time.
llvm::Expected<Calibration> calibrate(const quantize::OnnxGraph &graph,
                                      const std::vector<std::string> &values,
                                      const std::vector<std::string> &shapesOf,
                                      SampleSource &source, size_t samples,
                                      const Options &options,
                                      Progress &progress);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_CALIBRATE_H
