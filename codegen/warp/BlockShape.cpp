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

int64_t BlockFactors::halves() const {
  switch (fp32) {
  case Fp32Products::Bf16x3:
    return 2;
  case Fp32Products::Bf16x6:
    return 3;
  case Fp32Products::Exact:
  case Fp32Products::Tf32:
    return 0;
  }
  llvm_unreachable("unknown products of f32");
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

// Factors of f32 have half the depth in as many bytes. In tf32 half the
// products in the time: the same balance of products and reads. In parts of
// bf16 three or six in the time, so that reads weigh less, but parts of both
// factors take more registers, and a step of the depth is twice as long.
constexpr Candidate splitShapes[] = {
    {{128, 128, 64, 64, 32, 1, 3, true}, 1.0},
    {{128, 64, 64, 32, 32, 1, 4, true}, 0.85},
    {{64, 64, 128, 32, 32, 1, 3, true}, 0.75},
    {{128, 32, 64, 32, 16, 1, 4, true}, 0.5},
    {{32, 64, 128, 32, 16, 2, 3, true}, 0.45},
    {{32, 32, 256, 32, 16, 4, 3, true}, 0.3},
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
  if (factors.fp32 != Fp32Products::Exact)
    candidates = factors.halves() ? ArrayRef(splitShapes) : matrixShapes;
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
