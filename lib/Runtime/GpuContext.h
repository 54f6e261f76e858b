//===- GpuContext.h - a context's part on a device --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a context owns on a device beside the model it shares: stream, staging
// memory, graphs.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUCONTEXT_H
#define INGOT_LIB_RUNTIME_GPUCONTEXT_H

#include "lib/Runtime/Context.h"
#include "lib/Runtime/GpuGraph.h"
#include "lib/Runtime/GpuModel.h"

namespace ingot::rt {

/// Pinned memory of the processor and a block of the device of equal layout:
/// inputs, counters of kernels, status words, outputs. So one copy brings all
/// inputs and clears counters and status, and one takes status and outputs
/// back. Behind them, on the device alone, what kernels sum up in parts, and
/// copies of tensors that are not aligned. Without tensors in the processor's
/// memory the counters come first, wherever the others are.
struct GpuStaging {
  uint8_t *host;
  cuda::Address device;
  uint64_t hostBytes, bytes;

  uint64_t counterOffset; // also the end of the inputs
  uint64_t statusOffset;  // also the end of the counters
  uint64_t outputOffset;  // also the end of the status words
  uint64_t sumOffset;     // also the end of what the processor has
};

/// Where the values of one input or output are.
struct GpuBuffer {
  enum Place : int32_t {
    Host,    // copied by way of the staging memory
    Device,  // used as it is
    Shifted, // on the device, but not aligned: copied there
  };
  Place place;
  uint64_t bytes;
  uint8_t *users;
  uint64_t offset; // in the staging memory, unless used as it is
};

/// The first call of the driver that failed while a run was put together.
struct GpuFault {
  cuda::Result result;
  const char *function; // null: none failed
  int64_t launch;       // -1: none
};

struct GpuContext {
  const GpuDriver *driver;
  ingot_gpu_model *loaded;
  cuda::Stream own;
  cuda::Stream stream; // own, or the caller's
  cuda::Stream target; // that launches go into now: `stream`, or a capture
  bool isTimed;        // the run in progress
  bool isAsync;
  bool isPending; // a run may still be at work
  bool isLive;    // the status words tell of runs that nobody waited for
  GpuStaging staging;
  GpuBuffer *inputs, *outputs;
  GpuFault fault;
  GpuGraphs graphs;
};

/// The backend's functions; see GpuBackend.h.
ingot_status gpuCheck(const IngotModelDesc &desc, int32_t device, bool again);
const IngotModelDesc *gpuChoose(const ingot_model &model, int32_t device,
                                ingot_status &status);
ingot_status gpuAttach(ingot_context &context,
                       const ingot_context_options &options);
int32_t gpuDevice(const ingot_context &context);
void gpuDetach(ingot_context &context);
ingot_status gpuReserve(ingot_context &context, uint64_t bytes);
ingot_status gpuRun(ingot_context &context, IngotRunFrame &frame);
void gpuLaunch(ingot_context &context, IngotRunFrame &frame, int64_t index,
               const IngotGpuKernel &kernel, void *const *args, int64_t n);
bool gpuIsDeviceMemory(const void *data);

/// Whether this process may use the context's device.
ingot_status gpuCheckAlive(ingot_context &context);

/// Starts the sentence of a failed call, and remembers when the device is lost.
Failure gpuFail(ingot_context &context, cuda::Result result,
                const char *function);

/// Ends the sentence of a call that did not get `bytes` for `what`.
ingot_status gpuAddMemory(ingot_context &context, Failure &failure,
                          const char *what, uint64_t bytes);

/// Finds out where the tensors of a run are.
ingot_status gpuLocate(ingot_context &context);

/// Whether gpuPlace() needs more memory than there is.
bool gpuMustGrow(ingot_context &context);

/// Lays out the tensors that need staging, makes room for them, and puts the
/// device's addresses of all into context.inputs and outputs.
ingot_status gpuPlace(ingot_context &context);

/// Whether some tensor of the run is in the processor's memory.
bool gpuHasHostTensors(const ingot_context &context);

/// Whether the caller is recording the stream into a graph.
bool gpuIsCapturing(const GpuContext &gpu);

/// Waits until the device is done with the context's memory.
ingot_status gpuWait(ingot_context &context);

/// Frees the staging memory.
void gpuFreeStaging(GpuContext &gpu);

/// IngotRunFrame::status after a call of the driver failed.
constexpr int64_t gpuFailedStatus = -2;

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUCONTEXT_H
