//===- PeakRate.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "bench/PeakRate.h"

#include <cstdint>
#include <ctime>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

using namespace ingot::bench;

/// Accumulators of a loop: with a latency of four or five cycles and two
/// multiply-adds a cycle, ten keep every unit busy. They and two factors must
/// fit in sixteen registers.
constexpr int chains = 13;

/// Keeps the compiler from dropping or foreseeing a loop.
static volatile float seed = 0.5f;
static volatile float sink;

double ingot::bench::threadSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

#if defined(__x86_64__)

__attribute__((target("avx512f"))) static int64_t loop512(int64_t rounds) {
  __m512 sums[chains], x = _mm512_set1_ps(seed), y = _mm512_set1_ps(seed);
  for (__m512 &sum : sums)
    sum = _mm512_set1_ps(seed);
  for (int64_t i = 0; i < rounds; ++i)
    for (__m512 &sum : sums)
      sum = _mm512_fmadd_ps(sum, x, y);
  for (__m512 &sum : sums)
    sink = _mm512_cvtss_f32(sum);
  return rounds * chains * 32;
}

__attribute__((target("avx2,fma"))) static int64_t loop256(int64_t rounds) {
  __m256 sums[chains], x = _mm256_set1_ps(seed), y = _mm256_set1_ps(seed);
  for (__m256 &sum : sums)
    sum = _mm256_set1_ps(seed);
  for (int64_t i = 0; i < rounds; ++i)
    for (__m256 &sum : sums)
      sum = _mm256_fmadd_ps(sum, x, y);
  for (__m256 &sum : sums)
    sink = _mm256_cvtss_f32(sum);
  return rounds * chains * 16;
}

__attribute__((target("avx512f"))) static void read512(const char *data,
                                                       int64_t bytes) {
  __m512i seen[4] = {};
  for (int64_t i = 0; i + 256 <= bytes; i += 256)
    for (int64_t v = 0; v < 4; ++v)
      seen[v] = _mm512_or_si512(seen[v], _mm512_loadu_si512(data + i + 64 * v));
  for (__m512i &bits : seen)
    sink = float(_mm512_cvtsi512_si32(bits));
}

__attribute__((target("avx2"))) static void read256(const char *data,
                                                    int64_t bytes) {
  __m256i seen[4] = {};
  for (int64_t i = 0; i + 128 <= bytes; i += 128)
    for (int64_t v = 0; v < 4; ++v)
      seen[v] = _mm256_or_si256(
          seen[v], _mm256_loadu_si256(
                       reinterpret_cast<const __m256i *>(data + i + 32 * v)));
  for (__m256i &bits : seen)
    sink = float(_mm256_extract_epi32(bits, 0));
}

static void read(int bits, const char *data, int64_t bytes) {
  bits == 512 ? read512(data, bytes) : read256(data, bytes);
}

bool ingot::bench::hasFmaOf(int bits) {
  if (bits == 512)
    return __builtin_cpu_supports("avx512f");
  return bits == 256 && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma");
}

static int64_t loop(int bits, int64_t rounds) {
  return bits == 512 ? loop512(rounds) : loop256(rounds);
}

#elif defined(__aarch64__)

bool ingot::bench::hasFmaOf(int bits) { return bits == 128; }

static void read(int, const char *data, int64_t bytes) {
  uint8x16_t seen[4] = {};
  for (int64_t i = 0; i + 64 <= bytes; i += 64)
    for (int64_t v = 0; v < 4; ++v)
      seen[v] = vorrq_u8(seen[v], vld1q_u8(reinterpret_cast<const uint8_t *>(
                                      data + i + 16 * v)));
  for (uint8x16_t &bits : seen)
    sink = float(vgetq_lane_u8(bits, 0));
}

static int64_t loop(int, int64_t rounds) {
  float32x4_t sums[chains], x = vdupq_n_f32(seed), y = vdupq_n_f32(seed);
  for (float32x4_t &sum : sums)
    sum = vdupq_n_f32(seed);
  // The addend is overwritten, as in a kernel.
  for (int64_t i = 0; i < rounds; ++i)
    for (float32x4_t &sum : sums)
      sum = vfmaq_f32(sum, x, y);
  for (float32x4_t &sum : sums)
    sink = vgetq_lane_f32(sum, 0);
  return rounds * chains * 8;
}

#else
#error "no multiply-add loop for this processor"
#endif

double ingot::bench::fmaRate(int bits, double seconds) {
  int64_t operations = 0;
  double start = threadSeconds(), now = start;
  do {
    operations += loop(bits, 50000);
    now = threadSeconds();
  } while (now - start < seconds);
  return double(operations) / (now - start);
}

double ingot::bench::readRate(int bits, const void *data, int64_t bytes) {
  double start = threadSeconds();
  read(bits, static_cast<const char *>(data), bytes);
  return double(bytes) / (threadSeconds() - start);
}
