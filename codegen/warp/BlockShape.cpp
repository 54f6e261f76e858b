//===- BlockShape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/BlockShape.h"
#include "codegen/Target.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Clocks that blocks take to hand sums to each other: stores, an atomic access
/// and loads, by way of the second-level cache; and bytes that a multiprocessor
/// has from there in a clock. Estimates.
constexpr double meetingClocks = 2500, cacheBytesPerClock = 64;

/// Blocks that share a tile at most: the last one reads what all have summed.
constexpr int64_t mostShares = 32;

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

int64_t warp::usualMultiprocessors(kernel::MachineAttr machine) {
  std::optional<DeviceLimits> limits = deviceLimits(machine);
  return limits && limits->multiprocessors ? limits->multiprocessors : 108;
}

double warp::productTime(kernel::MachineAttr machine, int64_t blocks,
                         int64_t results, double efficiency) {
  int64_t multiprocessors = usualMultiprocessors(machine);
  double rounds = std::max(1.0, double(blocks) / multiprocessors);
  // The last round may leave most multiprocessors idle.
  if (rounds < 8)
    rounds = llvm::divideCeil(blocks, multiprocessors);
  return rounds * double(results) / efficiency;
}

/// Products that a multiprocessor can add in a clock.
static double productsPerClock(const BlockFactors &factors, bool tensorCores) {
  // Each of some parts times each of the other factor's down to the smallest.
  if (int64_t halves = factors.halves())
    return 1024 / double(halves * (halves + 1) / 2);
  if (tensorCores)
    return 2048 / double(factors.leftBytes());
  if (factors.isInteger())
    return 256;
  return factors.type.isF64() ? 32 : 128;
}

namespace {
/// The time of a product whose tiles several blocks share.
struct SharedTime {
  kernel::MachineAttr machine;
  const BlockFactors &factors;
  const Candidate &candidate;
  const ProductSize &size;

  int64_t results() const {
    return candidate.shape.rows * candidate.shape.columns;
  }
  int64_t tiles() const {
    return llvm::divideCeil(size.rows, candidate.shape.rows) *
           llvm::divideCeil(size.columns, candidate.shape.columns) *
           size.matrices;
  }
  int64_t step() const {
    return candidate.shape.depthBytes / factors.leftBytes();
  }
  int64_t steps() const { return llvm::divideCeil(size.depth, step()); }
  double rate() const {
    return productsPerClock(factors, candidate.shape.tensorCores);
  }
  /// Clocks for the sums of all to pass to the last of `shares` blocks.
  double handover(int64_t shares) const {
    double bytes = double(results()) * factors.sumBytes();
    return meetingClocks + bytes * double(1 + shares) / cacheBytesPerClock;
  }
  double operator()(int64_t shares) const {
    double whole =
        productTime(machine, tiles() * shares, results(), candidate.efficiency);
    if (shares == 1)
      return whole;
    double part = double(llvm::divideCeil(steps(), shares)) / double(steps());
    return whole * part + handover(shares) * rate() / double(size.depth);
  }
  /// Steps that take as long as handing over their sums.
  int64_t leastSteps() const {
    double clocks =
        double(results() * step()) / (rate() * candidate.efficiency);
    return std::max<int64_t>(1, int64_t(std::ceil(handover(2) / clocks)));
  }
};
} // namespace

/// Divides the depth among blocks where that pays.
static void chooseShares(const SharedTime &time, BlockShape &shape) {
  int64_t multiprocessors = usualMultiprocessors(time.machine);
  shape.time = time(1);
  if (!time.size.isStatic) {
    shape.leastSteps = time.leastSteps();
    shape.sharing = multiprocessors;
    shape.shares = 0;
    return;
  }
  // Beyond two for each multiprocessor there is nothing to gain.
  int64_t most =
      std::min({mostShares, time.steps(),
                2 * multiprocessors / std::max<int64_t>(1, time.tiles())});
  for (int64_t shares = 2; shares <= most; ++shares) {
    // As many as have something to do.
    int64_t each = llvm::divideCeil(time.steps(), shares);
    if (int64_t(llvm::divideCeil(time.steps(), each)) != shares ||
        time(shares) >= shape.time)
      continue;
    shape.time = time(shares);
    shape.shares = shares;
  }
}

BlockShape warp::chooseShape(kernel::MachineAttr machine,
                             const BlockFactors &factors,
                             const ProductSize &size) {
  ArrayRef<Candidate> candidates(scalarShapes);
  if (factors.type.isF64())
    candidates = doubleShapes;
  if (machine.getTensorCores() && factors.leftBytes() <= 2)
    candidates = matrixShapes;
  if (factors.fp32 != Fp32Products::Exact)
    candidates = factors.halves() ? ArrayRef(splitShapes) : matrixShapes;
  std::optional<BlockShape> best;
  for (const Candidate &candidate : candidates) {
    BlockShape shape = candidate.shape;
    chooseShares({machine, factors, candidate, size}, shape);
    if (!best || shape.time < best->time)
      best = shape;
  }
  if (!best->tensorCores)
    best->time *= scalarSlowness;
  if (!machine.getAsyncCopies())
    best->stages = 2;
  return *best;
}
