//===- PlanMemory.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing of buffers with lifetimes into one arena.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_MEMORY_PLANMEMORY_H
#define INGOT_PASSES_MEMORY_PLANMEMORY_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace ingot {

/// A buffer of that many bytes, alive from launch `first` to launch `last`
/// inclusive; packBuffers sets the offset.
struct PlannedBuffer {
  int64_t bytes;
  int64_t first, last;
  int64_t offset = 0;
};

/// Gives every buffer an offset such that buffers alive together do not
/// overlap; returns the bytes needed. Best of several greedy orders (by size,
/// start, length and area), each from the bottom and from both ends of the
/// arena, then a bounded local search that moves buffers at the peak forward.
/// Stops when the liveness bound is reached.
int64_t packBuffers(llvm::MutableArrayRef<PlannedBuffer> buffers);

/// The most bytes alive at any one time: no packing needs less.
int64_t liveBytes(llvm::ArrayRef<PlannedBuffer> buffers);

/// The operand of the launch that the result updates in place; null for a
/// result with memory of its own. The attribute `ties` of a launch has one
/// operand number per result, -1 for none.
mlir::Value tiedOperand(mlir::OpResult result);

/// The value whose memory `v` lies in: through views and updates in place.
mlir::Value memoryOwner(mlir::Value v);

/// Bytes of one element in memory (bool: 1).
int64_t elementBytes(mlir::TensorType type);

} // namespace ingot

#endif // INGOT_PASSES_MEMORY_PLANMEMORY_H
