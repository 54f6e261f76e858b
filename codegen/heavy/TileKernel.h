//===- TileKernel.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The register tile that every contraction is made of: `rows` x `vectors`
// accumulators, fed by scalars of A and vectors of B.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_TILEKERNEL_H
#define INGOT_CODEGEN_HEAVY_TILEKERNEL_H

#include "codegen/loop/KernelContext.h"

namespace ingot {

/// Sizes of a register tile.
struct TileShape {
  int64_t rows;
  int64_t vectors;
  /// Elements of a vector.
  int64_t width;
};

/// The largest tile without spills on a machine for elements of that many
/// bits: rows first (cpu.md and neon.md measured the choices).
TileShape chooseTile(kernel::MachineAttr machine, int64_t bits);

/// The same for factors of a type; integers are summed in 32 bits.
TileShape chooseTile(kernel::MachineAttr machine, mlir::Type factors);

/// What elements are multiplied as: those of f16 and bf16 as f32, unless B is
/// packed in pairs of bf16 (`pairs`), which are multiplied as they are.
mlir::Type factorType(mlir::Type stored, bool pairs = false);

/// What products of factors are summed in.
mlir::Type sumType(mlir::Type factors);

/// Depths that lie side by side in packed factors of a type, to the next
/// multiple of which the depth is padded: 1 but for integers and pairs of bf16.
int64_t depthGroup(kernel::MachineAttr machine, mlir::Type factors);

/// Accumulators of a tile at zero, for factors of a type. Those of integers
/// are in an order of the machine's own.
llvm::SmallVector<mlir::Value> zeroTile(mlir::OpBuilder &b, mlir::Location loc,
                                        kernel::MachineAttr machine,
                                        const TileShape &shape,
                                        mlir::Type factors);

/// Finished accumulators as a vector for each row and vector of the tile.
llvm::SmallVector<mlir::Value>
finishTile(mlir::OpBuilder &b, mlir::Location loc, kernel::MachineAttr machine,
           const TileShape &shape, mlir::Type factors,
           llvm::ArrayRef<mlir::Value> accumulators);

/// Where a tile's operands come from, at one point of the outer reduction
/// loops: the innermost reduced dimension has `depth` points.
struct TileOperands {
  /// Pointer to A's element at depth 0 for each row.
  llvm::SmallVector<mlir::Value> rowPointers;
  /// Distance in elements between depths of A.
  int64_t depthStride = 1;
  /// Pointer to the vectors of B at depth 0. B of integers is packed.
  mlir::Value b;
  /// Distance in elements between depths of B (index value).
  mlir::Value bStride;
  /// The factors, and what A and B are stored as: the same, or f16 or bf16,
  /// which are widened in registers. Null: as the factors.
  mlir::Type elementType, aType, bType;
  /// Lanes of the last vector of a row that exist; 0: all.
  int64_t lastLanes = 0;
  /// True if B holds whole vectors even where the result does not.
  bool paddedB = true;
  /// Where data lies that is needed soon, or null: from there a cache line is
  /// asked for at each depth, `prefetchBytes` further on from one to the next.
  mlir::Value prefetch;
  int64_t prefetchBytes = 0;
};

/// acc[row * vectors + v] += a[row][k] * b[k][v] for all k < depth, in order
/// of k, with fused multiply-adds. `depth` is an index value; `staticDepth` its
/// value if known, which that of integers has to be. Their accumulators are
/// those of zeroTile.
llvm::SmallVector<mlir::Value>
emitTile(mlir::OpBuilder &b, mlir::Location loc, KernelContext &context,
         const TileShape &shape, const TileOperands &operands,
         mlir::Value depth, std::optional<int64_t> staticDepth,
         llvm::ArrayRef<mlir::Value> accumulators);

/// Asks for what the operands say is needed soon, for `steps` depths from k on.
void emitPrefetch(mlir::OpBuilder &b, mlir::Location loc,
                  KernelContext &context, const TileOperands &operands,
                  mlir::Value k, int64_t steps);

/// emitTile of pairs of bf16. A depth that is not static is even.
llvm::SmallVector<mlir::Value>
emitPairTile(mlir::OpBuilder &b, mlir::Location loc, KernelContext &context,
             const TileShape &shape, const TileOperands &operands,
             mlir::Value depth, std::optional<int64_t> staticDepth,
             llvm::ArrayRef<mlir::Value> accumulators);

/// emitTile of integers.
llvm::SmallVector<mlir::Value>
emitIntegerTile(mlir::OpBuilder &b, mlir::Location loc, KernelContext &context,
                const TileShape &shape, const TileOperands &operands,
                int64_t depth, llvm::ArrayRef<mlir::Value> accumulators);

/// The constant vector<width x i1> with the first `lanes` set; null for all.
mlir::Value constantMask(mlir::OpBuilder &b, mlir::Location loc, int64_t lanes,
                         int64_t width);

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_TILEKERNEL_H
