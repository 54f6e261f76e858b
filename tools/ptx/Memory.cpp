//===- Memory.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Memory.h"

using namespace ingot::ptx;

InitMap::InitMap(uint64_t bytes, bool initialised)
    : complete(initialised), bytes(bytes) {
  if (!initialised)
    bits.assign((bytes + 63) / 64, 0);
}

/// Calls `visit(word, mask)` for the words of a range of bits.
template <typename Visit>
static void forWords(uint64_t offset, uint64_t count, Visit visit) {
  while (count) {
    uint64_t bit = offset % 64;
    uint64_t here = count < 64 - bit ? count : 64 - bit;
    uint64_t mask = here == 64 ? ~uint64_t(0) : ((uint64_t(1) << here) - 1);
    if (!visit(offset / 64, mask << bit))
      return;
    offset += here;
    count -= here;
  }
}

void InitMap::mark(uint64_t offset, uint64_t count) {
  if (complete)
    return;
  if (offset == 0 && count >= bytes) {
    complete = true;
    taken.clear();
    return;
  }
  forWords(offset, count, [&](uint64_t word, uint64_t mask) {
    if ((bits[word] & mask) != mask)
      __atomic_fetch_or(&bits[word], mask, __ATOMIC_RELAXED);
    if (!taken.empty())
      __atomic_fetch_and(&taken[word], ~mask, __ATOMIC_RELAXED);
    return true;
  });
}

void InitMap::unmark(uint64_t offset, uint64_t count) {
  if (complete) {
    bits.assign((bytes + 63) / 64, ~uint64_t(0));
    complete = false;
  }
  if (taken.empty())
    taken.assign((bytes + 63) / 64, 0);
  forWords(offset, count, [&](uint64_t word, uint64_t mask) {
    __atomic_fetch_and(&bits[word], ~mask, __ATOMIC_RELAXED);
    __atomic_fetch_or(&taken[word], mask, __ATOMIC_RELAXED);
    return true;
  });
}

uint64_t InitMap::firstUnmarked(uint64_t offset, uint64_t count) const {
  if (taken.empty())
    return count;
  for (uint64_t i = 0; i < count; ++i)
    if (taken[(offset + i) / 64] >> (offset + i) % 64 & 1)
      return i;
  return count;
}

void InitMap::clear() {
  complete = false;
  bits.assign((bytes + 63) / 64, 0);
  taken.clear();
}

void InitMap::copyFrom(uint64_t offset, const InitMap *from,
                       uint64_t fromOffset, uint64_t count) {
  if (!from || from->covers(fromOffset, count))
    return mark(offset, count);
  for (uint64_t i = 0; i < count; ++i) {
    if (from->covers(fromOffset + i, 1))
      mark(offset + i, 1);
    else
      unmark(offset + i, 1);
  }
}

bool InitMap::coversSlow(uint64_t offset, uint64_t count) const {
  bool all = true;
  forWords(offset, count, [&](uint64_t word, uint64_t mask) {
    all = (bits[word] & mask) == mask;
    return all;
  });
  return all;
}

Allocation *MemoryMap::add(uint64_t base, uint64_t bytes, bool initialised,
                           bool readOnly) {
  auto allocation = std::make_unique<Allocation>();
  allocation->base = base;
  allocation->bytes = bytes;
  allocation->readOnly = readOnly;
  allocation->init = InitMap(bytes, initialised);
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<Allocation> &place = allocations[base];
  place = std::move(allocation);
  return place.get();
}

bool MemoryMap::remove(uint64_t base) {
  std::lock_guard<std::mutex> lock(mutex);
  return allocations.erase(base) != 0;
}

Allocation *MemoryMap::find(uint64_t address) {
  std::lock_guard<std::mutex> lock(mutex);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin())
    return nullptr;
  Allocation *found = std::prev(after)->second.get();
  return found->contains(address, 1) ? found : nullptr;
}
