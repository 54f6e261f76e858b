//===- Atomic.h -------------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the runtime needs of <atomic>, which lives in a library that a model
// must not depend on.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_ATOMIC_H
#define INGOT_LIB_RUNTIME_ATOMIC_H

namespace ingot::rt {

/// An integer or pointer shared between threads. Orders are sequentially
/// consistent where the name does not say otherwise.
template <typename T> class Atomic {
public:
  constexpr Atomic() = default;
  constexpr explicit Atomic(T initial) : value(initial) {}
  Atomic(const Atomic &) = delete;
  Atomic &operator=(const Atomic &) = delete;

  T load() const { return __atomic_load_n(&value, __ATOMIC_SEQ_CST); }
  T loadRelaxed() const { return __atomic_load_n(&value, __ATOMIC_RELAXED); }
  T loadAcquire() const { return __atomic_load_n(&value, __ATOMIC_ACQUIRE); }
  void store(T v) { __atomic_store_n(&value, v, __ATOMIC_SEQ_CST); }
  void storeRelaxed(T v) { __atomic_store_n(&value, v, __ATOMIC_RELAXED); }
  void storeRelease(T v) { __atomic_store_n(&value, v, __ATOMIC_RELEASE); }
  T exchange(T v) { return __atomic_exchange_n(&value, v, __ATOMIC_SEQ_CST); }
  T fetchAdd(T v) { return __atomic_fetch_add(&value, v, __ATOMIC_SEQ_CST); }
  T fetchSub(T v) { return __atomic_fetch_sub(&value, v, __ATOMIC_SEQ_CST); }

  /// Stores `desired` if the value is `expected`, which becomes the value found
  /// otherwise.
  bool compareExchange(T &expected, T desired) {
    return __atomic_compare_exchange_n(&value, &expected, desired, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }

  /// The word itself, for the kernel to wait on.
  T *address() { return &value; }

private:
  T value = {};
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_ATOMIC_H
