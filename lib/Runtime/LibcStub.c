//===- LibcStub.c ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Becomes a shared object with the name of libc and nothing in it: the linker
// needs one to know what a model may take from libc and to record the
// dependency. Its symbols carry no versions; the system's loader then binds
// them to the first version of each, so only functions belong here whose first
// version is still right.
//
//===----------------------------------------------------------------------===//

#define STUB(name)                                                             \
  void name(void) {}

// What the runtime calls.
STUB(clock_gettime)
STUB(close)
STUB(dlerror)
STUB(dlopen)
STUB(dlsym)
STUB(free)
STUB(getauxval)
STUB(getenv)
STUB(getpid)
STUB(open)
STUB(posix_memalign)
STUB(prctl)
STUB(pthread_create)
STUB(pthread_join)
STUB(read)
STUB(strcmp)
STUB(strcspn)
STUB(strlen)
STUB(strstr)
STUB(syscall)

// What the compiler may call for loops of its own making.
STUB(bcmp)
STUB(memchr)
STUB(memcmp)
STUB(memcpy)
STUB(memmove)
STUB(memset)

// Lives in the loader itself, which every libc brings along.
STUB(__tls_get_addr)
