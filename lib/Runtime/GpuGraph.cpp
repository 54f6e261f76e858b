//===- GpuGraph.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recording, keeping and starting graphs.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuGraph.h"

using namespace ingot::rt;

void ingot::rt::gpuSubmit(ingot_context &context, IngotRunFrame &frame) {
  gpuEnqueue(context, frame);
}
