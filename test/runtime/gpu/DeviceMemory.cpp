//===- DeviceMemory.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

#include "lib/Runtime/GpuApi.h"

using namespace ingot::test;
namespace cuda = ingot::rt::cuda;

template <typename Call> static Call find(const char *name) {
  stubDriver();
  return reinterpret_cast<Call>(dlsym(RTLD_DEFAULT, name));
}

static cuda::Context contextOf(int device) {
  auto retain =
      find<cuda::Result (*)(cuda::Context *, int)>("cuDevicePrimaryCtxRetain");
  cuda::Context context = nullptr;
  EXPECT_EQ(retain(&context, device), cuda::success);
  return context;
}

/// Calls with a device's context current.
template <typename Body> static void withDevice(int device, Body body) {
  auto push = find<cuda::Result (*)(cuda::Context)>("cuCtxPushCurrent_v2");
  auto pop = find<cuda::Result (*)(cuda::Context *)>("cuCtxPopCurrent_v2");
  auto release = find<cuda::Result (*)(int)>("cuDevicePrimaryCtxRelease_v2");
  cuda::Context context = contextOf(device);
  push(context);
  body();
  pop(&context);
  release(device);
}

DeviceMemory::DeviceMemory(uint64_t bytes, int device, uint64_t shift)
    : shift(shift) {
  auto allocate =
      find<cuda::Result (*)(cuda::Address *, size_t)>("cuMemAlloc_v2");
  withDevice(device,
             [&] { EXPECT_EQ(allocate(&start, bytes), cuda::success); });
}

DeviceMemory::~DeviceMemory() {
  auto release = find<cuda::Result (*)(cuda::Address)>("cuMemFree_v2");
  EXPECT_EQ(release(start), cuda::success);
}
