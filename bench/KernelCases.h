//===- KernelCases.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_BENCH_KERNELCASES_H
#define INGOT_BENCH_KERNELCASES_H

#include <string>
#include <vector>

namespace ingot::bench {

/// A model of one operator.
struct KernelCase {
  std::string name;
  /// The model as `onnx` ops.
  std::string text;
  /// The function's first arguments are the model's inputs, the others become
  /// random constants.
  unsigned inputs = 1;
  /// Additions and multiplications of a run; 0 where memory is what counts.
  double operations = 0;
  /// Bytes that a run must at least read and write.
  double bytes = 0;
};

/// Every case, matrix products and convolutions first.
std::vector<KernelCase> allKernelCases();

} // namespace ingot::bench

#endif // INGOT_BENCH_KERNELCASES_H
