//===- EmitCode.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From LLVM-dialect functions to machine code, in parallel.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_EMITCODE_H
#define INGOT_CODEGEN_EMITCODE_H

#include "codegen/EmitKernels.h"

namespace ingot {

/// What code comes out as.
enum class CodeForm { Object, Assembly, LLVMIR };

/// Names that the artifact carries besides the tables.
struct ModelIdentity {
  std::string name;
  std::string compilerVersion;
  std::string contentHash;
  /// What f32 weights and values are stored as; empty if as f32.
  std::string precision;
};

/// Lowers loops, vectors and arithmetic of an emitted module to the LLVM
/// dialect alone.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module);

/// Generates code for the emitted and lowered module: one buffer per part, the
/// first with the driver and the descriptor `ingot_model_desc`. Kernels are
/// shared out over `parts`, `threads` at a time. The module is consumed.
mlir::FailureOr<std::vector<llvm::SmallVector<char, 0>>>
emitCode(mlir::ModuleOp module, const ModelTables &tables,
         const ModelIdentity &identity, CodeForm form, unsigned parts,
         unsigned threads);

} // namespace ingot

#endif // INGOT_CODEGEN_EMITCODE_H
