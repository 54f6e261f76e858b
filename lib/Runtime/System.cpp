//===- System.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Linux calls of the runtime.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/System.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

using namespace ingot::rt;

uint64_t ingot::rt::nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1000000000u + uint64_t(now.tv_nsec);
}

void ingot::rt::futexWait(Atomic<uint32_t> &word, uint32_t seen) {
  syscall(SYS_futex, word.address(), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr,
          0);
}

void ingot::rt::futexWake(Atomic<uint32_t> &word) {
  syscall(SYS_futex, word.address(), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr,
          0);
}

static constexpr uint64_t signalBit(int number) {
  return uint64_t(1) << (number - 1);
}

// The system call, because libc's pthread_sigmask moved between libraries.
SignalShield::SignalShield() {
  // 32 and 33 are libc's own: setuid() must reach every thread.
  constexpr uint64_t open = signalBit(SIGSEGV) | signalBit(SIGBUS) |
                            signalBit(SIGILL) | signalBit(SIGFPE) |
                            signalBit(SIGTRAP) | signalBit(SIGABRT) |
                            signalBit(SIGSYS) | signalBit(32) | signalBit(33);
  uint64_t blocked = ~open;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, &before, sizeof(before));
}

SignalShield::~SignalShield() {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof(before));
}
