//===- AllocationCount.h - counts heap allocations --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_ALLOCATIONCOUNT_H
#define INGOT_TOOLS_INGOT_ALLOCATIONCOUNT_H

#include <cstdint>

namespace ingot {

/// Whether this build can count: sanitizers have their own allocator.
bool canCountAllocations();

/// Starts to count the allocations of all threads of this process, whoever
/// makes them.
void startCountingAllocations();

/// Stops, and returns how many there were.
uint64_t stopCountingAllocations();

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_ALLOCATIONCOUNT_H
