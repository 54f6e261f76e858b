//===- BlockShape.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a product is divided among blocks, warps and threads.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_BLOCKSHAPE_H
#define INGOT_CODEGEN_WARP_BLOCKSHAPE_H

#include "codegen/Fp32Products.h"
#include "codegen/warp/Shared.h"
#include "dialects/kernel/Kernel.h"

namespace ingot::warp {

/// What a block multiplies and how its threads share the work.
struct BlockShape {
  /// Results of a block.
  int64_t rows, columns;
  /// Bytes of a row of the left tile, which a block goes through at once.
  int64_t depthBytes;
  /// Results of a thread, or of a warp with tensor cores.
  int64_t unitRows, unitColumns;
  /// Parts of the depth that groups of threads go through side by side; their
  /// sums are added at the end.
  int64_t slices;
  /// Tiles in shared memory: one that is used and those on their way.
  int64_t stages = 3;
  bool tensorCores = false;
  /// Blocks that share the depth of a tile, each at least `leastSteps` steps of
  /// a tile's depth. 0: as many as the tiles leave of `sharing` blocks, which
  /// the kernel finds out where sizes are symbolic.
  int64_t shares = 1, leastSteps = 1, sharing = 0;
  /// What it takes, as productTime counts.
  double time = 0;

  /// Threads, or warps, that have one slice of the results among them.
  int64_t units() const { return rows / unitRows * (columns / unitColumns); }
  int64_t threads() const { return units() * slices * (tensorCores ? 32 : 1); }
};

/// What is multiplied: elements as they lie in shared memory. Those of 8 bits
/// lie in the right tile in rows of one column each (`byColumns`), or as words
/// of four depths.
struct BlockFactors {
  /// Of the left factor, and of the right one where that is another.
  mlir::Type type, rightType;
  bool isUnsigned = false;
  bool byColumns = false;
  /// What tensor cores take f32 factors as.
  Fp32Products fp32 = Fp32Products::Exact;

  bool isInteger() const { return mlir::isa<mlir::IntegerType>(type); }
  bool isFloat8() const { return !isInteger() && leftBytes() == 1; }
  /// What an element of the left tile is moved as.
  mlir::Type moved() const {
    return isFloat8() ? mlir::IntegerType::get(type.getContext(), 8) : type;
  }
  /// Bytes of an element of the left tile, and of the right one.
  int64_t leftBytes() const { return type.getIntOrFloatBitWidth() / 8; }
  int64_t rightBytes() const { return leftBytes() * group(); }
  /// Depths of an element of the right tile.
  int64_t group() const { return isInteger() && !byColumns ? 4 : 1; }
  /// Parts of bf16 that a factor of f32 is split into; 0: it is not.
  int64_t halves() const;
  /// True for elements of 32 bits that tensor cores get by plain loads from the
  /// right tile: words of bytes, or floats.
  bool isWords() const { return group() > 1 || fp32 != Fp32Products::Exact; }
  /// What products are summed in.
  mlir::Type sumType() const;
  int64_t sumBytes() const { return sumType().getIntOrFloatBitWidth() / 8; }
};

/// The time of so many blocks of `results` each on a device: in results of a
/// multiprocessor, which products of warps in the most efficient shape (1) keep
/// busy.
double productTime(kernel::MachineAttr machine, int64_t blocks, int64_t results,
                   double efficiency);

/// Multiprocessors that a grid should fill.
int64_t usualMultiprocessors(kernel::MachineAttr machine);

/// What is known of a product's size when its shape is chosen: estimates where
/// it is symbolic.
struct ProductSize {
  int64_t rows, columns, matrices, depth;
  bool isStatic;
};

/// The shape for a product of that size.
BlockShape chooseShape(kernel::MachineAttr machine, const BlockFactors &factors,
                       const ProductSize &size);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_BLOCKSHAPE_H
