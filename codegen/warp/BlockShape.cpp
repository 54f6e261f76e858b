//===- BlockShape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/BlockShape.h"
#include "codegen/Target.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Multiprocessors that a grid should fill where nobody knows better.
constexpr int64_t usualMultiprocessors = 108;

/// How much longer threads take with multiply-adds than tensor cores.
constexpr double scalarSlowness = 10;

namespace {
/// A shape and how well it uses the units when they have work enough: larger
/// tiles read less per product.
struct Candidate {
  BlockShape shape;
  double efficiency;
};
} // namespace

Type BlockFactors::sumType() const {
  if (isInteger())
    return IntegerType::get(type.getContext(), 32);
  return type.isF64() ? type : Float32Type::get(type.getContext());
}

constexpr Candidate scalarShapes[] = {
    {{128, 128, 64, 8, 8, 1}, 1.0}, {{128, 64, 64, 8, 8, 1}, 0.85},
    {{64, 64, 64, 8, 4, 1}, 0.7},   {{128, 32, 64, 8, 4, 1}, 0.65},
    {{64, 32, 128, 4, 4, 1}, 0.55}, {{32, 32, 256, 4, 4, 4, 2}, 0.4},
};
constexpr Candidate doubleShapes[] = {
    {{64, 64, 128, 8, 4, 1}, 1.0},
    {{32, 32, 256, 4, 4, 4, 2}, 0.5},
};
constexpr Candidate matrixShapes[] = {
    {{128, 128, 64, 64, 32, 1, 3, true}, 1.0},
    {{128, 64, 64, 32, 32, 1, 4, true}, 0.75},
    {{64, 64, 128, 32, 32, 1, 3, true}, 0.6},
    {{128, 32, 64, 32, 16, 1, 4, true}, 0.45},
    {{32, 64, 128, 32, 16, 2, 3, true}, 0.4},
    {{32, 32, 128, 32, 16, 4, 4, true}, 0.25},
};

double warp::productTime(kernel::MachineAttr machine, int64_t blocks,
                         int64_t results, double efficiency) {
  int64_t multiprocessors = usualMultiprocessors;
  std::optional<DeviceLimits> limits = deviceLimits(machine);
  if (limits && limits->multiprocessors)
    multiprocessors = limits->multiprocessors;
  double rounds = std::max(1.0, double(blocks) / multiprocessors);
  // The last round may leave most multiprocessors idle.
  if (rounds < 8)
    rounds = llvm::divideCeil(blocks, multiprocessors);
  return rounds * double(results) / efficiency;
}

BlockShape warp::chooseShape(kernel::MachineAttr machine,
                             const BlockFactors &factors, int64_t rows,
                             int64_t columns, int64_t matrices) {
  ArrayRef<Candidate> candidates(scalarShapes);
  if (factors.type.isF64())
    candidates = doubleShapes;
  if (machine.getTensorCores() &&
      (factors.type.isF16() || factors.type.isBF16() || factors.isInteger()))
    candidates = matrixShapes;
  const Candidate *best = nullptr;
  double least = 0;
  for (const Candidate &candidate : candidates) {
    const BlockShape &shape = candidate.shape;
    int64_t blocks = llvm::divideCeil(rows, shape.rows) *
                     llvm::divideCeil(columns, shape.columns) * matrices;
    double time = productTime(machine, blocks, shape.rows * shape.columns,
                              candidate.efficiency);
    if (!best || time < least) {
      best = &candidate;
      least = time;
    }
  }
  BlockShape shape = best->shape;
  shape.time = shape.tensorCores ? least : least * scalarSlowness;
  if (!machine.getAsyncCopies())
    shape.stages = 2;
  return shape;
}
