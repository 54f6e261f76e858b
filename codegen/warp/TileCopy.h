//===- TileCopy.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How tiles of the factors of a product come into shared memory: the threads
// of a block copy a granule each, several times. A granule is up to 16 bytes
// of neighbours in memory; one that lies outside of the operand becomes zeros.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_TILECOPY_H
#define INGOT_CODEGEN_WARP_TILECOPY_H

#include "codegen/loop/KernelContext.h"
#include "codegen/warp/BlockShape.h"
#include "dialects/ingot/Ingot.h"

namespace ingot::warp {

/// Where a granule lies in an operand.
struct Granule {
  /// Elements from the operand's first (64 bits).
  mlir::Value offset;
  /// Whether it exists; null: always.
  mlir::Value inside;
};

/// How the threads of a block bring tiles of one operand into shared memory.
class TileFill {
public:
  TileFill(KernelContext &context, mlir::Location loc)
      : context(context), loc(loc) {}
  virtual ~TileFill() = default;

  /// Computes what all tiles share, for the thread of that number.
  virtual void begin(Words &w, mlir::Value thread) = 0;
  /// Begins to bring the tile from depth `k` (a number of its elements) on to
  /// `target` in shared memory. Returns what is still to be stored there.
  virtual llvm::SmallVector<mlir::Value> load(Words &w, mlir::Value k,
                                              mlir::Value target) = 0;
  /// Stores what load returned.
  virtual void store(Words &w, llvm::ArrayRef<mlir::Value> loaded,
                     mlir::Value target) = 0;

  SharedTile tile;
  bool isAsync = false;

protected:
  KernelContext &context;
  mlir::Location loc;
  BufferRef buffer;
};

/// Copies of tiles of an operand that is in memory as it is multiplied.
class TileCopy : public TileFill {
public:
  using TileFill::TileFill;

  void begin(Words &w, mlir::Value thread) override;
  llvm::SmallVector<mlir::Value> load(Words &w, mlir::Value k,
                                      mlir::Value target) override;
  void store(Words &w, llvm::ArrayRef<mlir::Value> loaded,
             mlir::Value target) override;

protected:
  /// Numbers of the outer dimension and of the first element of the inner one
  /// of a copy.
  struct Place {
    mlir::Value outer, inner;
    /// Whether there is such a granule; null: yes.
    mlir::Value exists;
    /// Bytes from the beginning of the tile.
    mlir::Value target;
  };
  /// Sets how a tile is divided: `inner` elements in a row, `granule` at once.
  void setTile(mlir::Type element, int64_t rows, int64_t inner, int64_t step,
               int64_t granule, int64_t threads, bool acrossRows,
               bool machineCopies);
  /// What all tiles share for a copy.
  virtual void beginCopy(Words &w, const Place &place) = 0;
  /// Where copy `i` begins in the tile from depth `k` on.
  virtual Granule locate(Words &w, int64_t i, const Place &place,
                         mlir::Value k) = 0;

  /// What elements are in shared memory.
  mlir::Type element;
  int64_t granule = 1;
  /// What is outside of the operand, in each byte.
  int64_t fill = 0;

private:
  int64_t copies() const;
  mlir::Value loadGranule(Words &w, const Granule &from);

  int64_t inner = 0, threads = 0;
  /// Neighbouring threads copy granules of neighbouring rows.
  bool acrossRows = false;
  llvm::SmallVector<Place> places;
};

/// The rows of the left factor: of matrices, or the pixels that a convolution
/// multiplies, tap by tap.
class LeftCopy : public TileCopy {
public:
  LeftCopy(KernelContext &context, mlir::Location loc)
      : TileCopy(context, loc) {}

  /// Rows of a matrix, `rowStride` and `depthStride` elements apart.
  void setMatrix(const BufferRef &matrix, mlir::AffineExpr rowStride,
                 int64_t depthStride);
  /// The pixels of a convolution.
  void setPixels(const BufferRef &input, heavy::ConvOp op);
  /// How a tile is divided among threads.
  void setShape(const BlockFactors &factors, const BlockShape &shape,
                bool machineCopies, llvm::ArrayRef<mlir::AffineExpr> batch);

  /// Of the current block: its first row, rows and depth of the operand, and
  /// elements to skip (64 bits; null: none).
  mlir::Value firstRow, rows, depth, skipped;

private:
  /// One spatial dimension.
  struct Axis {
    int64_t kernel, stride, dilation, pad;
    mlir::AffineExpr size, out, elements;
    /// Whether some taps lie outside.
    bool checked;
  };
  struct Row {
    mlir::Value offset, inside;
    llvm::SmallVector<mlir::Value> start;
  };
  void beginCopy(Words &w, const Place &place) override;
  Granule locate(Words &w, int64_t i, const Place &place,
                 mlir::Value k) override;
  bool isMultiple(mlir::AffineExpr elements, int64_t of) const;
  mlir::Value scaled(Words &w, mlir::Value x, mlir::AffineExpr by);
  Row row(Words &w, mlir::Value number);
  void addTable(mlir::OpBuilder &b);
  Row readTable(Words &w, mlir::Value d);

  mlir::AffineExpr rowStride;
  int64_t depthStride = 1;
  llvm::SmallVector<Axis> axes;
  /// Elements from image to image; channels of a group.
  mlir::AffineExpr imageStride;
  int64_t channels = 0;
  /// The name of a table of what each depth of a convolution means; empty if
  /// that is computed.
  std::string table;
  llvm::SmallVector<Row> rowOf;
  /// The place of the depth in the last granule asked for.
  mlir::Value lastInner, lastK;
  Row lastDepth;
};

/// The rows of the right factor, one for each depth.
class RightCopy : public TileCopy {
public:
  RightCopy(KernelContext &context, mlir::Location loc)
      : TileCopy(context, loc) {}

  /// A matrix (or a stack of them) of rows of so many elements.
  void setMatrix(const BufferRef &matrix, int64_t width);
  void setShape(const BlockFactors &factors, const BlockShape &shape,
                bool machineCopies, llvm::ArrayRef<mlir::AffineExpr> batch);

  mlir::Value firstColumn, depth, skipped;

private:
  void beginCopy(Words &, const Place &) override {}
  Granule locate(Words &w, int64_t i, const Place &place,
                 mlir::Value k) override;

  int64_t width = 0;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_TILECOPY_H
