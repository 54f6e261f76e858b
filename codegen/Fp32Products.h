//===- Fp32Products.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of f32 factors on tensor cores, which the user has to ask for: what
// is asked, and what comes of it on a machine.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_FP32PRODUCTS_H
#define INGOT_CODEGEN_FP32PRODUCTS_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace ingot {

/// What tensor cores do with f32 factors.
enum class Fp32Products {
  /// Nothing: threads multiply and add.
  Exact,
  /// Round them to 11 bits.
  Tf32,
  /// Split them into two parts of 8 bits, of which three products are summed.
  Bf16x3,
  /// Split them into three parts, of which six products are summed.
  Bf16x6,
};

/// The choice of that name ("exact", "tf32", ...).
std::optional<Fp32Products> parseFp32Products(llvm::StringRef name);

/// Notes on the module what is wanted.
mlir::LogicalResult setFp32Products(mlir::ModuleOp module,
                                    llvm::StringRef wanted);

/// What an op's module wants and its machine can do.
Fp32Products fp32ProductsOf(mlir::Operation *op);

/// What came of the wish, for people; empty if there is none.
std::string describeFp32Products(mlir::ModuleOp module);

/// Says of the products of f32 factors in the module's kernels which stay exact
/// in spite of the wish, and why. Blocks of threads say themselves what they
/// do.
void explainFp32Products(mlir::ModuleOp module);

/// The same of an op that is computed in another way than by blocks since it
/// has few rows; empty if it would be exact anyway.
llvm::StringRef explainFewRows(mlir::Operation *op);

/// What tensor cores do with the factors, for people.
llvm::StringRef explainFp32Products(Fp32Products products);

} // namespace ingot

#endif // INGOT_CODEGEN_FP32PRODUCTS_H
