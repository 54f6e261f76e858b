//===- WeightsObject.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_WEIGHTSOBJECT_H
#define INGOT_LIB_DRIVER_WEIGHTSOBJECT_H

#include "codegen/EmitKernels.h"

#include "llvm/Support/Error.h"

namespace ingot {

/// Writes a relocatable ELF object that defines the hidden symbol `symbol`: the
/// model's constants at their offsets in one page-aligned read-only section.
/// Streams, so that weights are never held twice.
llvm::Error writeWeightsObject(const ModelTables &tables,
                               llvm::StringRef triple, llvm::StringRef symbol,
                               int fd);

/// Writes the model's constants at their offsets, from where the file stands.
llvm::Error writeWeights(const ModelTables &tables, int fd);

/// Copies a constant's elements as they lie in memory (splats repeated, bools
/// as bytes) through `write`.
llvm::Error
writeElements(mlir::ElementsAttr value,
              llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)> write);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_WEIGHTSOBJECT_H
