//===- FixedPoint.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of floats as integers, for products with quantized weights.
//
// A segment of a row, at most a block of the weights, is written in multiples
// of 2^-30 of the power of two above its largest magnitude, as four digits of
// base 256 from -128 to 127. Instructions that sum products of bytes then
// multiply each digit by the codes as they are, without making floats of them,
// and the four sums, which are exact, are put together once per segment. What
// an element loses is less than 2^-29 of the segment's largest, while a float
// sum loses 2^-24 of itself with each addition.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_HEAVY_FIXEDPOINT_H
#define INGOT_CODEGEN_HEAVY_FIXEDPOINT_H

#include "codegen/heavy/NBitsStream.h"

namespace ingot {

class FixedPointRows : NBitsStream {
public:
  FixedPointRows(KernelContext &context, heavy::MatmulNBitsOp op)
      : NBitsStream(context, op) {}

  /// Rows that gain by it, at most `wanted`: 0 if the machine has no such
  /// instruction, or the rows do not fit in the stack.
  int64_t mostRows(int64_t wanted);

  /// Makes room for so many rows, at the entry of the function.
  void allocate(mlir::OpBuilder &b, int64_t rows);

  /// Converts `rows` rows of K floats from `pointer` on. The result (i1) tells
  /// whether it could: not with infinities, NaNs, or very small numbers only.
  mlir::Value convert(mlir::OpBuilder &b, mlir::Value pointer,
                      mlir::Value rows);

  /// The products of a converted row with the first `vectors` vectors of
  /// columns of the panel.
  llvm::SmallVector<mlir::Value> multiply(mlir::OpBuilder &b, mlir::Value row,
                                          mlir::Value panel, int64_t vectors);

private:
  /// A part of a row: the index of its first element and of itself among the
  /// segments, and where its digits begin.
  struct Segment {
    mlir::Value depth, index, digits;
    int64_t length;
  };

  mlir::Value stack(mlir::OpBuilder &b, mlir::Type element, int64_t count);
  int64_t segmentsOf(int64_t length);
  int64_t segments();
  int64_t digitBytes();
  /// Calls `body` for each segment of the block at index `block` of K.
  llvm::SmallVector<mlir::Value>
  forSegments(mlir::OpBuilder &b, mlir::Value block, int64_t length,
              llvm::ArrayRef<mlir::Value> carried,
              llvm::function_ref<void(mlir::OpBuilder &, const Segment &,
                                      llvm::SmallVectorImpl<mlir::Value> &)>
                  body);
  /// Calls `body` for each block of K with its index and length.
  llvm::SmallVector<mlir::Value>
  forBlocks(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Value> carried,
            llvm::function_ref<void(mlir::OpBuilder &, mlir::Value, int64_t,
                                    llvm::SmallVectorImpl<mlir::Value> &)>
                body);

  mlir::Value loadFloats(mlir::OpBuilder &b, mlir::Value pointer, int64_t from,
                         int64_t length);
  mlir::Value largest(mlir::OpBuilder &b, mlir::Value pointer, int64_t length);
  mlir::Value digitsOf(mlir::OpBuilder &b, mlir::Value floats,
                       mlir::Value scale);
  void convertSegment(mlir::OpBuilder &b, mlir::Value pointer, mlir::Value row,
                      const Segment &segment);
  void storeSum(mlir::OpBuilder &b, mlir::Value sums, mlir::Value row,
                const Segment &segment, mlir::Value unit);

  mlir::Value dot(mlir::OpBuilder &b, mlir::Value sum, mlir::Value codes,
                  mlir::Value digits);
  void multiplyWords(mlir::OpBuilder &b, mlir::Value words, mlir::Value digits,
                     int64_t vectors, llvm::SmallVectorImpl<mlir::Value> &sums);
  void multiplyBlock(mlir::OpBuilder &b, mlir::Value row, mlir::Value bytes,
                     mlir::Value block, int64_t length, int64_t vectors,
                     llvm::SmallVectorImpl<mlir::Value> &sums);
  llvm::SmallVector<mlir::Value>
  multiplySegment(mlir::OpBuilder &b, mlir::Value row, mlir::Value words,
                  const Segment &segment, const NBitsHeader &header,
                  int64_t vectors);

  /// The digits of the rows: sixteen bytes for four elements, one word per
  /// digit, the lowest first.
  mlir::Value digits;
  /// For each segment: what its integers count (f32), and four words that sums
  /// begin with, one per digit, or the sum of its elements (f32).
  mlir::Value units, starts;
  /// A word that is 0 while all could be converted.
  mlir::Value refused;
};

} // namespace ingot

#endif // INGOT_CODEGEN_HEAVY_FIXEDPOINT_H
