//===- GlobalOrder.h - who may see what in global memory --------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_GLOBALORDER_H
#define INGOT_TOOLS_PTX_GLOBALORDER_H

#include "tools/ptx/Races.h"

#include <memory>

namespace ingot::ptx {

/// What CTAs of one launch wrote to global memory, and what they hand each
/// other there by accesses that order others. Used by one thread of the host.
class GlobalOrder {
public:
  /// The last write of a word, of some of its bytes.
  struct Write {
    const Instr *in = nullptr;
    uint64_t cluster = 0;
    Epoch epoch;
    uint8_t bytes = 0;
    bool strong = false;
  };

  void wrote(const Write &write, uint64_t address, uint64_t bytes);
  /// A write of another cluster to some of these bytes that is not `known`, or
  /// null; of two strong accesses none races.
  const Write *unknownWrite(uint64_t cluster, const Known &known, bool strong,
                            uint64_t address, uint64_t bytes);
  /// What was released at an address.
  Known &flag(uint64_t address) { return flags[address]; }

private:
  static constexpr uint64_t kWord = 4, kPage = 4096;
  Write *wordsOf(uint64_t page, bool make);

  std::unordered_map<uint64_t, std::unique_ptr<Write[]>> pages;
  uint64_t lastPage = ~uint64_t(0);
  Write *lastWords = nullptr;
  std::unordered_map<uint64_t, Known> flags;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_GLOBALORDER_H
