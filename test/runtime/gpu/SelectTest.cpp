//===- SelectTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which target of a model is used, and what is said of the others.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

using namespace ingot;
using namespace ingot::test;

static std::string targetOf(const ingot_context *context) {
  ingot_context_info info = {};
  info.size = sizeof(info);
  EXPECT_EQ(ingot_context_describe(context, &info), INGOT_OK);
  return info.target;
}

/// Opens the model where no GPU can be used: it runs on the processor, and
/// tells why.
static void expectFallback(const std::string &reason) {
  GpuModel model;
  ingot_model_info info = model.info();
  EXPECT_EQ(std::string(info.target).find("sm_"), std::string::npos);
  EXPECT_EQ(info.fallback, reason);
  TestContext context(model.handle);
  GpuSums sums(5);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
}

/// Opens the model for sm_80 where that cannot be.
static void expectRefused(std::initializer_list<const char *> parts) {
  setenv("INGOT_TARGET", "sm_80", 1);
  ingot_model *model = nullptr;
  expectFailure(ingot_model_open(ingot_get_api_v1(), &model),
                INGOT_ERROR_NO_GPU, parts);
  EXPECT_EQ(model, nullptr);
}

GPU_TEST(GpuSelect, RunsOnTheProcessorWithoutADriver) { // K1
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    GTEST_SKIP() << "this machine has a driver";
  expectFallback("sm_90a, sm_80: libcuda.so.1 was not found");
}

GPU_TEST(GpuSelect, RefusesAGpuWithoutADriver) { // K1
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    GTEST_SKIP() << "this machine has a driver";
  expectRefused({"[IG7017]", "'fake'", "sm_80: libcuda.so.1 was not found"});
}

GPU_TEST(GpuSelect, TakesTheExactTarget) {
  stubDriver().devices = {90};
  GpuModel model;
  EXPECT_STREQ(model.info().target, "sm_90a");
  EXPECT_STREQ(model.info().fallback, "");
}

GPU_TEST(GpuSelect, TakesAnOlderGenericTarget) {
  stubDriver().devices = {120};
  GpuModel model;
  EXPECT_STREQ(model.info().target, "sm_80");
  EXPECT_STREQ(model.info().fallback,
               "sm_90a: needs compute capability 9.0 and no other, device 0 "
               "(Stub 0) has 12.0");
}

GPU_TEST(GpuSelect, PassesOverADriverTooOldForOneTarget) { // K2
  stubDriver().devices = {90};
  stubDriver().version = 11080;
  GpuModel model;
  EXPECT_STREQ(model.info().target, "sm_80");
  EXPECT_STREQ(model.info().fallback, "sm_90a: needs a driver for CUDA 12.0 or "
                                      "later, this one is for 11.8");
}

GPU_TEST(GpuSelect, NamesBothVersionsOfADriverTooOld) { // K2
  stubDriver().version = 10020;
  expectFallback("sm_90a, sm_80: the driver is for CUDA 10.2, 11.2 or later is "
                 "needed: update the driver");
}

GPU_TEST(GpuSelect, SaysThatThereIsNoDevice) { // K3
  stubDriver().devices = {};
  expectFallback("sm_90a, sm_80: the driver finds no device "
                 "(CUDA_VISIBLE_DEVICES may hide them)");
}

GPU_TEST(GpuSelect, RefusesWithoutADevice) { // K3
  stubDriver().devices = {};
  expectRefused({"[IG7017]", "finds no device", "CUDA_VISIBLE_DEVICES"});
}

GPU_TEST(GpuSelect, SaysThatTheDeviceIsTooOld) { // K4
  stubDriver().devices = {75};
  expectFallback("sm_90a: needs compute capability 9.0 and no other, device 0 "
                 "(Stub 0) has 7.5; sm_80: needs compute capability 8.0, "
                 "device 0 (Stub 0) has 7.5");
}

GPU_TEST(GpuSelect, RefusesADeviceThatIsTooOld) { // K4
  stubDriver().devices = {75};
  expectRefused({"[IG7017]", "capability 8.0", "has 7.5"});
}

GPU_TEST(GpuSelect, SaysWhyTheDriverDoesNotStart) { // K9
  stubDriver().fail("cuInit", 214);
  expectFallback("sm_90a, sm_80: cuInit failed: CUDA_ERROR_ECC_UNCORRECTABLE");
}

GPU_TEST(GpuSelect, SaysWhatAnotherErrorNumberIs) { // K9
  stubDriver().fail("cuInit", 4711);
  expectRefused({"cuInit failed: error 4711"});
}

GPU_TEST(GpuSelect, TriesTheDriverAgain) {
  stubDriver().fail("cuInit", 3);
  {
    expectFallback("sm_90a, sm_80: cuInit failed: error 3");
  }
  GpuModel model;
  EXPECT_STREQ(model.info().target, "sm_80");
}

GPU_TEST(GpuSelect, ObeysTheEnvironment) {
  stubDriver().devices = {90};
  setenv("INGOT_TARGET", "sm_80", 1);
  {
    GpuModel model;
    EXPECT_STREQ(model.info().target, "sm_80");
    EXPECT_STREQ(model.info().fallback, "");
  }
  setenv("INGOT_TARGET", "sm_70", 1);
  ingot_model *model = nullptr;
  expectFailure(ingot_model_open(ingot_get_api_v1(), &model),
                INGOT_ERROR_ARGUMENT,
                {"INGOT_TARGET asks for 'sm_70'", "'fake' was compiled for "
                                                  "sm_90a, sm_80, "});
}

GPU_TEST(GpuSelect, ChoosesForEachDevice) {
  stubDriver().devices = {90, 86, 75};
  GpuModel model;
  EXPECT_STREQ(model.info().target, "sm_90a");
  ingot_context_options options = {};
  TestContext first(model.handle, options);
  EXPECT_EQ(targetOf(first.handle), "sm_90a");
  options.device = 1;
  TestContext second(model.handle, options);
  EXPECT_EQ(targetOf(second.handle), "sm_80");
  GpuSums sums(9);
  EXPECT_EQ(sums.run(second.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
  options.size = sizeof(options);
  ingot_context *context = nullptr;
  options.device = 2;
  expectFailure(ingot_context_create(model.handle, &options, &context),
                INGOT_ERROR_NO_GPU, {"needs compute capability", "has 7.5"});
  options.device = 3;
  expectFailure(ingot_context_create(model.handle, &options, &context),
                INGOT_ERROR_NO_GPU,
                {"there is no device 3", "the driver lists 3"});
  options.device = -1;
  expectFailure(ingot_context_create(model.handle, &options, &context),
                INGOT_ERROR_NO_GPU, {"no device -1"});
}
