//===- GpuGraph.h - runs as graphs of the driver ----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A run of the same shapes in the same memory is the same sequence of calls.
// The second one is recorded into a graph, which later ones start as a whole.
// Staging memory stays where it is, so callers with tensors in the processor's
// memory always get there.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUGRAPH_H
#define INGOT_LIB_RUNTIME_GPUGRAPH_H

#include "lib/Runtime/GpuDriver.h"
#include "lib/Runtime/ModelAbi.h"

namespace ingot::rt {

struct GpuContext;

/// The graphs of a context, for the last few combinations of shapes and memory.
struct GpuGraphs {
  struct Entry {
    uint64_t *key;        // all that the calls depend on
    cuda::GraphExec exec; // null until the second run
    uint32_t lastUse;     // 0: the entry is empty
  };
  static constexpr int count = 4;

  bool isEnabled;
  uint32_t uses;
  uint32_t words; // of a key
  uint64_t *key;  // of the run at hand
  Entry entries[count];
};

/// Words of memory that gpuInitGraphs() needs.
size_t gpuGraphWords(const IngotModelDesc &desc);

/// Starts without graphs, in `memory` of gpuGraphWords().
void gpuInitGraphs(GpuContext &gpu, const IngotModelDesc &desc,
                   uint64_t *memory);

void gpuFreeGraphs(GpuContext &gpu);

/// Puts all calls of a bound run into gpu.target. A failure is in gpu.fault.
void gpuEnqueue(ingot_context &context, IngotRunFrame &frame);

/// Puts a bound run into gpu.stream, as a graph if there is one.
void gpuSubmit(ingot_context &context, IngotRunFrame &frame);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUGRAPH_H
