//===- Kernels.h - the functions as machine code ---------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_MATH_CHECK_KERNELS_H
#define INGOT_TOOLS_MATH_CHECK_KERNELS_H

#include "tools/math-check/Functions.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace mathcheck {

/// out[i] = f(x[i], y[i]) for i < n, n a multiple of the vector width.
using Kernel = void (*)(const void *x, const void *y, void *out, int64_t n);

/// What code is generated for.
struct CodeOptions {
  std::string triple, cpu, features;
  /// Elements per vector; 0 for scalars.
  unsigned width = 16;
  bool isF64 = false;
};

/// The MLIR of the kernels, before or after the expansion of math.
llvm::Expected<std::string> printKernels(llvm::ArrayRef<Function> functions,
                                         const CodeOptions &options);

/// Writes an object with one kernel per function, a table of pointers to them
/// and no undefined symbol.
llvm::Error emitObject(llvm::ArrayRef<Function> functions,
                       const CodeOptions &options, llvm::StringRef path);

/// Kernels for the machine at hand. Nothing outside them is linked, so that a
/// call to a library is an error.
class JitKernels {
public:
  static llvm::Expected<JitKernels> create(llvm::ArrayRef<Function> functions,
                                           const CodeOptions &options);
  llvm::Expected<Kernel> find(llvm::StringRef function);

private:
  explicit JitKernels(std::unique_ptr<llvm::orc::LLJIT> jit)
      : jit(std::move(jit)) {}
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace mathcheck

#endif // INGOT_TOOLS_MATH_CHECK_KERNELS_H
