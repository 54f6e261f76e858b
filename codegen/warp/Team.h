//===- Team.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the threads of a team do together. Every function emits nothing for a
// team of one.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_TEAM_H
#define INGOT_CODEGEN_WARP_TEAM_H

#include "codegen/loop/KernelContext.h"

namespace ingot::warp {

/// from + rank * width: where this thread of the team begins.
mlir::Value first(mlir::OpBuilder &b, mlir::Location loc, const Team &team,
                  mlir::Value from, int64_t width);

/// True (i1) in one thread of the team, of one of the blocks that share an
/// item.
mlir::Value isFirst(mlir::OpBuilder &b, mlir::Location loc, const Team &team);

/// Joins the values of all threads of the team; each gets the same result, to
/// the bit if `combine` is commutative. The order does not depend on timing.
mlir::Value
combineTeam(mlir::OpBuilder &b, mlir::Location loc, const Team &team,
            mlir::Value v,
            llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

/// Joins the values that each of team.blocks blocks has. The block that comes
/// last, team.isLast from now on, gets the same results in all threads, others
/// what they had. `identities` change no value that they are combined with.
llvm::SmallVector<mlir::Value>
combineBlocks(mlir::OpBuilder &b, mlir::Location loc, Team &team,
              llvm::ArrayRef<mlir::Value> values,
              llvm::ArrayRef<mlir::Value> identities,
              llvm::function_ref<mlir::Value(mlir::OpBuilder &, unsigned,
                                             mlir::Value, mlir::Value)>
                  combine);

/// Waits for the team; what its threads stored before is seen after.
void syncTeam(mlir::OpBuilder &b, mlir::Location loc, const Team &team);

/// The size of the team that should do one item of `roots`, the computing ops
/// of a kernel: enough threads for its row or reduction, 1 for other kernels.
int64_t teamSize(llvm::ArrayRef<mlir::Operation *> roots,
                 kernel::MachineAttr machine);

/// How many blocks, each a team of `sharingTeam` threads, should share one item
/// of a kernel that reduces much to little, and how many items and values of
/// each there are; one block for other kernels.
struct ItemSharing {
  int64_t blocks = 1, items = 0, values = 0;
};
constexpr int64_t sharingTeam = 256;
ItemSharing shareItems(llvm::ArrayRef<mlir::Operation *> roots,
                       kernel::MachineAttr machine);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_TEAM_H
