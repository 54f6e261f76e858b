//===- Values.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_QUANTIZE_VALUES_H
#define INGOT_TEST_QUANTIZE_VALUES_H

#include "llvm/Support/Error.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

constexpr float nan32 = std::numeric_limits<float>::quiet_NaN();
constexpr float inf32 = std::numeric_limits<float>::infinity();

/// Normal values.
inline std::vector<float> normal(size_t count, unsigned seed,
                                 float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(random);
  return values;
}

/// The result, or its default and a failure.
template <typename T> T good(llvm::Expected<T> result) {
  if (result)
    return std::move(*result);
  ADD_FAILURE() << toString(result.takeError());
  return T();
}
inline void good(llvm::Error error) {
  if (error)
    ADD_FAILURE() << toString(std::move(error));
}

/// The message of what must fail.
template <typename T> std::string message(llvm::Expected<T> result) {
  if (!result)
    return toString(result.takeError());
  ADD_FAILURE() << "no error";
  return "";
}
inline std::string message(llvm::Error error) {
  EXPECT_TRUE(bool(error)) << "no error";
  return toString(std::move(error));
}

#endif // INGOT_TEST_QUANTIZE_VALUES_H
