//===- Prune.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Prune.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <array>
#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

/// Sets the `count` smallest of all elements to 0; of equal ones the first.
static void clearSmallest(ArrayRef<MutableArrayRef<float>> tensors,
                          size_t count) {
  if (count == 0)
    return;
  std::vector<float> magnitudes;
  for (MutableArrayRef<float> tensor : tensors)
    for (float value : tensor)
      magnitudes.push_back(std::fabs(value));
  auto last = magnitudes.begin() + int64_t(count) - 1;
  std::nth_element(magnitudes.begin(), last, magnitudes.end());
  float threshold = *last;
  auto below = size_t(llvm::count_if(
      magnitudes, [&](float value) { return value < threshold; }));
  size_t equalOnes = count - below;
  for (MutableArrayRef<float> tensor : tensors)
    for (float &value : tensor) {
      if (std::fabs(value) < threshold)
        value = 0;
      else if (std::fabs(value) == threshold && equalOnes > 0) {
        value = 0;
        --equalOnes;
      }
    }
}

static int64_t countZeros(ArrayRef<MutableArrayRef<float>> tensors) {
  int64_t zeros = 0;
  for (MutableArrayRef<float> tensor : tensors)
    zeros += llvm::count(tensor, 0.f);
  return zeros;
}

llvm::Expected<int64_t>
ingot::quantize::pruneMagnitude(MutableArrayRef<MutableArrayRef<float>> tensors,
                                double fraction, bool isGlobal) {
  if (!(fraction >= 0 && fraction <= 1))
    return llvm::createStringError(
        llvm::formatv("the fraction {0} is not in [0, 1]", fraction));
  for (MutableArrayRef<float> tensor : tensors)
    if (llvm::Error error = checkFinite(tensor))
      return std::move(error);
  auto share = [&](size_t elements) {
    return size_t(std::llround(fraction * double(elements)));
  };
  size_t elements = 0;
  for (MutableArrayRef<float> &tensor : tensors) {
    elements += tensor.size();
    if (!isGlobal)
      clearSmallest(tensor, share(tensor.size()));
  }
  if (isGlobal)
    clearSmallest(tensors, share(elements));
  return countZeros(tensors);
}

/// Calls `visit(offsets)` for every four successive channels.
template <typename Visit>
static void forEachFour(ChannelView view, Visit visit) {
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t channel = 0; channel + 4 <= view.channels; channel += 4)
      for (int64_t inner = 0; inner < view.inner; ++inner) {
        int64_t first = (outer * view.channels + channel) * view.inner + inner;
        visit(std::array<int64_t, 4>{first, first + view.inner,
                                     first + 2 * view.inner,
                                     first + 3 * view.inner});
      }
}

llvm::Expected<int64_t>
ingot::quantize::pruneTwoOfFour(MutableArrayRef<float> weights,
                                ChannelView view) {
  if (int64_t(weights.size()) != view.size())
    return llvm::createStringError(
        llvm::formatv("{0} elements for {1} x {2} x {3}", weights.size(),
                      view.outer, view.channels, view.inner));
  if (llvm::Error error = checkFinite(weights))
    return std::move(error);
  forEachFour(view, [&](std::array<int64_t, 4> four) {
    llvm::sort(four, [&](int64_t a, int64_t b) {
      float left = std::fabs(weights[a]), right = std::fabs(weights[b]);
      return left < right || (left == right && a < b);
    });
    weights[four[0]] = weights[four[1]] = 0;
  });
  return countZeros(weights);
}

bool ingot::quantize::isTwoOfFour(ArrayRef<float> weights, ChannelView view) {
  if (view.channels < 4 || int64_t(weights.size()) != view.size() ||
      weights.empty())
    return false;
  bool holds = true;
  forEachFour(view, [&](std::array<int64_t, 4> four) {
    holds &=
        llvm::count_if(four, [&](int64_t i) { return weights[i] != 0; }) <= 2;
  });
  return holds;
}

void ingot::quantize::applyZeros(ArrayRef<float> pruned,
                                 MutableArrayRef<float> weights) {
  for (auto [from, to] : llvm::zip_equal(pruned, weights))
    if (from == 0)
      to = 0;
}
