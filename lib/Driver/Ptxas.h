//===- Ptxas.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's assembler, where it is installed: machine code in the artifact saves
// the driver the translation of PTX when a model is first loaded. Everything
// works without it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_PTXAS_H
#define INGOT_LIB_DRIVER_PTXAS_H

#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace ingot {

/// An installed ptxas.
struct Ptxas {
  std::string path;
  /// Of its CUDA release, as cuDriverGetVersion() counts: drivers of an older
  /// major release refuse what it makes.
  int32_t version = 0;
};

/// The ptxas that `wanted` names: a path, "auto" for the first on the PATH or
/// below /usr/local/cuda, or "off". None for "off" and where "auto" finds none;
/// an error if the one named does not run.
llvm::Expected<std::optional<Ptxas>> findPtxas(llvm::StringRef wanted);

/// Machine code for `arch` ("sm_80") from PTX. The error has what ptxas said.
llvm::Expected<std::string> assemble(const Ptxas &ptxas, llvm::StringRef ptx,
                                     llvm::StringRef arch);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_PTXAS_H
