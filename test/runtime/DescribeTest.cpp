//===- DescribeTest.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a model says about itself, and models that are refused.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/TestModel.h"

using namespace ingot;
using namespace ingot::test;

TEST(Describe, TellsEverythingOfTheModel) {
  SumModel model;
  ingot_model_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(ingot_model_describe(model.get(), &info), INGOT_OK);
  EXPECT_STREQ(info.name, "test");
  EXPECT_STREQ(info.compiler_version, "1.2.3");
  EXPECT_STREQ(info.target, "any");
  EXPECT_STREQ(info.content_hash, "beef");
  EXPECT_STREQ(info.precision, "f16 (1 of 2 weights)");
  EXPECT_EQ(info.num_inputs, 2);
  EXPECT_EQ(info.num_outputs, 1);
  EXPECT_EQ(info.num_symbols, 1);
  EXPECT_EQ(info.num_launches, 2);
  EXPECT_EQ(info.weight_bytes, 7u);
  EXPECT_EQ(info.code_bytes, 8u);
  EXPECT_EQ(info.arena_lower_bound, 9u);
  EXPECT_EQ(info.arena_bytes, 0u) << "it depends on the batch";
  EXPECT_EQ(info.abi_version, INGOT_ABI_VERSION);
}

TEST(Describe, GivesTheArenaOfAStaticModel) {
  TestModel model;
  ingot_model_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(ingot_model_describe(model.get(), &info), INGOT_OK);
  EXPECT_EQ(info.arena_bytes, 1000u);
}

TEST(Describe, GivesTheArenaOfSymbolValues) {
  SumModel model;
  uint64_t bytes = 0;
  int64_t batch = 10;
  ASSERT_EQ(ingot_model_arena(model.get(), &batch, 1, &bytes), INGOT_OK);
  EXPECT_EQ(bytes, 160u);
  expectFailure(ingot_model_arena(model.get(), &batch, 2, &bytes),
                INGOT_ERROR_COUNT, {"1 symbols", "of 2"});
  batch = -1;
  expectFailure(ingot_model_arena(model.get(), &batch, 1, &bytes),
                INGOT_ERROR_SHAPE, {"'batch'", "-1"});
  batch = INT64_MAX;
  expectFailure(ingot_model_arena(model.get(), &batch, 1, &bytes),
                INGOT_ERROR_LIMIT, {"arena"});
}

TEST(Describe, ListsTensorsSymbolsAndLaunches) {
  SumModel model;
  ingot_tensor_info tensor = {};
  tensor.size = sizeof(tensor);
  ASSERT_EQ(ingot_model_input(model.get(), 1, &tensor), INGOT_OK);
  EXPECT_STREQ(tensor.name, "y");
  EXPECT_EQ(tensor.dtype, INGOT_FLOAT32);
  ASSERT_EQ(tensor.rank, 2);
  EXPECT_EQ(tensor.dims[0], -1);
  EXPECT_EQ(tensor.dims[1], 4);
  ASSERT_EQ(ingot_model_output(model.get(), 0, &tensor), INGOT_OK);
  EXPECT_STREQ(tensor.name, "z");
  const char *symbol = nullptr;
  ASSERT_EQ(ingot_model_symbol(model.get(), 0, &symbol), INGOT_OK);
  EXPECT_STREQ(symbol, "batch");
  ingot_launch_info launch = {};
  launch.size = sizeof(launch);
  ASSERT_EQ(ingot_model_launch(model.get(), 0, &launch), INGOT_OK);
  EXPECT_STREQ(launch.kernel, "k0");
  EXPECT_STREQ(launch.nodes, "node_a,node_b");
}

TEST(Describe, RefusesIndicesThatAreNotThere) {
  SumModel model;
  ingot_tensor_info tensor = {};
  tensor.size = sizeof(tensor);
  ingot_launch_info launch = {};
  launch.size = sizeof(launch);
  const char *symbol = nullptr;
  expectFailure(ingot_model_input(model.get(), 2, &tensor),
                INGOT_ERROR_ARGUMENT, {"input number 2", "has 2"});
  expectFailure(ingot_model_input(model.get(), -1, &tensor),
                INGOT_ERROR_ARGUMENT, {"number -1"});
  expectFailure(ingot_model_output(model.get(), INT32_MAX, &tensor),
                INGOT_ERROR_ARGUMENT, {"output number 2147483647"});
  expectFailure(ingot_model_launch(model.get(), 2, &launch),
                INGOT_ERROR_ARGUMENT, {"launch number 2"});
  expectFailure(ingot_model_symbol(model.get(), 1, &symbol),
                INGOT_ERROR_ARGUMENT, {"symbol number 1"});
}

TEST(Describe, WritesNoMoreThanTheCallerHasRoomFor) {
  SumModel model;
  struct {
    ingot_model_info info;
    uint64_t beyond;
  } newer = {};
  newer.info.size = sizeof(newer);
  newer.beyond = 5;
  ASSERT_EQ(ingot_model_describe(model.get(), &newer.info), INGOT_OK);
  EXPECT_EQ(newer.beyond, 0u) << "unknown fields are cleared";
  EXPECT_EQ(newer.info.size, sizeof(newer));

  ingot_model_info older = {};
  older.size = offsetof(ingot_model_info, target);
  older.target = "kept";
  ASSERT_EQ(ingot_model_describe(model.get(), &older), INGOT_OK);
  EXPECT_STREQ(older.compiler_version, "1.2.3");
  EXPECT_STREQ(older.target, "kept");

  older.size = 0;
  expectFailure(ingot_model_describe(model.get(), &older), INGOT_ERROR_ARGUMENT,
                {"'size'"});
}

TEST(Describe, RefusesNullHandles) {
  ingot_model_info info = {};
  expectFailure(ingot_model_describe(nullptr, &info), INGOT_ERROR_ARGUMENT,
                {"[IG7001]", "null"});
  expectFailure(ingot_run(nullptr, nullptr, 0, nullptr, 0),
                INGOT_ERROR_ARGUMENT, {"null"});
  expectFailure(ingot_model_open(nullptr, nullptr), INGOT_ERROR_ARGUMENT,
                {"null"});
  EXPECT_EQ(ingot_context_destroy(nullptr), INGOT_OK);
  EXPECT_STREQ(ingot_context_error(nullptr), "");
}

TEST(Open, OpensTheLinkedModel) {
  ingot_model *model = nullptr;
  ASSERT_EQ(ingot_model_open(ingot_get_api_v1(), &model), INGOT_OK);
  ingot_model_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(ingot_model_describe(model, &info), INGOT_OK);
  EXPECT_STREQ(info.name, "fake");
  ingot_context *context = nullptr;
  ASSERT_EQ(ingot_context_create(model, nullptr, &context), INGOT_OK);
  expectFailure(ingot_model_close(model), INGOT_ERROR_BUSY, {"1 contexts"});
  EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
  EXPECT_EQ(ingot_model_close(model), INGOT_OK);
  expectFailure(ingot_model_close(model), INGOT_ERROR_ARGUMENT, {"more often"});
}

TEST(Open, RefusesAnotherInterface) {
  ingot_api_v1 newer = *ingot_get_api_v1();
  newer.version = 2;
  ingot_model *model = nullptr;
  expectFailure(ingot_model_open(&newer, &model), INGOT_ERROR_VERSION,
                {"[IG7003]", "version"});
  EXPECT_EQ(model, nullptr);

  SumModel other;
  other.desc.abi_version = 77;
  expectFailure(ingot_status(rt::openModel(*other.get(), nullptr)),
                INGOT_ERROR_VERSION, {});
  EXPECT_NE(std::string(rt::modelApi.thread_error()).find("version 77"),
            std::string::npos);
}

TEST(Open, NamesTheFeatureThatTheProcessorLacks) {
  SumModel model;
  model.desc.required_features = "avx9999,abc";
  model.desc.target = "x86-64-v9";
  EXPECT_EQ(rt::openModel(*model.get(), nullptr), INGOT_ERROR_CPU);
  std::string text = rt::modelApi.thread_error();
  EXPECT_EQ(text.rfind("[IG7004] ", 0), 0u) << text;
  EXPECT_NE(text.find("'avx9999'"), std::string::npos) << text;
  EXPECT_NE(text.find("x86-64-v9"), std::string::npos) << text;
}

TEST(Open, RefusesASymbolWithoutASource) {
  SumModel model;
  model.symbols.push_back("height");
  EXPECT_EQ(rt::openModel(*model.get(), nullptr), INGOT_ERROR_VERSION);
  std::string text = rt::modelApi.thread_error();
  EXPECT_NE(text.find("'height'"), std::string::npos) << text;
}

TEST(Tensors, BytesAreExactAndOverflowIsSeen) {
  uint64_t bytes = 0;
  int64_t shape[] = {3, 5};
  EXPECT_TRUE(ingot_tensor_bytes(INGOT_FLOAT32, 2, shape, &bytes));
  EXPECT_EQ(bytes, 60u);
  EXPECT_TRUE(ingot_tensor_bytes(INGOT_INT4, 2, shape, &bytes));
  EXPECT_EQ(bytes, 8u);
  EXPECT_TRUE(ingot_tensor_bytes(INGOT_UINT2, 2, shape, &bytes));
  EXPECT_EQ(bytes, 4u);
  EXPECT_TRUE(ingot_tensor_bytes(INGOT_BOOL, 0, nullptr, &bytes));
  EXPECT_EQ(bytes, 1u);
  int64_t empty[] = {INT64_MAX, 0, INT64_MAX};
  EXPECT_TRUE(ingot_tensor_bytes(INGOT_FLOAT64, 3, empty, &bytes));
  EXPECT_EQ(bytes, 0u);
  int64_t huge[] = {int64_t(1) << 40, int64_t(1) << 40};
  EXPECT_FALSE(ingot_tensor_bytes(INGOT_FLOAT32, 2, huge, &bytes));
  int64_t edge[] = {int64_t(1) << 62};
  EXPECT_FALSE(ingot_tensor_bytes(INGOT_FLOAT32, 1, edge, &bytes));
  int64_t negative[] = {0, -1};
  EXPECT_FALSE(ingot_tensor_bytes(INGOT_FLOAT32, 2, negative, &bytes));
  EXPECT_FALSE(ingot_tensor_bytes(8, 0, nullptr, &bytes)) << "strings";
  EXPECT_FALSE(ingot_tensor_bytes(INT32_MIN, 0, nullptr, &bytes));
}
