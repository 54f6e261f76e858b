//===- CpuCount.h -----------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many threads a context uses when its caller does not say.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_CPUCOUNT_H
#define INGOT_LIB_RUNTIME_CPUCOUNT_H

#include <stdint.h>

namespace ingot::rt {

/// Processors that the calling thread may use: its affinity mask, cut to the
/// quota of its cgroup and of the groups above it (versions 1 and 2), rounded
/// up. At least 1. Files are looked up below `root`, "" but for tests.
int32_t usableCpus(const char *root = "");

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_CPUCOUNT_H
