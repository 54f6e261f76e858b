//===- Quantize.h - ingot quantize ------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_QUANTIZE_H
#define INGOT_TOOLS_INGOT_QUANTIZE_H

#include "tools/ingot/Options.h"

namespace ingot {

/// `ingot quantize`.
int quantizeCommand(const Options &options);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_QUANTIZE_H
