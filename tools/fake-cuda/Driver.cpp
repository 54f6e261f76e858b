//===- Driver.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/fake-cuda/Driver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

static constexpr DeviceInfo kDevices[] = {
    {75, 40, 65536, 65536},     {80, 108, 167936, 166912},
    {86, 84, 102400, 101376},   {87, 16, 167936, 166912},
    {89, 142, 102400, 101376},  {90, 132, 233472, 232448},
    {100, 148, 233472, 232448}, {120, 170, 102400, 101376},
};

Driver &Driver::get() {
  // Never destroyed: programs call the driver from their own destructors.
  static Driver *driver = new Driver;
  return *driver;
}

Driver::Driver() {
  readEnvironment();
  options.multiprocessors = unsigned(device.multiprocessors);
  for (int i = 0; i < deviceCount; ++i) {
    contexts.push_back(std::make_unique<FakeContext>());
    contexts.back()->device = i;
    pools.push_back({i});
  }
}

static const char *environment(const char *name) {
  const char *value = getenv((std::string("INGOT_FAKE_CUDA_") + name).c_str());
  return value && *value ? value : nullptr;
}

void Driver::readEnvironment() {
  unsigned arch = 90;
  if (const char *value = environment("ARCH"))
    arch = strtoul(value, nullptr, 10);
  device = {};
  for (const DeviceInfo &info : kDevices)
    if (info.arch == arch)
      device = info;
  if (!device.arch) {
    fprintf(stderr, "fake-cuda: no such architecture: %u\n", arch);
    deviceCount = 0;
  }
  if (const char *value = environment("MULTIPROCESSORS"))
    device.multiprocessors = std::max(1, atoi(value));
  if (const char *value = environment("DEVICES"))
    deviceCount = std::min(64, std::max(0, atoi(value)));
  memoryLimit = uint64_t(16) << 30;
  if (const char *value = environment("MEMORY"))
    memoryLimit = strtoull(value, nullptr, 0);
  if (const char *value = environment("DRIVER"))
    version = atoi(value);
  if (const char *value = environment("SEED"))
    options.seed = strtoull(value, nullptr, 0);
  if (const char *value = environment("RACES"))
    options.races = atoi(value) != 0;
  if (const char *value = environment("UNINITIALISED")) {
    options.checkUninitialised = atoi(value) == 1;
    options.trackUndefined = atoi(value) == 2;
  }
  if (const char *value = environment("THREADS"))
    options.threads = unsigned(std::max(1, atoi(value)));
  if (const char *value = environment("BUDGET"))
    options.budget = strtoull(value, nullptr, 0);
  if (const char *value = environment("TRACE"))
    traceFile = fopen(value, "a");
  random = options.seed * 0x9e3779b97f4a7c15u + 1;
  // function:nth:code, separated by commas.
  const char *fail = environment("FAIL");
  std::string list = fail ? fail : "";
  for (size_t at = 0; at < list.size();) {
    size_t end = std::min(list.find(',', at), list.size());
    std::string entry = list.substr(at, end - at);
    size_t first = entry.find(':'), second = entry.rfind(':');
    if (first != second)
      injections.push_back({entry.substr(0, first),
                            atoi(entry.c_str() + first + 1),
                            CUresult(atoi(entry.c_str() + second + 1))});
    else
      fprintf(stderr, "fake-cuda: cannot read failure '%s'\n", entry.c_str());
    at = end + 1;
  }
}

/// "cuMemAlloc" names "cuMemAlloc_v2" too.
static bool sameFunction(const std::string &name, const char *function) {
  size_t length = name.size();
  return !strncmp(name.c_str(), function, length) &&
         (!function[length] || !strncmp(function + length, "_v", 2));
}

CUresult Driver::injected(const char *function) {
  for (Injection &injection : injections)
    if (sameFunction(injection.function, function) &&
        ++injection.seen == injection.nth)
      return injection.code;
  return CUDA_SUCCESS;
}

void Driver::trace(const std::string &json) {
  if (!traceFile)
    return;
  fprintf(traceFile, "%s\n", json.c_str());
  fflush(traceFile);
}

CUresult Driver::fail(CUresult code, const std::string &message) {
  lastMessage = message;
  fprintf(stderr, "fake-cuda: %s\n", message.c_str());
  if (tracing()) {
    std::string text;
    for (char c : message)
      text += c == '"' ? '\'' : c == '\n' ? ' ' : c == '\\' ? '/' : c;
    trace("{\"error\": " + std::to_string(code) + ", \"message\": \"" + text +
          "\"}");
  }
  return code;
}

//===----------------------------------------------------------------------===//
// Calls.
//===----------------------------------------------------------------------===//

std::vector<FakeContext *> &contextStack() {
  static thread_local std::vector<FakeContext *> stack;
  return stack;
}

FakeContext *currentContext() {
  return contextStack().empty() ? nullptr : contextStack().back();
}

Call::Call(const char *function, Needs needs)
    : driver(Driver::get()), lock(driver.mutex), function(function) {
  context = currentContext();
  if (needs != Nothing && !driver.initialized) {
    error = CUDA_ERROR_NOT_INITIALIZED;
    return;
  }
  if (needs == Context && (!context || !context->retained))
    error = CUDA_ERROR_INVALID_CONTEXT;
  else if (needs == Context && context->sticky)
    error = context->sticky;
  else
    error = driver.injected(function);
}

Call::~Call() = default;

CUresult Call::done(CUresult code) {
  if (driver.tracing())
    driver.trace(std::string("{\"call\": \"") + function +
                 "\", \"result\": " + std::to_string(code) + "}");
  return code;
}

//===----------------------------------------------------------------------===//
// Memory.
//===----------------------------------------------------------------------===//

CUresult Driver::allocate(uint64_t bytes, FakeMemory::Kind kind,
                          uint64_t &address) {
  FakeContext *context = currentContext();
  if (!bytes)
    return CUDA_ERROR_INVALID_VALUE;
  uint64_t rounded = (bytes + 511) & ~uint64_t(511);
  if (kind == FakeMemory::Device &&
      (rounded > memoryLimit || context->used > memoryLimit - rounded))
    return CUDA_ERROR_OUT_OF_MEMORY;
  // A page without access follows, so that the host notices overruns too.
  uint64_t mapped = ((rounded + 4095) & ~uint64_t(4095)) + 4096;
  void *mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    return CUDA_ERROR_OUT_OF_MEMORY;
  mprotect(static_cast<char *>(mapping) + mapped - 4096, 4096, PROT_NONE);
  if (kind == FakeMemory::Device && bytes <= (16 << 20))
    memset(mapping, 0xcd, bytes);
  address = reinterpret_cast<uint64_t>(mapping);
  FakeMemory block;
  block.context = context;
  block.base = address;
  block.bytes = bytes;
  block.kind = kind;
  block.mapping = mapping;
  allocations[address] = block;
  // Memory of the host is always taken for initialised.
  memory.add(address, bytes, kind != FakeMemory::Device);
  if (kind == FakeMemory::Device)
    context->used += rounded;
  return CUDA_SUCCESS;
}

CUresult Driver::release(uint64_t address, FakeMemory::Kind kind) {
  auto found = allocations.find(address);
  if (found == allocations.end() || found->second.kind != kind)
    return CUDA_ERROR_INVALID_VALUE;
  FakeMemory &block = found->second;
  uint64_t rounded = (block.bytes + 511) & ~uint64_t(511);
  if (kind == FakeMemory::Device)
    block.context->used -= rounded;
  if (kind != FakeMemory::Registered)
    munmap(block.mapping, ((rounded + 4095) & ~uint64_t(4095)) + 4096);
  memory.remove(address);
  allocations.erase(found);
  return CUDA_SUCCESS;
}

FakeMemory *Driver::findMemory(uint64_t address) {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin())
    return nullptr;
  FakeMemory &block = std::prev(after)->second;
  return address - block.base < block.bytes ? &block : nullptr;
}

//===----------------------------------------------------------------------===//
// Streams.
//===----------------------------------------------------------------------===//

FakeStream *Driver::streamOf(CUstream handle, CUresult &error) {
  FakeContext *context = currentContext();
  if (!handle || handle == legacyStream() || handle == perThreadStream()) {
    if (!context->defaultStream) {
      context->defaultStream = new FakeStream;
      context->defaultStream->context = context;
      context->defaultStream->isDefault = true;
      context->streams.insert(context->defaultStream);
    }
    return context->defaultStream;
  }
  if (!handles.count(handle)) {
    error = CUDA_ERROR_INVALID_HANDLE;
    return nullptr;
  }
  return handle;
}

CUresult Driver::enqueue(FakeStream *stream, std::string kind,
                         std::function<CUresult()> run) {
  Operation operation{std::move(run), std::move(kind), nextSequence++};
  if (stream->capture) {
    if (stream->invalidated)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    stream->capture->nodes.push_back(std::move(operation));
    return CUDA_SUCCESS;
  }
  stream->queue.push_back(std::move(operation));
  // Mostly as late as possible, sometimes at once: both are legal.
  random = random * 6364136223846793005u + 1442695040888963407u;
  if ((random >> 40) % 8 == 0)
    runOne(stream);
  return CUDA_SUCCESS;
}

void Driver::runOne(FakeStream *stream) {
  if (stream->queue.empty() || stream->draining)
    return;
  FakeContext *context = stream->context;
  stream->draining = true;
  uint64_t sequence = stream->queue.front().sequence;
  // The default stream waits for all blocking ones, and they for it.
  for (FakeStream *other : std::set<CUstream>(context->streams))
    if (other != stream && (stream->isDefault || other->isDefault) &&
        stream->blocking && other->blocking)
      drain(other, sequence - 1);
  Operation operation = std::move(stream->queue.front());
  stream->queue.pop_front();
  stream->draining = false;
  if (context->sticky)
    return;
  CUresult result = operation.run();
  if (result)
    context->sticky = result;
}

CUresult Driver::drain(FakeStream *stream, uint64_t upTo) {
  while (!stream->draining && !stream->queue.empty() &&
         stream->queue.front().sequence <= upTo)
    runOne(stream);
  return stream->context->sticky;
}

CUresult Driver::drainContext(FakeContext *context) {
  for (FakeStream *stream : std::set<CUstream>(context->streams))
    drain(stream);
  return context->sticky;
}
