//===- RunLinker.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/RunLinker.h"
#include "lib/Diagnostics/Codes.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace ingot;

MemoryFile::MemoryFile() : fd(memfd_create("ingot", MFD_CLOEXEC)) {}
MemoryFile::MemoryFile(MemoryFile &&other) : fd(std::exchange(other.fd, -1)) {}
MemoryFile::~MemoryFile() {
  if (fd >= 0)
    close(fd);
}

static std::error_code lastError() {
  return std::error_code(errno, std::generic_category());
}

std::error_code ingot::writeAll(int fd, llvm::ArrayRef<char> bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return lastError();
    bytes = bytes.drop_front(n);
  }
  return {};
}

llvm::Error ingot::linkError(const llvm::Twine &text) {
  return llvm::createStringError(tag(Code::LinkFailed) + text);
}

namespace {
/// What the linker writes its output to. It maps regular files, where a full
/// disk is a bus error; to a pipe it writes, and we write what comes out.
class OutputPipe {
public:
  explicit OutputPipe(int output) : output(output) {}
  ~OutputPipe() { (void)finish(); }
  std::error_code start();
  /// Where the linker writes.
  std::string path() const {
    return "/proc/self/fd/" + std::to_string(ends[1]);
  }
  /// Waits until everything is written.
  std::error_code finish();

private:
  void copy();

  int output, ends[2] = {-1, -1};
  std::error_code code;
  std::thread reader;
};
} // namespace

std::error_code OutputPipe::start() {
  if (pipe2(ends, O_CLOEXEC) != 0)
    return lastError();
  reader = std::thread([this] { copy(); });
  return {};
}

void OutputPipe::copy() {
  std::vector<char> buffer(1 << 16);
  while (true) {
    ssize_t n = read(ends[0], buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    // After an error the rest is read on, so that the writer comes to an end.
    if (!code)
      code = writeAll(output, {buffer.data(), size_t(n)});
  }
}

std::error_code OutputPipe::finish() {
  if (!reader.joinable())
    return code;
  close(ends[1]);
  reader.join();
  close(ends[0]);
  return code;
}

/// The first complaint of lld's, without its name.
static std::string firstError(llvm::StringRef messages) {
  llvm::StringRef line = messages;
  if (size_t at = messages.find("error: "); at != llvm::StringRef::npos)
    line = messages.substr(at + 7);
  return line.split('\n').first.str();
}

llvm::Error ingot::runLinker(std::vector<std::string> arguments,
                             llvm::ArrayRef<MemoryFile> files, int output) {
  OutputPipe pipe(output);
  if (std::error_code code = pipe.start())
    return llvm::errorCodeToError(code);
  arguments.insert(arguments.begin(), "ld.lld");
  arguments.insert(arguments.end(), {"-o", pipe.path(), "--threads=1"});
  for (const MemoryFile &file : files)
    arguments.push_back(file.path());
  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream os(messages);
  // lld keeps state in globals: one link at a time.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  lld::Result result =
      lld::lldMain(argv, os, os, {{lld::Gnu, &lld::elf::link}});
  std::error_code code = pipe.finish();
  if (result.retCode != 0)
    return linkError("linking failed: " + firstError(messages));
  return llvm::errorCodeToError(code);
}
