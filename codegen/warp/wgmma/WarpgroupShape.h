//===- WarpgroupShape.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which products warpgroups multiply, and how they divide them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_WARPGROUPSHAPE_H
#define INGOT_CODEGEN_WARP_WGMMA_WARPGROUPSHAPE_H

#include "codegen/warp/wgmma/Instructions.h"
#include "dialects/kernel/Kernel.h"

#include <string>

namespace ingot::warp {

/// Two warpgroups share a tile of the result, by rows or, of 64 rows, by
/// columns; a third has copies made for them.
struct WarpgroupShape {
  /// Results of a block at a time.
  int64_t rows = 0, columns = 0;
  /// Blocks of a cluster, which have tiles below each other and share those of
  /// the right factor.
  int64_t cluster = 1;
  /// Elements of the depth of a tile of halves, a row of 128 bytes.
  static constexpr int64_t depth = 64;
  /// Warpgroups that multiply, and threads of a block.
  static constexpr int64_t groups = 2, threads = (groups + 1) * groupThreads;
  /// Tiles of each factor in shared memory.
  static constexpr int64_t stages = 4;
  /// Columns of a piece of a tile whose rows are depths.
  static constexpr int64_t piece = 64, pieceBytes = depth * swizzleBytes;
  /// Results of a warp that pass through shared memory at a time, as f32.
  static constexpr int64_t stagedRows = 16, stagedColumns = 64,
                           stagedBytes = stagedRows * stagedColumns * 4;

  bool splitsRows() const { return rows > groupRows; }
  /// Columns that a warpgroup multiplies.
  int64_t groupColumns() const { return splitsRows() ? columns : columns / 2; }
  /// Whether a third of the registers is not enough for the sums and what else
  /// a thread holds. Where it is, ptxas warns of needless moves (C7508).
  bool movesRegisters() const { return groupColumns() > 128; }
  int64_t leftBytes() const { return rows * swizzleBytes; }
  int64_t slotBytes() const { return (rows + columns) * swizzleBytes; }
  /// Where the results on their way, and the barriers, are in shared memory.
  int64_t stagedAt() const { return stages * slotBytes(); }
  int64_t barriersAt() const {
    return stagedAt() + groups * groupThreads / 32 * stagedBytes;
  }
  int64_t sharedBytes() const { return barriersAt() + 2 * stages * 8; }
};

/// The shape for a product of that size, of so many steps of the depth (0: not
/// known), if the machine has such warpgroups and they take less time than
/// `otherTime` (of productTime). A warpgroup multiplies `mostColumns` at most.
std::optional<WarpgroupShape>
chooseWarpgroupShape(kernel::MachineAttr machine, int64_t rows, int64_t columns,
                     int64_t matrices, int64_t steps, double otherTime,
                     int64_t mostColumns = 256);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_WARPGROUPSHAPE_H
