//===- GpuTest.h - tests of the runtime on GPUs -----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every test runs in a process of its own, since a process has one driver and
// keeps it. The model is fake_gpu_model.c.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_RUNTIME_GPU_GPUTEST_H
#define INGOT_TEST_RUNTIME_GPU_GPUTEST_H

#include "test/runtime/TestModel.h"
#include "test/runtime/gpu/StubDriver.h"

#include <cstdlib>
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ingot::test {

/// Of LeakSanitizer, if the test is built with it.
extern "C" __attribute__((weak)) int __lsan_do_recoverable_leak_check();

/// Runs the body of a test in a child process.
inline void inChild(void (*body)()) {
  fflush(nullptr);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    setenv("INGOT_CACHE_DIR", "off", 1);
    body();
    if (__lsan_do_recoverable_leak_check)
      EXPECT_EQ(__lsan_do_recoverable_leak_check(), 0);
    fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child failed; see above";
}

#define GPU_TEST(suite, name)                                                  \
  static void suite##name();                                                   \
  TEST(suite, name) { inChild(suite##name); }                                  \
  static void suite##name()

/// The stub driver, which the runtime finds from now on.
inline StubDriver &stubDriver() {
  static StubDriver *driver = [] {
    void *library = dlopen(INGOT_STUB_DRIVER, RTLD_NOW | RTLD_GLOBAL);
    void *entry = library ? dlsym(library, "ingotStubDriver") : nullptr;
    if (!entry) {
      ADD_FAILURE() << "no stub driver: " << dlerror();
      abort();
    }
    return reinterpret_cast<StubDriver *(*)()>(entry)();
  }();
  return *driver;
}

/// The model, open.
struct GpuModel {
  ingot_model *handle = nullptr;
  GpuModel() {
    EXPECT_EQ(ingot_model_open(ingot_get_api_v1(), &handle), INGOT_OK)
        << ingot_last_error();
  }
  ~GpuModel() {
    EXPECT_EQ(ingot_model_close(handle), INGOT_OK) << ingot_last_error();
  }
  GpuModel(const GpuModel &) = delete;
  GpuModel &operator=(const GpuModel &) = delete;

  ingot_model_info info() const {
    ingot_model_info info = {};
    info.size = sizeof(info);
    EXPECT_EQ(ingot_model_describe(handle, &info), INGOT_OK);
    return info;
  }
};

/// Buffers of one run, whose right result is known.
struct GpuSums : Sums {
  explicit GpuSums(int64_t batch) : Sums(batch) {}

  bool right() const { return right(z.data()); }
  bool right(const float *got) const {
    for (size_t i = 0; i < z.size(); ++i)
      if (got[i] != float(i % 4 + 1) * x[i] + y[i])
        return false;
    return true;
  }
};

/// Memory of a device of the stub's.
struct DeviceMemory {
  explicit DeviceMemory(uint64_t bytes, int device = 0, uint64_t shift = 0);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;
  float *data() const { return reinterpret_cast<float *>(start + shift); }

private:
  unsigned long long start = 0;
  uint64_t shift;
};

} // namespace ingot::test

#endif // INGOT_TEST_RUNTIME_GPU_GPUTEST_H
