//===- RunTest.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs on devices of the stub driver.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

#include <cmath>

using namespace ingot;
using namespace ingot::test;

GPU_TEST(GpuRun, RunsOnTensorsOfTheProcessor) {
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle);
    for (int64_t batch : {1, 7, 7, 7, 1000, 0, 3, 1000}) {
      GpuSums sums(batch);
      ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
      EXPECT_TRUE(sums.right()) << batch;
    }
    EXPECT_EQ(driver.depth, 0) << "the caller's current context is back";
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuRun, SizesTheGrid) {
  StubDriver &driver = stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(32 * 3 + 1);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.grid, 4u) << "rounded up";
  GpuSums large(32 * 100);
  ASSERT_EQ(large.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.grid, 8u) << "two blocks for each of four multiprocessors";
  EXPECT_TRUE(large.right());
}

GPU_TEST(GpuRun, CopiesOnceInAndOnceOut) {
  StubDriver &driver = stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(64);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  driver.calls.clear();
  GpuSums other(65);
  ASSERT_EQ(other.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.count("cuMemcpyHtoDAsync_v2"), 1);
  EXPECT_EQ(driver.count("cuMemcpyDtoHAsync_v2"), 1);
  EXPECT_EQ(driver.count("cuLaunchKernel"), 2);
  EXPECT_EQ(driver.count("cuStreamSynchronize"), 1);
}

GPU_TEST(GpuRun, NamesTheNodeOfAFault) {
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  for (int repeat = 0; repeat < 4; ++repeat) {
    GpuSums bad(10);
    bad.x[17] = NAN;
    expectFailure(
        bad.run(context.handle), INGOT_ERROR_DATA,
        {"a value that the operator forbids", "'scale_1'", "launch 0"});
    GpuSums good(10);
    ASSERT_EQ(good.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(good.right());
  }
}

GPU_TEST(GpuRun, UsesMemoryOfTheDeviceAsItIs) {
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle);
    GpuSums sums(8);
    DeviceMemory x(128), y(128), z(128);
    memcpy(x.data(), sums.x.data(), 128);
    memcpy(y.data(), sums.y.data(), 128);
    sums.inputs[0].data = x.data();
    sums.inputs[1].data = y.data();
    sums.outputs[0].data = z.data();
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right(z.data()));
    EXPECT_EQ(driver.count("cuMemcpyDtoDAsync_v2"), 0);
    // Partly in the processor's memory.
    sums.outputs[0].data = sums.z.data();
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right());
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuRun, CopiesMemoryOfTheDeviceThatIsNotAligned) {
  StubDriver &driver = stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(8);
  DeviceMemory x(132, 0, 4), z(132, 0, 4);
  memcpy(x.data(), sums.x.data(), 128);
  sums.inputs[0].data = x.data();
  sums.outputs[0].data = z.data();
  for (int repeat = 0; repeat < 4; ++repeat) {
    memset(z.data(), 0, 128);
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right(z.data()));
  }
  EXPECT_GE(driver.count("cuMemcpyDtoDAsync_v2"), 2);
}
