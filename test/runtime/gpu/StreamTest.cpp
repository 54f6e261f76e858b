//===- StreamTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Callers' streams, several devices, several threads.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

#include "lib/Runtime/GpuApi.h"

#include <cmath>
#include <thread>

using namespace ingot;
using namespace ingot::test;
namespace cuda = ingot::rt::cuda;

static ingot_context_options withStream(void *stream, uint32_t flags = 0) {
  ingot_context_options options = {};
  options.stream = stream;
  options.flags = flags;
  return options;
}

namespace {
/// A run whose tensors are all on the device.
struct DeviceSums : GpuSums {
  DeviceMemory x, y, z;
  explicit DeviceSums(int64_t batch, int device = 0)
      : GpuSums(batch), x(bytes(), device), y(bytes(), device),
        z(bytes(), device) {
    memcpy(x.data(), Sums::x.data(), bytes());
    memcpy(y.data(), Sums::y.data(), bytes());
    inputs[0].data = x.data();
    inputs[1].data = y.data();
    outputs[0].data = z.data();
  }
  uint64_t bytes() const { return Sums::x.size() * sizeof(float); }
  bool right() const { return GpuSums::right(z.data()); }
};
} // namespace

GPU_TEST(GpuStream, OnlyEnqueuesWhereAskedTo) {
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle,
                        withStream(cuda::legacyStream(), INGOT_CONTEXT_ASYNC));
    DeviceSums sums(8);
    for (int i = 0; i < 5; ++i) {
      driver.calls.clear();
      memset(sums.z.data(), 0, sums.bytes());
      ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
      EXPECT_EQ(driver.count("cuStreamSynchronize"), 0);
      EXPECT_TRUE(sums.right());
    }
    EXPECT_EQ(driver.count("cuGraphLaunch"), 1);
    // A tensor of the processor's has to be there on return.
    sums.outputs[0].data = sums.Sums::z.data();
    driver.calls.clear();
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_GE(driver.count("cuStreamSynchronize"), 1);
    EXPECT_TRUE(sums.GpuSums::right());
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuStream, TellsFaultsOfAsynchronousRunsLater) {
  stubDriver();
  GpuModel model;
  TestContext context(model.handle,
                      withStream(cuda::legacyStream(), INGOT_CONTEXT_ASYNC));
  DeviceSums sums(8);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  sums.x.data()[3] = NAN;
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  sums.x.data()[3] = 3.0f;
  expectFailure(sums.run(context.handle), INGOT_ERROR_DATA, {"'scale_1'"});
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
}

GPU_TEST(GpuStream, LosesNoFaultOfAsynchronousRuns) {
  stubDriver();
  GpuModel model;
  TestContext context(model.handle,
                      withStream(cuda::legacyStream(), INGOT_CONTEXT_ASYNC));
  DeviceSums sums(8);
  DeviceMemory shifted(4 * 8000 + 4, 0, 4);
  memcpy(shifted.data(), sums.Sums::x.data(), sums.bytes());
  auto meetFault = [&] {
    float *x = static_cast<float *>(sums.inputs[0].data);
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    x[3] = NAN;
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    x[3] = 3.0f;
  };
  meetFault();
  GpuSums host(100); // staged, in memory that has to grow
  expectFailure(host.run(context.handle), INGOT_ERROR_DATA, {"'scale_1'"});
  ASSERT_EQ(host.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(host.right());
  meetFault();
  DeviceSums large(2000);
  memcpy(shifted.data(), large.Sums::x.data(), large.bytes());
  large.inputs[0].data = shifted.data(); // copied, likewise
  expectFailure(large.run(context.handle), INGOT_ERROR_DATA, {"'scale_1'"});
  for (int i = 0; i < 4; ++i) {
    memset(large.z.data(), 0, large.bytes());
    ASSERT_EQ(large.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(large.right());
  }
}

GPU_TEST(GpuStream, AsynchronousRunsNeedAStream) {
  stubDriver();
  GpuModel model;
  ingot_context_options options = withStream(nullptr, INGOT_CONTEXT_ASYNC);
  options.size = sizeof(options);
  ingot_context *context = nullptr;
  expectFailure(ingot_context_create(model.handle, &options, &context),
                INGOT_ERROR_ARGUMENT, {"INGOT_CONTEXT_ASYNC needs a stream"});
  options.flags = 2;
  expectFailure(ingot_context_create(model.handle, &options, &context),
                INGOT_ERROR_ARGUMENT, {"unknown flags 2"});
  EXPECT_EQ(stubDriver().alive(), 0);
}

GPU_TEST(GpuStream, RefusesAStreamOfAnotherContext) { // K10
  stubDriver().devices = {80, 80};
  // A stream of the second device: the stub's streams start with its number.
  int64_t stream[2] = {1, 0};
  GpuModel model;
  ingot_context_options options = withStream(stream);
  options.size = sizeof(options);
  ingot_context *context = nullptr;
  expectFailure(ingot_context_create(model.handle, &options, &context),
                INGOT_ERROR_ARGUMENT,
                {"does not belong to the primary context of device 0"});
  EXPECT_EQ(stubDriver().alive(), 0);
}

GPU_TEST(GpuStream, IsRecordedByItsOwner) { // K10
  StubDriver &driver = stubDriver();
  GpuModel model;
  int64_t stream[2] = {0, 0};
  TestContext context(model.handle, withStream(stream, INGOT_CONTEXT_ASYNC));
  DeviceSums sums(8);
  driver.isCapturing = true;
  expectFailure(sums.run(context.handle), INGOT_ERROR_BUSY,
                {"recorded into a graph", "prepare the context before"});
  driver.isCapturing = false;
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  driver.isCapturing = true;
  driver.calls.clear();
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.count("cuLaunchKernel"), 6);
  EXPECT_EQ(driver.count("cuStreamSynchronize"), 0);
  EXPECT_EQ(driver.count("cuStreamBeginCapture_v2"), 0);
  GpuSums host(8);
  expectFailure(host.run(context.handle), INGOT_ERROR_BUSY,
                {"recorded into a graph"});
  driver.isCapturing = false;
  ASSERT_EQ(host.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(host.right());
}

GPU_TEST(GpuStream, RunsOnTwoDevices) {
  StubDriver &driver = stubDriver();
  driver.devices = {90, 90};
  {
    GpuModel model;
    ingot_context_options options = {};
    TestContext first(model.handle, options);
    options.device = 1;
    TestContext second(model.handle, options), third(model.handle, options);
    EXPECT_EQ(driver.modules, 2) << "one for each device";
    GpuSums sums(20), more(30);
    ASSERT_EQ(sums.run(first.handle), INGOT_OK) << ingot_last_error();
    ASSERT_EQ(more.run(third.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right());
    EXPECT_TRUE(more.right());
    ingot_context_info info = {};
    info.size = sizeof(info);
    ASSERT_EQ(ingot_context_describe(third.handle, &info), INGOT_OK);
    EXPECT_EQ(info.device, 1);
    EXPECT_EQ(info.threads, 1);
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuStream, RefusesMemoryOfAnotherDevice) { // K12
  stubDriver().devices = {90, 90};
  GpuModel model;
  TestContext context(model.handle);
  DeviceSums sums(8, 1);
  expectFailure(sums.run(context.handle), INGOT_ERROR_BUFFER,
                {"'x'", "memory of device 1", "runs on device 0"});
  sums.inputs[0].data = sums.Sums::x.data();
  sums.inputs[1].data = sums.Sums::y.data();
  expectFailure(sums.run(context.handle), INGOT_ERROR_BUFFER,
                {"'sum'", "memory of device 1"});
  GpuSums good(8);
  ASSERT_EQ(good.run(context.handle), INGOT_OK) << ingot_last_error();
}

GPU_TEST(GpuStream, RefusesMemoryOfADeviceOnTheProcessor) { // K11
  stubDriver().devices = {75};
  GpuModel model;
  TestContext context(model.handle);
  DeviceSums sums(8);
  expectFailure(sums.run(context.handle), INGOT_ERROR_BUFFER,
                {"'x'", "memory of a GPU", "runs on the processor"});
  GpuSums good(8);
  ASSERT_EQ(good.run(context.handle), INGOT_OK) << ingot_last_error();
}

GPU_TEST(GpuStream, TakesAnArenaOfTheCallers) { // K11
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    DeviceMemory memory(1024);
    ingot_context_options options = {};
    options.arena = memory.data();
    options.arena_bytes = 1024;
    TestContext context(model.handle, options);
    GpuSums sums(64), large(65);
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right());
    expectFailure(large.run(context.handle), INGOT_ERROR_LIMIT,
                  {"1040 bytes", "has 1024"});
    std::vector<char> host(2048);
    options.size = sizeof(options);
    options.arena = host.data();
    ingot_context *refused = nullptr;
    expectFailure(ingot_context_create(model.handle, &options, &refused),
                  INGOT_ERROR_BUFFER,
                  {"arena in the options is not memory of device 0"});
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuStream, HoldsTheLimitOfTheArena) {
  stubDriver();
  GpuModel model;
  ingot_context_options options = {};
  options.max_arena_bytes = 160;
  TestContext context(model.handle, options);
  GpuSums large(11), small(10);
  expectFailure(large.run(context.handle), INGOT_ERROR_LIMIT,
                {"176 bytes", "limit is 160"});
  ASSERT_EQ(small.run(context.handle), INGOT_OK) << ingot_last_error();
}

GPU_TEST(GpuStream, ServesThreadsAtOnce) { // K8
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&model, t] {
        for (int i = 0; i < 20; ++i) {
          TestContext context(model.handle);
          for (int repeat = 0; repeat < 4; ++repeat) {
            GpuSums sums(1 + t * 7 + i);
            EXPECT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
            EXPECT_TRUE(sums.right());
          }
        }
      });
    for (std::thread &thread : threads)
      thread.join();
  }
  EXPECT_EQ(driver.alive(), 0);
}

GPU_TEST(GpuStream, CancelsBetweenLaunches) {
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  ASSERT_EQ(ingot_cancel(context.handle), INGOT_OK);
  GpuSums sums(8);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << "none was in progress";
}
