//===- CodeTest.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Images, weights and launches that fake_gpu_model.c does not have: its
// descriptor for sm_80 with other parts.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

#include "lib/Runtime/Model.h"

#include <numeric>

using namespace ingot;
using namespace ingot::test;

extern "C" const IngotModelDesc ingot_model_desc;

constexpr int noBinaryForGpu = 209;

namespace {
struct ChangedModel {
  IngotModelDesc desc = *ingot_model_desc.next;
  IngotGpuDesc gpu = *desc.gpu;
  std::vector<IngotGpuImage> images = {gpu.images[0]};
  IngotGpuKernel kernels[2] = {*gpu.kernels[0], *gpu.kernels[1]};
  const IngotGpuKernel *list[2] = {&kernels[0], &kernels[1]};
  char fallback[rt::fallbackBytes] = "";
  ingot_model object = {};

  ChangedModel() {
    // The stub finds kernels by text, in machine code too.
    desc.next = nullptr;
    desc.gpu = &gpu;
    object.api = &rt::modelApi;
    object.desc = &desc;
    object.fallback = fallback;
  }

  void addMachineCode(int32_t driver = 11020) {
    IngotGpuImage image = images.back();
    image.kind = INGOT_GPU_CUBIN;
    image.driver = driver;
    images.insert(images.begin(), image);
  }

  ingot_status open() {
    gpu.images = images.data();
    gpu.num_images = int32_t(images.size());
    return rt::openModel(object, nullptr);
  }

  ingot_status run() {
    ingot_context *context = nullptr;
    ingot_status status = ingot_context_create(&object, nullptr, &context);
    if (status != INGOT_OK)
      return status;
    GpuSums sums(8);
    status = sums.run(context);
    EXPECT_TRUE(status != INGOT_OK || sums.right());
    EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
    return status;
  }
};
} // namespace

GPU_TEST(GpuCode, TakesMachineCodeFirst) {
  StubDriver &driver = stubDriver();
  // Machine code needs no cache: below a file none can be made, by root too.
  setenv("INGOT_CACHE_DIR", "/dev/null/cache", 1);
  ChangedModel model;
  model.addMachineCode();
  ASSERT_EQ(model.open(), INGOT_OK);
  ASSERT_EQ(model.run(), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.count("cuModuleLoadDataEx"), 1);
  // Machine code of the same major number also runs on later devices, unless
  // the driver says otherwise: a Jetson's differs.
  driver.devices = {87};
  driver.fail("cuModuleLoadDataEx", noBinaryForGpu);
  driver.calls.clear();
  ASSERT_EQ(model.run(), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.count("cuModuleLoadDataEx"), 2) << "then the PTX";
}

GPU_TEST(GpuCode, PassesOverMachineCodeThatDoesNotFit) {
  StubDriver &driver = stubDriver();
  ChangedModel model;
  model.addMachineCode();
  driver.devices = {90};
  // Would fail for the machine code, if that were tried.
  driver.fail("cuModuleLoadDataEx", noBinaryForGpu, 2);
  ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
  ASSERT_EQ(model.run(), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.count("cuModuleLoadDataEx"), 1);
}

GPU_TEST(GpuCode, RefusesWhereOnlyMachineCodeIsThere) {
  StubDriver &driver = stubDriver();
  ChangedModel model;
  model.addMachineCode();
  model.images.pop_back();
  driver.devices = {90};
  EXPECT_EQ(model.open(), INGOT_ERROR_NO_GPU);
  EXPECT_NE(std::string(rt::threadError())
                .find("has only machine code for other devices than device 0"),
            std::string::npos)
      << rt::threadError();
  driver.devices = {89};
  ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
  ASSERT_EQ(model.run(), INGOT_OK) << ingot_last_error();
}

/// The kernels that runWithKernels() launches.
static const IngotGpuKernel *launched;

static int64_t runWithKernels(IngotRunFrame *frame) {
  auto kernel = [](int i) {
    return reinterpret_cast<IngotKernelFn>(
        reinterpret_cast<uintptr_t>(&launched[i]));
  };
  auto *weights = const_cast<uint8_t *>(frame->weights);
  auto *x = const_cast<void *>(frame->inputs[0]);
  auto *y = const_cast<void *>(frame->inputs[1]);
  void *first[] = {&frame->status, x, weights, frame->arena};
  ingot_rt_launch(frame, 0, kernel(0), first, frame->symbols[0]);
  void *second[] = {&frame->status, frame->arena, y, frame->outputs[0]};
  ingot_rt_launch(frame, 1, kernel(1), second, frame->symbols[0]);
  return frame->status;
}

GPU_TEST(GpuCode, RunsInClusters) {
  StubDriver &driver = stubDriver();
  driver.multiprocessors = 3;
  ChangedModel model;
  for (IngotGpuKernel &kernel : model.kernels)
    kernel.cluster = 2;
  model.kernels[1].block_items = 1;
  model.kernels[1].persistent = 1;
  model.gpu.kernels = model.list;
  model.desc.run = runWithKernels;
  launched = model.kernels;
  ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
  ASSERT_EQ(model.run(), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.cluster, 2u);
  EXPECT_EQ(driver.grid, 2u) << "whole clusters, no more than fit";
  EXPECT_EQ(driver.count("cuLaunchKernelEx"), 2);
  model.kernels[1].persistent = 0;
  model.kernels[1].block_items = 3;
  ASSERT_EQ(model.run(), INGOT_OK) << ingot_last_error();
  EXPECT_EQ(driver.grid, 4u) << "three blocks, and one to fill the cluster";
}

// The stub is a driver for CUDA 11, which has none.
GPU_TEST(GpuCode, TensorMapsNeedALaterDriver) {
  stubDriver();
  for (bool isWindow : {false, true}) {
    ChangedModel model;
    IngotGpuTensorMap map = {};
    map.rank = 4;
    map.steps[0] = isWindow;
    model.kernels[1].maps = &map;
    model.kernels[1].num_maps = 1;
    model.gpu.kernels = model.list;
    ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
    EXPECT_EQ(model.run(), INGOT_ERROR_NO_GPU);
    EXPECT_NE(std::string(ingot_last_error())
                  .find("has tensor maps, which need a driver for CUDA 12.0"),
              std::string::npos)
        << ingot_last_error();
  }
}

GPU_TEST(GpuCode, ClearsCountersForEachRun) {
  StubDriver &driver = stubDriver();
  ChangedModel model;
  driver.counters = model.kernels[0].counters = 3;
  driver.room = model.kernels[0].sums = 1000;
  model.gpu.kernels = model.list;
  model.desc.run = runWithKernels;
  launched = model.kernels;
  ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
  ingot_context *contexts[2];
  for (ingot_context *&context : contexts)
    ASSERT_EQ(ingot_context_create(&model.object, nullptr, &context), INGOT_OK);
  // Launched, recorded, and started again; shapes change where counters are.
  for (int64_t batch : {8, 8, 8, 40})
    for (ingot_context *context : contexts) {
      GpuSums sums(batch);
      ASSERT_EQ(sums.run(context), INGOT_OK) << ingot_last_error();
      EXPECT_TRUE(sums.right());
    }
  EXPECT_EQ(driver.counted, std::vector<uint32_t>(3 * 8, 0));
  ASSERT_EQ(driver.rooms.size(), 8u);
  EXPECT_NE(driver.rooms[0], driver.rooms[1]) << "contexts share nothing";
  EXPECT_EQ(driver.rooms[0], driver.rooms[2]);
  for (ingot_context *context : contexts)
    EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
}

/// A launch of so many work items fails.
static void expectTooMany(int64_t items) {
  static int64_t wanted;
  wanted = items;
  stubDriver();
  ChangedModel model;
  model.desc.run = [](IngotRunFrame *frame) -> int64_t {
    void *args[] = {&frame->status, nullptr, nullptr, nullptr};
    ingot_rt_launch(
        frame, 0,
        reinterpret_cast<IngotKernelFn>(reinterpret_cast<uintptr_t>(launched)),
        args, wanted);
    return frame->status;
  };
  model.gpu.kernels = model.list;
  launched = model.kernels;
  ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
  expectFailure(model.run(), INGOT_ERROR_GPU,
                {"cuLaunchKernel", "CUDA_ERROR_INVALID_VALUE", "launch 0"});
}

GPU_TEST(GpuCode, RefusesALaunchThatNoGridHolds) {
  expectTooMany(int64_t(1) << 40);
}

GPU_TEST(GpuCode, RefusesMoreThreadsThanKernelsCanNumber) {
  expectTooMany(int64_t(1) << 33);
}

GPU_TEST(GpuCode, UploadsLargeWeightsInPieces) {
  StubDriver &driver = stubDriver();
  std::vector<uint64_t> weights((uint64_t(20) << 20) / 8 + 3);
  std::iota(weights.begin(), weights.end(), 1);
  float scale[4] = {1, 2, 3, 4};
  memcpy(weights.data(), scale, sizeof(scale));
  ChangedModel model;
  model.desc.weights = reinterpret_cast<const uint8_t *>(weights.data());
  model.desc.weight_bytes = weights.size() * 8;
  ASSERT_EQ(model.open(), INGOT_OK) << rt::threadError();
  ingot_context *context = nullptr;
  ASSERT_EQ(ingot_context_create(&model.object, nullptr, &context), INGOT_OK)
      << ingot_last_error();
  EXPECT_EQ(driver.count("cuMemcpyHtoDAsync_v2"), 3);
  EXPECT_EQ(memcmp(driver.largest(), weights.data(), weights.size() * 8), 0);
  EXPECT_EQ(driver.pinned, 0) << "only while it is needed";
  GpuSums sums(8);
  ASSERT_EQ(sums.run(context), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
  EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
}
