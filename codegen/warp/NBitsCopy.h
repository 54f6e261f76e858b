//===- NBitsCopy.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles of quantized weights become floats on their way into shared memory.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_NBITSCOPY_H
#define INGOT_CODEGEN_WARP_NBITSCOPY_H

#include "codegen/warp/TileCopy.h"

namespace ingot::warp {

/// Columns of a panel of quantized weights that warps read.
constexpr int64_t nbitsPanel = 32;

/// True if the weights are in such panels, each part of them aligned.
bool isNBitsPanel(heavy::MatmulNBitsOp op);

/// True if tiles of the weights can be brought into shared memory: words hold
/// neighbours of the depth, so none may lie between two multiples of a word.
bool hasTiles(heavy::MatmulNBitsOp op);

/// A thread takes four depths of a few neighbouring columns at once. Words,
/// scales and zero points wait in registers while a tile is multiplied, then
/// weights are stored as numbers of the left factor's type, each rounded once.
class NBitsCopy : public TileFill {
public:
  using TileFill::TileFill;

  void setWeights(const BufferRef &stream, heavy::MatmulNBitsOp weights);
  void setShape(const BlockFactors &factors, const BlockShape &shape);

  void begin(Words &w, mlir::Value thread) override;
  llvm::SmallVector<mlir::Value> load(Words &w, mlir::Value k,
                                      mlir::Value target) override;
  void store(Words &w, llvm::ArrayRef<mlir::Value> loaded,
             mlir::Value target) override;

  /// Of the current block of threads.
  mlir::Value firstColumn;

private:
  /// What a thread takes at once.
  struct Place {
    /// The depth in the tile; the column in the tile and in its panel.
    mlir::Value depth, column, inPanel;
    /// Where the panel begins (64 bits).
    mlir::Value panel;
    /// Bits by which its codes are shifted in their words.
    mlir::Value shift;
    /// Whether there are such columns; whether this is part of the tile. Null:
    /// yes.
    mlir::Value inside, exists;
  };
  /// Scales, and zero points as bytes of a word; null if all have one.
  struct Header {
    mlir::Value scales, zeros;
  };
  /// What a thread has loaded and not yet stored.
  struct Waiting {
    Header header;
    mlir::Value words;
    /// Set if the depth ends within what is taken at once.
    mlir::Value depth;
  };
  int64_t copies() const;
  bool hasRest() const;
  bool sharesHeader() const;
  mlir::Value read(Words &w, mlir::Type type, mlir::Value at, int64_t bytes);
  Header readHeader(Words &w, const Place &place, mlir::Value block,
                    mlir::Value inside);
  llvm::SmallVector<Waiting> split(llvm::ArrayRef<mlir::Value> loaded);
  mlir::Value halves(Words &w, mlir::Value words, const Header &header,
                     int64_t i);
  mlir::Value floats(Words &w, mlir::Value words, const Header &header,
                     int64_t i);
  mlir::Value weights(Words &w, mlir::Value words, const Header &header,
                      mlir::Value depth, int64_t i);
  mlir::Value permute(Words &w, mlir::Value x, mlir::Value y, uint32_t bytes);
  mlir::Value masked(Words &w, mlir::Value x, uint32_t mask, uint32_t set);

  heavy::MatmulNBitsOp op;
  /// What elements are in shared memory.
  mlir::Type element;
  /// Of a tile; `width` columns are taken at once.
  int64_t depths = 0, columns = 0, width = 0, threads = 0;
  llvm::SmallVector<Place> places;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_NBITSCOPY_H
