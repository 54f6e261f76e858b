//===- MappedFileTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/MappedFile.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ingot;

namespace {

/// A file of the given size in a temporary place.
class MappedFileTest : public testing::Test {
protected:
  void SetUp() override {
    int descriptor = mkstemp(path);
    ASSERT_GE(descriptor, 0);
    close(descriptor);
  }
  void TearDown() override { unlink(path); }

  void write(const std::string &bytes) {
    int descriptor = open(path, O_WRONLY | O_TRUNC);
    ASSERT_EQ(ssize_t(bytes.size()),
              ::write(descriptor, bytes.data(), bytes.size()));
    close(descriptor);
  }

  char path[32] = "/tmp/ingot-mapped-XXXXXX";
};

TEST_F(MappedFileTest, HasTheBytesOfTheFile) {
  write("some bytes");
  std::shared_ptr<MappedFile> file;
  ASSERT_FALSE(MappedFile::open(path, file));
  EXPECT_EQ("some bytes", file->bytes());
  EXPECT_FALSE(file->lostPages());
}

TEST_F(MappedFileTest, ReadsZerosWhereTheFileWasCutOff) {
  write(std::string(1 << 16, 'x'));
  std::shared_ptr<MappedFile> file, other;
  ASSERT_FALSE(MappedFile::open(path, file));
  ASSERT_FALSE(MappedFile::open(path, other));
  EXPECT_EQ('x', file->bytes()[0]);
  ASSERT_EQ(0, truncate(path, 100));
  EXPECT_FALSE(file->lostPages());
  EXPECT_EQ('\0', file->bytes()[(1 << 16) - 1]);
  EXPECT_EQ('\0', file->bytes()[1 << 14]);
  EXPECT_TRUE(file->lostPages());
  EXPECT_TRUE(MappedFile::anyLostPages());
  file.reset();
  EXPECT_FALSE(MappedFile::anyLostPages());
  EXPECT_FALSE(other->lostPages()) << "nobody touched its lost pages yet";
  EXPECT_EQ('\0', other->bytes()[1 << 15]);
  EXPECT_TRUE(other->lostPages());
}

TEST_F(MappedFileTest, NoticesThatTheFileChanged) {
  write("before");
  std::shared_ptr<MappedFile> file;
  ASSERT_FALSE(MappedFile::open(path, file));
  struct stat now;
  ASSERT_EQ(0, stat(path, &now));
  EXPECT_FALSE(file->differsFrom(now));
  write("longer than before");
  ASSERT_EQ(0, stat(path, &now));
  EXPECT_TRUE(file->differsFrom(now));
}

TEST_F(MappedFileTest, GuardsAreReused) {
  for (int i = 0; i < 1000; ++i) {
    write(std::string(8192, char('a' + i % 26)));
    std::shared_ptr<MappedFile> file;
    ASSERT_FALSE(MappedFile::open(path, file));
    EXPECT_FALSE(file->lostPages());
    ASSERT_EQ(0, truncate(path, 0));
    EXPECT_EQ('\0', file->bytes()[5000]);
    EXPECT_TRUE(file->lostPages());
  }
}

TEST_F(MappedFileTest, RefusesWhatIsNoFile) {
  std::shared_ptr<MappedFile> file;
  EXPECT_EQ(Code::ModelNotAFile, MappedFile::open("/tmp", file)->code);
  EXPECT_EQ(Code::ModelNotAFile, MappedFile::open("/dev/zero", file)->code);
  EXPECT_EQ(Code::ModelNotFound,
            MappedFile::open(std::string(path) + "-missing", file)->code);
  EXPECT_EQ(Code::ModelNotFound,
            MappedFile::open(std::string("/tmp\0x", 6), file)->code);
  unlink(path);
  ASSERT_EQ(0, mkfifo(path, 0600));
  // Does not wait for a writer.
  EXPECT_EQ(Code::ModelNotAFile, MappedFile::open(path, file)->code);
}

using MappedFileDeathTest = MappedFileTest;

TEST_F(MappedFileDeathTest, OtherBusErrorsStillEndTheProcess) {
  write("x");
  std::shared_ptr<MappedFile> file;
  ASSERT_FALSE(MappedFile::open(path, file));
#if __has_feature(address_sanitizer)
  EXPECT_DEATH(raise(SIGBUS), "AddressSanitizer: BUS");
#else
  EXPECT_EXIT(raise(SIGBUS), testing::KilledBySignal(SIGBUS), "");
#endif
}

} // namespace
