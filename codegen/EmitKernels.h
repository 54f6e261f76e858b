//===- EmitKernels.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From kernels and launches to LLVM-dialect functions and the tables of one
// model.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_EMITKERNELS_H
#define INGOT_CODEGEN_EMITKERNELS_H

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace ingot {

/// One input or output of the model; a dimension is an expression over the
/// model's symbols.
struct ModelTensor {
  std::string name;
  mlir::RankedTensorType type;
};

/// A launch, in order, for reports and profiles.
struct ModelLaunch {
  std::string kernel;
  std::string nodes;
};

/// A constant and where it lies in the weights of the artifact.
struct ModelWeight {
  mlir::ElementsAttr value;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

/// Everything the artifact says of a model besides code.
struct ModelTables {
  std::vector<ModelTensor> inputs, outputs;
  /// Symbols of the input shapes, in order of appearance.
  std::vector<mlir::AffineExpr> symbols;
  std::vector<ModelLaunch> launches;
  std::vector<ModelWeight> weights;
  uint64_t weightBytes = 0;
  /// Bytes of arena and their liveness lower bound.
  mlir::AffineExpr arena, arenaLowerBound;
  size_t kernels = 0;
};

/// Turns every kernel.func of the module into an llvm.func of the form
/// IngotKernelFn, with its loops. Errors name the ONNX nodes.
mlir::LogicalResult emitKernels(mlir::ModuleOp module);

/// Turns the module's function with its launches (memory planned) into
/// `ingot_gen_run`, `ingot_gen_arena_bytes` and `ingot_gen_output_shapes`, and
/// fills the tables.
mlir::LogicalResult emitDriver(mlir::ModuleOp module, ModelTables &tables);

/// Attributes on an emitted kernel: the number of work items, and the symbols
/// whose values follow the pointers in its argument slots.
inline constexpr llvm::StringLiteral workAttrName = "ingot.work";
inline constexpr llvm::StringLiteral symbolsAttrName = "ingot.symbols";

} // namespace ingot

#endif // INGOT_CODEGEN_EMITKERNELS_H
