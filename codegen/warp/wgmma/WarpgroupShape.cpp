//===- WarpgroupShape.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/WarpgroupShape.h"
#include "codegen/Target.h"
#include "codegen/warp/BlockShape.h"
#include "codegen/warp/wgmma/DepthDivision.h"

#include "llvm/Support/MathExtras.h"

using namespace ingot;
using namespace ingot::warp;

namespace {
/// A shape and how fast it is when there is work enough, beside the best shape
/// of products of warps: tensor cores do about 1.6 times as much from shared
/// memory (H100: 989 instead of some 620 TFLOP/s of bf16), and smaller tiles
/// wait for shared memory and for what they read.
struct Candidate {
  int64_t rows, columns;
  double efficiency;
};
} // namespace

constexpr Candidate candidates[] = {
    {128, 256, 1.6},
    {128, 128, 1.3},
    {64, 256, 1.15},
    {64, 128, 0.9},
};

/// Two blocks share what they read if there are tiles for both: an odd number
/// of tiles below each other leaves one without.
static int64_t clusterFor(int64_t tilesDown, int64_t rows) {
  constexpr int64_t many = 8;
  bool isEven = tilesDown % 2 == 0 || tilesDown >= many;
  return rows > groupRows && isEven ? 2 : 1;
}

std::optional<WarpgroupShape>
warp::chooseWarpgroupShape(kernel::MachineAttr machine, int64_t rows,
                           int64_t columns, int64_t matrices, int64_t steps,
                           double otherTime, int64_t mostColumns) {
  std::optional<DeviceLimits> limits = deviceLimits(machine);
  if (!limits)
    return std::nullopt;
  std::optional<WarpgroupShape> best;
  double least = otherTime;
  for (const Candidate &candidate : candidates) {
    WarpgroupShape shape;
    shape.rows = candidate.rows;
    shape.columns = candidate.columns;
    int64_t blocks = llvm::divideCeil(rows, shape.rows) *
                     llvm::divideCeil(columns, shape.columns) * matrices;
    int64_t results = shape.rows * shape.columns;
    double time = productTime(machine, blocks, results, candidate.efficiency);
    // The last round may be divided.
    int64_t all = usualMultiprocessors(machine);
    double rounds = double(blocks / all) +
                    DivisionRule::lastRound(blocks % all, steps, all, results);
    time = std::min(time, rounds * double(results) / candidate.efficiency);
    if (shape.sharedBytes() > limits->warpgroupShared || time >= least ||
        shape.groupColumns() > mostColumns)
      continue;
    best = shape;
    best->cluster = clusterFor(llvm::divideCeil(rows, shape.rows), shape.rows);
    least = time;
  }
  return best;
}
