//===- AttentionShape.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which attention warpgroups compute, and how a block of them is divided.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_ATTENTIONSHAPE_H
#define INGOT_CODEGEN_WARP_WGMMA_ATTENTIONSHAPE_H

#include "codegen/warp/wgmma/Instructions.h"
#include "dialects/kernel/Kernel.h"

namespace ingot::warp {

/// Warpgroups of 64 queries each, and one more that has copies made for them.
/// Queries, keys and values lie in shared memory in pieces of 64 columns, rows
/// of 128 bytes.
struct AttentionShape {
  /// Warpgroups that multiply.
  int64_t groups = 2;
  /// Keys of a tile, a multiple of 16.
  int64_t keys = 128;
  /// Tiles of keys, and of values, in shared memory.
  int64_t stages = 2;
  /// Blocks of a cluster, which have neighbouring queries of a head and share
  /// tiles of keys and values.
  int64_t cluster = 1;
  /// Elements of a query and key, and of a value.
  int64_t size = 0, valueSize = 0;

  /// Columns of a piece, and depths of a product.
  static constexpr int64_t piece = 64, depth = 16;

  int64_t queries() const { return groups * groupRows; }
  int64_t threads() const { return (groups + 1) * groupThreads; }
  /// Registers of a thread that multiplies, and of one that has copies made;
  /// 65536 in all.
  int64_t productRegisters() const { return groups == 2 ? 232 : 160; }
  int64_t copyRegisters() const { return groups == 2 ? 40 : 32; }
  int64_t pieces() const { return llvm::divideCeil(size, piece); }
  int64_t valuePieces() const { return llvm::divideCeil(valueSize, piece); }
  /// Columns of the product with values.
  int64_t valueColumns() const { return llvm::alignTo(valueSize, 8); }

  int64_t queryBytes() const { return pieces() * queries() * swizzleBytes; }
  int64_t keyBytes() const { return pieces() * keys * swizzleBytes; }
  int64_t valueBytes() const { return valuePieces() * keys * swizzleBytes; }
  /// Where tiles and barriers are in shared memory: queries are first.
  int64_t keysAt() const { return queryBytes(); }
  int64_t valuesAt() const { return keysAt() + stages * keyBytes(); }
  int64_t barriersAt() const { return valuesAt() + stages * valueBytes(); }
  int64_t sharedBytes() const { return barriersAt() + (1 + 4 * stages) * 8; }
};

/// What is to be computed: so many queries and keys (estimated, and unknown,
/// where they are symbolic) of so many heads in all batches.
struct AttentionWork {
  int64_t heads = 0, queries = 0;
  std::optional<int64_t> keys;
  /// Whether the number of queries is known.
  bool hasQueries = false;
  int64_t size = 0, valueSize = 0;
  bool isCausal = false;
  /// Scores are products times a number.
  bool isPlain = true;
};

/// The shape, if the machine has such warpgroups and they take less time than
/// warps do.
std::optional<AttentionShape> chooseAttentionShape(kernel::MachineAttr machine,
                                                   const AttentionWork &work);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_ATTENTIONSHAPE_H
