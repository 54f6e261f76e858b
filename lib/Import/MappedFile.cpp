//===- MappedFile.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/MappedFile.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace ingot {

/// One guarded range. Nodes are pushed on a list that the signal handler
/// walks, and are reused but never freed, so the handler needs no lock.
struct MappingGuard {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> lost{false};
  std::atomic<bool> used{true};
  MappingGuard *next = nullptr;
};

} // namespace ingot

using namespace ingot;

static std::atomic<MappingGuard *> guards{nullptr};
static struct sigaction previousAction;

/// Puts zeros under the rest of a mapping that lost its file. mmap is a plain
/// system call and safe in a handler.
static bool replaceLostPages(uintptr_t address) {
  for (MappingGuard *guard = guards.load(); guard; guard = guard->next) {
    uintptr_t begin = guard->begin.load(), end = guard->end.load();
    if (address < begin || address >= end)
      continue;
    uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
    uintptr_t from = address & ~(page - 1);
    uintptr_t to = (end + page - 1) & ~(page - 1);
    void *result =
        mmap(reinterpret_cast<void *>(from), to - from, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    guard->lost.store(true);
    return result != MAP_FAILED;
  }
  return false;
}

static void onBusError(int signal, siginfo_t *info, void *context) {
  int saved = errno;
  bool ours = replaceLostPages(uintptr_t(info->si_addr));
  errno = saved;
  if (ours)
    return;
  if (previousAction.sa_flags & SA_SIGINFO) {
    previousAction.sa_sigaction(signal, info, context);
    return;
  }
  if (previousAction.sa_handler != SIG_DFL &&
      previousAction.sa_handler != SIG_IGN) {
    previousAction.sa_handler(signal);
    return;
  }
  // Not ours: delivered again, without this handler, when it returns.
  ::signal(signal, SIG_DFL);
  raise(signal);
}

static void installHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previousAction);
  });
}

static MappingGuard *addGuard(const char *data, size_t size) {
  installHandler();
  MappingGuard *guard = nullptr;
  for (MappingGuard *g = guards.load(); g && !guard; g = g->next) {
    bool expected = false;
    if (g->used.compare_exchange_strong(expected, true))
      guard = g;
  }
  if (!guard) {
    guard = new MappingGuard;
    guard->next = guards.load();
    while (!guards.compare_exchange_weak(guard->next, guard))
      ;
  }
  guard->lost.store(false);
  guard->begin.store(uintptr_t(data));
  guard->end.store(uintptr_t(data) + size);
  return guard;
}

void MappedFile::readAhead(bool enable) const {
  // Advice: nothing depends on its being taken.
  if (size != 0)
    madvise(const_cast<char *>(data), size, enable ? MADV_NORMAL : MADV_RANDOM);
}

wire::Failure MappedFile::open(const std::string &path,
                               std::shared_ptr<MappedFile> &into) {
  if (path.find('\0') != std::string::npos)
    return wire::Error{Code::ModelNotFound, "cannot open " + quoted(path) +
                                                ": the path has a zero byte"};
  // O_NONBLOCK: a pipe without a writer must not block the open.
  int descriptor =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0)
    return wire::Error{Code::ModelNotFound,
                       "cannot open " + quoted(path) + ": " + strerror(errno)};
  wire::Failure failure = map(descriptor, quoted(path), into);
  ::close(descriptor);
  return failure;
}

/// "a folder" ... for what is not a regular file.
static const char *kindOf(const struct stat &info) {
  switch (info.st_mode & S_IFMT) {
  case S_IFDIR:
    return "a folder";
  case S_IFIFO:
    return "a pipe";
  case S_IFSOCK:
    return "a socket";
  default:
    return "a device";
  }
}

wire::Failure MappedFile::map(int descriptor, const std::string &name,
                              std::shared_ptr<MappedFile> &into) {
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return wire::Error{Code::ModelUnreadable,
                       "cannot read " + name + ": " + strerror(errno)};
  if (!S_ISREG(info.st_mode))
    return wire::Error{Code::ModelNotAFile,
                       name + " is " + kindOf(info) + ", not a file"};
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->identity = info;
  file->size = size_t(info.st_size);
  if (file->size == 0) {
    into = std::move(file);
    return {};
  }
  void *address =
      mmap(nullptr, file->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) {
    file->size = 0;
    return wire::Error{Code::ModelUnreadable,
                       "cannot map " + name + ": " + strerror(errno)};
  }
  file->data = static_cast<const char *>(address);
  file->guard = addGuard(file->data, file->size);
  into = std::move(file);
  return {};
}

MappedFile::~MappedFile() {
  if (guard) {
    guard->end.store(0);
    guard->begin.store(0);
    guard->used.store(false);
  }
  if (data)
    munmap(const_cast<char *>(data), size);
}

bool MappedFile::lostPages() const { return guard && guard->lost.load(); }

bool MappedFile::anyLostPages() {
  for (MappingGuard *guard = guards.load(); guard; guard = guard->next)
    if (guard->used.load() && guard->lost.load())
      return true;
  return false;
}

bool MappedFile::differsFrom(const struct stat &now) const {
  return now.st_dev != identity.st_dev || now.st_ino != identity.st_ino ||
         now.st_size != identity.st_size ||
         now.st_mtim.tv_sec != identity.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != identity.st_mtim.tv_nsec;
}
