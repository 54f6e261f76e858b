//===- Context.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Creating and destroying contexts, and what can be asked of them.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/Context.h"

#include "lib/Runtime/CpuCount.h"
#include "lib/Runtime/GpuBackend.h"
#include "lib/Runtime/System.h"

#include <stdlib.h>
#include <unistd.h>

using namespace ingot::rt;

void Arena::init(void *memory, uint64_t size, uint64_t most) {
  limit = most;
  if (!memory)
    return;
  callers = true;
  auto address = reinterpret_cast<uintptr_t>(memory);
  uint64_t lost = -address % alignment;
  start = static_cast<uint8_t *>(memory) + lost;
  bytes = size > lost ? size - lost : 0;
}

void Arena::release() {
  if (callers)
    return;
  free(start);
  start = nullptr;
  bytes = 0;
}

ingot_status Arena::check(uint64_t needed, bool &missing,
                          ErrorText *error) const {
  missing = false;
  if (limit && needed > limit)
    return Failure(INGOT_ERROR_LIMIT, error)
           << "these shapes need an arena of " << needed
           << " bytes, the limit is " << limit;
  if (needed <= bytes)
    return INGOT_OK;
  if (callers)
    return Failure(INGOT_ERROR_LIMIT, error)
           << "these shapes need an arena of " << needed
           << " bytes, the one given has " << bytes << " from its first "
           << alignment << "-byte boundary on";
  missing = true;
  return INGOT_OK;
}

ingot_status Arena::reserve(uint64_t needed, ErrorText *error) {
  bool missing;
  ingot_status status = check(needed, missing, error);
  if (status != INGOT_OK || !missing)
    return status;
  // Not the old and the new one at once.
  release();
  void *memory = nullptr;
  if (posix_memalign(&memory, alignment, needed) != 0)
    return Failure(INGOT_ERROR_MEMORY, error)
           << "cannot allocate an arena of " << needed << " bytes";
  start = static_cast<uint8_t *>(memory);
  bytes = needed;
  return INGOT_OK;
}

namespace {

/// Lays arrays out one after another: measures while `base` is null.
struct Layout {
  char *base;
  size_t used = 0;

  template <typename T> T *array(int64_t count, size_t alignment = alignof(T)) {
    used = (used + alignment - 1) / alignment * alignment;
    T *result = base ? reinterpret_cast<T *>(base + used) : nullptr;
    used += size_t(count) * sizeof(T);
    return result;
  }
};

} // namespace

/// Bytes of a context; sets its pointers if `base` is not null.
static size_t layOut(const IngotModelDesc &desc, int32_t threads, char *base) {
  Layout layout{base};
  int64_t dims = 0;
  for (int32_t i = 0; i < desc.num_outputs; ++i)
    dims += desc.outputs[i].rank;
  auto *context = layout.array<ingot_context>(1);
  auto *workers = layout.array<char>(int64_t(ThreadPool::workerBytes(threads)),
                                     alignof(ingot_context));
  ingot_context measured = {};
  ingot_context &c = context ? *context : measured;
  c.symbols = layout.array<int64_t>(desc.num_symbols);
  c.candidates = layout.array<int64_t>(desc.num_symbols);
  c.outputDims = layout.array<int64_t>(dims);
  c.outputShapes = layout.array<int64_t *>(desc.num_outputs);
  c.inputs = layout.array<const void *>(desc.num_inputs);
  c.outputs = layout.array<void *>(desc.num_outputs);
  c.inputSpans = layout.array<Span>(desc.num_inputs);
  c.outputSpans = layout.array<Span>(desc.num_outputs);
  c.launchTimes = layout.array<uint64_t>(desc.num_launches);
  if (!context)
    return layout.used;
  c.pool.init(workers, threads);
  for (int64_t i = 0, at = 0; i < desc.num_outputs; ++i) {
    c.outputShapes[i] = c.outputDims + at;
    at += desc.outputs[i].rank;
  }
  return layout.used;
}

/// The caller's options, with those it does not know at 0.
static ingot_status readOptions(const ingot_context_options *given,
                                ingot_context_options &options) {
  options = {};
  if (!given)
    return INGOT_OK;
  size_t size = given->size;
  if (size < sizeof(size_t))
    return Failure(INGOT_ERROR_ARGUMENT) << "field 'size' of the options is "
                                            "not set";
  memcpy(&options, given, size < sizeof(options) ? size : sizeof(options));
  auto *bytes = reinterpret_cast<const char *>(given);
  for (size_t i = sizeof(options); i < size; ++i)
    if (bytes[i])
      return Failure(INGOT_ERROR_VERSION)
             << "the options ask for something newer than the model";
  if (options.flags & ~INGOT_CONTEXT_ASYNC)
    return Failure(INGOT_ERROR_ARGUMENT)
           << "unknown flags " << uint64_t(options.flags) << " in the options";
  if (options.threads < 0 || options.threads > INGOT_MAX_THREADS)
    return Failure(INGOT_ERROR_THREADS) << "expected 0 to " << INGOT_MAX_THREADS
                                        << " threads, got " << options.threads;
  if (options.reserved)
    return Failure(INGOT_ERROR_VERSION)
           << "the options ask for something newer than the model";
  if (!options.arena && options.arena_bytes)
    return Failure(INGOT_ERROR_ARGUMENT)
           << "the arena is null but has " << options.arena_bytes << " bytes";
  return INGOT_OK;
}

/// As many as are of use.
static int32_t defaultThreads() {
  if (!ThreadPool::available())
    return 1;
  int32_t cpus = usableCpus();
  return cpus < INGOT_MAX_THREADS ? cpus : INGOT_MAX_THREADS;
}

/// Everything that can still fail once the memory is there.
static ingot_status setUp(ingot_context &context, int32_t threads,
                          const ingot_context_options &options) {
  if (const IngotGpuDesc *gpu = context.desc->gpu) {
    ingot_status status = gpu->backend->attach(context, options);
    if (status != INGOT_OK)
      return status;
  }
  if (context.desc->num_symbols == 0) {
    ingot_status status = adoptSymbols(context);
    if (status != INGOT_OK)
      return status;
  }
  if (!context.pool.start())
    return Failure(INGOT_ERROR_THREADS)
           << "the system did not give " << threads
           << " threads; ask for fewer (a statically linked program needs the "
              "linker's -u pthread_create -u pthread_join)";
  return INGOT_OK;
}

static void releaseMemory(ingot_context &context) {
  if (context.gpu)
    context.desc->gpu->backend->detach(context);
  else
    context.arena.release();
}

ingot_status ingot::rt::contextCreate(ingot_model *model,
                                      const ingot_context_options *given,
                                      ingot_context **result) {
  if (!result)
    return Failure(INGOT_ERROR_ARGUMENT) << "context is null";
  *result = nullptr;
  ingot_context_options options;
  ingot_status status = readOptions(given, options);
  if (status != INGOT_OK)
    return status;
  const IngotModelDesc *desc = model->desc;
  int32_t threads = 1;
  if (!desc->gpu)
    threads = options.threads ? options.threads : defaultThreads();
  else if (!(desc = desc->gpu->backend->choose(*model, options.device, status)))
    return status;
  size_t size = layOut(*desc, threads, nullptr);
  void *memory = nullptr;
  if (posix_memalign(&memory, alignof(ingot_context), size) != 0)
    return Failure(INGOT_ERROR_MEMORY)
           << "cannot allocate a context of " << uint64_t(size) << " bytes";
  memset(memory, 0, size);
  layOut(*desc, threads, static_cast<char *>(memory));
  auto *context = static_cast<ingot_context *>(memory);
  context->api = model->api;
  context->model = model;
  context->desc = desc;
  for (const IngotModelDesc *d = model->first; d && !desc->gpu; d = d->next)
    if (d->gpu)
      context->unused = d->gpu->backend;
  context->arena.init(options.arena, options.arena_bytes,
                      options.max_arena_bytes);
  status = setUp(*context, threads, options);
  if (status != INGOT_OK) {
    releaseMemory(*context);
    free(memory);
    return status;
  }
  context->magic = ingot_context::alive;
  model->contexts.fetchAdd(1);
  *result = context;
  return INGOT_OK;
}

ingot_status ingot::rt::contextDestroy(ingot_context *context) {
  if (context->magic != ingot_context::alive)
    return Failure(INGOT_ERROR_ARGUMENT) << "the context is not alive";
  if (context->busy.load() == getpid())
    return Failure(INGOT_ERROR_BUSY) << "a run is in progress";
  context->magic = 0;
  context->pool.stop();
  releaseMemory(*context);
  context->model->contexts.fetchSub(1);
  free(context);
  return INGOT_OK;
}

ingot_status ingot::rt::contextInfo(const ingot_context *context,
                                    ingot_context_info *info) {
  ingot_context_info known = {};
  known.threads = context->pool.threads();
  known.arena_bytes = context->arena.size();
  known.target = context->desc->target;
  known.device =
      context->gpu ? context->desc->gpu->backend->device(*context) : -1;
  return fillInfo(info, known);
}

ingot_status ingot::rt::contextOutput(const ingot_context *context,
                                      int32_t index, ingot_tensor_info *info) {
  const IngotModelDesc &desc = *context->desc;
  ingot_status status = checkIndex(index, desc.num_outputs, "output");
  if (status != INGOT_OK)
    return status;
  if (!context->prepared)
    return Failure(INGOT_ERROR_ARGUMENT)
           << "the shape of output " << Quoted{desc.outputs[index].name}
           << " depends on the inputs; prepare the context first";
  ingot_tensor_info known = {};
  known.name = desc.outputs[index].name;
  known.dtype = desc.outputs[index].dtype;
  known.rank = desc.outputs[index].rank;
  known.dims = context->outputShapes[index];
  return fillInfo(info, known);
}

ingot_status ingot::rt::contextCancel(ingot_context *context) {
  context->cancelled.store(1);
  return INGOT_OK;
}

ingot_status ingot::rt::profileEnable(ingot_context *context, int32_t enable) {
  context->profiling.store(enable != 0);
  return INGOT_OK;
}

ingot_status ingot::rt::profileRead(const ingot_context *context,
                                    uint64_t *times, int32_t count) {
  int32_t launches = context->desc->num_launches;
  if (count != launches)
    return Failure(INGOT_ERROR_COUNT) << "the model has " << launches
                                      << " launches, got room for " << count;
  if (launches && !times)
    return Failure(INGOT_ERROR_ARGUMENT) << "nanoseconds is null";
  if (launches)
    memcpy(times, context->launchTimes, size_t(launches) * sizeof(*times));
  return INGOT_OK;
}

const char *ingot::rt::contextError(const ingot_context *context) {
  return context->error.text;
}
