//===- LinkModel.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/LinkModel.h"
#include "lib/Driver/WeightsObject.h"
#include "lib/Runtime/RuntimeBlobs.h"

#include "lld/Common/Driver.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace ingot;

namespace {
/// An anonymous file that the linker reads by path.
class MemoryFile {
public:
  MemoryFile() : fd(memfd_create("ingot", MFD_CLOEXEC)) {}
  MemoryFile(MemoryFile &&other) : fd(std::exchange(other.fd, -1)) {}
  ~MemoryFile() {
    if (fd >= 0)
      close(fd);
  }
  int descriptor() const { return fd; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }
  llvm::Error fill(llvm::ArrayRef<char> bytes) {
    llvm::raw_fd_ostream os(fd, /*shouldClose=*/false);
    os.write(bytes.data(), bytes.size());
    os.flush();
    return llvm::errorCodeToError(os.error());
  }

private:
  int fd;
};
} // namespace

static llvm::Error systemError(const llvm::Twine &what, std::error_code code) {
  return llvm::createStringError(code, what + ": " + code.message());
}

/// A name beside `path` for the file that is renamed to it when complete.
static std::string temporaryName(llvm::StringRef path) {
  return (path + ".tmp" + std::to_string(getpid())).str();
}

static llvm::Error moveInPlace(llvm::StringRef temporary,
                               llvm::StringRef path) {
  if (std::error_code code = llvm::sys::fs::rename(temporary, path)) {
    llvm::sys::fs::remove(temporary);
    return systemError("cannot write '" + path + "'", code);
  }
  return llvm::Error::success();
}

llvm::Error ingot::writeWhole(llvm::StringRef path,
                              llvm::ArrayRef<char> bytes) {
  std::string temporary = temporaryName(path);
  std::error_code code;
  {
    llvm::raw_fd_ostream os(temporary, code);
    if (code)
      return systemError("cannot write '" + path + "'", code);
    os.write(bytes.data(), bytes.size());
    os.close();
    code = os.error();
    os.clear_error();
  }
  if (code) {
    llvm::sys::fs::remove(temporary);
    return systemError("cannot write '" + path + "'", code);
  }
  return moveInPlace(temporary, path);
}

static const rt::RuntimeBlob *runtimeFor(llvm::StringRef triple) {
  return rt::findRuntime(llvm::Triple(triple).getArchName().str().c_str());
}

llvm::Error ingot::linkShared(const LinkInput &input, llvm::StringRef path) {
  const rt::RuntimeBlob *runtime = runtimeFor(input.triple);
  if (!runtime)
    return llvm::createStringError("no runtime for '" + input.triple + "'");
  std::vector<MemoryFile> files;
  auto add = [&](llvm::ArrayRef<char> bytes) {
    files.emplace_back();
    return files.back().fill(bytes);
  };
  for (const auto &object : input.objects)
    if (llvm::Error error = add(object))
      return error;
  files.emplace_back();
  if (llvm::Error error = writeWeightsObject(*input.tables, input.triple,
                                             files.back().descriptor()))
    return error;
  auto bytes = [](const unsigned char *data, size_t size) {
    return llvm::ArrayRef(reinterpret_cast<const char *>(data), size);
  };
  if (llvm::Error error = add(bytes(runtime->object, runtime->objectSize)))
    return error;
  if (llvm::Error error = add(bytes(runtime->libcStub, runtime->stubSize)))
    return error;

  std::string temporary = temporaryName(path);
  std::vector<std::string> arguments = {"ld.lld",
                                        "-shared",
                                        "-o",
                                        temporary,
                                        "--gc-sections",
                                        "--build-id=none",
                                        "-z",
                                        "defs",
                                        "-z",
                                        "noexecstack",
                                        "-z",
                                        "relro",
                                        "-z",
                                        "now",
                                        "--hash-style=gnu",
                                        "--no-undefined-version",
                                        "-s",
                                        "--threads=1"};
  arguments.push_back("-soname");
  arguments.push_back(llvm::sys::path::filename(path).str());
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
  if (result.retCode != 0) {
    llvm::sys::fs::remove(temporary);
    return llvm::createStringError("the linker failed: " + messages);
  }
  return moveInPlace(temporary, path);
}

llvm::Error ingot::writeStatic(const LinkInput &input, llvm::StringRef path) {
  const rt::RuntimeBlob *runtime = runtimeFor(input.triple);
  if (!runtime)
    return llvm::createStringError("no runtime for '" + input.triple + "'");
  MemoryFile weights;
  if (llvm::Error error =
          writeWeightsObject(*input.tables, input.triple, weights.descriptor()))
    return error;
  auto mapped = llvm::MemoryBuffer::getFile(weights.path());
  if (!mapped)
    return llvm::errorCodeToError(mapped.getError());
  std::vector<llvm::NewArchiveMember> members;
  std::vector<std::string> names;
  for (size_t i = 0; i < input.objects.size(); ++i)
    names.push_back("model" + std::to_string(i) + ".o");
  auto add = [&](llvm::StringRef data, llvm::StringRef name) {
    members.emplace_back(llvm::MemoryBufferRef(data, name));
  };
  for (auto [object, name] : llvm::zip(input.objects, names))
    add({object.data(), object.size()}, name);
  add((*mapped)->getBuffer(), "weights.o");
  add({reinterpret_cast<const char *>(runtime->object), runtime->objectSize},
      "runtime.o");
  std::string temporary = temporaryName(path);
  if (llvm::Error error = llvm::writeArchive(
          temporary, members, llvm::SymtabWritingMode::NormalSymtab,
          llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false))
    return error;
  return moveInPlace(temporary, path);
}
