//===- TensorFiles.h - inputs and outputs of a run --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_TENSORFILES_H
#define INGOT_TOOLS_INGOT_TENSORFILES_H

#include "tools/ingot/Options.h"
#include "tools/ingot/Session.h"

namespace ingot {

/// The inputs of the model in order: those that the options name, and random
/// ones for the rest if the options allow it. `shapes` fix what random inputs
/// leave open.
llvm::Expected<std::vector<Tensor>> readInputs(const Options &options,
                                               const ModelFacts &model);

/// Saves outputs to a folder (output_0.pb, ...) or an .npz file.
llvm::Error writeOutputs(llvm::StringRef path,
                         const std::vector<Tensor> &outputs);

/// Range, mean and first elements of a tensor.
struct TensorSummary {
  int64_t elements = 0, notFinite = 0;
  double least = 0, most = 0, mean = 0;
  std::vector<double> first;
};
TensorSummary summarize(const Tensor &tensor);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_TENSORFILES_H
