//===- HostCpu.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/targets/x86/HostCpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

using namespace ingot;

#if defined(__x86_64__)
/// Linux hands out the tile registers on request, for the whole process.
static bool tilesPermitted() {
  constexpr long requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}
#endif

HostCpu ingot::detectHostCpu() {
  HostCpu host;
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return host;
  auto bit = [](unsigned word, int n) { return (word >> n & 1) != 0; };
  bool fma = bit(c, 12), movbe = bit(c, 22), popcnt = bit(c, 23);
  bool osxsave = bit(c, 27), avx = bit(c, 28), f16c = bit(c, 29);
  unsigned xcr0 = 0;
  if (osxsave) {
    unsigned high;
    __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  }
  bool ymm = (xcr0 & 0x6) == 0x6, zmm = (xcr0 & 0xe6) == 0xe6;
  unsigned b7 = 0, c7 = 0, d7 = 0, a71 = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    b7 = b;
    c7 = c;
    d7 = d;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
      a71 = a;
  }
  unsigned extended = 0;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    extended = c;
  bool level3 = fma && movbe && popcnt && avx && f16c && ymm && bit(b7, 5) &&
                bit(b7, 3) && bit(b7, 8) && bit(extended, 5);
  bool level4 = level3 && zmm && bit(b7, 16) && bit(b7, 17) && bit(b7, 28) &&
                bit(b7, 30) && bit(b7, 31);
  host.level = level4 ? 4 : level3 ? 3 : 2;
  host.vnni = level4 ? bit(c7, 11) : level3 && bit(a71, 4);
  host.bf16 = level4 && bit(a71, 5);
  bool tileState = (xcr0 & 0x60000) == 0x60000;
  host.amx = level4 && host.vnni && tileState && bit(d7, 24) && bit(d7, 25) &&
             tilesPermitted();
  char vendor[13] = {};
  if (__get_cpuid(0, &a, &b, &c, &d)) {
    __builtin_memcpy(vendor, &b, 4);
    __builtin_memcpy(vendor + 4, &d, 4);
    __builtin_memcpy(vendor + 8, &c, 4);
  }
  bool amd = llvm::StringRef(vendor) == "AuthenticAMD";
  if (level4)
    host.tune = amd ? "znver4" : "sapphirerapids";
  else if (level3)
    host.tune = amd ? "znver3" : "haswell";
#endif
  long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE),
       l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (l1 > 0)
    host.l1 = l1;
  if (l2 > 0)
    host.l2 = l2;
  return host;
}
