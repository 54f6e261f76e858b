//===- LinkModel.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Links code, weights and runtime into the artifact, in process.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_LINKMODEL_H
#define INGOT_LIB_DRIVER_LINKMODEL_H

#include "codegen/EmitKernels.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace ingot {

/// The pieces of an artifact. Errors of the functions below carry a code.
struct LinkInput {
  std::string triple;
  std::vector<llvm::SmallVector<char, 0>> objects;
  const ModelTables *tables = nullptr;
};

/// Writes model.so to `path`.
llvm::Error linkShared(const LinkInput &input, llvm::StringRef path);

/// Writes an archive, or with `archive` false one relocatable object, and
/// beside it a header that declares the entry. All other symbols are hidden,
/// so that a program can hold several models.
llvm::Error linkStatic(const LinkInput &input, llvm::StringRef path,
                       bool archive);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_LINKMODEL_H
