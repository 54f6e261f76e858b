//===- HostCpu.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_TARGETS_X86_HOSTCPU_H
#define INGOT_CODEGEN_TARGETS_X86_HOSTCPU_H

#include "llvm/ADT/StringRef.h"

namespace ingot {

/// What CPUID and XGETBV tell of this processor. LLVM's own detection goes by
/// model numbers, which virtual machines mask.
struct HostCpu {
  /// x86-64 micro-architecture level, 0 on other machines.
  int level = 0;
  /// Sums of products of 8-bit integers in the vectors of that level.
  bool vnni = false;
  /// Sums of products of bf16 in vectors of 512 bits.
  bool bf16 = false;
  /// Tile registers and their products of 8-bit integers, which this process
  /// was permitted to use.
  bool amx = false;
  /// LLVM CPU to tune for.
  llvm::StringRef tune = "generic";
  /// Cache bytes of one core.
  int64_t l1 = 32 << 10;
  int64_t l2 = 512 << 10;
};

HostCpu detectHostCpu();

} // namespace ingot

#endif // INGOT_CODEGEN_TARGETS_X86_HOSTCPU_H
