//===- GpuCache.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// By system calls, since libc's functions for folders and attributes came in
// versions that the stub of libc cannot name.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuCache.h"

#include "lib/Runtime/System.h"
#include "lib/Runtime/Variant.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace ingot::rt;

/// Of all files together.
static constexpr uint64_t mostBytes = uint64_t(256) << 20;

namespace {

/// What a file starts with; the machine code follows.
struct Header {
  char magic[8];
  Digest key;
  Digest content;
  uint64_t bytes;
};

constexpr char magic[8] = {'I', 'N', 'G', 'O', 'T', 'J', 'I', '1'};

/// A path under construction; what is too long becomes empty.
struct Path {
  char text[1024];
  size_t length = 0;

  Path() { text[0] = 0; }
  Path &add(const char *part) {
    size_t n = strlen(part);
    if (length + n >= sizeof(text))
      length = n = 0;
    memcpy(text + length, part, n);
    length += n;
    text[length] = 0;
    return *this;
  }
};

struct File {
  uint64_t bytes;
  int64_t time; // of the last use
};

} // namespace

static uint64_t finish(uint64_t value) {
  value = (value ^ value >> 33) * 0xff51afd7ed558ccdu;
  value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53u;
  return value ^ value >> 33;
}

static Digest digestOf(const void *data, uint64_t bytes) {
  const auto *from = static_cast<const uint8_t *>(data);
  Digest digest = {0x9e3779b97f4a7c15u ^ bytes, 0xd1b54a32d192ed03u};
  for (uint64_t at = 0; at < bytes; at += sizeof(uint64_t)) {
    uint64_t word = 0, left = bytes - at;
    memcpy(&word, from + at, left < sizeof(word) ? left : sizeof(word));
    digest.a = (digest.a ^ word) * 0x2545f4914f6cdd1du;
    digest.a ^= digest.a >> 29;
    digest.b = (digest.b + word) * 0x9fb21c651e98df25u;
    digest.b = digest.b << 31 | digest.b >> 33;
  }
  return {finish(digest.a + digest.b), finish(digest.b ^ digest.a << 1)};
}

/// Whether what is open is of the kind and only the user can write to it.
static bool isOurs(int file, unsigned kind, File &info) {
  struct statx status = {};
  if (syscall(SYS_statx, file, "", AT_EMPTY_PATH,
              STATX_TYPE | STATX_MODE | STATX_UID | STATX_SIZE | STATX_MTIME,
              &status) != 0)
    return false;
  info = {status.stx_size, status.stx_mtime.tv_sec};
  return (status.stx_mode & S_IFMT) == kind &&
         (status.stx_mode & (S_IWGRP | S_IWOTH)) == 0 &&
         status.stx_uid == uint32_t(syscall(SYS_geteuid));
}

bool GpuCache::openFolder() {
  Path path;
  auto make = [&] { syscall(SYS_mkdirat, AT_FDCWD, path.text, 0700); };
  if (const char *own = environment("INGOT_CACHE_DIR")) {
    if (strcmp(own, "off") == 0)
      return false;
    path.add(own);
  } else if (const char *caches = environment("XDG_CACHE_HOME")) {
    path.add(caches).add("/ingot");
  } else if (const char *home = environment("HOME")) {
    path.add(home).add("/.cache");
    make();
    path.add("/ingot");
  }
  // What the environment does not name by a full path means nothing.
  if (path.text[0] != '/')
    return false;
  make();
  folder = int(syscall(SYS_openat, AT_FDCWD, path.text,
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  File info;
  return folder >= 0 && isOurs(folder, S_IFDIR, info);
}

bool GpuCache::open(const IngotGpuImage &image, int driverVersion,
                    int32_t capability) {
  if (!openFolder())
    return false;
  Digest text = digestOf(image.data, image.bytes);
  uint64_t all[] = {text.a, text.b, uint64_t(driverVersion),
                    uint64_t(capability)};
  key = digestOf(all, sizeof(all));
  static const char hex[] = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) {
    name[i] = hex[key.a >> (60 - 4 * i) & 15];
    name[16 + i] = hex[key.b >> (60 - 4 * i) & 15];
  }
  memcpy(name + 32, ".cubin", sizeof(".cubin"));
  return true;
}

GpuCache::~GpuCache() {
  if (folder >= 0)
    close(folder);
  free(content);
}

/// Reads a whole file into `content` and checks it.
bool GpuCache::read(int file, uint64_t bytes) {
  void *memory = nullptr;
  if (bytes < sizeof(Header) || bytes > mostBytes ||
      posix_memalign(&memory, 64, bytes) != 0)
    return false;
  content = static_cast<uint8_t *>(memory);
  uint64_t length = 0;
  while (length < bytes) {
    ssize_t n = ::read(file, content + length, bytes - length);
    if (n <= 0)
      return false;
    length += uint64_t(n);
  }
  Header header;
  memcpy(&header, content, sizeof(header));
  return memcmp(header.magic, magic, sizeof(magic)) == 0 && header.key == key &&
         header.bytes == bytes - sizeof(header) &&
         header.content == digestOf(content + sizeof(header), header.bytes);
}

const void *GpuCache::find() {
  int file = int(syscall(SYS_openat, folder, name,
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file < 0)
    return nullptr;
  File info;
  bool found = isOurs(file, S_IFREG, info) && read(file, info.bytes);
  if (found) // The time of the last use.
    syscall(SYS_utimensat, file, nullptr, nullptr, 0);
  close(file);
  return found ? content + sizeof(Header) : nullptr;
}

static bool writeAll(int file, const void *data, size_t bytes) {
  const auto *from = static_cast<const uint8_t *>(data);
  while (bytes) {
    long n = syscall(SYS_write, file, from, bytes);
    if (n <= 0)
      return false;
    from += n;
    bytes -= size_t(n);
  }
  return true;
}

static bool endsWith(const char *text, const char *end) {
  size_t length = strlen(text), n = strlen(end);
  return length >= n && strcmp(text + length - n, end) == 0;
}

/// Adds up the files of the cache; `oldest` is the least used.
static uint64_t measure(int folder, char (&oldest)[256]) {
  // linux_dirent64
  struct Entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[1];
  };
  alignas(Entry) char buffer[4096];
  uint64_t total = 0;
  int64_t time = INT64_MAX;
  syscall(SYS_lseek, folder, 0, SEEK_SET);
  for (;;) {
    long length = syscall(SYS_getdents64, folder, buffer, sizeof(buffer));
    if (length <= 0)
      return total;
    for (long at = 0; at < length;) {
      const auto *entry = reinterpret_cast<const Entry *>(buffer + at);
      at += entry->bytes;
      if (!endsWith(entry->name, ".cubin") && !endsWith(entry->name, ".part"))
        continue;
      struct statx status = {};
      if (syscall(SYS_statx, folder, entry->name, AT_SYMLINK_NOFOLLOW,
                  STATX_SIZE | STATX_MTIME, &status) != 0)
        continue;
      total += status.stx_size;
      if (status.stx_mtime.tv_sec < time) {
        time = status.stx_mtime.tv_sec;
        memcpy(oldest, entry->name, strlen(entry->name) + 1);
      }
    }
  }
}

void GpuCache::keep(const void *code, size_t bytes) const {
  if (bytes > mostBytes / 4)
    return;
  // Whole under its name, or not there.
  char part[40];
  memcpy(part, name, sizeof(part));
  uint64_t unique = nanoseconds() ^ uint64_t(getpid()) << 40;
  for (int i = 0; i < 16; ++i, unique >>= 4)
    part[i] = char('a' + (unique & 15));
  memcpy(part + 32, ".part", sizeof(".part"));
  int file = int(syscall(SYS_openat, folder, part,
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file < 0)
    return;
  Header header = {};
  memcpy(header.magic, magic, sizeof(magic));
  header.key = key;
  header.content = digestOf(code, bytes);
  header.bytes = bytes;
  bool written =
      writeAll(file, &header, sizeof(header)) && writeAll(file, code, bytes);
  written = close(file) == 0 && written;
  if (!written || syscall(SYS_renameat2, folder, part, folder, name, 0) != 0) {
    syscall(SYS_unlinkat, folder, part, 0);
    return;
  }
  char oldest[256];
  for (int i = 0; i < 64 && measure(folder, oldest) > mostBytes; ++i)
    syscall(SYS_unlinkat, folder, oldest, 0);
}
