//===- Float8Cores.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_FLOAT8CORES_H
#define INGOT_PASSES_FLOAT8CORES_H

#include "llvm/ADT/StringRef.h"

namespace ingot {

/// A unit attribute of the module beside `ingot.machine`: warps of the machine
/// multiply tiles of f8E4M3FN and f8E5M2 too.
inline constexpr llvm::StringLiteral float8CoresAttrName = "ingot.float8_cores";

} // namespace ingot

#endif // INGOT_PASSES_FLOAT8CORES_H
