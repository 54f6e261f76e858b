//===- CpuFeatures.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPUID and XGETBV on x86-64, the auxiliary vector on AArch64. A register file
// that the operating system does not save is as good as absent.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/CpuFeatures.h"

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace {

#if defined(__x86_64__)

enum Register : uint8_t { EAX, EBX, ECX, EDX };

/// Register state that the operating system must save for a feature.
enum OsState : uint8_t { Always, Ymm, Zmm, Tiles };

/// CPUID leaves that are asked, as indices of Cpuid::leaves.
enum Leaf : uint8_t { Basic, Structured, Structured1, Xsave1, Extended };

struct Feature {
  const char *name;
  Leaf leaf;
  Register reg;
  uint8_t bit;
  OsState state;
};

constexpr Feature features[] = {
    {"cx8", Basic, EDX, 8, Always},
    {"cmov", Basic, EDX, 15, Always},
    {"mmx", Basic, EDX, 23, Always},
    {"fxsr", Basic, EDX, 24, Always},
    {"sse", Basic, EDX, 25, Always},
    {"sse2", Basic, EDX, 26, Always},
    {"sse3", Basic, ECX, 0, Always},
    {"pclmul", Basic, ECX, 1, Always},
    {"ssse3", Basic, ECX, 9, Always},
    {"fma", Basic, ECX, 12, Ymm},
    {"cx16", Basic, ECX, 13, Always},
    {"sse4.1", Basic, ECX, 19, Always},
    {"sse4.2", Basic, ECX, 20, Always},
    {"crc32", Basic, ECX, 20, Always},
    {"movbe", Basic, ECX, 22, Always},
    {"popcnt", Basic, ECX, 23, Always},
    {"aes", Basic, ECX, 25, Always},
    {"xsave", Basic, ECX, 27, Always},
    {"avx", Basic, ECX, 28, Ymm},
    {"f16c", Basic, ECX, 29, Ymm},
    {"rdrnd", Basic, ECX, 30, Always},
    {"fsgsbase", Structured, EBX, 0, Always},
    {"bmi", Structured, EBX, 3, Always},
    {"avx2", Structured, EBX, 5, Ymm},
    {"bmi2", Structured, EBX, 8, Always},
    {"avx512f", Structured, EBX, 16, Zmm},
    {"avx512dq", Structured, EBX, 17, Zmm},
    {"rdseed", Structured, EBX, 18, Always},
    {"adx", Structured, EBX, 19, Always},
    {"avx512ifma", Structured, EBX, 21, Zmm},
    {"clflushopt", Structured, EBX, 23, Always},
    {"clwb", Structured, EBX, 24, Always},
    {"avx512cd", Structured, EBX, 28, Zmm},
    {"sha", Structured, EBX, 29, Always},
    {"avx512bw", Structured, EBX, 30, Zmm},
    {"avx512vl", Structured, EBX, 31, Zmm},
    {"avx512vbmi", Structured, ECX, 1, Zmm},
    {"waitpkg", Structured, ECX, 5, Always},
    {"avx512vbmi2", Structured, ECX, 6, Zmm},
    {"gfni", Structured, ECX, 8, Always},
    {"vaes", Structured, ECX, 9, Ymm},
    {"vpclmulqdq", Structured, ECX, 10, Ymm},
    {"avx512vnni", Structured, ECX, 11, Zmm},
    {"avx512bitalg", Structured, ECX, 12, Zmm},
    {"avx512vpopcntdq", Structured, ECX, 14, Zmm},
    {"rdpid", Structured, ECX, 22, Always},
    {"movdiri", Structured, ECX, 27, Always},
    {"movdir64b", Structured, ECX, 28, Always},
    {"avx512vp2intersect", Structured, EDX, 8, Zmm},
    {"serialize", Structured, EDX, 14, Always},
    {"amx-bf16", Structured, EDX, 22, Tiles},
    {"avx512fp16", Structured, EDX, 23, Zmm},
    {"amx-tile", Structured, EDX, 24, Tiles},
    {"amx-int8", Structured, EDX, 25, Tiles},
    {"avxvnni", Structured1, EAX, 4, Ymm},
    {"avx512bf16", Structured1, EAX, 5, Zmm},
    {"amx-fp16", Structured1, EAX, 21, Tiles},
    {"avxifma", Structured1, EAX, 23, Ymm},
    {"avxvnniint8", Structured1, EDX, 4, Ymm},
    {"avxneconvert", Structured1, EDX, 5, Ymm},
    {"amx-complex", Structured1, EDX, 8, Tiles},
    {"avxvnniint16", Structured1, EDX, 10, Ymm},
    {"xsaveopt", Xsave1, EAX, 0, Always},
    {"xsavec", Xsave1, EAX, 1, Always},
    {"xsaves", Xsave1, EAX, 3, Always},
    {"sahf", Extended, ECX, 0, Always},
    {"lzcnt", Extended, ECX, 5, Always},
    {"sse4a", Extended, ECX, 6, Always},
    {"prfchw", Extended, ECX, 8, Always},
};

/// Everything CPUID and XGETBV say, asked once: each leaf costs a trap on a
/// virtual machine.
class Probe {
public:
  Probe() {
    read(Basic, 1, 0);
    read(Structured, 7, 0);
    if (leaves[Structured][EAX] >= 1)
      read(Structured1, 7, 1);
    read(Xsave1, 0xd, 1);
    read(Extended, 0x80000001u, 0);
    constexpr uint32_t osxsave = 1u << 27;
    if (leaves[Basic][ECX] & osxsave) {
      uint32_t low, high;
      __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      enabled = low;
    }
  }

  bool has(const Feature &feature) const {
    if (!(leaves[feature.leaf][feature.reg] >> feature.bit & 1))
      return false;
    switch (feature.state) {
    case Always:
      return true;
    case Ymm:
      return saves(0x6);
    case Zmm:
      return saves(0xe6);
    case Tiles:
      return saves(0x60000) && tilesPermitted();
    }
    return false;
  }

private:
  void read(Leaf leaf, uint32_t number, uint32_t sub) {
    uint32_t *r = leaves[leaf];
    if (number <= __get_cpuid_max(number & 0x80000000u, nullptr))
      __cpuid_count(number, sub, r[EAX], r[EBX], r[ECX], r[EDX]);
  }

  bool saves(uint32_t states) const { return (enabled & states) == states; }

  /// Linux hands out the tile registers on request, for the whole process.
  static bool tilesPermitted() {
    constexpr long requestPermission = 0x1023, tileData = 18;
    return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  }

  uint32_t leaves[5][4] = {};
  uint32_t enabled = 0;
};

#elif defined(__aarch64__)

/// Bits of AT_HWCAP and AT_HWCAP2, which the kernel sets only for what it
/// supports; all of them must be there.
struct Feature {
  const char *name;
  uint64_t capabilities;
  uint64_t capabilities2;
};

constexpr uint64_t bit(unsigned n) { return uint64_t(1) << n; }

constexpr Feature features[] = {
    {"fp-armv8", bit(0), 0},
    {"neon", bit(1), 0},
    {"aes", bit(3) | bit(4), 0},
    {"sha2", bit(5) | bit(6), 0},
    {"crc", bit(7), 0},
    {"lse", bit(8), 0},
    {"fullfp16", bit(9) | bit(10), 0},
    {"rdm", bit(12), 0},
    {"jsconv", bit(13), 0},
    {"complxnum", bit(14), 0},
    {"rcpc", bit(15), 0},
    {"ccpp", bit(16), 0},
    {"sha3", bit(17) | bit(21), 0},
    {"dotprod", bit(20), 0},
    {"sve", bit(22), 0},
    {"fp16fml", bit(23), 0},
    {"dit", bit(24), 0},
    {"lse2", bit(25), 0},
    {"rcpc-immo", bit(26), 0},
    {"flagm", bit(27), 0},
    {"sve2", 0, bit(1)},
    {"f32mm", 0, bit(10)},
    {"f64mm", 0, bit(11)},
    {"i8mm", 0, bit(13)},
    {"bf16", 0, bit(14)},
    {"sme", 0, bit(23)},
    {"sve2p1", 0, bit(36)},
    {"sme2", 0, bit(37)},
};

class Probe {
public:
  bool has(const Feature &feature) const {
    return (first & feature.capabilities) == feature.capabilities &&
           (second & feature.capabilities2) == feature.capabilities2;
  }

private:
  uint64_t first = getauxval(AT_HWCAP);
  uint64_t second = getauxval(AT_HWCAP2);
};

#else
#error "no feature test for this processor"
#endif

} // namespace

size_t ingot_cpu_features(char *buffer, size_t size) {
  const Probe probe;
  size_t length = 0;
  auto put = [&](char c) {
    if (length + 1 < size)
      buffer[length] = c;
    ++length;
  };
  for (const Feature &feature : features) {
    if (!probe.has(feature))
      continue;
    if (length)
      put(',');
    for (const char *c = feature.name; *c; ++c)
      put(*c);
  }
  if (size)
    buffer[length < size ? length : size - 1] = 0;
  return length;
}

const char *ingot_cpu_missing_feature(const char *required, size_t *length) {
  const Probe probe;
  for (const char *word = required; *word;) {
    size_t n = 0;
    while (word[n] && word[n] != ',')
      ++n;
    bool found = n == 0;
    for (const Feature &feature : features)
      if (strlen(feature.name) == n && memcmp(feature.name, word, n) == 0)
        found = probe.has(feature);
    if (!found) {
      *length = n;
      return word;
    }
    word += n + (word[n] == ',');
  }
  return nullptr;
}
