//===- Attention.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention in one kernel: the scores of some rows with some keys stay on the
// chip, and sums are scaled when a row's greatest score grows (online softmax).
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_ATTENTION_H
#define INGOT_CODEGEN_WARP_ATTENTION_H

#include "codegen/EmitKernels.h"
#include "codegen/loop/KernelContext.h"
#include "codegen/warp/TileCopy.h"
#include "dialects/ingot/Ingot.h"

namespace ingot::warp {

/// Emits the item of number `block` of a kernel of one ingot.attention. Sets
/// the number of items and how they are launched. `name` is the kernel's.
mlir::LogicalResult emitAttention(mlir::OpBuilder &b, KernelContext &context,
                                  llvm::StringRef name, heavy::AttentionOp op,
                                  mlir::AffineExpr &work, GridShape &grid);

/// What all forms share. The rows of a block are queries of heads that have the
/// same keys: query m of the head g of those is row g * queries + m.
class AttentionEmitter {
public:
  AttentionEmitter(KernelContext &context, llvm::StringRef name,
                   heavy::AttentionOp op);

  /// The rows that share keys; null if symbolic.
  std::optional<int64_t> rowsPerKeys() const {
    return onnx::constantValue(rows);
  }
  /// Batches and heads of keys.
  mlir::AffineExpr keyHeads() const { return batches * heads; }

protected:
  /// A tensor as [batch, heads, tokens, size].
  struct Operand {
    BufferRef buffer;
    /// Elements between neighbours; 0 along what is broadcast.
    llvm::SmallVector<mlir::AffineExpr, 4> strides;
    /// Neighbours of a token that can be read at once wherever it is: 8, 4
    /// or 1.
    int64_t granule = 1;
  };
  /// One row: its query and what its scores need, for the thread.
  struct Row {
    mlir::Value head, query;
    /// Whether there is such a row; the rest is that of the last one if not.
    mlir::Value exists;
    /// Elements to the row of bias and mask (64 bits).
    mlir::Value bias, mask;
    /// The first key that the causal rule hides (32 bits, may be negative).
    mlir::Value hidden;
  };

  /// Finds operands and sizes.
  void describeOperands(Words &w);
  /// The same, and the block among all, for blocks of that many rows.
  void begin(Words &w, int64_t rowsOfBlock, mlir::AffineExpr &work);
  /// Row `number` of the batch and heads of the block.
  Row row(Words &w, mlir::Value number);
  /// That of a query of a head, both in range.
  Row rowOf(Words &w, mlir::Value head, mlir::Value query, mlir::Value exists);
  /// The number of keys that a row of the block may see, from the first on; or
  /// that queries up to that one may see.
  mlir::Value keysSeen(Words &w, int64_t rowsOfBlock);
  mlir::Value keysSeenUpTo(Words &w, mlir::Value query);
  /// The score of a product of a row with a key; minus infinity beyond the last
  /// key. Not `isChecked`: there is such a key, and the causal rule does not
  /// hide it.
  mlir::Value score(Words &w, const Row &row, mlir::Value product,
                    mlir::Value key, bool isChecked = true);
  /// What is subtracted of scores whose greatest is that: 0 for minus infinity.
  mlir::Value shift(Words &w, mlir::Value greatest);
  /// e^(x - shift), of scores.
  mlir::Value power(Words &w, mlir::Value x, mlir::Value shift);
  /// What the sums of a row, whose powers have that total, are multiplied by,
  /// and the product.
  mlir::Value share(Words &w, mlir::Value total);
  mlir::Value finish(Words &w, mlir::Value sum, mlir::Value share);

  mlir::Value greater(Words &w, mlir::Value x, mlir::Value y);
  mlir::Value plus(Words &w, mlir::Value x, mlir::Value y);
  mlir::Value times(Words &w, mlir::Value x, mlir::Value y);
  mlir::Value real(Words &w, double x);
  /// Two floats as halves in a register, the first in its lower part.
  mlir::Value halves(Words &w, mlir::Type element, mlir::Value x,
                     mlir::Value y);
  /// A float (or vector) in another precision.
  mlir::Value convert(Words &w, mlir::Value x, mlir::Type type);

  /// Elements to a token of an operand: head 0 is the block's own.
  mlir::Value tokenOffset(Words &w, const Operand &from, mlir::Value head,
                          mlir::Value token);
  /// Four neighbours of a token from element `column` on as f32, zeros where
  /// `inside` (null: true) is false or the token has no such element.
  mlir::Value loadFour(Words &w, const Operand &from, mlir::Value token,
                       mlir::Value column, int64_t size, mlir::Value inside);
  /// Stores two or four neighbours of a row of the result.
  void storeNeighbours(Words &w, const Row &row, mlir::Value column,
                       llvm::ArrayRef<mlir::Value> sums);

  KernelContext &context;
  llvm::StringRef name;
  heavy::AttentionOp op;
  mlir::Location loc;
  Operand q, k, v, result, bias, mask;
  mlir::AffineExpr batches, heads, queries, keys, rows;
  int64_t size, valueSize, perKey;
  /// Scores are exponents of 2, not of e: nothing but their scale tells.
  bool inTwos;
  /// Powers as the machine has them, where halves are made of them.
  bool isApproximate = false;
  /// Of the block: its batch, head of keys, first row.
  mlir::Value batch, keyHead, firstRow;
  /// Of the kernel: sizes as 32-bit numbers.
  mlir::Value queryCount, keyCount, rowCount, thread;

private:
  Operand describe(Words &w, mlir::Value tensor, llvm::ArrayRef<int64_t> order);
};

/// Blocks of rows against tiles of keys in shared memory, by scalar
/// multiply-adds.
void emitAttentionTiles(mlir::OpBuilder &b, KernelContext &context,
                        llvm::StringRef name, heavy::AttentionOp op,
                        mlir::AffineExpr &work, GridShape &grid);

/// The same by tensor cores, for halves. Returns false, with no more than sizes
/// emitted, if operands do not lie at multiples of chunks.
bool usesTensorCores(kernel::MachineAttr machine, heavy::AttentionOp op);
bool emitAttentionMatrix(mlir::OpBuilder &b, KernelContext &context,
                         llvm::StringRef name, heavy::AttentionOp op,
                         mlir::AffineExpr &work, GridShape &grid);

/// The same for few rows, where reading keys and values is all that counts:
/// groups of lanes take keys in turn.
bool hasFewRows(heavy::AttentionOp op);
void emitAttentionRows(mlir::OpBuilder &b, KernelContext &context,
                       llvm::StringRef name, heavy::AttentionOp op,
                       mlir::AffineExpr &work, GridShape &grid);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_ATTENTION_H
