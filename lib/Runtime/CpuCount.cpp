//===- CpuCount.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the affinity mask and the cgroup files. Whatever cannot be read or
// understood limits nothing.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/CpuCount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int64_t unlimited = INT64_MAX;

/// A path under construction; too long a path becomes empty.
struct Path {
  char text[1024];
  size_t length = 0;

  Path() { text[0] = 0; }
  Path &add(const char *part) { return add(part, strlen(part)); }
  Path &add(const char *part, size_t n) {
    if (length + n >= sizeof(text)) {
      length = 0;
      text[0] = 0;
      return *this;
    }
    memcpy(text + length, part, n);
    length += n;
    text[length] = 0;
    return *this;
  }
};

} // namespace

/// The first `size - 1` bytes of a file; false when there is none.
static bool readFile(const char *path, char *buffer, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  size_t length = 0;
  while (length + 1 < size) {
    ssize_t n = read(file, buffer + length, size - 1 - length);
    if (n <= 0)
      break;
    length += size_t(n);
  }
  close(file);
  buffer[length] = 0;
  return length > 0;
}

/// The number at `*text`, which moves behind it; negative when there is none.
static int64_t readNumber(const char **text) {
  const char *p = *text;
  while (*p == ' ' || *p == '\n')
    ++p;
  if (*p < '0' || *p > '9')
    return -1;
  int64_t value = 0;
  for (; *p >= '0' && *p <= '9'; ++p)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, *p - '0', &value))
      return -1;
  *text = p;
  return value;
}

static int64_t wholeCpus(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0)
    return unlimited;
  return quota / period + (quota % period != 0);
}

/// Version 2: "<quota or max> <period>" in cpu.max.
static int64_t quotaOfUnifiedGroup(const Path &folder) {
  char text[64];
  Path file = folder;
  if (!readFile(file.add("/cpu.max").text, text, sizeof(text)))
    return unlimited;
  const char *at = text;
  int64_t quota = readNumber(&at);
  return wholeCpus(quota, readNumber(&at));
}

/// Version 1: one file each.
static int64_t quotaOfCpuGroup(const Path &folder) {
  char text[64];
  Path file = folder;
  if (!readFile(file.add("/cpu.cfs_quota_us").text, text, sizeof(text)))
    return unlimited;
  const char *at = text;
  int64_t quota = readNumber(&at);
  file = folder;
  if (!readFile(file.add("/cpu.cfs_period_us").text, text, sizeof(text)))
    return unlimited;
  at = text;
  return wholeCpus(quota, readNumber(&at));
}

/// The least quota of a group and all above it. In a container the group's
/// path may not exist below the mount; its parent "/" always does.
static int64_t quotaUpwards(const char *root, const char *mount,
                            const char *group, size_t length,
                            int64_t (*quotaOf)(const Path &)) {
  int64_t least = unlimited;
  for (;;) {
    while (length && group[length - 1] == '/')
      --length;
    Path folder;
    folder.add(root).add(mount).add(group, length);
    int64_t quota = quotaOf(folder);
    least = quota < least ? quota : least;
    if (length == 0)
      return least;
    while (length && group[length - 1] != '/')
      --length;
  }
}

/// Whether the comma-separated `list` has the word "cpu".
static bool controlsCpu(const char *list, size_t length) {
  for (size_t i = 0; i < length;) {
    size_t n = 0;
    while (i + n < length && list[i + n] != ',')
      ++n;
    if (n == 3 && memcmp(list + i, "cpu", 3) == 0)
      return true;
    i += n + 1;
  }
  return false;
}

/// One line of /proc/self/cgroup, "<id>:<controllers>:<path>".
static int64_t quotaOfLine(const char *root, const char *line, size_t length) {
  const char *end = line + length;
  auto *list = static_cast<const char *>(memchr(line, ':', length));
  if (!list)
    return unlimited;
  ++list;
  auto *group = static_cast<const char *>(memchr(list, ':', end - list));
  if (!group)
    return unlimited;
  size_t listLength = size_t(group - list);
  ++group;
  size_t groupLength = size_t(end - group);
  if (listLength == 0) {
    int64_t plain = quotaUpwards(root, "/sys/fs/cgroup", group, groupLength,
                                 quotaOfUnifiedGroup);
    int64_t hybrid = quotaUpwards(root, "/sys/fs/cgroup/unified", group,
                                  groupLength, quotaOfUnifiedGroup);
    return plain < hybrid ? plain : hybrid;
  }
  if (!controlsCpu(list, listLength))
    return unlimited;
  int64_t least = unlimited;
  static const char *const mounts[] = {"/sys/fs/cgroup/cpu",
                                       "/sys/fs/cgroup/cpu,cpuacct",
                                       "/sys/fs/cgroup/cpuacct,cpu"};
  for (const char *mount : mounts) {
    int64_t quota =
        quotaUpwards(root, mount, group, groupLength, quotaOfCpuGroup);
    least = quota < least ? quota : least;
  }
  return least;
}

static int64_t cgroupQuota(const char *root) {
  char text[4096];
  Path file;
  if (!readFile(file.add(root).add("/proc/self/cgroup").text, text,
                sizeof(text)))
    return unlimited;
  int64_t least = unlimited;
  for (const char *line = text; *line;) {
    size_t length = strcspn(line, "\n");
    int64_t quota = quotaOfLine(root, line, length);
    least = quota < least ? quota : least;
    line += length + (line[length] == '\n');
  }
  return least;
}

/// Bits of the affinity mask. The system call, since the size of libc's mask
/// is too small for large machines.
static int64_t affinityCount() {
  uint64_t mask[128] = {}; // 8192 processors, the most Linux can be built for
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
  int64_t count = 0;
  for (long i = 0; i < bytes / 8; ++i)
    count += __builtin_popcountll(mask[i]);
  return count;
}

int32_t ingot::rt::usableCpus(const char *root) {
  int64_t count = affinityCount();
  int64_t quota = cgroupQuota(root);
  count = quota < count ? quota : count;
  return count > 1 ? int32_t(count) : 1;
}
