//===- AttentionShape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/AttentionShape.h"
#include "codegen/Target.h"
#include "codegen/warp/BlockShape.h"

#include "llvm/Support/MathExtras.h"

using namespace ingot;
using namespace ingot::warp;

namespace {
/// Warpgroups that multiply, and how fast they are when there is work enough,
/// beside warps (some 350 TFLOP/s on an H100): two do half of their
/// exponentials while the tensor cores work for the other, with three there is
/// always one whose products are on their way.
struct Candidate {
  int64_t groups;
  double efficiency;
};
} // namespace

constexpr Candidate candidates[] = {{2, 1.6}, {3, 1.7}};

/// Rows of a block of warps, which computes what is too small for warpgroups.
constexpr int64_t rowsOfWarps = 64;
constexpr int64_t mostStages = 4;

/// Keys of a tile for which scores, powers and sums fit in the registers of a
/// thread, keys / 2, keys / 4 and columns / 2, and two tiles in shared memory.
/// At the edge of the causal rule small ones compute less in vain; what is
/// added to scores needs registers of its own.
static int64_t keysFor(const AttentionWork &work, int64_t groups) {
  int64_t columns = std::max(work.size, work.valueSize);
  if (!work.isPlain)
    return columns <= 64 ? 128 : columns <= 128 ? 96 : columns <= 192 ? 64 : 32;
  if (columns <= 128)
    return groups == 2 && !work.isCausal ? 176 : 128;
  return columns <= 192 ? 112 : 64;
}

/// Sets how many tiles fit in shared memory; false if not even two do.
static bool setStages(AttentionShape &shape, int64_t shared) {
  shape.stages = mostStages;
  while (shape.stages > 2 && shape.sharedBytes() > shared)
    --shape.stages;
  return shape.sharedBytes() <= shared;
}

/// Two blocks share what they read if there are queries for both and they go
/// through the same keys, where keys are what the second-level cache gives most
/// of: with small heads three warpgroups share them.
static int64_t clusterFor(const AttentionWork &work,
                          const AttentionShape &shape) {
  constexpr int64_t many = 8;
  int64_t tiles = llvm::divideCeil(work.queries, shape.queries());
  bool isPair = work.hasQueries && (tiles % 2 == 0 || tiles >= many);
  return isPair && !work.isCausal && shape.size > shape.piece ? 2 : 1;
}

std::optional<AttentionShape>
warp::chooseAttentionShape(kernel::MachineAttr machine,
                           const AttentionWork &work) {
  std::optional<DeviceLimits> limits = deviceLimits(machine);
  if (!limits)
    return std::nullopt;
  std::optional<AttentionShape> best;
  auto timeOf = [&](int64_t queries, double efficiency) {
    int64_t blocks = work.heads * llvm::divideCeil(work.queries, queries);
    return productTime(machine, blocks, queries, efficiency);
  };
  double least = timeOf(rowsOfWarps, 1);
  for (const Candidate &candidate : candidates) {
    bool hasRegisters =
        candidate.groups == 2 ||
        (work.isPlain && work.valueSize <= AttentionShape::piece);
    if (!hasRegisters)
      continue;
    AttentionShape shape;
    shape.size = work.size;
    shape.valueSize = work.valueSize;
    shape.groups = candidate.groups;
    shape.keys = keysFor(work, candidate.groups);
    // Tiles of about the same size, where the number of keys is known.
    if (work.keys && *work.keys > 0) {
      int64_t tiles = llvm::divideCeil(*work.keys, shape.keys);
      shape.keys =
          llvm::alignTo(llvm::divideCeil(*work.keys, tiles), shape.depth);
    }
    double time = timeOf(shape.queries(), candidate.efficiency);
    if (!setStages(shape, limits->warpgroupShared) || time >= least)
      continue;
    best = shape;
    best->cluster = clusterFor(work, shape);
    least = time;
  }
  return best;
}
