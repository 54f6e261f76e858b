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
/// At the edge of the causal rule small ones compute less in vain.
static int64_t keysFor(const AttentionShape &shape, bool isCausal) {
  int64_t columns = std::max(shape.size, shape.valueSize);
  if (columns <= 128)
    return shape.groups == 2 && !isCausal ? 176 : 128;
  return columns <= 192 ? 112 : isCausal ? 64 : 80;
}

/// Sets how many tiles fit in shared memory; false if not even two do.
static bool setStages(AttentionShape &shape, int64_t shared) {
  shape.stages = mostStages;
  while (shape.stages > 2 && shape.sharedBytes() > shared)
    --shape.stages;
  return shape.sharedBytes() <= shared;
}

std::optional<AttentionShape>
warp::chooseAttentionShape(kernel::MachineAttr machine, int64_t heads,
                           int64_t queries, std::optional<int64_t> keys,
                           int64_t size, int64_t valueSize, bool isCausal) {
  std::optional<DeviceLimits> limits = deviceLimits(machine);
  if (!limits)
    return std::nullopt;
  std::optional<AttentionShape> best;
  double least = productTime(
      machine, heads * llvm::divideCeil(queries, rowsOfWarps), rowsOfWarps, 1);
  for (const Candidate &candidate : candidates) {
    AttentionShape shape;
    shape.size = size;
    shape.valueSize = valueSize;
    shape.groups = candidate.groups;
    shape.keys = keysFor(shape, isCausal);
    // Tiles of about the same size, where the number of keys is known.
    if (keys && *keys > 0) {
      int64_t tiles = llvm::divideCeil(*keys, shape.keys);
      shape.keys = llvm::alignTo(llvm::divideCeil(*keys, tiles), shape.depth);
    }
    bool fits = shape.groups == 2 || shape.valueSize <= shape.piece;
    if (!fits || !setStages(shape, limits->warpgroupShared))
      continue;
    double time =
        productTime(machine, heads * llvm::divideCeil(queries, shape.queries()),
                    shape.queries(), candidate.efficiency);
    if (time >= least)
      continue;
    best = shape;
    least = time;
  }
  return best;
}
