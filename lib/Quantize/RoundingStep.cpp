//===- RoundingStep.cpp --------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/RoundingStep.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace ingot::quantize;

#ifdef INGOT_PROCESSOR_CLONES
#define INGOT_CLONED __attribute__((target_clones(INGOT_PROCESSOR_CLONES)))
#else
#define INGOT_CLONED
#endif
#define INGOT_INLINE static inline __attribute__((always_inline))

// exp2 and log2 to about six digits, in operations that loops are vectorised
// with, and that give the same bits everywhere.

/// 2^x for |x| < 126.
INGOT_INLINE float exp2Of(float x) {
  constexpr float magic = 12582912; // 1.5 * 2^23
  float whole = (x + magic) - magic, rest = x - whole;
  float power =
      1 +
      rest * (0.693147182f +
              rest * (0.240226462f +
                      rest * (0.0555032544f + rest * (0.00961653631f +
                                                      rest * 0.00133981731f))));
  int32_t bits = (int32_t(whole) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, 4);
  return power * scale;
}

/// log2 x for normal positive x.
INGOT_INLINE float log2Of(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, 4);
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  int32_t shifted = bits - 0x3f3504f3;
  auto e = float(shifted >> 23);
  bits = (shifted & 0x7fffff) + 0x3f3504f3;
  float m;
  std::memcpy(&m, &bits, 4);
  // log2((1 + t) / (1 - t)) in odd powers of t.
  float t = (m - 1) / (m + 1), t2 = t * t;
  return e + t * (2.88539008f + t2 * (0.961796694f +
                                      t2 * (0.577078016f + t2 * 0.412198583f)));
}

/// sigmoid(x); within 1e-6 of 0 and 1 for large |x|.
INGOT_INLINE float sigmoid(float x) {
  float y = x * -1.44269504f;
  y = y < 60 ? y : 60;
  y = y > -60 ? y : -60;
  return 1 / (1 + exp2Of(y));
}

INGOT_CLONED static void softLoop(int64_t size, const float *base,
                                  const float *scale, const float *logit,
                                  float *sigmoids, float *soft) {
#pragma clang loop vectorize(enable) interleave(enable)
  for (int64_t i = 0; i < size; ++i) {
    float s = sigmoid(logit[i]);
    sigmoids[i] = s;
    float h = s * 1.2f - 0.1f;
    h = h > 0 ? h : 0;
    h = h < 1 ? h : 1;
    soft[i] = base[i] + scale[i] * h;
  }
}

void ingot::quantize::softWeights(RoundingState &state) {
  softLoop(int64_t(state.soft.size()), state.base.data(), state.scale.data(),
           state.logit.data(), state.sigmoid.data(), state.soft.data());
}

INGOT_CLONED static void
updateLoop(int64_t size, const float *__restrict scale,
           const float *__restrict gradient, const float *__restrict sigmoids,
           float *__restrict logit, float *__restrict mean,
           float *__restrict square, float rate, float rootFactor, float lambda,
           float beta) {
#pragma clang loop vectorize(enable) interleave(enable)
  for (int64_t i = 0; i < size; ++i) {
    float s = sigmoids[i];
    float h = s * 1.2f - 0.1f;
    // Where h is clipped, its derivative is 0.
    float slope = h > 0 ? 1.2f * s * (1 - s) : 0.f;
    slope = h < 1 ? slope : 0.f;
    // d(1 - |2h - 1|^beta) / dh
    float side = 2 * h - 1;
    float distance = std::fabs(side);
    distance = distance > 1e-6f ? distance : 1e-6f;
    float power = (beta - 1) * log2Of(distance);
    power = power > -100 ? power : -100;
    float pull = 2 * beta * exp2Of(power);
    pull = side < 0 ? pull : -pull;
    float g = (gradient[i] * scale[i] + lambda * pull) * slope;
    g = scale[i] != 0 ? g : 0.f;
    float m = 0.9f * mean[i] + 0.1f * g;
    // Not into the subnormal numbers, which are slow.
    m = std::fabs(m) > 1e-20f ? m : 0.f;
    float v = 0.999f * square[i] + 0.001f * (g * g);
    mean[i] = m;
    square[i] = v;
    logit[i] -= rate * m / (std::sqrt(v * rootFactor) + 1e-8f);
  }
}

void ingot::quantize::updateLogits(RoundingState &state,
                                   const std::vector<float> &gradient,
                                   const RoundingStep &step) {
  updateLoop(int64_t(state.soft.size()), state.scale.data(), gradient.data(),
             state.sigmoid.data(), state.logit.data(), state.mean.data(),
             state.square.data(), step.rate, step.rootFactor, step.lambda,
             step.beta);
}

namespace {
typedef float Samples
    __attribute__((vector_size(sampleLanes * sizeof(float)), aligned(4)));
} // namespace

INGOT_INLINE float sumOf(const Samples &v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

INGOT_CLONED static void dotLoop(int64_t samples, const float *x,
                                 const float *const rest[4], float sums[4]) {
  Samples sum0{}, sum1{}, sum2{}, sum3{};
  for (int64_t s = 0; s < samples; s += sampleLanes) {
    Samples column = *reinterpret_cast<const Samples *>(x + s);
    sum0 += column * *reinterpret_cast<const Samples *>(rest[0] + s);
    sum1 += column * *reinterpret_cast<const Samples *>(rest[1] + s);
    sum2 += column * *reinterpret_cast<const Samples *>(rest[2] + s);
    sum3 += column * *reinterpret_cast<const Samples *>(rest[3] + s);
  }
  sums[0] = sumOf(sum0);
  sums[1] = sumOf(sum1);
  sums[2] = sumOf(sum2);
  sums[3] = sumOf(sum3);
}

void ingot::quantize::dotFour(int64_t samples, const float *x,
                              const float *const rest[4], float sums[4]) {
  dotLoop(samples, x, rest, sums);
}

INGOT_CLONED static void subtractLoop(int64_t samples, float step,
                                      const float *__restrict x,
                                      float *__restrict rest) {
#pragma clang loop vectorize(enable) interleave(enable)
  for (int64_t s = 0; s < samples; ++s)
    rest[s] -= step * x[s];
}

void ingot::quantize::subtractScaled(int64_t samples, float step,
                                     const float *x, float *rest) {
  subtractLoop(samples, step, x, rest);
}
