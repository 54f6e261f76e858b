//===- PrecisionRanges.h - how large a model's values get -------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_PRECISIONRANGES_H
#define INGOT_TOOLS_INGOT_PRECISIONRANGES_H

#include "lib/Driver/Compiler.h"
#include "tools/ingot/Options.h"

#include <optional>

namespace ingot {

/// Compiles the model in f32 for this machine and runs it on the samples of
/// --calibration-data: the largest magnitude of each value that observeRanges
/// counts, over all of them. `compiling` says how the model is compiled; none
/// if it cannot be, which diagnostics of its context explain.
llvm::Expected<std::optional<std::vector<double>>>
measureRanges(mlir::ModuleOp module, const Options &options,
              const CompileOptions &compiling);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_PRECISIONRANGES_H
