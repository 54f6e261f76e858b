//===- System.h -------------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few things asked of the operating system and the processor that libc has
// no portable call for.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_SYSTEM_H
#define INGOT_LIB_RUNTIME_SYSTEM_H

#include "lib/Runtime/Atomic.h"

#include <stdint.h>

namespace ingot::rt {

/// Monotonic time.
uint64_t nanoseconds();

/// Sleeps until `word` no longer holds `seen`; may return early.
void futexWait(Atomic<uint32_t> &word, uint32_t seen);

/// Wakes one sleeper on `word`.
void futexWake(Atomic<uint32_t> &word);

/// Keeps the signals that programs handle away from the threads started while
/// it lives, and puts the caller's mask back. Signals a thread raises itself
/// (SIGSEGV and the like) and those that libc uses stay unblocked.
class SignalShield {
public:
  SignalShield();
  ~SignalShield();
  SignalShield(const SignalShield &) = delete;
  SignalShield &operator=(const SignalShield &) = delete;

private:
  uint64_t before = 0;
};

/// A hint that the processor is in a spin loop.
inline void relaxProcessor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // Unlike yield, isb does wait a little on the cores at hand.
  __asm__ volatile("isb" ::: "memory");
#endif
}

/// Control and status of floating point.
struct FpState {
  uint64_t control;
  uint64_t status;

  static FpState current() {
#if defined(__x86_64__)
    return {__builtin_ia32_stmxcsr(), 0};
#elif defined(__aarch64__)
    FpState state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(state.status));
    return state;
#endif
  }

  /// Round to nearest, denormals kept, exceptions masked.
  static FpState standard() {
#if defined(__x86_64__)
    return {0x1f80, 0};
#elif defined(__aarch64__)
    return {0, 0};
#endif
  }

  void apply() const {
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(static_cast<uint32_t>(control));
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(control) : "memory");
    __asm__ volatile("msr fpsr, %0" ::"r"(status) : "memory");
#endif
  }
};

/// Gives the kernels a standard floating-point environment and the caller its
/// own back, flags included.
class FpScope {
public:
  FpScope() : callers(FpState::current()) { FpState::standard().apply(); }
  ~FpScope() { callers.apply(); }
  FpScope(const FpScope &) = delete;
  FpScope &operator=(const FpScope &) = delete;

private:
  FpState callers;
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_SYSTEM_H
