//===- SizeExpression.h - sizes that depend on symbols, as JSON -*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_SIZEEXPRESSION_H
#define INGOT_TOOLS_INGOT_SIZEEXPRESSION_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

#include <optional>

namespace ingot {

/// 64 as 64, N as "N", and 64 * N as ["*", "N", 64].
llvm::json::Value describeSize(mlir::AffineExpr size);

/// The value of what describeSize() gave; nothing if a symbol has none.
std::optional<int64_t> evaluateSize(const llvm::json::Value &size,
                                    const llvm::StringMap<int64_t> &symbols);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_SIZEEXPRESSION_H
