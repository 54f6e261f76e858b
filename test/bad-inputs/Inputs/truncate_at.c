/*===- truncate_at.c -===*
 *
 * Part of the Ingot project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*
 *
 * Preloaded into a tool: cuts the file TRUNCATE_PATH off at TRUNCATE_SIZE bytes
 * right after the tool has first opened, measured or mapped it, as TRUNCATE_AT
 * says. So a race against another program is always lost at the same moment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Cuts the file off if `fd` is it and this is the moment. */
static void after(const char *moment, int fd) {
  static int done;
  const char *path = getenv("TRUNCATE_PATH"), *at = getenv("TRUNCATE_AT");
  struct stat ours, theirs;
  int (*measure)(int, struct stat *) = dlsym(RTLD_NEXT, "fstat");
  if (done || fd < 0 || !path || !at || strcmp(at, moment) != 0)
    return;
  if (measure(fd, &ours) != 0 || stat(path, &theirs) != 0 ||
      ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev)
    return;
  done = 1;
  if (truncate(path, atol(getenv("TRUNCATE_SIZE"))) != 0)
    abort();
}

int open(const char *path, int flags, ...) {
  int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  va_list list;
  va_start(list, flags);
  int fd = real(path, flags, va_arg(list, mode_t));
  va_end(list);
  after("open", fd);
  return fd;
}

int fstat(int fd, struct stat *info) {
  int (*real)(int, struct stat *) = dlsym(RTLD_NEXT, "fstat");
  int status = real(fd, info);
  after("fstat", fd);
  return status;
}

void *mmap(void *address, size_t size, int access, int flags, int fd,
           off_t offset) {
  void *(*real)(void *, size_t, int, int, int, off_t) =
      dlsym(RTLD_NEXT, "mmap");
  void *result = real(address, size, access, flags, fd, offset);
  after("mmap", fd);
  return result;
}
