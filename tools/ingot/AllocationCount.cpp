//===- AllocationCount.cpp ------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program's own malloc takes the place of libc's for every library in the
// process, loaded models included, and passes calls on to libc's.
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/AllocationCount.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

static std::atomic<bool> counting = false;
static std::atomic<uint64_t> allocations = 0;

void ingot::startCountingAllocations() {
  allocations = 0;
  counting = true;
}

uint64_t ingot::stopCountingAllocations() {
  counting = false;
  return allocations;
}

#if defined(__GLIBC__) && !__has_feature(address_sanitizer)

bool ingot::canCountAllocations() { return true; }

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
}

static void count() {
  if (counting.load(std::memory_order_relaxed))
    allocations.fetch_add(1, std::memory_order_relaxed);
}

#define INGOT_EXPORT extern "C" __attribute__((visibility("default")))

INGOT_EXPORT void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

INGOT_EXPORT void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

INGOT_EXPORT void *realloc(void *memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}

INGOT_EXPORT void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

INGOT_EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

INGOT_EXPORT int posix_memalign(void **memory, size_t alignment, size_t size) {
  count();
  if (alignment % sizeof(void *) != 0 || alignment == 0 ||
      (alignment & (alignment - 1)) != 0)
    return EINVAL;
  void *result = __libc_memalign(alignment, size);
  if (!result)
    return ENOMEM;
  *memory = result;
  return 0;
}

#else

bool ingot::canCountAllocations() { return false; }

#endif
