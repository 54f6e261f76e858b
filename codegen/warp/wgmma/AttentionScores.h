//===- AttentionScores.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What threads of a warpgroup do with products of attention in their registers:
// scores, their powers of 2, and the rows of the result.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_ATTENTIONSCORES_H
#define INGOT_CODEGEN_WARP_WGMMA_ATTENTIONSCORES_H

#include "codegen/warp/Attention.h"

namespace ingot::warp {

/// Lane 4 * g + t of a warp has rows g and g + 8, and of each eight columns of
/// a product those of numbers 2 * t and 2 * t + 1: four numbers, row by row.
class AttentionScores : public AttentionEmitter {
protected:
  using AttentionEmitter::AttentionEmitter;
  using Values = llvm::SmallVector<mlir::Value>;

  /// What a thread knows of its rows between tiles: the greatest score of both
  /// and the totals of powers of its own keys; the sums of values; the powers
  /// of the last tile, which are not in these sums yet.
  struct State {
    Values greatest, totals, sums, powers;

    Values flat() const {
      return llvm::to_vector(
          llvm::concat<const mlir::Value>(greatest, totals, sums, powers));
    }
  };

  /// Whether scores are products times a number above 0.
  bool isPlain();
  /// Sets the rows of the thread: those of a warp begin at `query` of a head.
  void setRows(Words &w, mlir::Value head, mlir::Value query);

  /// Turns products with keys from `firstKey` on into scores, but for what they
  /// are multiplied by in the end. Not `isChecked`: all these keys exist, and
  /// the causal rule hides none.
  void makeScores(Words &w, mlir::Value firstKey,
                  llvm::MutableArrayRef<mlir::Value> products, bool isChecked);
  /// Scores become powers of 2, relative to the greatest score of their row so
  /// far. Returns what the sums of both rows must be multiplied by.
  Values takePowers(Words &w, State &state,
                    llvm::MutableArrayRef<mlir::Value> scores);
  /// Powers as halves: those of 16 keys are four registers.
  Values pack(Words &w, llvm::ArrayRef<mlir::Value> powers);
  /// Divides sums by totals and stores them.
  void storeRows(Words &w, llvm::ArrayRef<mlir::Value> totals,
                 llvm::ArrayRef<mlir::Value> sums);

  /// Type of queries, keys and values.
  mlir::Type element;
  mlir::Value lane;
  Row rowsOfThread[2];

private:
  /// What scores are multiplied by to be exponents of 2.
  double factor();
  /// For each row the first of the keys from `firstKey` on that it does not
  /// see.
  Values limitsOf(Words &w, mlir::Value firstKey, bool byRule, bool byLength);
  /// Whether number i of a product is of a key before its row's limit.
  mlir::Value isBefore(Words &w, llvm::ArrayRef<mlir::Value> limits, size_t i);
  Values loadPair(Words &w, const Operand &from, mlir::Value rowOffset,
                  mlir::Value firstKey, int64_t key, bool isChecked);
  void addTensors(Words &w, mlir::Value firstKey,
                  llvm::MutableArrayRef<mlir::Value> products, bool isChecked);
  void storeWords(Words &w, const Row &row, mlir::Value column, Values words);

  using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;
  /// Joins what the lanes of a row have.
  mlir::Value ofRow(Words &w, mlir::Value v, Combine combine);
  /// Joins values in two chains, which do not wait for each other.
  mlir::Value join(llvm::ArrayRef<mlir::Value> values, Combine combine);
  mlir::Value exp2(Words &w, mlir::Value x);
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_ATTENTIONSCORES_H
