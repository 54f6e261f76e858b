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

/// The pieces of an artifact.
struct LinkInput {
  std::string triple;
  std::vector<llvm::SmallVector<char, 0>> objects;
  const ModelTables *tables = nullptr;
};

/// Writes model.so to `path`: a temporary file beside it, renamed when whole.
llvm::Error linkShared(const LinkInput &input, llvm::StringRef path);

/// Writes an archive of the same objects, for static linking.
llvm::Error writeStatic(const LinkInput &input, llvm::StringRef path);

/// Writes `bytes` to `path` whole or not at all.
llvm::Error writeWhole(llvm::StringRef path, llvm::ArrayRef<char> bytes);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_LINKMODEL_H
