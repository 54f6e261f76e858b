//===- ThreadPool.h ---------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The persistent workers of one context. Work is split statically: worker w
// always gets the w-th of equal contiguous ranges. Handing ranges out on
// demand was measured 1.3 times slower for convolutions, since cache lines
// wander between cores.
//
// Workers sleep. They spin for a few microseconds only while a run is in
// progress, where the next launch follows at once.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_THREADPOOL_H
#define INGOT_LIB_RUNTIME_THREADPOOL_H

#include "lib/Runtime/Atomic.h"
#include "lib/Runtime/ModelAbi.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

namespace ingot::rt {

/// One caller's helpers. Methods are for that caller alone.
class ThreadPool {
public:
  /// Whether this program has threads at all.
  static bool available();

  /// Memory for the workers of a pool of `threads`; the caller counts as one.
  static size_t workerBytes(int32_t threads);

  /// Takes `memory` of workerBytes(threads), zeroed and 64-byte aligned.
  void init(void *memory, int32_t threads);

  /// Starts the workers; false if not all could be had, then none runs.
  bool start();

  /// Ends and joins the workers.
  void stop();

  /// Between these, workers stay awake for a while after a launch. `self` is
  /// the calling process: a forked child has no workers and starts new ones.
  void beginRun(int32_t self);
  void endRun();

  /// kernel(args, lo, hi, w) for the ranges of [0, n), all done on return.
  void run(IngotKernelFn kernel, void *const *args, int64_t n);

  int32_t threads() const { return threadCount; }

private:
  struct alignas(64) Worker {
    Atomic<uint32_t> ticket; // raised to hand out work
    Atomic<uint32_t> asleep;
    ThreadPool *pool;
    int32_t index;
    pthread_t thread;
  };

  static void *threadMain(void *worker);
  void work(Worker &worker);
  void awaitTicket(Worker &worker, uint32_t seen);
  void awaitPending();
  void runRange(int32_t index);
  void signal(Worker &worker);

  // Written by the caller before tickets are raised, read by workers after.
  IngotKernelFn kernel = nullptr;
  void *const *args = nullptr;
  int64_t items = 0;
  int32_t participants = 0;
  bool stopping = false;

  Worker *workers = nullptr; // number 0 is the caller and has no thread
  int32_t threadCount = 1;
  int32_t started = 0; // threads that run
  int32_t process = 0; // that they run in
  uint32_t spinNanoseconds = 0;

  alignas(64) Atomic<uint32_t> inRun;
  alignas(64) Atomic<uint32_t> pending; // participants still at work
  Atomic<uint32_t> callerAsleep;
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_THREADPOOL_H
