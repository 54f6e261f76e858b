//===- LoaderTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files that are models and files that are not, and the C++ interface.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/TestModel.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace ingot;
using namespace ingot::test;
namespace fs = std::filesystem;

// Set by the build: the fake model linked for this machine and for the other.
static const char nativeModel[] = INGOT_NATIVE_MODEL;
static const char foreignModel[] = INGOT_FOREIGN_MODEL;

namespace {

class Loader : public ::testing::Test {
protected:
  fs::path folder =
      fs::temp_directory_path() / ("ingot-loader-" + std::to_string(getpid()));

  void SetUp() override { fs::create_directories(folder); }
  void TearDown() override { fs::remove_all(folder); }

  std::string file(const std::string &name, const std::string &bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return (folder / name).string();
  }

  void expectRefused(const std::string &path, ingot_status status,
                     std::initializer_list<const char *> parts) {
    ingot_model *model = reinterpret_cast<ingot_model *>(this);
    expectFailure(ingot_model_load(path.c_str(), &model), status, parts);
    EXPECT_EQ(model, nullptr);
  }
};

/// Where what is loaded of a library ends.
size_t endOfSegments(const std::string &whole) {
  Elf64_Ehdr header;
  memcpy(&header, whole.data(), sizeof(header));
  size_t end = 0;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, &whole[header.e_phoff + size_t(i) * sizeof(segment)],
           sizeof(segment));
    end = std::max(end, size_t(segment.p_offset + segment.p_filesz));
  }
  return end;
}

std::string bytesOf(const char *path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

} // namespace

TEST_F(Loader, LoadsRunsAndCloses) {
  for (int i = 0; i < 3; ++i) {
    ingot_model *model = nullptr, *again = nullptr;
    ASSERT_EQ(ingot_model_load(nativeModel, &model), INGOT_OK)
        << ingot_last_error();
    ASSERT_EQ(ingot_model_load(nativeModel, &again), INGOT_OK);
    EXPECT_EQ(ingot_model_close(again), INGOT_OK);
    {
      TestContext context(model, withThreads(2));
      Sums sums(8);
      ASSERT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
      EXPECT_EQ(sums.z[6], 3 * 6.0f + 12.0f);
      expectFailure(ingot_model_close(model), INGOT_ERROR_BUSY, {"1 contexts"});
      sums.inputs[0].dtype = 2;
      expectFailure(sums.run(context.handle), INGOT_ERROR_DTYPE,
                    {"input 'x'", "uint8"});
    }
    EXPECT_EQ(ingot_model_close(model), INGOT_OK);
  }
}

TEST_F(Loader, FindsAFileOfTheCurrentFolder) {
  fs::copy_file(nativeModel, folder / "here.so");
  fs::path before = fs::current_path();
  fs::current_path(folder);
  ingot_model *model = nullptr;
  EXPECT_EQ(ingot_model_load("here.so", &model), INGOT_OK)
      << ingot_last_error();
  EXPECT_EQ(ingot_model_close(model), INGOT_OK);
  fs::current_path(before);
}

TEST_F(Loader, RefusesWhatIsNoModel) {
  expectRefused((folder / "absent.so").string(), INGOT_ERROR_LOAD,
                {"no such file", "absent.so"});
  expectRefused("", INGOT_ERROR_LOAD, {"no such file"});
  expectRefused(std::string(5000, 'd'), INGOT_ERROR_LOAD, {"no such file"});
  expectRefused(folder.string(), INGOT_ERROR_LOAD, {"not a file"});
  expectRefused("/dev/zero", INGOT_ERROR_LOAD, {"not a file"});
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expectRefused((folder / "pipe").string(), INGOT_ERROR_LOAD, {"not a file"});
  expectRefused(file("empty", ""), INGOT_ERROR_LOAD, {"not a compiled model"});
  expectRefused(file("text", std::string(500, 'a')), INGOT_ERROR_LOAD,
                {"not a compiled model"});
  expectRefused("/proc/self/exe", INGOT_ERROR_LOAD, {});
  ingot_model *model = nullptr;
  expectFailure(ingot_model_load(nullptr, &model), INGOT_ERROR_ARGUMENT,
                {"null"});
  expectFailure(ingot_model_load(nativeModel, nullptr), INGOT_ERROR_ARGUMENT,
                {"null"});
}

TEST_F(Loader, RefusesAModelForAnotherProcessor) {
  expectRefused(foreignModel, INGOT_ERROR_CPU, {"another kind of processor"});
}

TEST_F(Loader, RefusesATruncatedModel) {
  std::string whole = bytesOf(nativeModel);
  ASSERT_GT(whole.size(), 4096u);
  // Tables behind the last segment are not needed to load.
  for (size_t size = 0; size < endOfSegments(whole); size += 512)
    expectRefused(file("cut.so", whole.substr(0, size)), INGOT_ERROR_LOAD, {});
}

TEST_F(Loader, CppInterfaceRunsByName) {
  Model model;
  Status status = Model::load(nativeModel, model);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_STREQ(model.info().name, "fake");
  ASSERT_EQ(model.inputs().size(), 2u);
  EXPECT_EQ(model.inputs()[1].name, "y");
  EXPECT_EQ(model.inputs()[1].dims, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ(model.outputs()[0].name, "sum");
  EXPECT_EQ(model.symbols(), std::vector<std::string>{"batch"});

  Context context;
  status = Context::create(model, context, withThreads(2));
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<float> x(8, 1.0f), y(8, 0.5f), sum(8);
  Tensor tx = Tensor::of(x, {2, 4}), ty = Tensor::of(y, {2, 4}),
         tsum = Tensor::of(sum, {2, 4});
  status = context.run({{"y", ty}, {"x", tx}}, {{"sum", tsum}});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(sum, (std::vector<float>{1.5, 2.5, 3.5, 4.5, 1.5, 2.5, 3.5, 4.5}));
  TensorInfo output;
  ASSERT_TRUE(context.output(0, output).ok());
  EXPECT_EQ(output.dims, (std::vector<int64_t>{2, 4}));

  auto expectName = [&](const NamedTensors &in, const char *part) {
    Status failed = context.run(in, NamedTensors{{"sum", tsum}});
    EXPECT_EQ(failed.code(), INGOT_ERROR_NAME);
    EXPECT_NE(failed.message().find(part), std::string::npos)
        << failed.message();
  };
  expectName({{"x", tx}}, "input 'y' is missing");
  expectName({{"x", tx}, {"y", ty}, {"x", tx}}, "input 'x' is given twice");
  expectName({{"x", tx}, {"w", ty}}, "input 'w' is unknown");
}

TEST_F(Loader, CppInterfaceMovesAndFails) {
  Model model;
  EXPECT_EQ(Model::load("/nonexistent", model).code(), INGOT_ERROR_LOAD);
  EXPECT_EQ(model.handle(), nullptr);
  Context context;
  EXPECT_FALSE(Context::create(model, context).ok());
  ASSERT_TRUE(Model::load(nativeModel, model).ok());
  Model moved = std::move(model);
  Context first;
  ASSERT_TRUE(Context::create(moved, first, withThreads(1)).ok());
  Context second = std::move(first);
  EXPECT_EQ(first.handle(), nullptr);
  Tensor none;
  EXPECT_EQ(second.run({none, none}, {none}).code(), INGOT_ERROR_DTYPE);
}

static_assert(dtypeOf<float>() == INGOT_FLOAT32);
static_assert(dtypeOf<double>() == INGOT_FLOAT64);
static_assert(dtypeOf<bool>() == INGOT_BOOL);
static_assert(dtypeOf<int8_t>() == INGOT_INT8);
static_assert(dtypeOf<uint16_t>() == INGOT_UINT16);
static_assert(dtypeOf<int64_t>() == INGOT_INT64);
