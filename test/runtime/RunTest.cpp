//===- RunTest.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Right results: any shape, any alignment, any arena; profiles; cancelling.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/TestModel.h"

#include <thread>
#include <unistd.h>

using namespace ingot;
using namespace ingot::test;

/// Sanitized builds: a failed allocation is a test here, not an error.
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}

TEST(Run, FollowsTheShapesOfTheInputs) {
  SumModel model;
  TestContext context(model.get());
  for (int64_t batch : {1, 7, 0, 1000, 3, 3}) {
    Sums sums(batch);
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(sums.right()) << batch;
    ingot_tensor_info info = {};
    info.size = sizeof(info);
    ASSERT_EQ(ingot_context_output(context.handle, 0, &info), INGOT_OK);
    EXPECT_EQ(info.dims[0], batch);
    EXPECT_EQ(info.dims[1], 4);
  }
}

TEST(Run, TakesUnalignedBuffers) {
  SumModel model;
  TestContext context(model.get());
  for (size_t offset : {1, 2, 4, 63}) {
    Sums sums(5);
    std::vector<char> x(80 + offset), y(80 + offset), z(80 + offset);
    memcpy(x.data() + offset, sums.x.data(), 80);
    memcpy(y.data() + offset, sums.y.data(), 80);
    sums.inputs[0].data = x.data() + offset;
    sums.inputs[1].data = y.data() + offset;
    sums.outputs[0].data = z.data() + offset;
    ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
    memcpy(sums.z.data(), z.data() + offset, 80);
    EXPECT_TRUE(sums.right());
  }
}

TEST(Run, OutputShapeNeedNotBeGiven) {
  SumModel model;
  TestContext context(model.get());
  Sums sums(3);
  sums.outputs[0].rank = 0;
  sums.outputs[0].dims = nullptr;
  ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
}

TEST(Run, EmptyTensorsMayBeNull) {
  SumModel model;
  TestContext context(model.get());
  Sums sums(0);
  sums.inputs[0].data = sums.inputs[1].data = sums.outputs[0].data = nullptr;
  EXPECT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
}

TEST(Prepare, GivesShapesAndTheArenaAhead) {
  SumModel model;
  TestContext context(model.get());
  ingot_tensor_info output = {};
  output.size = sizeof(output);
  expectFailure(ingot_context_output(context.handle, 0, &output),
                INGOT_ERROR_ARGUMENT, {"output 'z'", "prepare"});
  Sums sums(50);
  sums.inputs[0].data = sums.inputs[1].data = nullptr; // not looked at
  ASSERT_EQ(ingot_context_prepare(context.handle, sums.inputs, 2), INGOT_OK);
  ASSERT_EQ(ingot_context_output(context.handle, 0, &output), INGOT_OK);
  EXPECT_EQ(output.dims[0], 50);
  ingot_context_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(ingot_context_describe(context.handle, &info), INGOT_OK);
  EXPECT_EQ(info.arena_bytes, 800u);
  EXPECT_EQ(info.threads, 1);
  Sums fewer(20);
  ASSERT_EQ(fewer.run(context.handle), INGOT_OK);
  ASSERT_EQ(ingot_context_describe(context.handle, &info), INGOT_OK);
  EXPECT_EQ(info.arena_bytes, 800u) << "a smaller need keeps the memory";
}

TEST(ArenaMemory, OfTheCallersIsUsedAndNotExceeded) {
  SumModel model;
  std::vector<char> memory(1 + 62 * 16 + 63); // up to 63 go to alignment
  ingot_context_options options = {};
  options.arena = memory.data() + 1; // any alignment
  options.arena_bytes = memory.size() - 1;
  TestContext context(model.get(), options);
  Sums fits(62);
  ASSERT_EQ(fits.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(fits.right());
  Sums tooLarge(67);
  expectFailure(tooLarge.run(context.handle), INGOT_ERROR_LIMIT,
                {"arena of 1072 bytes"});
  EXPECT_TRUE(tooLarge.untouched());
  Sums again(62);
  ASSERT_EQ(again.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(again.right());
}

TEST(ArenaMemory, StaysUnderTheLimit) {
  SumModel model;
  ingot_context_options options = {};
  options.max_arena_bytes = 160;
  TestContext context(model.get(), options);
  Sums fits(10), tooLarge(11);
  EXPECT_EQ(fits.run(context.handle), INGOT_OK);
  expectFailure(tooLarge.run(context.handle), INGOT_ERROR_LIMIT,
                {"176 bytes", "limit is 160"});
  EXPECT_EQ(fits.run(context.handle), INGOT_OK);

  TestModel fixed; // 1000 bytes
  ingot_context *none = nullptr;
  options.size = sizeof(options);
  expectFailure(ingot_context_create(fixed.get(), &options, &none),
                INGOT_ERROR_LIMIT, {"1000 bytes", "limit is 160"});
  EXPECT_EQ(none, nullptr);
}

TEST(ArenaMemory, ThatCannotBeHadIsAnError) {
  TestModel model;
  model.desc.arena_bytes = [](const int64_t *) { return INT64_MAX; };
  ingot_context *none = nullptr;
  expectFailure(ingot_context_create(model.get(), nullptr, &none),
                INGOT_ERROR_MEMORY, {"9223372036854775807 bytes"});
}

TEST(ArenaMemory, IsAligned) {
  TestModel model;
  model.body = [](IngotRunFrame *frame) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame->arena) % 64, 0u);
    memset(frame->arena, 1, 1000);
  };
  TestContext context(model.get());
  EXPECT_EQ(ingot_run(context.handle, nullptr, 0, nullptr, 0), INGOT_OK);
}

TEST(Profile, TimesEachLaunchOfTheLastRun) {
  TestModel model;
  model.body = [](IngotRunFrame *frame) {
    launch(frame, 0, 1, [](int64_t, int64_t, int64_t) { usleep(2000); });
    launch(frame, 1, 1, [](int64_t, int64_t, int64_t) {});
  };
  TestContext context(model.get());
  uint64_t times[2] = {7, 7};
  auto run = [&] { return ingot_run(context.handle, nullptr, 0, nullptr, 0); };
  ASSERT_EQ(run(), INGOT_OK);
  ASSERT_EQ(ingot_profile_read(context.handle, times, 2), INGOT_OK);
  EXPECT_EQ(times[0], 0u) << "not asked for";
  ASSERT_EQ(ingot_profile_enable(context.handle, 1), INGOT_OK);
  ASSERT_EQ(run(), INGOT_OK);
  ASSERT_EQ(ingot_profile_read(context.handle, times, 2), INGOT_OK);
  EXPECT_GE(times[0], 2000000u);
  EXPECT_LT(times[1], times[0]);
  ASSERT_EQ(ingot_profile_enable(context.handle, 0), INGOT_OK);
  expectFailure(ingot_profile_read(context.handle, times, 1), INGOT_ERROR_COUNT,
                {"2 launches", "room for 1"});
  expectFailure(ingot_profile_read(context.handle, nullptr, 2),
                INGOT_ERROR_ARGUMENT, {"null"});
}

TEST(Cancel, StopsAfterTheKernelAndLeavesTheContextUsable) {
  TestModel model;
  ingot_context *handle = nullptr;
  bool cancelling = true;
  int later = 0;
  model.body = [&](IngotRunFrame *frame) {
    launch(frame, 0, 1, [&](int64_t, int64_t, int64_t) {
      if (cancelling)
        std::thread([&] { ingot_cancel(handle); }).join();
    });
    launch(frame, 1, 1, [&](int64_t, int64_t, int64_t) { ++later; });
  };
  TestContext context(model.get());
  handle = context.handle;
  expectFailure(ingot_run(handle, nullptr, 0, nullptr, 0),
                INGOT_ERROR_CANCELLED, {"cancelled"});
  EXPECT_EQ(later, 0);
  cancelling = false;
  ingot_cancel(handle); // nothing in progress: no effect
  EXPECT_EQ(ingot_run(handle, nullptr, 0, nullptr, 0), INGOT_OK);
  EXPECT_EQ(later, 1);
}

TEST(Busy, ContextIsNotEnteredTwice) {
  TestModel model;
  ingot_context *handle = nullptr;
  ingot_status inner = INGOT_OK, destroy = INGOT_OK;
  model.body = [&](IngotRunFrame *frame) {
    inner = ingot_run(handle, nullptr, 0, nullptr, 0);
    destroy = ingot_context_destroy(handle);
  };
  TestContext context(model.get());
  handle = context.handle;
  EXPECT_EQ(ingot_run(handle, nullptr, 0, nullptr, 0), INGOT_OK);
  EXPECT_EQ(inner, INGOT_ERROR_BUSY);
  EXPECT_EQ(destroy, INGOT_ERROR_BUSY);
}
