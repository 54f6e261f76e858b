//===- EmulatedSession.cpp - an artifact for another processor ------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Starts tools/exec/ingot-exec.c in qemu's user mode and talks to it over
// pipes, as that file describes.
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Messages.h"
#include "tools/ingot/Session.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ingot;
using llvm::StringRef;

extern char **environ;

namespace {
class EmulatedSession : public Session {
public:
  ~EmulatedSession() override;
  llvm::Error open(StringRef path, StringRef arch,
                   const SessionOptions &options);
  llvm::Error prepare(const std::vector<Tensor> &inputs) override {
    bound = &inputs;
    return llvm::Error::success();
  }
  llvm::Error run() override;
  bool isEmulated() const override { return true; }
  llvm::Error enableProfile(bool) override { return noTimes(); }
  llvm::Expected<std::vector<uint64_t>> readProfile() override {
    return noTimes();
  }
  unsigned threads() const override { return 0; }
  uint64_t arenaBytes() const override { return info.arenaBytes; }

private:
  static llvm::Error noTimes() {
    return failure(6010, "times of an emulator say nothing of the processor; "
                         "measure on one");
  }
  llvm::Error start(const std::vector<std::string> &command);
  /// Moves bytes; false once the other side is gone.
  bool put(const void *data, uint64_t bytes);
  bool get(void *data, uint64_t bytes);
  bool putNumber(uint64_t value) { return put(&value, sizeof(value)); }
  bool get(std::string &text);
  bool get(TensorFacts &tensor);
  bool get(Tensor &tensor);
  template <typename T> bool getNumber(T &value) {
    uint64_t number = 0;
    bool ok = get(&number, sizeof(number));
    value = T(number);
    return ok;
  }
  bool getDescription();
  /// What the other side says when it failed.
  llvm::Expected<bool> getStatus();
  /// Why the other side is gone.
  llvm::Error lost();

  pid_t child = -1;
  int toChild = -1, fromChild = -1, messages = -1;
  const std::vector<Tensor> *bound = nullptr;
};
} // namespace

EmulatedSession::~EmulatedSession() {
  for (int fd : {toChild, fromChild, messages})
    if (fd >= 0)
      close(fd);
  if (child > 0)
    waitpid(child, nullptr, 0);
}

bool EmulatedSession::put(const void *data, uint64_t bytes) {
  const char *at = static_cast<const char *>(data);
  while (bytes) {
    ssize_t n = write(toChild, at, bytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    bytes -= uint64_t(n);
  }
  return true;
}

bool EmulatedSession::get(void *data, uint64_t bytes) {
  char *at = static_cast<char *>(data);
  while (bytes) {
    ssize_t n = read(fromChild, at, bytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    bytes -= uint64_t(n);
  }
  return true;
}

bool EmulatedSession::get(std::string &text) {
  uint64_t size = 0;
  if (!getNumber(size) || size > uint64_t(1) << 32)
    return false;
  text.resize(size);
  return get(text.data(), size);
}

bool EmulatedSession::get(TensorFacts &tensor) {
  uint64_t rank = 0;
  if (!get(tensor.name) || !getNumber(tensor.dtype) || !getNumber(rank) ||
      rank > 1024)
    return false;
  tensor.dims.resize(rank);
  return get(tensor.dims.data(), rank * sizeof(int64_t));
}

bool EmulatedSession::get(Tensor &tensor) {
  uint64_t rank = 0, bytes = 0;
  if (!getNumber(tensor.dtype) || !getNumber(rank) || rank > 1024)
    return false;
  tensor.dims.resize(rank);
  if (!get(tensor.dims.data(), rank * sizeof(int64_t)) || !getNumber(bytes) ||
      bytes > uint64_t(1) << 40)
    return false;
  tensor.data.resize(bytes);
  return get(tensor.data.data(), bytes);
}

bool EmulatedSession::getDescription() {
  uint64_t counts[4] = {};
  bool ok = get(info.name) && get(info.version) && get(info.target) &&
            get(info.hash) && get(info.features) && get(info.precision) &&
            get(info.fallback) && getNumber(info.weightBytes) &&
            getNumber(info.codeBytes) && getNumber(info.arenaBytes) &&
            getNumber(info.arenaLowerBound);
  for (uint64_t &count : counts)
    ok = ok && getNumber(count) && count < uint64_t(1) << 32;
  if (!ok)
    return false;
  info.inputs.resize(counts[0]);
  info.outputs.resize(counts[1]);
  info.symbols.resize(counts[2]);
  info.launches.resize(counts[3]);
  for (TensorFacts &tensor : info.inputs)
    ok = ok && get(tensor);
  for (TensorFacts &tensor : info.outputs)
    ok = ok && get(tensor);
  for (std::string &symbol : info.symbols)
    ok = ok && get(symbol);
  for (auto &[kernel, nodes] : info.launches)
    ok = ok && get(kernel) && get(nodes);
  return ok;
}

llvm::Error EmulatedSession::lost() {
  int status = 0;
  close(toChild);
  toChild = -1;
  waitpid(child, &status, 0);
  child = -1;
  std::string why;
  if (WIFSIGNALED(status))
    why = std::string("ended by '") + strsignal(WTERMSIG(status)) + "'";
  else
    why = "ended with status " + std::to_string(WEXITSTATUS(status));
  char text[400] = {};
  ssize_t n = pread(messages, text, sizeof(text) - 1, 0);
  if (n > 0)
    why += ": " + StringRef(text, size_t(n)).split('\n').first.str();
  return failure(6009, "the emulated program " + why);
}

llvm::Expected<bool> EmulatedSession::getStatus() {
  uint64_t status = 0;
  std::string text;
  if (!getNumber(status) || (status != 0 && !get(text)))
    return lost();
  if (status != 0)
    return runtimeError(text);
  return true;
}

llvm::Error EmulatedSession::start(const std::vector<std::string> &command) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0)
    return failure(6009, llvm::Twine("no pipe: ") + strerror(errno));
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]);
    close(in[1]);
    return failure(6009, llvm::Twine("no pipe: ") + strerror(errno));
  }
  toChild = in[1];
  fromChild = out[0];
  messages = memfd_create("ingot-messages", MFD_CLOEXEC);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  if (messages >= 0)
    posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
  std::vector<char *> argv;
  for (const std::string &word : command)
    argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  signal(SIGPIPE, SIG_IGN);
  int error =
      posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (error != 0) {
    child = -1;
    return failure(6009, "cannot start " + quoted(command[0]) + ": " +
                             strerror(error));
  }
  return llvm::Error::success();
}

llvm::Error EmulatedSession::open(StringRef path, StringRef arch,
                                  const SessionOptions &options) {
  // Where this program is, whatever it was called as.
  static int anchor;
  std::string self = llvm::sys::fs::getMainExecutable("ingot", &anchor);
  llvm::SmallString<256> program(llvm::sys::path::parent_path(self));
  llvm::sys::path::append(program, "ingot-exec-" + arch);
  if (!llvm::sys::fs::can_execute(program))
    return failure(6008, quoted(program.str()) +
                             " is not there; it is built when Debian's "
                             "libc6-dev-arm64-cross is installed");
  auto qemu = llvm::sys::findProgramByName(("qemu-" + arch + "-static").str());
  if (!qemu)
    qemu = llvm::sys::findProgramByName(("qemu-" + arch).str());
  if (!qemu)
    return failure(6008, "running code for " + arch + " on " + hostArch() +
                             " needs 'qemu-" + arch +
                             "-static' in PATH (Debian's qemu-user-static)");
  std::string root = ("/usr/" + arch + "-linux-gnu").str();
  std::vector<std::string> command = {*qemu, "-L", root};
  if (!options.qemuCpu.empty()) {
    command.push_back("-cpu");
    command.push_back(options.qemuCpu);
  }
  command.push_back(program.str().str());
  command.push_back(path.str());
  command.push_back(std::to_string(options.threads));
  if (llvm::Error error = start(command))
    return error;
  llvm::Expected<bool> loaded = getStatus();
  if (!loaded)
    return loaded.takeError();
  return getDescription() ? llvm::Error::success() : lost();
}

llvm::Error EmulatedSession::run() {
  bool ok = putNumber(1);
  for (const Tensor &tensor : *bound) {
    ok = ok && putNumber(uint64_t(tensor.dtype)) &&
         putNumber(tensor.dims.size()) &&
         put(tensor.dims.data(), tensor.dims.size() * sizeof(int64_t)) &&
         putNumber(tensor.data.size()) &&
         put(tensor.data.data(), tensor.data.size());
  }
  if (!ok)
    return lost();
  llvm::Expected<bool> done = getStatus();
  if (!done)
    return done.takeError();
  results.assign(info.outputs.size(), Tensor());
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].name = info.outputs[i].name;
    if (!get(results[i]))
      return lost();
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Session>>
ingot::openEmulated(StringRef path, StringRef arch,
                    const SessionOptions &options) {
  auto session = std::make_unique<EmulatedSession>();
  if (llvm::Error error = session->open(path, arch, options))
    return error;
  return session;
}
