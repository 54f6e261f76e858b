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
  /// What f32 is stored as and multiplied in, in words; empty if in f32.
  std::string precision;
};

/// The kernels of a machine with warps, in the form that its driver loads.
struct DeviceImage {
  /// IngotGpuImageKind (lib/Runtime/ModelAbi.h).
  int32_t kind = 1;
  /// The least version of the driver that takes it.
  int32_t driver = 0;
  std::string bytes;
};

/// One target of an artifact.
struct Variant {
  /// Its place in the order of preference, from 0.
  unsigned index = 0;
  /// True if another follows.
  bool last = true;
  /// The processor that runs the driver of a machine with warps.
  kernel::MachineAttr host;
  /// For a machine with warps: its kernels, as emitDeviceCode() made them.
  std::vector<DeviceImage> images;
};

/// Lowers loops, vectors and arithmetic of an emitted module to the LLVM
/// dialect alone.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module);

/// Takes the kernels of a machine with warps out of the emitted and lowered
/// module and generates code for them, PTX or LLVM IR as text. The driver
/// stays.
mlir::FailureOr<DeviceImage> emitDeviceCode(mlir::ModuleOp module,
                                            CodeForm form);

/// Generates code for the emitted and lowered module: one buffer per part, the
/// first with the driver and the descriptor `ingot_model_desc`. Kernels are
/// shared out over `parts`, `threads` at a time. The module is consumed.
mlir::FailureOr<std::vector<llvm::SmallVector<char, 0>>>
emitCode(mlir::ModuleOp module, const ModelTables &tables,
         const ModelIdentity &identity, const Variant &variant, CodeForm form,
         unsigned parts, unsigned threads);

} // namespace ingot

#endif // INGOT_CODEGEN_EMITCODE_H
