//===- RuntimeBlobs.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The assembler includes the files; the build defines INGOT_RUNTIME_DIR, where
// they are.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/RuntimeBlobs.h"

#include <string.h>

// Each file becomes the symbols ingot_<name>_begin and ingot_<name>_end.
#define INGOT_EMBED(name, file)                                                \
  __asm__(".section .rodata.ingot_" #name ",\"a\",@progbits\n"                 \
          ".p2align 6\n"                                                       \
          ".globl ingot_" #name "_begin\n"                                     \
          ".hidden ingot_" #name "_begin\n"                                    \
          "ingot_" #name "_begin:\n"                                           \
          ".incbin \"" INGOT_RUNTIME_DIR "/" file "\"\n"                       \
          ".globl ingot_" #name "_end\n"                                       \
          ".hidden ingot_" #name "_end\n"                                      \
          "ingot_" #name "_end:\n"                                             \
          ".byte 0\n"                                                          \
          ".text\n");                                                          \
  extern "C" const unsigned char ingot_##name##_begin[], ingot_##name##_end[];

INGOT_EMBED(runtime_x86_64, "runtime-x86_64.o")
INGOT_EMBED(gpu_x86_64, "gpu-x86_64.o")
INGOT_EMBED(libc_x86_64, "libc-x86_64.so")
INGOT_EMBED(runtime_aarch64, "runtime-aarch64.o")
INGOT_EMBED(gpu_aarch64, "gpu-aarch64.o")
INGOT_EMBED(libc_aarch64, "libc-aarch64.so")

using namespace ingot::rt;

#define INGOT_BLOB(arch)                                                       \
  {ingot_runtime_##arch##_begin,                                               \
   size_t(ingot_runtime_##arch##_end - ingot_runtime_##arch##_begin),          \
   ingot_gpu_##arch##_begin,                                                   \
   size_t(ingot_gpu_##arch##_end - ingot_gpu_##arch##_begin),                  \
   ingot_libc_##arch##_begin,                                                  \
   size_t(ingot_libc_##arch##_end - ingot_libc_##arch##_begin)}

const RuntimeBlob *ingot::rt::findRuntime(const char *archName) {
  static const RuntimeBlob x86_64 = INGOT_BLOB(x86_64);
  static const RuntimeBlob aarch64 = INGOT_BLOB(aarch64);
  if (strcmp(archName, "x86_64") == 0)
    return &x86_64;
  if (strcmp(archName, "aarch64") == 0)
    return &aarch64;
  return nullptr;
}
