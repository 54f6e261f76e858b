//===- Inspect.h - ingot check, info and explain ----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_INSPECT_H
#define INGOT_TOOLS_INGOT_INSPECT_H

#include "tools/ingot/Options.h"

namespace ingot {

/// `ingot check`.
int checkCommand(const Options &options);

/// `ingot info`.
int infoCommand(const Options &options);

/// `ingot explain`.
int explainCommand(const Options &options);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_INSPECT_H
