//===- DepthDivision.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which tiles and which steps of their depth a persistent block computes: whole
// tiles in rounds, and of the tiles that are left for the last round a part
// that is as long as everybody's ("stream-K").
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_DEPTHDIVISION_H
#define INGOT_CODEGEN_WARP_WGMMA_DEPTHDIVISION_H

#include "codegen/warp/Words.h"

namespace ingot::warp {

/// When the last round is divided. Handing over sums takes some 2500 clocks for
/// the meeting, and as long as two steps of the depth for each block that has
/// some: 4 bytes of each result at 64 a clock, where 2048 products are added.
struct DivisionRule {
  /// Steps that a part has at least, parts of a tile at most, steps that a
  /// division has to gain.
  static constexpr int64_t leastSteps = 8, mostParts = 12, leastGain = 16;

  /// Blocks (or clusters) among which `rest` tiles of so many steps are
  /// divided, of so many that there are; 0: they are not.
  static int64_t sharers(int64_t rest, int64_t steps, int64_t blocks);
  /// The time of the last round beside that of a whole tile, of so many
  /// results.
  static double lastRound(int64_t rest, int64_t steps, int64_t blocks,
                          int64_t results);
};

/// The same in a kernel. Blocks stand for clusters, which go together.
class DepthDivision {
public:
  /// A tile, or a part of one.
  struct Segment {
    mlir::Value tile, firstStep, endStep;
    /// Whether others compute parts of it (i1; null: none of any tile), and
    /// which of the tiles of the last round it is.
    mlir::Value isPart, number;
  };

  /// For `tiles` tiles of `steps` steps, of block `block` of `blocks`. Up to
  /// `capacity` blocks divide the last round; 0: it is not divided.
  void begin(Words &w, mlir::Value tiles, mlir::Value steps, mlir::Value block,
             mlir::Value blocks, int64_t capacity);
  bool divides() const { return capacity > 0; }
  /// How many segments the block has.
  mlir::Value count() const { return segments; }
  Segment segment(Words &w, mlir::Value i) const;
  /// The first of the blocks that have a part of tile `number` of the last
  /// round, and how many they are.
  mlir::Value firstBlock(Words &w, mlir::Value number) const;
  mlir::Value blocksOf(Words &w, mlir::Value number) const;
  /// Where this block's part of the tile is among all parts; and the most
  /// there can be.
  mlir::Value partNumber(Words &w, mlir::Value block,
                         mlir::Value number) const {
    return w.add(block, number);
  }
  static int64_t mostParts(int64_t capacity) { return capacity * 7 / 4; }

  mlir::Value block;

private:
  mlir::Value blockOfStep(Words &w, mlir::Value next) const;

  int64_t capacity = 0;
  mlir::Value blocks, steps, rounds, segments;
  /// Of the last round: blocks that share it, all its steps, those of this
  /// block, and the first tile that they are of.
  mlir::Value sharers, total, from, to, firstTile, isDivided;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_DEPTHDIVISION_H
