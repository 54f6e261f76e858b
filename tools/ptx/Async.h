//===- Async.h - work that ends later than its instruction ------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_ASYNC_H
#define INGOT_TOOLS_PTX_ASYNC_H

#include "tools/ptx/Races.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

namespace ingot::ptx {

struct Instr;

/// One thread's copy by cp.async, not yet delivered.
struct ThreadCopy {
  uint8_t *to = nullptr;
  uint64_t from = 0;
  uint32_t bytes = 0, zeroFrom = 0;
  InitMap *init = nullptr;
  uint64_t initOffset = 0;
  /// Marks of the source, if some of it was never written.
  const InitMap *fromInit = nullptr;
  uint64_t fromOffset = 0;
};

/// Groups of asynchronous work: committed ones, oldest first, and the open one.
template <typename T> struct Groups {
  std::vector<T> open;
  std::deque<std::vector<T>> committed;
  /// Groups committed and groups waited for so far.
  uint32_t numCommitted = 0, numDone = 0;

  void commit() {
    committed.push_back(std::move(open));
    open.clear();
    ++numCommitted;
  }
};

/// An mbarrier object ("mbarrier" in the PTX ISA).
struct Mbarrier {
  uint32_t expected = 0;
  int64_t pending = 0;
  int64_t bytes = 0; ///< The tx-count.
  uint64_t phase = 0;
  /// Told to other proxies and CTAs by a fence.
  bool published = false;
  uint32_t initialiser = 0; ///< The warp.
  /// Its number as an agent, for bulk copies that complete on it.
  uint32_t agent = 0;
  Sync sync;
};

/// Work of the copy engine; runs some time after its issue.
struct PendingWork {
  uint64_t due = 0;
  std::function<void()> run;
};

/// A wgmma that has been issued.
struct PendingMma {
  const Instr *in = nullptr;
  uint64_t a = 0, b = 0; ///< Descriptors.
  bool accumulate = false;
  bool executed = false;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_ASYNC_H
