//===- Ptxas.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/Ptxas.h"
#include "lib/Driver/RunLinker.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace ingot;

/// Seconds that one run may take.
constexpr unsigned longest = 600;

namespace {
/// Files that go when the scope ends.
class ScratchFiles {
public:
  ~ScratchFiles() {
    for (const std::string &path : paths)
      llvm::sys::fs::remove(path);
  }
  /// Makes one with those contents.
  llvm::Expected<std::string> make(llvm::StringRef ending,
                                   llvm::StringRef contents) {
    int fd;
    llvm::SmallString<128> path;
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("ingot", ending, fd, path))
      return llvm::createStringError(code, "no temporary file");
    paths.push_back(path.str().str());
    std::error_code code = writeAll(fd, {contents.data(), contents.size()});
    llvm::sys::fs::closeFile(fd);
    if (code)
      return llvm::createStringError(code, "cannot write a temporary file");
    return path.str().str();
  }

private:
  std::vector<std::string> paths;
};

struct Finished {
  int status;
  std::string text;
};
} // namespace

/// Runs a program; the text is what it wrote to both of its outputs.
static llvm::Expected<Finished> run(llvm::ArrayRef<llvm::StringRef> words) {
  ScratchFiles files;
  auto log = files.make("log", "");
  if (!log)
    return log.takeError();
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(), llvm::StringRef(*log), llvm::StringRef(*log)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(words[0], words, std::nullopt,
                                         redirects, longest, 0, &error);
  auto text = llvm::MemoryBuffer::getFile(*log);
  if (!text)
    return llvm::errorCodeToError(text.getError());
  if (!error.empty())
    return llvm::createStringError(error);
  return Finished{status, (*text)->getBuffer().str()};
}

llvm::Expected<std::optional<Ptxas>> ingot::findPtxas(llvm::StringRef wanted) {
  if (wanted == "off")
    return std::nullopt;
  Ptxas ptxas{wanted.str(), 0};
  bool search = wanted == "auto";
  if (search) {
    auto path = llvm::sys::findProgramByName("ptxas");
    if (!path)
      path = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"});
    if (!path)
      return std::nullopt;
    ptxas.path = *path;
  }
  llvm::Expected<Finished> told = run({ptxas.path, "--version"});
  llvm::StringRef release;
  if (told)
    release = llvm::StringRef(told->text).split("release ").second;
  else
    llvm::consumeError(told.takeError());
  unsigned major = 0, minor = 0;
  if (release.consumeInteger(10, major) || !release.consume_front(".") ||
      release.consumeInteger(10, minor)) {
    if (search)
      return std::nullopt;
    return llvm::createStringError("'" + wanted.str() +
                                   "' is not NVIDIA's ptxas");
  }
  ptxas.version = int32_t(major * 1000 + minor * 10);
  return ptxas;
}

llvm::Expected<std::string>
ingot::assemble(const Ptxas &ptxas, llvm::StringRef ptx, llvm::StringRef arch) {
  ScratchFiles files;
  auto from = files.make("ptx", ptx), to = files.make("cubin", "");
  if (!from)
    return from.takeError();
  if (!to)
    return to.takeError();
  std::string option = ("-arch=" + arch).str();
  auto done = run({ptxas.path, option, "-O3", "-o", *to, *from});
  if (!done)
    return done.takeError();
  if (done->status != 0)
    return llvm::createStringError(
        "ptxas: " + llvm::StringRef(done->text).take_front(500).trim().str());
  auto cubin = llvm::MemoryBuffer::getFile(*to);
  if (!cubin)
    return llvm::errorCodeToError(cubin.getError());
  return (*cubin)->getBuffer().str();
}
