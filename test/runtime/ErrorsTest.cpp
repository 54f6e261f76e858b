//===- ErrorsTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every wrong way to call a model: refused with a sentence, nothing written,
// and the context works afterwards.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/TestModel.h"

#include <cmath>

using namespace ingot;
using namespace ingot::test;

namespace {

/// A context of a SumModel that must be as good as new after the failure.
class Errors : public ::testing::Test {
protected:
  SumModel model;
  TestContext context{model.get()};
  Sums sums{6};

  void expectRefused(ingot_status status,
                     std::initializer_list<const char *> parts) {
    expectFailure(sums.run(context.handle), status, parts);
    EXPECT_STREQ(ingot_context_error(context.handle), ingot_last_error());
    EXPECT_TRUE(sums.untouched());
    Sums good(6);
    EXPECT_EQ(good.run(context.handle), INGOT_OK) << ingot_last_error();
    EXPECT_TRUE(good.right());
  }
};

} // namespace

TEST_F(Errors, WrongCount) {
  expectFailure(ingot_run(context.handle, sums.inputs, 1, sums.outputs, 1),
                INGOT_ERROR_COUNT, {"expected 2 inputs", "got 1"});
  expectFailure(ingot_run(context.handle, sums.inputs, 2, sums.outputs, 0),
                INGOT_ERROR_COUNT, {"expected 1 outputs", "got 0"});
  expectFailure(ingot_run(context.handle, sums.inputs, -1, sums.outputs, 1),
                INGOT_ERROR_COUNT, {"got -1"});
}

TEST_F(Errors, NullArrays) {
  expectFailure(ingot_run(context.handle, nullptr, 2, sums.outputs, 1),
                INGOT_ERROR_ARGUMENT, {"array of inputs is null"});
  expectFailure(ingot_run(context.handle, sums.inputs, 2, nullptr, 1),
                INGOT_ERROR_ARGUMENT, {"array of outputs is null"});
  sums.inputs[1].dims = nullptr;
  expectRefused(INGOT_ERROR_ARGUMENT, {"input 'y'", "dims are null"});
}

TEST_F(Errors, WrongType) {
  sums.inputs[1].dtype = INGOT_INT64;
  expectRefused(INGOT_ERROR_DTYPE, {"input 'y' (number 1)",
                                    "expected type "
                                    "float",
                                    "got int64 (7)"});
}

TEST_F(Errors, UnknownType) {
  sums.inputs[0].dtype = -5;
  expectRefused(INGOT_ERROR_DTYPE, {"input 'x'", "got unknown (-5)"});
}

TEST_F(Errors, WrongTypeOfOutput) {
  sums.outputs[0].dtype = INGOT_FLOAT16;
  expectRefused(INGOT_ERROR_DTYPE, {"output 'z'", "float16"});
}

TEST_F(Errors, WrongRank) {
  sums.inputs[0].rank = 3;
  expectRefused(INGOT_ERROR_RANK,
                {"input 'x'", "expected rank 2", "['batch', 4]", "got rank 3"});
}

TEST_F(Errors, HugeAndNegativeRank) {
  sums.inputs[0].rank = INT32_MAX;
  expectFailure(sums.run(context.handle), INGOT_ERROR_RANK, {"2147483647"});
  sums.inputs[0].rank = -1;
  expectRefused(INGOT_ERROR_RANK, {"got rank -1"});
}

TEST_F(Errors, WrongShape) {
  int64_t dims[] = {6, 5};
  sums.inputs[0].dims = dims;
  expectRefused(INGOT_ERROR_SHAPE, {"input 'x'", "expected shape ['batch', 4]",
                                    "got [6, 5]", "dimension 1 differs"});
}

TEST_F(Errors, NegativeDimension) {
  int64_t dims[] = {INT64_MIN, 4};
  sums.inputs[0].dims = dims;
  expectRefused(INGOT_ERROR_SHAPE,
                {"input 'x'", "-9223372036854775808", "is negative"});
}

TEST_F(Errors, SymbolWithTwoValues) {
  int64_t dims[] = {5, 4};
  sums.inputs[1].dims = dims;
  expectRefused(INGOT_ERROR_SHAPE, {"input 'y'", "dimension 0 is 5",
                                    "'batch' is already 6", "input 'x'"});
}

TEST_F(Errors, SizeOverflow) {
  int64_t dims[] = {int64_t(1) << 61, 4};
  sums.inputs[0].dims = sums.inputs[1].dims = dims;
  expectRefused(INGOT_ERROR_SHAPE, {"input 'x'", "2305843009213693952", "63"});
}

TEST_F(Errors, ShapeThatTheModelForbids) {
  Sums unlucky(13);
  expectFailure(unlucky.run(context.handle), INGOT_ERROR_SHAPE,
                {"negative size"});
  Sums good(6);
  EXPECT_EQ(good.run(context.handle), INGOT_OK);
  EXPECT_TRUE(good.right());
}

TEST_F(Errors, HugeDimensionIsRefusedNotAllocated) {
  int64_t dims[] = {int64_t(1) << 51, 4};
  sums.inputs[0].dims = sums.inputs[1].dims = dims;
  sums.inputs[0].bytes = sums.inputs[1].bytes = UINT64_MAX;
  expectRefused(INGOT_ERROR_LIMIT, {"arena"});
}

TEST_F(Errors, NullData) {
  sums.inputs[0].data = nullptr;
  expectRefused(INGOT_ERROR_BUFFER, {"input 'x'", "data is null"});
}

TEST_F(Errors, NullOutputData) {
  sums.outputs[0].data = nullptr;
  expectRefused(INGOT_ERROR_BUFFER, {"output 'z'", "data is null"});
}

TEST_F(Errors, BufferTooSmall) {
  sums.inputs[0].bytes = 95;
  expectRefused(INGOT_ERROR_BUFFER,
                {"input 'x'", "[6, 4] of float", "needs 96 bytes", "has 95"});
}

TEST_F(Errors, OutputBufferTooSmall) {
  sums.outputs[0].bytes = 0;
  expectRefused(INGOT_ERROR_BUFFER, {"output 'z'", "96", "has 0"});
}

TEST_F(Errors, WrongOutputShape) {
  int64_t dims[] = {4, 6};
  sums.outputs[0].dims = dims;
  expectRefused(INGOT_ERROR_SHAPE,
                {"output 'z'", "expected shape [6, 4]", "got [4, 6]"});
}

TEST_F(Errors, OverlappingBuffers) {
  sums.outputs[0].data = sums.x.data();
  expectFailure(sums.run(context.handle), INGOT_ERROR_BUFFER,
                {"output 'z'", "overlaps", "input 'x'"});
  sums.outputs[0].data = sums.y.data() + 23;
  expectRefused(INGOT_ERROR_BUFFER, {"output 'z'", "input 'y'"});
}

TEST_F(Errors, InputsMayOverlap) {
  sums.inputs[1].data = sums.x.data();
  EXPECT_EQ(sums.run(context.handle), INGOT_OK);
  EXPECT_EQ(sums.z[5], 10.0f);
}

TEST_F(Errors, BufferInsideTheArena) {
  std::vector<char> memory(4096);
  ingot_context_options options = {};
  options.arena = memory.data();
  options.arena_bytes = memory.size();
  TestContext own(model.get(), options);
  sums.outputs[0].data = memory.data() + 200;
  expectFailure(sums.run(own.handle), INGOT_ERROR_BUFFER,
                {"output 'z'", "overlaps the arena"});
  sums.outputs[0].data = sums.z.data();
  sums.inputs[0].data = memory.data() + 200;
  expectFailure(sums.run(own.handle), INGOT_ERROR_BUFFER,
                {"input 'x'", "overlaps the arena"});
}

TEST(ErrorTexts, EscapeAndCutNames) {
  SumModel model;
  std::string longName(5000, 'n');
  model.inputs[0].name = "a\nb\x1b'";
  model.inputs[1].name = longName.c_str();
  TestContext context(model.get());
  Sums sums(2);
  sums.inputs[0].dtype = 2;
  expectFailure(sums.run(context.handle), INGOT_ERROR_DTYPE,
                {"'a\\x0ab\\x1b\\x27'"});
  sums.inputs[0].dtype = 1;
  sums.inputs[1].dtype = 2;
  expectFailure(sums.run(context.handle), INGOT_ERROR_DTYPE,
                {"nnn...'", "got uint8"});
}

TEST(ErrorTexts, AreCutAtTheEndOfTheBuffer) {
  TestModel model;
  std::vector<int64_t> dims(60, INT64_MIN);
  std::string name(5000, 'm');
  model.inputs = {{name.c_str(), INGOT_FLOAT32, 60, dims.data()}};
  std::vector<int64_t> wanted(60, INT64_MAX);
  model.inputs[0].dims = wanted.data();
  TestContext context(model.get());
  ingot_tensor input = {nullptr, 0, INGOT_FLOAT32, 60, dims.data()};
  expectFailure(ingot_run(context.handle, &input, 1, nullptr, 0),
                INGOT_ERROR_SHAPE, {"..."});
  EXPECT_LT(strlen(ingot_last_error()), 512u);
}

TEST(Options, AreChecked) {
  SumModel model;
  ingot_context *context = nullptr;
  ingot_context_options options = {};
  expectFailure(ingot_context_create(model.get(), &options, &context),
                INGOT_ERROR_ARGUMENT, {"'size'"});
  options.size = sizeof(options);
  options.threads = -1;
  expectFailure(ingot_context_create(model.get(), &options, &context),
                INGOT_ERROR_THREADS, {"0 to 512", "got -1"});
  options.threads = 513;
  expectFailure(ingot_context_create(model.get(), &options, &context),
                INGOT_ERROR_THREADS, {"0 to 512", "got 513"});
  options.threads = 1;
  options.flags = 4;
  expectFailure(ingot_context_create(model.get(), &options, &context),
                INGOT_ERROR_ARGUMENT, {"flags 4"});
  options.flags = 0;
  options.arena_bytes = 12;
  expectFailure(ingot_context_create(model.get(), &options, &context),
                INGOT_ERROR_ARGUMENT, {"arena is null"});
  expectFailure(ingot_context_create(model.get(), nullptr, nullptr),
                INGOT_ERROR_ARGUMENT, {"null"});
  EXPECT_EQ(context, nullptr);

  struct {
    ingot_context_options known;
    uint64_t unknown;
  } newer = {};
  newer.known.size = sizeof(newer);
  newer.known.threads = 1;
  newer.unknown = 1;
  expectFailure(ingot_context_create(model.get(), &newer.known, &context),
                INGOT_ERROR_VERSION, {"newer"});
  newer.unknown = 0;
  EXPECT_EQ(ingot_context_create(model.get(), &newer.known, &context),
            INGOT_OK);
  EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);

  ingot_context_options older = {};
  older.size = offsetof(ingot_context_options, arena);
  older.threads = 1;
  older.arena_bytes = 99; // beyond its size: not looked at
  EXPECT_EQ(ingot_context_create(model.get(), &older, &context), INGOT_OK);
  EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
}

TEST(Faults, NameTheNodeAndSkipTheRest) {
  TestModel model;
  int64_t fault = INGOT_FAULT_INDEX;
  int later = 0;
  model.body = [&](IngotRunFrame *frame) {
    launch(frame, 0, 1,
           [=](int64_t, int64_t, int64_t) { frame->status = fault; });
    launch(frame, 1, 1, [&](int64_t, int64_t, int64_t) { ++later; });
  };
  TestContext context(model.get());
  auto run = [&] { return ingot_run(context.handle, nullptr, 0, nullptr, 0); };
  expectFailure(run(), INGOT_ERROR_DATA,
                {"an index", "'node_a,node_b'", "launch 0"});
  fault = INGOT_FAULT_DIVIDE;
  expectFailure(run(), INGOT_ERROR_DATA, {"divided by zero"});
  fault = INGOT_FAULT_SHAPE;
  expectFailure(run(), INGOT_ERROR_DATA, {"shape"});
  fault = INGOT_FAULT_ARGUMENT;
  expectFailure(run(), INGOT_ERROR_DATA, {"operand"});
  fault = 99;
  expectFailure(run(), INGOT_ERROR_DATA, {"forbids"});
  EXPECT_EQ(later, 0);
  fault = 0;
  EXPECT_EQ(run(), INGOT_OK);
  EXPECT_EQ(later, 1);
}

TEST(Faults, OutputWithoutARepresentableSizeIsRefused) {
  TestModel model;
  static const int64_t open[] = {-1};
  model.inputs = {{"n", INGOT_UINT8, 1, open}};
  model.outputs = {{"out", INGOT_FLOAT64, 1, open}};
  model.symbols = {"n"};
  model.desc.output_shapes = [](const int64_t *s, int64_t *dims) -> int64_t {
    dims[0] = s[0] == 3 ? INT64_MAX : -7;
    return 0;
  };
  TestContext context(model.get());
  int64_t three = 3, four = 4;
  ingot_tensor input = {nullptr, 0, INGOT_UINT8, 1, &three};
  expectFailure(ingot_context_prepare(context.handle, &input, 1),
                INGOT_ERROR_SHAPE, {"output 'out'", "9223372036854775807"});
  input.dims = &four;
  expectFailure(ingot_context_prepare(context.handle, &input, 1),
                INGOT_ERROR_SHAPE, {"output 'out'", "[-7]"});
  ingot_tensor_info info = {};
  info.size = sizeof(info);
  expectFailure(ingot_context_output(context.handle, 0, &info),
                INGOT_ERROR_ARGUMENT, {"'out'", "prepare"});
}
