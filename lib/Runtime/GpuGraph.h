//===- GpuGraph.h - runs as graphs of the driver ----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A run of the same shapes in the same memory is the same sequence of calls.
// The second one is recorded into a graph, which later ones start as a whole.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUGRAPH_H
#define INGOT_LIB_RUNTIME_GPUGRAPH_H

#include "lib/Runtime/GpuContext.h"

namespace ingot::rt {

/// Puts all calls of a bound run into gpu.target. A failure is in gpu.fault.
void gpuEnqueue(ingot_context &context, IngotRunFrame &frame);

/// Puts a bound run into gpu.stream, as a graph if there is one.
void gpuSubmit(ingot_context &context, IngotRunFrame &frame);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUGRAPH_H
