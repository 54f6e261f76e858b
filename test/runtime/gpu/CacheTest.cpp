//===- CacheTest.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The folder of compiled code.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/gpu/GpuTest.h"

#include <filesystem>
#include <fstream>

using namespace ingot;
using namespace ingot::test;
namespace fs = std::filesystem;

namespace {
/// A folder for the length of a test.
struct Folder {
  fs::path path =
      fs::temp_directory_path() / ("ingot-cache-" + std::to_string(getpid()));
  Folder() {
    fs::create_directories(path);
    fs::permissions(path, fs::perms::owner_all);
  }
  ~Folder() { fs::remove_all(path); }

  /// The only file below.
  fs::path file() const {
    std::vector<fs::path> files;
    for (const auto &entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file())
        files.push_back(entry.path());
    EXPECT_EQ(files.size(), 1u);
    return files.empty() ? fs::path() : files[0];
  }
};
} // namespace

/// Loads the model once and runs it; how often the driver compiled PTX.
static int compilations() {
  StubDriver &driver = stubDriver();
  driver.calls.clear();
  GpuModel model;
  TestContext context(model.handle);
  GpuSums sums(5);
  EXPECT_EQ(sums.run(context.handle), INGOT_OK) << ingot_last_error();
  EXPECT_TRUE(sums.right());
  return driver.count("cuLinkComplete");
}

GPU_TEST(GpuCache, CompilesOnce) {
  Folder folder;
  setenv("INGOT_CACHE_DIR", (folder.path / "own").c_str(), 1);
  EXPECT_EQ(compilations(), 1);
  EXPECT_EQ(compilations(), 0);
  EXPECT_EQ(folder.file().parent_path(), folder.path / "own");
  EXPECT_EQ(fs::status(folder.path / "own").permissions(),
            fs::perms::owner_all);
  EXPECT_EQ(stubDriver().alive(), 0);
}

GPU_TEST(GpuCache, IsApartForEachDriverAndDevice) {
  Folder folder;
  setenv("INGOT_CACHE_DIR", folder.path.c_str(), 1);
  EXPECT_EQ(compilations(), 1);
  stubDriver().devices = {86};
  EXPECT_EQ(compilations(), 1);
  EXPECT_EQ(compilations(), 0);
}

GPU_TEST(GpuCache, LivesWhereTheSystemWantsIt) {
  Folder folder;
  unsetenv("INGOT_CACHE_DIR");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", folder.path.c_str(), 1);
  EXPECT_EQ(compilations(), 1);
  fs::path file = folder.file();
  EXPECT_EQ(file.parent_path(), folder.path / ".cache/ingot");
  setenv("XDG_CACHE_HOME", (folder.path / "xdg").c_str(), 1);
  fs::create_directories(folder.path / "xdg");
  EXPECT_EQ(compilations(), 1);
  fs::remove(file);
  EXPECT_EQ(folder.file().parent_path(), folder.path / "xdg/ingot");
}

GPU_TEST(GpuCache, CanBeTurnedOff) {
  Folder folder;
  setenv("XDG_CACHE_HOME", folder.path.c_str(), 1);
  setenv("INGOT_CACHE_DIR", "off", 1);
  EXPECT_EQ(compilations(), 0);
  EXPECT_TRUE(fs::is_empty(folder.path));
}

GPU_TEST(GpuCache, DoesWithoutAFolder) {
  for (const char *path : {"/dev/null/ingot", "relative", "/proc/ingot"}) {
    setenv("INGOT_CACHE_DIR", path, 1);
    EXPECT_EQ(compilations(), 0) << path;
  }
}

GPU_TEST(GpuCache, IgnoresDamagedFiles) {
  Folder folder;
  setenv("INGOT_CACHE_DIR", folder.path.c_str(), 1);
  EXPECT_EQ(compilations(), 1);
  fs::path file = folder.file();
  std::string whole;
  {
    std::ifstream stream(file, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(stream), {});
  }
  auto store = [&](const std::string &bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  };
  for (size_t at : {size_t(0), size_t(9), size_t(30), size_t(41), size_t(60),
                    whole.size() - 1}) {
    std::string changed = whole;
    changed[at] = char(changed[at] ^ 1);
    store(changed);
    EXPECT_EQ(compilations(), 1) << at;
    EXPECT_EQ(compilations(), 0) << at;
  }
  for (size_t length : {size_t(0), size_t(20), whole.size() - 1}) {
    store(whole.substr(0, length));
    EXPECT_EQ(compilations(), 1) << length;
  }
  store(whole + "x");
  EXPECT_EQ(compilations(), 1);
}

GPU_TEST(GpuCache, IgnoresFilesThatOthersCanWrite) {
  Folder folder;
  setenv("INGOT_CACHE_DIR", folder.path.c_str(), 1);
  EXPECT_EQ(compilations(), 1);
  fs::path file = folder.file();
  fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(compilations(), 1) << "and it is replaced";
  EXPECT_EQ(compilations(), 0);
  fs::path elsewhere = folder.path / "elsewhere";
  fs::rename(file, elsewhere);
  fs::create_symlink(elsewhere, file);
  EXPECT_EQ(compilations(), 1) << "no links";
  fs::permissions(folder.path, fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(compilations(), 0) << "the folder is not used at all";
  EXPECT_EQ(stubDriver().count("cuModuleLoadDataEx"), 1);
}

GPU_TEST(GpuCache, TakesOutTheLeastUsed) {
  Folder folder;
  setenv("INGOT_CACHE_DIR", folder.path.c_str(), 1);
  using namespace std::chrono_literals;
  auto now = fs::file_time_type::clock::now();
  for (int i = 0; i < 3; ++i) {
    fs::path file = folder.path / (std::to_string(i) + ".cubin");
    std::ofstream(file).put('x');
    fs::resize_file(file, 100u << 20); // with holes
    fs::last_write_time(file, now - (i == 1 ? 48h : 24h));
  }
  std::ofstream(folder.path / "notes.txt").put('x');
  EXPECT_EQ(compilations(), 1);
  EXPECT_TRUE(fs::exists(folder.path / "0.cubin"));
  EXPECT_FALSE(fs::exists(folder.path / "1.cubin"));
  EXPECT_TRUE(fs::exists(folder.path / "2.cubin"));
  EXPECT_TRUE(fs::exists(folder.path / "notes.txt"));
  EXPECT_EQ(compilations(), 0);
}
