//===- ThreadPool.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tickets, pending counts and futexes.
//
// Every sleep follows the same order on both sides: the sleeper announces
// itself, then looks at the word once more; the waker changes the word, then
// looks for a sleeper. Both pairs are sequentially consistent, so one of the
// two sees the other.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/ThreadPool.h"

#include "lib/Runtime/CpuCount.h"
#include "lib/Runtime/System.h"

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

using namespace ingot::rt;

// Weak: before glibc 2.34 these live in a library of their own, which a
// program without threads does not load; a statically linked program has them
// only if something else names them. Then there is one thread.
extern "C" {
#pragma weak pthread_create
#pragma weak pthread_join
}

/// Calls `done` until it holds or the time is up; returns whether it held.
template <typename Done> static bool spinUntil(Done done, uint32_t budget) {
  if (done())
    return true;
  if (budget == 0)
    return false;
  uint64_t deadline = nanoseconds() + budget;
  do {
    for (int i = 0; i < 32; ++i) {
      relaxProcessor();
      if (done())
        return true;
    }
  } while (nanoseconds() < deadline);
  return false;
}

bool ThreadPool::available() { return pthread_create && pthread_join; }

size_t ThreadPool::workerBytes(int32_t threads) {
  return size_t(threads) * sizeof(Worker);
}

void ThreadPool::init(void *memory, int32_t threads) {
  constexpr uint32_t betweenLaunches = 30000;
  workers = static_cast<Worker *>(memory);
  threadCount = threads;
  // A spinning thread without a processor of its own keeps one from working.
  spinNanoseconds = threads <= usableCpus() ? betweenLaunches : 0;
}

bool ThreadPool::start() {
  process = getpid();
  started = 0;
  stopping = false;
  pending.store(0);
  callerAsleep.store(0);
  if (threadCount == 1)
    return true;
  if (!available())
    return false;
  SignalShield shield;
  for (int32_t i = 1; i < threadCount; ++i) {
    Worker &worker = workers[i];
    worker.ticket.store(0);
    worker.asleep.store(0);
    worker.pool = this;
    worker.index = i;
    if (pthread_create(&worker.thread, nullptr, threadMain, &worker) != 0) {
      stop();
      return false;
    }
    started = i;
  }
  return true;
}

void ThreadPool::stop() {
  if (process != getpid())
    started = 0;
  stopping = true;
  for (int32_t i = 1; i <= started; ++i)
    signal(workers[i]);
  for (int32_t i = 1; i <= started; ++i)
    pthread_join(workers[i].thread, nullptr);
  started = 0;
}

void ThreadPool::beginRun(int32_t self) {
  if (threadCount == 1)
    return;
  // Without workers a run gives the same bits, so failure is not an error.
  if (process != self)
    start();
  inRun.storeRelease(1);
}

void ThreadPool::endRun() {
  if (threadCount > 1)
    inRun.storeRelease(0);
}

void ThreadPool::run(IngotKernelFn fn, void *const *arguments, int64_t n) {
  int64_t most = started + 1;
  participants = int32_t(n < most ? n : most);
  if (participants <= 1) {
    fn(arguments, 0, n, 0);
    return;
  }
  kernel = fn;
  args = arguments;
  items = n;
  pending.store(uint32_t(participants - 1));
  for (int32_t i = 1; i < participants; ++i)
    signal(workers[i]);
  runRange(0);
  awaitPending();
}

void ThreadPool::signal(Worker &worker) {
  worker.ticket.fetchAdd(1);
  if (worker.asleep.load())
    futexWake(worker.ticket);
}

void ThreadPool::runRange(int32_t index) {
  int64_t share = items / participants, extra = items % participants;
  int64_t lo = share * index + (index < extra ? index : extra);
  int64_t hi = lo + share + (index < extra);
  kernel(args, lo, hi, index);
}

void ThreadPool::awaitPending() {
  if (spinUntil([&] { return pending.loadAcquire() == 0; }, spinNanoseconds))
    return;
  callerAsleep.store(1);
  while (uint32_t left = pending.load())
    futexWait(pending, left);
  callerAsleep.store(0);
}

void *ThreadPool::threadMain(void *argument) {
  auto &worker = *static_cast<Worker *>(argument);
  prctl(PR_SET_NAME, "ingot-worker");
  // A new thread inherits the environment of the one that made it.
  FpState::standard().apply();
  worker.pool->work(worker);
  return nullptr;
}

void ThreadPool::work(Worker &worker) {
  for (uint32_t seen = 0;; ++seen) {
    awaitTicket(worker, seen);
    if (stopping)
      return;
    runRange(worker.index);
    if (pending.fetchSub(1) == 1 && callerAsleep.load())
      futexWake(pending);
  }
}

void ThreadPool::awaitTicket(Worker &worker, uint32_t seen) {
  auto raised = [&] { return worker.ticket.loadAcquire() != seen; };
  spinUntil([&] { return raised() || !inRun.loadRelaxed(); }, spinNanoseconds);
  while (!raised()) {
    worker.asleep.store(1);
    if (worker.ticket.load() == seen)
      futexWait(worker.ticket, seen);
    worker.asleep.storeRelaxed(0);
  }
}
