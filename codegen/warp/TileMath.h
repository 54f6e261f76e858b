//===- TileMath.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the threads of a block do with tiles in shared memory: each multiplies
// its part and keeps the sums in registers.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_TILEMATH_H
#define INGOT_CODEGEN_WARP_TILEMATH_H

#include "codegen/warp/BlockShape.h"

#include <memory>

namespace ingot::warp {

/// Results in shared memory, a row after the other, for each slice of the
/// depth. Rows are some elements longer than they need be, so that columns
/// lie in different banks.
struct StagedResults {
  mlir::Value base;
  mlir::Type element;
  int64_t rows, columns;

  int64_t pitch() const { return columns + 8; }
  int64_t bytes(int64_t slices) const {
    return slices * rows * pitch() * element.getIntOrFloatBitWidth() / 8;
  }
  mlir::Value address(Words &w, mlir::Value slice, mlir::Value row,
                      mlir::Value column) const;
};

class TileMath {
public:
  TileMath(const BlockShape &shape, const BlockFactors &factors,
           const SharedTile &left, const SharedTile &right)
      : shape(shape), factors(factors), left(left), right(right) {}
  virtual ~TileMath() = default;

  /// Computes what all tiles share, for the thread of that number.
  virtual void begin(Words &w, mlir::Value thread) = 0;
  /// Sums that are zero.
  llvm::SmallVector<mlir::Value> zeros(Words &w) const;
  /// The sums after the products of a tile at those addresses.
  virtual llvm::SmallVector<mlir::Value>
  multiply(Words &w, mlir::Value leftTile, mlir::Value rightTile,
           llvm::ArrayRef<mlir::Value> sums) = 0;
  /// Stores part `part` of `parts` of the sums of this thread.
  virtual void stage(Words &w, int64_t part, int64_t parts,
                     llvm::ArrayRef<mlir::Value> sums,
                     const StagedResults &to) = 0;
  /// The row of the block's tile that lies in row `row` of that part.
  virtual mlir::Value tileRow(Words &w, int64_t part, int64_t parts,
                              mlir::Value row) = 0;

protected:
  virtual int64_t sumsPerThread() const = 0;

  BlockShape shape;
  BlockFactors factors;
  SharedTile left, right;
  mlir::Value slice;
};

/// Scalar multiply-adds, or those of words of four bytes.
std::unique_ptr<TileMath> scalarMath(const BlockShape &shape,
                                     const BlockFactors &factors,
                                     const SharedTile &left,
                                     const SharedTile &right);

/// The products of tensor cores.
std::unique_ptr<TileMath> matrixMath(const BlockShape &shape,
                                     const BlockFactors &factors,
                                     const SharedTile &left,
                                     const SharedTile &right);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_TILEMATH_H
