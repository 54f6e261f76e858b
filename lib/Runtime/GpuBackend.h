//===- GpuBackend.h - what a GPU does in place of the processor -*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table through which the rest of the runtime reaches the GPU part, so that
// artifacts without code for a GPU do not contain it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUBACKEND_H
#define INGOT_LIB_RUNTIME_GPUBACKEND_H

#include "lib/Runtime/Context.h"

struct IngotGpuBackend {
  /// Whether `device` can run the variant; the sentence of a failure is short
  /// and says why not. `again`: looks for a driver though there was none.
  ingot_status (*check)(const IngotModelDesc &desc, int32_t device, bool again);

  /// The variant of a model on GPUs that `device` can run; null, with a
  /// sentence, if there is none.
  const IngotModelDesc *(*choose)(const ingot_model &model, int32_t device,
                                  ingot_status &status);

  /// Gives a context whose desc is chosen its device: code, weights, stream.
  ingot_status (*attach)(ingot_context &context,
                         const ingot_context_options &options);
  /// The number of the context's device.
  int32_t (*device)(const ingot_context &context);
  /// Undoes attach() and reserve().
  void (*detach)(ingot_context &context);

  /// Arena::reserve() in the memory of the device.
  ingot_status (*reserve)(ingot_context &context, uint64_t bytes);

  /// Runs the generated code on bound buffers. On success frame.status tells of
  /// faults in the data.
  ingot_status (*run)(ingot_context &context, IngotRunFrame &frame);

  /// One launch of a run.
  void (*launch)(ingot_context &context, IngotRunFrame &frame, int64_t index,
                 const IngotGpuKernel &kernel, void *const *args, int64_t n);

  /// Whether `data` is memory of a device that the processor cannot read; for
  /// contexts that run on the processor.
  bool (*isDeviceMemory)(const void *data);
};

#endif // INGOT_LIB_RUNTIME_GPUBACKEND_H
