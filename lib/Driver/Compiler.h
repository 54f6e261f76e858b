//===- Compiler.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles a model: import, phases, code, artifact.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_COMPILER_H
#define INGOT_LIB_DRIVER_COMPILER_H

#include "codegen/EmitKernels.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <string>
#include <vector>

namespace ingot {

struct ImportReport;

/// What a compilation produces.
enum class Emit {
  Onnx,  ///< IR after import
  Graph, ///< IR after the graph phase, and so on
  Tensor,
  Kernel,
  Memory,
  Loops, ///< kernels as loops over vectors
  LlvmIr,
  Assembly,
  Ptx,   ///< the same, of a GPU's kernels alone
  Cubin, ///< machine code of a GPU's kernels
  Object,
  Static, ///< archive and header
  Shared, ///< model.so
};

/// The form of that name ("onnx", ..., "llvm", "asm", "ptx", "cubin", "obj",
/// "a", "so").
std::optional<Emit> parseEmit(llvm::StringRef name);

struct CompileOptions {
  /// One target, or several in one artifact, separated by commas.
  std::string target = "host";
  std::string cpu;
  /// "f32" leaves every value the type that the model gives it; "f16", "bf16"
  /// and "auto" let f32 values go through memory in half precision.
  std::string precision = "f32";
  /// What tensor cores may do with factors of f32: "exact" (nothing), "tf32",
  /// "bf16x3" or "bf16x6".
  std::string fp32Products = "exact";
  Emit emit = Emit::Shared;
  /// NVIDIA's assembler, which adds machine code to the PTX of GPUs: a path,
  /// "auto" (if it is installed) or "off".
  std::string ptxas = "auto";
  /// Fixed shapes of inputs ("name:1x3x224x224") or symbol values ("N=4").
  std::vector<std::string> shapes;
  /// Accepts external data in files that have several hard links.
  bool allowHardLinks = false;
  /// Lets passes say, as remarks, what they decided and why.
  bool remarks = false;
  /// Threads that compile; 0: one for each processor.
  unsigned threads = 0;
  /// Called with the module after the graph phase, which may change it.
  std::function<mlir::LogicalResult(mlir::ModuleOp)> afterGraph;
  /// Called when a step begins, for progress.
  std::function<void(llvm::StringRef step)> progress;
};

/// What a compilation tells of itself.
struct CompileReport {
  ModelTables tables;
  std::string target;
  /// What f32 weights and values are stored as and their products computed in,
  /// where the options ask for anything else than f32.
  std::string precision;
  /// Hex digest of model, weights, target and version.
  std::string contentHash;
  /// Seconds by step, in order.
  std::vector<std::pair<std::string, double>> seconds;
  double total() const {
    double sum = 0;
    for (auto &[step, time] : seconds)
      sum += time;
    return sum;
  }
};

/// Makes a context with all dialects that a compilation uses.
std::unique_ptr<mlir::MLIRContext> createContext();

/// Reads an ONNX model, or a module in MLIR's text or bytecode form. `report`
/// (may be null) is filled for the first.
mlir::OwningOpRef<mlir::ModuleOp> readModel(llvm::StringRef path,
                                            const CompileOptions &options,
                                            mlir::MLIRContext *context,
                                            ImportReport *report = nullptr);

/// Takes the module through all phases to emitted kernels, and fills the
/// report; nothing is written.
mlir::LogicalResult lowerToKernels(mlir::ModuleOp module,
                                   const CompileOptions &options,
                                   CompileReport &report);

/// Compiles the module into `output`; `name` is the model's. Errors are
/// diagnostics of the context; no file is left behind on failure.
mlir::LogicalResult compile(mlir::ModuleOp module, llvm::StringRef name,
                            llvm::StringRef output,
                            const CompileOptions &options,
                            CompileReport &report);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_COMPILER_H
