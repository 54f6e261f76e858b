//===- ErrorsTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every call of the driver fails once: a status with the driver's words, all
// memory given back, and the context works afterwards unless the device is
// lost.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

using namespace ingot;
using namespace ingot::test;

constexpr int outOfMemory = 2, unavailable = 46, invalidPtx = 218, ecc = 214,
              illegalAddress = 700, launchTimeout = 702;

static void expectCreateFails(ingot_model *model, ingot_status status,
                              std::initializer_list<const char *> parts) {
  ingot_context *context = nullptr;
  expectFailure(ingot_context_create(model, nullptr, &context), status, parts);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(stubDriver().alive(), 0) << ingot_last_error();
  EXPECT_EQ(stubDriver().depth, 0);
}

static void expectWorks(ingot_model *model) {
  TestContext context(model);
  GpuSums sums(8);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
}

GPU_TEST(GpuErrors, GivesTheLogOfCodeThatDoesNotCompile) { // K5
  stubDriver().fail("cuModuleLoadDataEx", invalidPtx);
  GpuModel model;
  expectCreateFails(model.handle, INGOT_ERROR_GPU,
                    {"[IG7018]", "cuModuleLoadDataEx", "CUDA_ERROR_INVALID_PTX",
                     "for the PTX", "'fake' (sm_80)", "device 0 (Stub 0)",
                     "the driver says: ptxas application ptx input, line 7"});
  expectWorks(model.handle);
}

GPU_TEST(GpuErrors, NamesAKernelThatIsNotThere) {
  stubDriver().fail("cuModuleGetFunction", 500, 2);
  GpuModel model;
  expectCreateFails(
      model.handle, INGOT_ERROR_GPU,
      {"cuModuleGetFunction", "CUDA_ERROR_NOT_FOUND", "kernel 'k1_add'"});
  expectWorks(model.handle);
}

GPU_TEST(GpuErrors, SaysWhenTheDeviceIsTaken) { // K9
  stubDriver().fail("cuDevicePrimaryCtxRetain", unavailable);
  GpuModel model;
  expectCreateFails(model.handle, INGOT_ERROR_GPU,
                    {"cuDevicePrimaryCtxRetain",
                     "CUDA_ERROR_DEVICE_UNAVAILABLE", "exclusive mode"});
  expectWorks(model.handle);
}

GPU_TEST(GpuErrors, SaysWhenTheMemoryOfTheDeviceIsBroken) { // K9
  stubDriver().fail("cuDevicePrimaryCtxRetain", ecc);
  GpuModel model;
  expectCreateFails(model.handle, INGOT_ERROR_GPU_LOST,
                    {"[IG7019]", "CUDA_ERROR_ECC_UNCORRECTABLE"});
  expectWorks(model.handle);
}

GPU_TEST(GpuErrors, EveryCallOfCreationMayFail) {
  StubDriver &driver = stubDriver();
  GpuModel model;
  driver.calls.clear();
  expectWorks(model.handle);
  std::map<std::string, int> counts;
  for (const std::string &call : driver.calls)
    ++counts[call];
  for (auto [function, count] : counts)
    for (int nth = 1; nth <= count; ++nth) {
      int before = driver.alive();
      driver.fail(function, 999, nth);
      ingot_context *context = nullptr;
      ingot_status status =
          ingot_context_create(model.handle, nullptr, &context);
      if (status == INGOT_OK) {
        GpuSums sums(8);
        status = sums.run(context);
        if (status == INGOT_OK)
          EXPECT_TRUE(sums.right()) << function << nth;
        EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
      }
      driver.failures.clear();
      EXPECT_EQ(driver.depth, 0) << function << nth;
      // What cannot be given back is lost, and nothing else.
      bool isRelease = function.find("Free") != std::string::npos ||
                       function.find("Destroy") != std::string::npos ||
                       function.find("Release") != std::string::npos ||
                       function.find("Unload") != std::string::npos ||
                       function.find("Push") != std::string::npos;
      if (!isRelease)
        EXPECT_EQ(driver.alive(), before) << function << nth;
      expectWorks(model.handle);
    }
  EXPECT_GT(counts.size(), 15u);
}

GPU_TEST(GpuErrors, OutOfMemoryAtLoading) { // K6
  StubDriver &driver = stubDriver();
  GpuModel model;
  for (int nth : {1, 2}) {
    driver.fail("cuMemAlloc_v2", outOfMemory, nth);
    ingot_context *context = nullptr;
    ingot_status status = ingot_context_create(model.handle, nullptr, &context);
    if (status == INGOT_OK) {
      GpuSums sums(8);
      status = sums.run(context);
      EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
    }
    expectFailure(status, INGOT_ERROR_MEMORY,
                  {"[IG7011]", "cuMemAlloc", "CUDA_ERROR_OUT_OF_MEMORY",
                   "bytes", "device 0 (Stub 0)"});
    EXPECT_EQ(driver.alive(), 0);
  }
  driver.fail("cuMemHostAlloc", outOfMemory);
  expectCreateFails(model.handle, INGOT_ERROR_MEMORY, {"cuMemHostAlloc"});
  expectWorks(model.handle);
}

GPU_TEST(GpuErrors, OutOfMemoryInARunLeavesTheContextUsable) { // K6
  StubDriver &driver = stubDriver();
  driver.memory = 100000;
  GpuModel model;
  TestContext context(model.handle);
  GpuSums small(8), large(3000);
  ASSERT_EQ(small.run(context.handle), INGOT_OK) << ingot_last_error();
  for (int i = 0; i < 3; ++i) {
    expectFailure(large.run(context.handle), INGOT_ERROR_MEMORY,
                  {"cuMemAlloc", "out of memory", "bytes", "of 100000 free"});
    EXPECT_TRUE(large.untouched());
    ASSERT_EQ(small.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(small.right());
  }
  driver.memory = 1 << 30;
  ASSERT_EQ(large.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(large.right());
}

GPU_TEST(GpuErrors, NamesTheLaunchThatFails) {
  StubDriver &driver = stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(8);
  driver.fail("cuLaunchKernel", 701, 2);
  expectFailure(sums.run(context.handle), INGOT_ERROR_GPU,
                {"cuLaunchKernel failed: error 701", "kernel 'k1_add'",
                 "'add_1,add_2'", "launch 1", "model 'fake'",
                 "device 0 (Stub 0)"});
  EXPECT_TRUE(sums.untouched());
  EXPECT_STREQ(ingot_context_error(context.handle), ingot_last_error());
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
}

GPU_TEST(GpuErrors, RefusesALostDevice) { // K7
  StubDriver &driver = stubDriver();
  {
    GpuModel model;
    TestContext context(model.handle), other(model.handle);
    GpuSums sums(8);
    ASSERT_EQ(sums.run(other.handle), INGOT_OK) << ingot_last_error();
    driver.fail("cuStreamSynchronize", illegalAddress);
    expectFailure(sums.run(context.handle), INGOT_ERROR_GPU_LOST,
                  {"[IG7019]", "CUDA_ERROR_ILLEGAL_ADDRESS",
                   "an illegal memory access was encountered",
                   "ingot_profile_enable()", "model 'fake'"});
    for (ingot_context *lost : {context.handle, other.handle}) {
      driver.calls.clear();
      expectFailure(sums.run(lost), INGOT_ERROR_GPU_LOST,
                    {"device 0",
                     "was lost by an earlier failure "
                     "(CUDA_ERROR_ILLEGAL_ADDRESS)",
                     "has to be started again"});
      EXPECT_EQ(driver.count("cuLaunchKernel"), 0);
      EXPECT_EQ(driver.count("cuStreamSynchronize"), 0) << "nothing hangs";
    }
    ingot_context *fresh = nullptr;
    expectFailure(ingot_context_create(model.handle, nullptr, &fresh),
                  INGOT_ERROR_GPU_LOST, {"CUDA_ERROR_ILLEGAL_ADDRESS"});
  }
}

GPU_TEST(GpuErrors, NamesTheKernelThatLosesTheDeviceWhenTimed) { // K7
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  ASSERT_EQ(ingot_profile_enable(context.handle, 1), INGOT_OK);
  GpuSums sums(8);
  stubDriver().fail("cuEventSynchronize", illegalAddress, 2);
  expectFailure(sums.run(context.handle), INGOT_ERROR_GPU_LOST,
                {"CUDA_ERROR_ILLEGAL_ADDRESS", "kernel 'k1_add'", "launch 1"});
}

GPU_TEST(GpuErrors, ReportsTheWatchdog) { // K13
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(8);
  stubDriver().fail("cuStreamSynchronize", launchTimeout);
  expectFailure(sums.run(context.handle), INGOT_ERROR_GPU_LOST,
                {"CUDA_ERROR_LAUNCH_TIMEOUT"});
}

GPU_TEST(GpuErrors, MissesAContextThatTheProgramDestroyed) { // K8
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(8);
  stubDriver().fail("cuCtxPushCurrent_v2", 709);
  expectFailure(sums.run(context.handle), INGOT_ERROR_GPU_LOST,
                {"cuCtxPushCurrent"});
}

GPU_TEST(GpuErrors, RefusesAChildOfFork) { // K14
  stubDriver();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(8);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  inChild([] {
    ingot_model *again = nullptr;
    ASSERT_EQ(ingot_model_open(ingot_get_api_v1(), &again), INGOT_OK);
    ingot_context *fresh = nullptr;
    expectFailure(ingot_context_create(again, nullptr, &fresh),
                  INGOT_ERROR_NO_GPU,
                  {"started before this process was forked", "in the child"});
  });
  fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    stubDriver().calls.clear();
    expectFailure(sums.run(context.handle), INGOT_ERROR_NO_GPU,
                  {"before this process was forked"});
    EXPECT_EQ(ingot_context_destroy(context.handle), INGOT_OK);
    EXPECT_TRUE(stubDriver().calls.empty()) << stubDriver().calls.front();
    fflush(nullptr);
    _exit(::testing::Test::HasFailure());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << "the parent goes on";
}

GPU_TEST(GpuErrors, FallsBackInAChildOfFork) { // K14
  {
    stubDriver();
    GpuModel model;
  }
  inChild([] {
    GpuModel model;
    EXPECT_EQ(std::string(model.info().target).find("sm_"), std::string::npos);
    EXPECT_NE(std::string(model.info().fallback).find("was forked"),
              std::string::npos);
    expectWorks(model.handle);
  });
}
