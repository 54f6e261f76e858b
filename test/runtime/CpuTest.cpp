//===- CpuTest.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Features of the processor, and the number of processors to use.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/CpuCount.h"
#include "lib/Runtime/CpuFeatures.h"
#include "lib/Runtime/RuntimeBlobs.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sched.h>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>

using namespace ingot::rt;

static std::string features() {
  char buffer[4096];
  size_t length = ingot_cpu_features(buffer, sizeof(buffer));
  EXPECT_LT(length, sizeof(buffer));
  EXPECT_EQ(length, strlen(buffer));
  return buffer;
}

static std::string missing(const std::string &required) {
  size_t length = 0;
  const char *word = ingot_cpu_missing_feature(required.c_str(), &length);
  return word ? std::string(word, length) : "";
}

TEST(CpuFeatures, ListAgreesWithTheCheck) {
  std::string list = features();
  EXPECT_EQ(missing(list), "");
  EXPECT_EQ(missing(""), "");
  EXPECT_EQ(missing(list + ",quantum"), "quantum");
  EXPECT_EQ(missing("quantum," + list), "quantum");
#if defined(__x86_64__)
  EXPECT_EQ(missing("sse2"), "");
  EXPECT_EQ(missing("sse"), "");
  EXPECT_EQ(missing("sse2x"), "sse2x");
#else
  EXPECT_EQ(missing("neon"), "");
#endif
}

TEST(CpuFeatures, ListIsCutToTheBuffer) {
  std::string list = features();
  char small[6] = "?????";
  EXPECT_EQ(ingot_cpu_features(small, sizeof(small)), list.size());
  EXPECT_EQ(std::string(small), list.substr(0, 5));
  EXPECT_EQ(ingot_cpu_features(nullptr, 0), list.size());
}

#if defined(__x86_64__)
TEST(CpuFeatures, AgreeWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0)
    ;
  if (line.empty())
    GTEST_SKIP() << "no /proc/cpuinfo";
  std::istringstream words(line);
  std::set<std::string> kernel((std::istream_iterator<std::string>(words)),
                               std::istream_iterator<std::string>());
  const char *pairs[][2] = {{"ssse3", "ssse3"},
                            {"sse4.1", "sse4_1"},
                            {"sse4.2", "sse4_2"},
                            {"avx", "avx"},
                            {"avx2", "avx2"},
                            {"fma", "fma"},
                            {"f16c", "f16c"},
                            {"bmi2", "bmi2"},
                            {"popcnt", "popcnt"},
                            {"movbe", "movbe"},
                            {"avx512f", "avx512f"},
                            {"avx512bw", "avx512bw"},
                            {"avx512dq", "avx512dq"},
                            {"avx512vl", "avx512vl"},
                            {"avx512cd", "avx512cd"},
                            {"avx512vnni", "avx512_vnni"},
                            {"avx512bf16", "avx512_bf16"},
                            {"avx512vbmi", "avx512vbmi"},
                            {"avx512fp16", "avx512_fp16"},
                            {"avxvnni", "avx_vnni"},
                            {"amx-tile", "amx_tile"},
                            {"amx-int8", "amx_int8"},
                            {"gfni", "gfni"},
                            {"vaes", "vaes"}};
  for (auto &pair : pairs)
    EXPECT_EQ(missing(pair[0]).empty(), kernel.count(pair[1]) == 1) << pair[0];
}
#endif

namespace {

/// A folder that stands for "/", with the files of cgroups.
class CpuCount : public ::testing::Test {
protected:
  std::filesystem::path root = std::filesystem::temp_directory_path() /
                               ("ingot-cgroup-" + std::to_string(getpid()));
  int32_t all = usableCpus((root / "nothing").c_str());

  void TearDown() override { std::filesystem::remove_all(root); }

  void file(const std::string &path, const std::string &text) {
    std::filesystem::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  int32_t count() { return usableCpus(root.c_str()); }
  int32_t atMost(int32_t n) { return n < all ? n : all; }
};

} // namespace

TEST_F(CpuCount, FollowsTheQuotaOfVersion2) {
  file("proc/self/cgroup", "0::/a/b\n");
  file("sys/fs/cgroup/a/b/cpu.max", "100000 100000\n");
  EXPECT_EQ(count(), 1);
  file("sys/fs/cgroup/a/b/cpu.max", "110000 100000\n");
  EXPECT_EQ(count(), atMost(2)) << "rounded up";
  file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(count(), all);
  file("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  EXPECT_EQ(count(), 1) << "a group above";
}

TEST_F(CpuCount, FindsTheGroupOfAContainerAtTheMount) {
  file("proc/self/cgroup", "0::/system.slice/not/visible\n");
  file("sys/fs/cgroup/cpu.max", "1000 100000\n");
  EXPECT_EQ(count(), 1);
}

TEST_F(CpuCount, FollowsTheQuotaOfVersion1) {
  file("proc/self/cgroup", "5:memory:/m\n3:cpuset:/x\n4:cpu,cpuacct:/job\n");
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "90000\n");
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(count(), 1);
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(count(), all);
}

TEST_F(CpuCount, IgnoresWhatItDoesNotUnderstand) {
  for (const char *text :
       {"", "\n", "0", "0::", "::", "nonsense\n\n", "0::/a\n9:cpu"}) {
    file("proc/self/cgroup", text);
    for (const char *quota : {"", "x", "-5 100", "5", "5 0", "0 100",
                              "99999999999999999999 1", "100 max"}) {
      file("sys/fs/cgroup/cpu.max", quota);
      EXPECT_EQ(count(), all) << text << " " << quota;
    }
  }
  file("proc/self/cgroup", "0::/" + std::string(5000, 'p') + "\n");
  EXPECT_EQ(count(), all);
}

TEST_F(CpuCount, FollowsTheAffinityMask) {
  std::thread([&] {
    cpu_set_t before, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &before)) {
        CPU_SET(cpu, &one);
        break;
      }
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(count(), 1);
  }).join();
}

TEST(RuntimeBlobs, HoldAnObjectAndAStubForEachProcessor) {
  struct {
    const char *arch;
    unsigned char machine;
  } known[] = {{"x86_64", 62}, {"aarch64", 183}};
  for (auto &entry : known) {
    const RuntimeBlob *blob = findRuntime(entry.arch);
    ASSERT_NE(blob, nullptr);
    ASSERT_GT(blob->objectSize, 64u);
    ASSERT_GT(blob->stubSize, 64u);
    for (const unsigned char *elf : {blob->object, blob->libcStub}) {
      EXPECT_EQ(memcmp(elf,
                       "\x7f"
                       "ELF",
                       4),
                0);
      EXPECT_EQ(elf[18], entry.machine);
    }
    EXPECT_EQ(blob->object[16], 1) << "relocatable";
    EXPECT_EQ(blob->libcStub[16], 3) << "shared";
  }
  EXPECT_EQ(findRuntime("riscv64"), nullptr);
  EXPECT_EQ(findRuntime(""), nullptr);
}
