//===- Memory.h - memory that kernels may touch -----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_MEMORY_H
#define INGOT_TOOLS_PTX_MEMORY_H

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace ingot::ptx {

/// Which bytes were ever written: one bit each. Marking is safe from several
/// threads.
class InitMap {
public:
  InitMap() = default;
  explicit InitMap(uint64_t bytes, bool initialised);

  void mark(uint64_t offset, uint64_t bytes);
  /// Takes marks away, of bytes that were given a value nobody knows.
  void unmark(uint64_t offset, uint64_t bytes);
  /// The first byte of a range that has such a value, or `bytes`.
  uint64_t firstUnmarked(uint64_t offset, uint64_t bytes) const;
  void clear();
  /// Copies marks, for memory that is copied.
  void copyFrom(uint64_t offset, const InitMap *from, uint64_t fromOffset,
                uint64_t bytes);
  bool covers(uint64_t offset, uint64_t bytes) const {
    return complete || coversSlow(offset, bytes);
  }

private:
  bool coversSlow(uint64_t offset, uint64_t bytes) const;

  bool complete = false;
  uint64_t bytes = 0;
  std::vector<uint64_t> bits;
  /// Those that unmark took away; empty as long as there are none.
  std::vector<uint64_t> taken;
};

/// A piece of global memory. Addresses are those of the host.
struct Allocation {
  uint64_t base = 0, bytes = 0;
  bool readOnly = false;
  InitMap init;

  bool contains(uint64_t address, uint64_t size) const {
    return address >= base && size <= bytes && address - base <= bytes - size;
  }
};

/// The live allocations.
class MemoryMap {
public:
  Allocation *add(uint64_t base, uint64_t bytes, bool initialised,
                  bool readOnly = false);
  /// False if there is none that starts there.
  bool remove(uint64_t base);
  /// The allocation that an address lies in, or null.
  Allocation *find(uint64_t address);

private:
  std::mutex mutex;
  std::map<uint64_t, std::unique_ptr<Allocation>> allocations;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_MEMORY_H
