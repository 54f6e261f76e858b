//===- AttentionRing.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Queries, keys and values of attention in shared memory: copied by one thread,
// tile by tile, for the warpgroups that multiply them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_ATTENTIONRING_H
#define INGOT_CODEGEN_WARP_WGMMA_ATTENTIONRING_H

#include "codegen/EmitKernels.h"
#include "codegen/loop/KernelContext.h"
#include "codegen/warp/wgmma/AttentionShape.h"

namespace ingot::warp {

/// Tokens of an operand as the engine sees them.
struct TokenBoxes {
  TensorMap map;
  /// Whether the map has heads, and batches.
  bool hasHeads = false, hasBatches = false;
  /// The map as a parameter.
  mlir::Value address;

  /// Describes a tensor of [batch, heads, tokens, size], strides in elements,
  /// 0 along what is broadcast; boxes have so many tokens. False if it is no
  /// parameter of the kernel.
  bool describe(const KernelContext &context, mlir::Value tensor,
                llvm::ArrayRef<mlir::AffineExpr> dims,
                llvm::ArrayRef<mlir::AffineExpr> strides, int64_t tokens);
};

/// Queries, once, and a ring of tiles of keys and one of tiles of values.
/// Tiles are counted from 0 on in the order of their use.
class AttentionRing {
public:
  enum Kind { Keys, Values };
  /// Whose tokens are copied.
  struct Place {
    mlir::Value batch, head, token;
  };

  AttentionShape shape;
  TokenBoxes queries, keys, values;

  /// Makes the tensor maps parameters of the kernel, and finds shared memory.
  void begin(Words &w, mlir::LLVM::LLVMFuncOp function);
  /// Thread 0 makes the barriers; all of the cluster wait for it.
  void makeBarriers(Words &w, mlir::Value thread);

  /// Of the thread that has tiles copied: begins to copy queries, and a tile as
  /// soon as its slot is free.
  void copyQueries(Words &w, const Place &from);
  void copy(Words &w, Kind kind, mlir::Value number, const Place &from);

  /// Of those that multiply: wait for the queries, or a tile. The lane tells,
  /// if it is one of the first, that the warp is done with a tile.
  void waitForQueries(Words &w);
  void wait(Words &w, Kind kind, mlir::Value number);
  void release(Words &w, Kind kind, mlir::Value number, mlir::Value lane);
  /// At the end: others may still copy to this block, or arrive here.
  void finish(Words &w);

  /// Where they are, as 32-bit numbers; bytes from piece to piece.
  mlir::Value queriesAt() const { return shared; }
  mlir::Value at(Words &w, Kind kind, mlir::Value number);
  int64_t queryPiece() const { return shape.queries() * swizzleBytes; }
  int64_t tilePiece() const { return shape.keys * swizzleBytes; }

private:
  mlir::Value slot(Words &w, mlir::Value number) {
    return w.rem(number, shape.stages);
  }
  /// The parity of the phase that copy `number` ends.
  mlir::Value parity(Words &w, mlir::Value number);
  mlir::Value full(Words &w, Kind kind, mlir::Value number);
  mlir::Value empty(Words &w, Kind kind, mlir::Value number);
  void load(Words &w, const TokenBoxes &boxes, int64_t pieces,
            int64_t pieceBytes, const Place &from, mlir::Value to,
            mlir::Value barrier, int64_t blocks = 1);

  /// `rank`: the block's number in its cluster.
  mlir::Value shared, barriers, rank;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_ATTENTIONRING_H
