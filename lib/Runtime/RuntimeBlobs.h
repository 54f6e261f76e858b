//===- RuntimeBlobs.h -------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime as the linker needs it: compiled for every kind of processor
// that models are made for, and carried inside the compiler, so that no
// compiler, sysroot or cross toolchain is needed where models are compiled.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_RUNTIMEBLOBS_H
#define INGOT_LIB_RUNTIME_RUNTIMEBLOBS_H

#include <stddef.h>

namespace ingot::rt {

/// Files for one processor, in memory and as long as the process lives.
struct RuntimeBlob {
  const unsigned char *object; ///< relocatable object: the whole runtime
  size_t objectSize;
  const unsigned char *gpu; ///< relocatable object: its part for GPUs, which
                            ///< models that refer to `ingot_gpu_backend` need
  size_t gpuSize;
  const unsigned char *libcStub; ///< shared object that stands for libc.so.6
  size_t stubSize;
};

/// The runtime for `archName`, as in a target triple: "x86_64" or "aarch64".
/// Null for others.
const RuntimeBlob *findRuntime(const char *archName);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_RUNTIMEBLOBS_H
