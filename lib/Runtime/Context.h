//===- Context.h ------------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The context object behind ingot_context: threads, arena, bound shapes and
// the last error of one caller.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_CONTEXT_H
#define INGOT_LIB_RUNTIME_CONTEXT_H

#include "lib/Runtime/Model.h"
#include "lib/Runtime/ThreadPool.h"

namespace ingot::rt {

struct GpuContext;

/// The block of memory that intermediate values live in.
class Arena {
public:
  static constexpr uint64_t alignment = 64;

  /// Works in `memory` of the caller's, null for memory of its own, and in no
  /// more than `limit` bytes unless that is 0.
  void init(void *memory, uint64_t bytes, uint64_t limit);
  void release();

  /// Makes `needed` bytes available; their contents are unspecified.
  ingot_status reserve(uint64_t needed, ErrorText *error);

  /// The first part of reserve(): whether so much is allowed, and whether
  /// memory must be found for it.
  ingot_status check(uint64_t needed, bool &missing, ErrorText *error) const;

  /// Works in memory that someone else allocates; null for none.
  void adopt(uint8_t *memory, uint64_t size) {
    start = memory;
    bytes = size;
  }
  bool isCallers() const { return callers; }

  uint8_t *data() const { return start; }
  uint64_t size() const { return bytes; }

private:
  bool callers = false;
  uint8_t *start = nullptr;
  uint64_t bytes = 0;
  uint64_t limit = 0;
};

/// A range of bytes.
struct Span {
  const uint8_t *data;
  uint64_t bytes;

  bool overlaps(Span other) const {
    auto a = reinterpret_cast<uintptr_t>(data);
    auto b = reinterpret_cast<uintptr_t>(other.data);
    return bytes && other.bytes && a < b + other.bytes && b < a + bytes;
  }
};

} // namespace ingot::rt

/// The table comes first, as in ingot_model. One allocation holds this and the
/// arrays it points to.
struct ingot_context {
  const ingot_api_v1 *api;
  uint64_t magic;
  ingot_model *model;
  const IngotModelDesc *desc;

  ingot::rt::Atomic<int32_t> busy; // process of the call in progress, or 0
  ingot::rt::Atomic<uint32_t> cancelled;
  ingot::rt::Atomic<uint32_t> profiling;

  ingot::rt::Arena arena;
  bool prepared;
  int64_t *symbols;       // values bound now
  int64_t *candidates;    // values of the call being checked
  int64_t *outputDims;    // of all outputs, one after another
  int64_t **outputShapes; // where each output's begin
  const void **inputs;    // pointers handed to generated code
  void **outputs;         //
  ingot::rt::Span *inputSpans;
  ingot::rt::Span *outputSpans;
  uint64_t *launchTimes;      // nanoseconds per launch
  ingot::rt::GpuContext *gpu; // null: runs on the processor
  /// Of a variant of the model for GPUs that is not used; null if there is
  /// none.
  const IngotGpuBackend *unused;

  ingot::rt::ErrorText error;
  ingot::rt::ThreadPool pool;

  static constexpr uint64_t alive = 0x74786574676e69;
};

namespace ingot::rt {

/// IngotRunFrame::status once a run was cancelled.
constexpr int64_t cancelledStatus = -1;

ingot_status contextCreate(ingot_model *model,
                           const ingot_context_options *options,
                           ingot_context **context);
ingot_status contextDestroy(ingot_context *context);
ingot_status contextInfo(const ingot_context *context,
                         ingot_context_info *info);
ingot_status contextPrepare(ingot_context *context, const ingot_tensor *inputs,
                            int32_t count);
ingot_status contextOutput(const ingot_context *context, int32_t index,
                           ingot_tensor_info *info);
ingot_status contextRun(ingot_context *context, const ingot_tensor *inputs,
                        int32_t numInputs, const ingot_tensor *outputs,
                        int32_t numOutputs);
ingot_status contextCancel(ingot_context *context);
ingot_status profileEnable(ingot_context *context, int32_t enable);
ingot_status profileRead(const ingot_context *context, uint64_t *times,
                         int32_t count);
const char *contextError(const ingot_context *context);

/// Checks types and shapes of all inputs and puts the values of the symbols
/// into context.candidates.
ingot_status bindShapes(ingot_context &context, const ingot_tensor *inputs,
                        int32_t count);

/// Makes context.candidates the values in force: output shapes and arena.
ingot_status adoptSymbols(ingot_context &context);

/// Checks the buffers of a run against the shapes in force and collects their
/// pointers.
ingot_status bindBuffers(ingot_context &context, const ingot_tensor *inputs,
                         const ingot_tensor *outputs, int32_t numOutputs);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_CONTEXT_H
