//===- Instructions.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions of machines whose warpgroups, four warps, multiply matrices in
// shared memory (wgmma), which an engine of its own copies there (TMA) and
// reports to barriers in shared memory (mbarrier). All addresses in shared
// memory are 32-bit numbers. As inline assembly: that ties sums to the
// instructions that wait for them, which intrinsics do not.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_INSTRUCTIONS_H
#define INGOT_CODEGEN_WARP_WGMMA_INSTRUCTIONS_H

#include "codegen/warp/Words.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ingot::warp {

/// Bytes of a row of a tile in shared memory: all banks, and the span in which
/// the engine swizzles chunks of 16 bytes.
constexpr int64_t swizzleBytes = 128;
/// Rows after which the swizzling repeats; tiles begin at a multiple of that
/// many bytes.
constexpr int64_t swizzleRows = 8, swizzlePeriod = swizzleRows * swizzleBytes;
/// Rows of a product of a warpgroup, bytes of its depth, and its threads.
constexpr int64_t groupRows = 64, groupDepthBytes = 32, groupThreads = 128;

/// The address of the dynamic shared memory of the block, as a pointer.
mlir::Value dynamicShared(Words &w);

/// Makes a barrier whose phases end after so many arrivals (and the bytes that
/// they expect). One thread does, then publishes what it made.
void initBarrier(Words &w, mlir::Value barrier, int64_t arrivals);
void publishBarriers(Words &w);
/// Arrives, and lets the phase wait for so many bytes too.
void arriveExpecting(Words &w, mlir::Value barrier, int64_t bytes);
/// Arrives if the condition (i1) holds; of block `rank` of the cluster (null:
/// of this one) at the barrier that lies where this block's does.
void arriveIf(Words &w, mlir::Value condition, mlir::Value barrier,
              mlir::Value rank = {});
/// Waits until the phase of that parity (0 or 1) has ended; of a new barrier
/// that of parity 1 has.
void waitForPhase(Words &w, mlir::Value barrier, mlir::Value parity);

/// Begins to copy a box to shared memory: that of the tensor of a map (the
/// address of a parameter) which begins at the given coordinates, innermost
/// first. What lies outside of the tensor is zero. The barrier gets the bytes.
/// With `blocks` above 1 all blocks of a cluster of so many get the box, each
/// at the same place, and its barrier the bytes. With `offsets` (of 16 bits)
/// the map is of a window: the coordinates are those of the first tap for the
/// first pixel, the offsets lead from there to another tap.
void loadBox(Words &w, mlir::Value map, llvm::ArrayRef<mlir::Value> coordinates,
             mlir::Value to, mlir::Value barrier, int64_t blocks = 1,
             llvm::ArrayRef<mlir::Value> offsets = {});
/// Brings a map near before it is used.
void prefetchMap(Words &w, mlir::Value map);

/// The number of the block in its cluster; waits for all threads of the
/// cluster.
mlir::Value blockInCluster(Words &w);
void syncCluster(Words &w);

/// Warpgroups take turns at a barrier of the block, numbered 1 to 15: `threads`
/// of them in all wait there, or arrive and go on.
void syncThreads(Words &w, mlir::Value barrier, int64_t threads);
void arriveThreads(Words &w, mlir::Value barrier, int64_t threads);

/// The same number, which compilers do not know: they leave loops as they are.
mlir::Value hideNumber(Words &w, mlir::Value number);

/// Gives registers of each thread of the warpgroup back, or gets more: so many
/// in all.
void releaseRegisters(Words &w, int64_t count);
void acquireRegisters(Words &w, int64_t count);

/// A factor in shared memory (64 bits): a tile that begins at `address`, of
/// rows of `rowBytes` (128, 64 or 32), swizzled. If its rows are depths
/// (`transposed`) it has pieces of 64 columns, `pieceBytes` apart.
mlir::Value describeTile(Words &w, mlir::Value address, int64_t pieceBytes,
                         int64_t rowBytes = swizzleBytes);

/// Before the first product of several: orders them after what was done with
/// the registers of sums.
void beginProducts(Words &w);
/// The same where all of that must be done before; returns these values.
llvm::SmallVector<mlir::Value> beginProducts(Words &w,
                                             llvm::ArrayRef<mlir::Value> used);
/// sums += left * right: 64 rows, `columns` columns, 32 bytes of depth of f16,
/// bf16 or f32, of which the bits that tf32 has are taken. A transposed factor,
/// of halves, has its depths as rows.
llvm::SmallVector<mlir::Value>
multiplyTiles(Words &w, mlir::Type factors, int64_t columns, mlir::Value left,
              bool leftTransposed, mlir::Value right, bool rightTransposed,
              llvm::ArrayRef<mlir::Value> sums);
/// left * right, the same of a tile of the left factor but with nothing before.
llvm::SmallVector<mlir::Value>
multiplyFirstTiles(Words &w, mlir::Type factors, int64_t columns,
                   mlir::Value left, mlir::Value right, bool rightTransposed);
/// sums += left * right, with 64 rows and 16 depths of the left factor in four
/// registers of each thread, as multiplyMatrices has them of 16 rows. These
/// belong to the product until it has been waited for.
llvm::SmallVector<mlir::Value>
multiplyRegisters(Words &w, mlir::Type factors, int64_t columns,
                  llvm::ArrayRef<mlir::Value> left, mlir::Value right,
                  bool rightTransposed, llvm::ArrayRef<mlir::Value> sums);
/// The same of factors of 8 bits, whose rows are never depths: `types` are
/// those of both as PTX calls them ("u8.s8"). Without `adds` the sums begin at
/// zero.
llvm::SmallVector<mlir::Value>
multiplyByteTiles(Words &w, llvm::StringRef types, int64_t columns,
                  mlir::Value left, mlir::Value right, bool adds,
                  llvm::ArrayRef<mlir::Value> sums);
/// Makes a group of the products since the last one.
void commitProducts(Words &w);
/// Waits until at most so many groups are unfinished; the sums stay theirs.
void waitForProducts(Words &w, int64_t groups);
/// Waits for all; returns the sums, which may be used from then on.
llvm::SmallVector<mlir::Value> finishProducts(Words &w,
                                              llvm::ArrayRef<mlir::Value> sums);
/// Waits until at most so many groups are unfinished. Returns `values`, sums
/// that are finished then or what must be computed before; `left` are registers
/// of factors, which may be written from then on.
llvm::SmallVector<mlir::Value>
finishProducts(Words &w, int64_t groups, llvm::ArrayRef<mlir::Value> values,
               llvm::ArrayRef<mlir::Value> left);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_INSTRUCTIONS_H
