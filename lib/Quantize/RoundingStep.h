//===- RoundingStep.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What AdaRound does to every weight in every iteration; apart from the rest,
// since it is compiled for several processors.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_ROUNDINGSTEP_H
#define INGOT_LIB_QUANTIZE_ROUNDINGSTEP_H

#include <cstdint>
#include <vector>

namespace ingot::quantize {

/// The weights and their optimiser, an entry for each weight.
struct RoundingState {
  /// The relaxed weight is soft = base + scale * h(logit); scale is 0 where
  /// there is nothing to choose.
  std::vector<float> base, scale, logit, sigmoid, soft;
  /// Adam's averages of the gradient and of its square.
  std::vector<float> mean, square;

  void resize(int64_t size) {
    for (std::vector<float> *each :
         {&base, &scale, &logit, &sigmoid, &soft, &mean, &square})
      each->assign(size, 0.f);
  }
};

/// The factors of one iteration.
struct RoundingStep {
  /// Learning rate and factor of the squares, with Adam's bias corrections.
  float rate = 0, rootFactor = 1;
  /// Of the regulariser lambda * sum(1 - |2 h - 1|^beta).
  float lambda = 0, beta = 2;
};

/// Sets `sigmoid`, of the logit, and `soft`.
void softWeights(RoundingState &state);

/// Moves the logits, given the error's gradient by `soft`, after softWeights().
void updateLogits(RoundingState &state, const std::vector<float> &gradient,
                  const RoundingStep &step);

/// Samples are counted in vectors of so many.
inline constexpr int64_t sampleLanes = 8;

/// x . rest of each of four outputs; `samples` is a multiple of sampleLanes.
/// The same bits on every machine.
void dotFour(int64_t samples, const float *x, const float *const rest[4],
             float sums[4]);

/// rest -= step * x.
void subtractScaled(int64_t samples, float step, const float *x, float *rest);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_ROUNDINGSTEP_H
