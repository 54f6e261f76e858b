//===- Preload.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library for LD_PRELOAD that lets a process run models for AMX without
// AMX. Models refuse processors that lack what they require; the requirement
// is taken out of each model that is loaded, in memory. Tests alone do this.
//
//===----------------------------------------------------------------------===//
#include "test/amx/TileEmulator.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/// Overwrites a word of a list in read-only memory by commas, which read as
/// empty words.
static void blank(char *at, size_t length) {
  auto page = uintptr_t(sysconf(_SC_PAGESIZE));
  uintptr_t begin = uintptr_t(at) / page * page;
  size_t size = uintptr_t(at) + length - begin;
  auto *start = reinterpret_cast<void *>(begin);
  if (mprotect(start, size, PROT_READ | PROT_WRITE) != 0)
    return;
  std::memset(at, ',', length);
  mprotect(start, size, PROT_READ);
}

static void blankWords(char *begin, char *end, const char *word) {
  size_t length = std::strlen(word);
  auto ends = [](char c) { return c == ',' || c == 0; };
  for (char *at = begin + 1;
       (at = static_cast<char *>(memmem(at, size_t(end - at), word, length)));
       at += length)
    if (at + length < end && ends(at[-1]) && ends(at[length]))
      blank(at, length);
}

static int visit(dl_phdr_info *info, size_t, void *base) {
  if (info->dlpi_addr != *static_cast<ElfW(Addr) *>(base))
    return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || segment.p_flags != PF_R)
      continue;
    auto *begin = reinterpret_cast<char *>(info->dlpi_addr + segment.p_vaddr);
    blankWords(begin, begin + segment.p_filesz, "amx-tile");
    blankWords(begin, begin + segment.p_filesz, "amx-int8");
  }
  return 1;
}

extern "C" void *dlopen(const char *file, int mode) {
  auto *next = reinterpret_cast<decltype(&dlopen)>(dlsym(RTLD_NEXT, "dlopen"));
  void *library = next(file, mode);
  link_map *map = nullptr;
  if (library && file && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0)
    dl_iterate_phdr(visit, &map->l_addr);
  // The program may have handlers of its own for crashes by now.
  amx::installHandler();
  return library;
}

/// Tells tests, if they ask, that products were emulated indeed.
static void report() {
  if (std::getenv("INGOT_TILE_EMULATOR_REPORT"))
    std::fprintf(stderr, "tile emulator: %llu instructions, %llu products\n",
                 (unsigned long long)amx::executedInstructions(),
                 (unsigned long long)amx::executedProducts());
}

__attribute__((constructor)) static void start() { std::atexit(report); }
