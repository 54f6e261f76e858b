//===- GraphTest.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// When runs are recorded into graphs, and when they are not.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

#include <cmath>

using namespace ingot;
using namespace ingot::test;

/// Runs once; what was called meanwhile is in the stub's list.
static void runOnce(ingot_context *context, int64_t batch) {
  stubDriver().calls.clear();
  GpuSums sums(batch);
  ASSERT_EQ(sums.run(context), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right()) << batch;
}

GPU_TEST(GpuGraph, RecordsTheSecondRunAndReplaysLaterOnes) {
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle);
    runOnce(context.handle, 12);
    EXPECT_EQ(driver.count("cuStreamBeginCapture_v2"), 0);
    EXPECT_EQ(driver.count("cuLaunchKernel"), 2);
    runOnce(context.handle, 12);
    EXPECT_EQ(driver.count("cuStreamBeginCapture_v2"), 1);
    EXPECT_EQ(driver.count("cuGraphLaunch"), 1);
    for (int i = 0; i < 3; ++i) {
      runOnce(context.handle, 12);
      EXPECT_EQ(driver.count("cuGraphLaunch"), 1);
      EXPECT_EQ(driver.count("cuLaunchKernel"), 0);
      EXPECT_EQ(driver.count("cuMemcpyHtoDAsync_v2"), 0) << "in the graph";
    }
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuGraph, KeepsOneForEachOfAFewShapes) {
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle);
    runOnce(context.handle, 100); // so that no memory grows later
    for (int64_t batch : {10, 20, 30, 10, 20, 30})
      runOnce(context.handle, batch);
    for (int64_t batch : {30, 10, 20}) {
      runOnce(context.handle, batch);
      EXPECT_EQ(driver.count("cuLaunchKernel"), 0) << batch;
    }
    for (int64_t batch = 1; batch < 9; ++batch)
      runOnce(context.handle, batch);
    runOnce(context.handle, 10);
    EXPECT_EQ(driver.count("cuLaunchKernel"), 2) << "it was forgotten";
    EXPECT_LE(driver.graphs, 4);
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuGraph, RecordsAgainWhenMemoryMoves) {
  StubDriver &driver = stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  DeviceMemory x(128), other(128);
  GpuSums sums(8);
  memcpy(x.data(), sums.x.data(), 128);
  memcpy(other.data(), sums.x.data(), 128);
  auto run = [&](const DeviceMemory &memory) {
    driver.calls.clear();
    sums.inputs[0].data = memory.data();
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right());
  };
  run(x);
  run(x);
  run(x);
  EXPECT_EQ(driver.count("cuLaunchKernel"), 0);
  other.data()[5] = -8.0f;
  sums.x[5] = -8.0f;
  run(other);
  EXPECT_EQ(driver.count("cuLaunchKernel"), 2);
  run(other);
  run(other);
  EXPECT_EQ(driver.count("cuLaunchKernel"), 0);
  runOnce(context.handle, 1000); // arena and staging memory grow
  runOnce(context.handle, 8);
  EXPECT_EQ(driver.count("cuLaunchKernel"), 2);
}

GPU_TEST(GpuGraph, SeesFaultsInReplays) {
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  for (int i = 0; i < 3; ++i)
    runOnce(context.handle, 8);
  GpuSums bad(8);
  bad.x[3] = NAN;
  expectFailure(bad.run(context.handle), INGOT_ERROR_DATA, {"'scale_1'"});
  runOnce(context.handle, 8);
  EXPECT_EQ(stubDriver().count("cuGraphLaunch"), 1);
}

GPU_TEST(GpuGraph, CanBeTurnedOff) {
  setenv("INGOT_CUDA_GRAPHS", "0", 1);
  StubDriver &driver = stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  for (int i = 0; i < 4; ++i) {
    runOnce(context.handle, 8);
    EXPECT_EQ(driver.count("cuStreamBeginCapture_v2"), 0);
    EXPECT_EQ(driver.count("cuLaunchKernel"), 2);
  }
}

GPU_TEST(GpuGraph, DoesWithoutWhereADriverFails) {
  StubDriver &driver = stubDriver();
  for (const char *function : {"cuStreamBeginCapture_v2", "cuStreamEndCapture",
                               "cuGraphInstantiateWithFlags"}) {
    {
      GpuModel model;
      TestContext context(model.handle);
      runOnce(context.handle, 8);
      driver.fail(function, 999);
      runOnce(context.handle, 8);
      EXPECT_EQ(driver.count("cuGraphLaunch"), 0) << function;
      runOnce(context.handle, 8);
      EXPECT_EQ(driver.count("cuLaunchKernel"), 2) << function;
    }
    EXPECT_EQ(driver.alive(), 0) << function;
  }
}

GPU_TEST(GpuGraph, TimesLaunchesOneByOne) {
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle);
    for (int i = 0; i < 3; ++i)
      runOnce(context.handle, 8);
    ASSERT_EQ(ingot_profile_enable(context.handle, 1), INGOT_OK);
    runOnce(context.handle, 8);
    EXPECT_EQ(driver.count("cuGraphLaunch"), 0);
    uint64_t times[2] = {};
    ASSERT_EQ(ingot_profile_read(context.handle, times, 2), INGOT_OK);
    EXPECT_EQ(times[0], 250000u);
    EXPECT_EQ(times[1], 250000u);
    ASSERT_EQ(ingot_profile_enable(context.handle, 0), INGOT_OK);
    runOnce(context.handle, 8);
    EXPECT_EQ(driver.count("cuGraphLaunch"), 1);
  }
  EXPECT_EQ(driver.alive(), 0);
}
