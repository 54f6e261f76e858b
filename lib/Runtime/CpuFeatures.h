//===- CpuFeatures.h --------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which instruction sets this processor and operating system offer, in the
// words of LLVM's feature names. Used by the runtime to refuse a model before
// any of its code runs, and by the compiler for --target=host.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_CPUFEATURES_H
#define INGOT_LIB_RUNTIME_CPUFEATURES_H

#include <stddef.h>

extern "C" {

/// Writes the features at hand, comma separated and in a fixed order, with a
/// terminating zero. Returns the length without it; when that is not less than
/// `size`, the list was cut at `size - 1` characters.
size_t ingot_cpu_features(char *buffer, size_t size);

/// The first word of the comma-separated list `required` that this processor
/// does not offer or that is unknown here; its length goes into `*length`.
/// Null when all are there. Asks the system for permission to use tile
/// registers if the list needs them.
const char *ingot_cpu_missing_feature(const char *required, size_t *length);
}

#endif // INGOT_LIB_RUNTIME_CPUFEATURES_H
