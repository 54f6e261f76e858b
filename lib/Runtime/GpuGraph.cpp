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

#include "lib/Runtime/GpuContext.h"
#include "lib/Runtime/Variant.h"

#include <string.h>

using namespace ingot::rt;

/// Symbols, two for each tensor, and the context's own memory.
static size_t keyWords(const IngotModelDesc &desc) {
  return size_t(desc.num_symbols) +
         2 * (size_t(desc.num_inputs) + size_t(desc.num_outputs)) + 4;
}

size_t ingot::rt::gpuGraphWords(const IngotModelDesc &desc) {
  return keyWords(desc) * (GpuGraphs::count + 1);
}

void ingot::rt::gpuInitGraphs(GpuContext &gpu, const IngotModelDesc &desc,
                              uint64_t *memory) {
  const GpuDriver &driver = *gpu.driver;
  GpuGraphs &graphs = gpu.graphs;
  const char *wanted = environment("INGOT_CUDA_GRAPHS");
  graphs.isEnabled =
      !(wanted && strcmp(wanted, "0") == 0) && driver.beginCapture &&
      driver.endCapture && (driver.instantiateFlags || driver.instantiate) &&
      driver.graphLaunch && driver.graphDestroy && driver.graphExecDestroy;
  graphs.words = uint32_t(keyWords(desc));
  graphs.key = memory;
  for (GpuGraphs::Entry &entry : graphs.entries)
    entry.key = memory += graphs.words;
}

static void clear(const GpuDriver &driver, GpuGraphs::Entry &entry) {
  if (entry.exec)
    driver.graphExecDestroy(entry.exec);
  entry.exec = nullptr;
  entry.lastUse = 0;
}

void ingot::rt::gpuFreeGraphs(GpuContext &gpu) {
  for (GpuGraphs::Entry &entry : gpu.graphs.entries)
    clear(*gpu.driver, entry);
}

static void writeKey(const ingot_context &context) {
  const IngotModelDesc &desc = *context.desc;
  const GpuContext &gpu = *context.gpu;
  uint64_t *word = gpu.graphs.key;
  for (int32_t k = 0; k < desc.num_symbols; ++k)
    *word++ = uint64_t(context.symbols[k]);
  // Inputs and outputs are one array.
  for (int32_t i = 0; i < desc.num_inputs + desc.num_outputs; ++i) {
    const GpuBuffer &buffer = gpu.inputs[i];
    bool isHost = buffer.place == GpuBuffer::Host;
    *word++ = isHost ? 0 : reinterpret_cast<uintptr_t>(buffer.users);
    *word++ = uint64_t(buffer.place);
  }
  *word++ = reinterpret_cast<uintptr_t>(context.arena.data());
  *word++ = gpu.staging.device;
  *word++ = reinterpret_cast<uintptr_t>(gpu.staging.host);
  *word++ = gpu.isLive;
}

/// The entry of the run at hand; `isNew` if this is its first.
static GpuGraphs::Entry &findEntry(GpuContext &gpu, bool &isNew) {
  GpuGraphs &graphs = gpu.graphs;
  size_t bytes = graphs.words * sizeof(uint64_t);
  GpuGraphs::Entry *oldest = &graphs.entries[0];
  isNew = false;
  for (GpuGraphs::Entry &entry : graphs.entries) {
    if (entry.lastUse && memcmp(entry.key, graphs.key, bytes) == 0)
      return entry;
    if (entry.lastUse < oldest->lastUse)
      oldest = &entry;
  }
  isNew = true;
  clear(*gpu.driver, *oldest);
  memcpy(oldest->key, graphs.key, bytes);
  return *oldest;
}

static cuda::Result instantiate(const GpuDriver &driver, cuda::Graph graph,
                                cuda::GraphExec &exec) {
  return driver.instantiateFlags
             ? driver.instantiateFlags(&exec, graph, 0)
             : driver.instantiate(&exec, graph, nullptr, nullptr, 0);
}

/// Makes the graph of a run, or none.
static void record(ingot_context &context, IngotRunFrame &frame,
                   cuda::GraphExec &exec) {
  GpuContext &gpu = *context.gpu;
  const GpuDriver &driver = *gpu.driver;
  // Not in the caller's stream, which may be one that cannot be recorded.
  if (driver.beginCapture(gpu.own, cuda::captureRelaxed) != cuda::success) {
    gpu.graphs.isEnabled = false;
    return;
  }
  gpu.target = gpu.own;
  gpuEnqueue(context, frame);
  gpu.target = gpu.stream;
  cuda::Graph graph = nullptr;
  cuda::Result result = driver.endCapture(gpu.own, &graph);
  bool isCancelled = frame.status == cancelledStatus;
  bool isWhole =
      result == cuda::success && !frame.status && graph && !gpu.fault.function;
  if (isWhole && instantiate(driver, graph, exec) != cuda::success)
    exec = nullptr;
  if (graph)
    driver.graphDestroy(graph);
  if (exec || isCancelled)
    return;
  // Without a graph the calls tell what is wrong, if anything is.
  gpu.graphs.isEnabled = false;
  gpu.fault = {};
  frame.status = 0;
}

void ingot::rt::gpuSubmit(ingot_context &context, IngotRunFrame &frame) {
  GpuContext &gpu = *context.gpu;
  GpuGraphs &graphs = gpu.graphs;
  if (!graphs.isEnabled || gpu.isTimed)
    return gpuEnqueue(context, frame);
  writeKey(context);
  bool isNew;
  GpuGraphs::Entry &entry = findEntry(gpu, isNew);
  entry.lastUse = ++graphs.uses;
  if (!isNew && !entry.exec)
    record(context, frame, entry.exec);
  if (frame.status)
    return;
  if (!entry.exec)
    return gpuEnqueue(context, frame);
  cuda::Result result = gpu.driver->graphLaunch(entry.exec, gpu.stream);
  if (result != cuda::success)
    gpu.fault = {result, "cuGraphLaunch", -1};
}
