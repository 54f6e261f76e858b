//===- Lock.h - one thread at a time ----------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sleeps in the kernel while another thread is inside; no libc, no static
// initialisation.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_LOCK_H
#define INGOT_LIB_RUNTIME_LOCK_H

#include "lib/Runtime/System.h"

namespace ingot::rt {

class Lock {
public:
  void acquire() {
    uint32_t seen = free;
    if (word.compareExchange(seen, taken))
      return;
    while (word.exchange(awaited) != free)
      futexWait(word, awaited);
  }

  void release() {
    if (word.exchange(free) == awaited)
      futexWake(word);
  }

private:
  enum : uint32_t { free, taken, awaited };
  Atomic<uint32_t> word;
};

/// Holds a lock while it lives.
class Locked {
public:
  explicit Locked(Lock &lock) : lock(lock) { lock.acquire(); }
  ~Locked() { lock.release(); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;

private:
  Lock &lock;
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_LOCK_H
