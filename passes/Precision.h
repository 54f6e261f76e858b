//===- Precision.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the precision of a float model is chosen: an attribute of the module,
// and the ranges that values have on calibration data.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_PRECISION_H
#define INGOT_PASSES_PRECISION_H

#include "mlir/IR/BuiltinOps.h"

namespace ingot {

/// On the module: "f16", "bf16" or "auto", as asked for; once
/// ingot-assign-precision has run, what came of it, for people. Absent: every
/// value has the type that the model gives it.
constexpr llvm::StringLiteral precisionAttrName = "ingot.precision";

/// On the module: what tensor cores may take factors of f32 as, "tf32",
/// "bf16x3" or "bf16x6". Absent: products of f32 are exact.
constexpr llvm::StringLiteral fp32ProductsAttrName = "ingot.fp32_products";

/// Makes the function "main" return the largest magnitude of every f32 value
/// too, each as a scalar after its own results; says how many.
size_t observeRanges(mlir::ModuleOp module);

/// Notes those numbers, from the same module before observeRanges, on the ops
/// that make the values. False if there are not as many values.
bool noteRanges(mlir::ModuleOp module, llvm::ArrayRef<double> maxAbs);

} // namespace ingot

#endif // INGOT_PASSES_PRECISION_H
