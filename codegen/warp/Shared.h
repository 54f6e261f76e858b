//===- Shared.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Memory that the threads of a block share: tiles of it, copies into it that
// go on while threads compute, and the instructions of tensor cores, which
// take their factors from it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_SHARED_H
#define INGOT_CODEGEN_WARP_SHARED_H

#include "codegen/warp/Words.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ingot::warp {

/// Bytes that a thread moves at once, and that tiles are made of.
constexpr int64_t chunkBytes = 16;

/// The address of `bytes` of shared memory, an object of that name.
mlir::Value sharedMemory(Words &w, llvm::StringRef name, int64_t bytes);

/// The address so many bytes (a number) after a pointer.
mlir::Value bytesAfter(Words &w, mlir::Value pointer, mlir::Value bytes);

/// Rows of chunks. Eight chunks pass through shared memory at once if they lie
/// in different banks; so the chunks of a row change places with the row, and
/// both the chunks of a row and those below each other lie in different banks.
struct SharedTile {
  int64_t rows, rowBytes;
  /// By how many places chunks move from one row to the next.
  int64_t step = 1;

  int64_t bytes() const { return rows * rowBytes; }
  /// Where a chunk lies, in bytes from the beginning of the tile.
  mlir::Value offset(Words &w, mlir::Value row, mlir::Value chunk) const;
};

/// Begins to copy 4, 8 or 16 bytes from global to shared memory, or zeros
/// where `inside` is false (null: true).
void copyAsync(Words &w, mlir::Value shared, mlir::Value global, int64_t bytes,
               mlir::Value inside);
/// Makes a group of the copies begun since the last one.
void commitCopies(Words &w);
/// Waits until at most so many groups of this thread are not finished.
void waitForCopies(Words &w, int64_t groups);

/// Four 8x8 matrices of 16-bit elements, a register each; lane i gives the
/// address of row i % 8 of matrix i / 8.
llvm::SmallVector<mlir::Value> loadMatrices(Words &w, mlir::Value address,
                                            bool transposed);

/// An f32 in the form that tensor cores take as tf32, rounded to nearest, ties
/// away from zero.
mlir::Value roundToTf32(Words &w, mlir::Value x);

/// Two f32 as the sums of so many pairs of bf16, the greatest first: each is
/// what the ones before leave, rounded. Infinities leave NaN.
llvm::SmallVector<mlir::Value> splitToBf16(Words &w, mlir::Value first,
                                           mlir::Value second, int64_t parts);

/// sums += left * right, of 16 x 8 by 8 x 8 f32 in the form of tf32, 16 x 16 by
/// 16 x 8 halves or 16 x 32 by 32 x 8 bytes. Factors come as 32-bit registers,
/// four and two; sums are four, f32 or i32. `isUnsigned`: the left bytes are.
llvm::SmallVector<mlir::Value>
multiplyMatrices(Words &w, mlir::Type factors, bool isUnsigned,
                 llvm::ArrayRef<mlir::Value> left,
                 llvm::ArrayRef<mlir::Value> right,
                 llvm::ArrayRef<mlir::Value> sums);

/// The same of 16 x 32 by 32 x 8 floats of 8 bits, f8E4M3FN or f8E5M2 each. The
/// sums have fewer bits than f32 on some machines: the few products that they
/// are of should be added up elsewhere.
llvm::SmallVector<mlir::Value>
multiplyFloat8(Words &w, mlir::Type left, mlir::Type right,
               llvm::ArrayRef<mlir::Value> leftWords,
               llvm::ArrayRef<mlir::Value> rightWords,
               llvm::ArrayRef<mlir::Value> sums);

/// How PTX calls a type of 8-bit floats.
llvm::StringRef float8Name(mlir::Type type);

/// sum + the four products of the bytes of two words; the right ones are
/// signed.
mlir::Value multiplyBytes(Words &w, bool isUnsigned, mlir::Value left,
                          mlir::Value right, mlir::Value sum);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_SHARED_H
