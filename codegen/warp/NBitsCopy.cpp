//===- NBitsCopy.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A code becomes a number by the exponent that makes the bits around it a float
// of a known distance: 2^23 + code in 32 bits, 2^10 + code in 16. Subtracting
// that distance and the zero point is exact, and so the product with the scale
// is rounded once, as DequantizeLinear rounds it.
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/NBitsCopy.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Depths that are taken at once: the bytes of a word.
constexpr int64_t together = 4;

/// Floats whose significands' lowest bits count ones.
constexpr uint32_t floatBits = 0x4b000000, halfBits = 0x6400;
constexpr double floatDistance = 1 << 23, halfDistance = 1 << 10;

bool warp::isNBitsPanel(heavy::MatmulNBitsOp op) {
  return op.getPanel() && int64_t(*op.getPanel()) == nbitsPanel &&
         op.getPanelBytes() % chunkBytes == 0 &&
         op.getBlockBytes(op.getBlockLength()) % chunkBytes == 0 &&
         op.getHeaderBytes() % chunkBytes == 0;
}

bool warp::hasTiles(heavy::MatmulNBitsOp op) {
  return isNBitsPanel(op) && (op.getBlocks() == 1 ||
                              op.getBlockLength() % op.getCodesPerWord() == 0);
}

void NBitsCopy::setWeights(const BufferRef &stream,
                           heavy::MatmulNBitsOp weights) {
  buffer = stream;
  op = weights;
}

void NBitsCopy::setShape(const BlockFactors &factors, const BlockShape &shape) {
  element = factors.type;
  depths = shape.depthBytes / factors.leftBytes();
  columns = shape.columns;
  threads = shape.threads();
  // As RightCopy's, which the same instructions read.
  int64_t step = factors.isWords() && shape.tensorCores ? 2 : 1;
  tile = {depths, columns * factors.rightBytes(), step};
  // Pairs at least, which instructions for halves need.
  width = 4;
  if (depths * columns < threads * together * width)
    width = 2;
}

int64_t NBitsCopy::copies() const {
  return llvm::divideCeil(depths / together * (columns / width), threads);
}

/// Whether the depth ends within what is taken at once.
bool NBitsCopy::hasRest() const {
  return int64_t(heavy::MatmulNBitsOp(op).getK()) % together != 0;
}

/// Whether a thread's columns are the same in all copies and a tile lies in one
/// block of the depth.
bool NBitsCopy::sharesHeader() const {
  heavy::MatmulNBitsOp weights = op;
  return threads % (columns / width) == 0 &&
         (weights.getBlocks() == 1 || weights.getBlockLength() % depths == 0);
}

void NBitsCopy::begin(Words &w, Value thread) {
  int64_t perRow = columns / width, total = depths / together * perRow;
  int64_t fields = op.getCodesPerWord() / together;
  for (int64_t i = 0; i < copies(); ++i) {
    Place place;
    Value number = w.add(thread, i * threads);
    Value row = w.div(number, perRow);
    if (i > 0 && threads % perRow == 0) {
      // Only the depth changes from copy to copy.
      place = places[0];
      row = w.add(w.div(thread, perRow), i * (threads / perRow));
    } else {
      place.column = w.mul(w.rem(number, perRow), width);
      Value column = w.add(firstColumn, place.column);
      place.inPanel = w.rem(column, nbitsPanel);
      place.panel = w.mul(w.wide(w.div(column, nbitsPanel)),
                          w.wideNumber(op.getPanelBytes()));
      if (llvm::alignTo(int64_t(op.getN()), nbitsPanel) % columns)
        place.inside = w.less(column, int64_t(op.getN()));
    }
    place.depth = w.mul(row, together);
    place.shift = w.mul(w.rem(row, fields), int64_t(op.getBits()));
    place.exists = Value();
    if ((i + 1) * threads > total)
      place.exists = w.less(number, total);
    places.push_back(place);
  }
}

Value NBitsCopy::read(Words &w, Type type, Value at, int64_t bytes) {
  Value address =
      LLVM::GEPOp::create(w.b, loc, buffer.pointer.getType(), w.b.getI8Type(),
                          buffer.pointer, ArrayRef<LLVM::GEPArg>{at});
  return LLVM::LoadOp::create(w.b, loc, type, address, bytes);
}

/// What the block of the depth that begins at `block` has for the columns;
/// what is not inside has the scale 0.
NBitsCopy::Header NBitsCopy::readHeader(Words &w, const Place &place,
                                        Value block, Value inside) {
  int64_t bytes = op.getHalfScales() ? 2 : 4;
  auto type = VectorType::get({width}, op.getHalfScales() ? w.b.getF16Type()
                                                          : w.b.getF32Type());
  Header header;
  header.scales =
      read(w, type, w.add(block, w.wide(w.mul(place.inPanel, bytes))),
           width * bytes);
  if (inside)
    header.scales =
        w.select(inside, header.scales,
                 arith::ConstantOp::create(
                     w.b, loc, cast<TypedAttr>(w.b.getZeroAttr(type))));
  if (op.getZeroPoint())
    return header;
  Value at = w.add(w.add(block, w.wide(place.inPanel)),
                   w.wideNumber(nbitsPanel * bytes));
  Type zeros = w.b.getIntegerType(8 * width);
  header.zeros = read(w, zeros, at, width);
  if (width < 4)
    header.zeros =
        arith::ExtUIOp::create(w.b, loc, w.b.getI32Type(), header.zeros);
  return header;
}

SmallVector<Value> NBitsCopy::load(Words &w, Value k, Value) {
  int64_t length = op.getBlockLength(), perWord = op.getCodesPerWord();
  int64_t rowBytes = nbitsPanel * 4;
  SmallVector<Value> loaded;
  for (auto [i, place] : llvm::enumerate(places)) {
    Value depth = w.add(k, place.depth);
    Value inside = w.both(place.inside, w.less(depth, int64_t(op.getK())));
    // What is outside is read at the stream's beginning, which exists.
    auto existing = [&](Value at) {
      return w.select(inside, at, w.wideNumber(0));
    };
    Value within = depth, block = place.panel;
    if (op.getBlocks() > 1) {
      Value number = w.div(sharesHeader() ? k : depth, length);
      within = w.sub(depth, w.mul(number, length));
      block = w.add(block, w.wide(w.mul(number, op.getBlockBytes(length))));
    }
    if (i == 0 || !sharesHeader()) {
      // With one for all copies, the first is the furthest inside.
      Header header = readHeader(w, place, existing(block), inside);
      loaded.push_back(header.scales);
      if (header.zeros)
        loaded.push_back(header.zeros);
    }
    Value at =
        w.add(w.mul(w.div(within, perWord), rowBytes), w.mul(place.inPanel, 4));
    at = w.add(w.add(block, w.wide(at)), w.wideNumber(op.getHeaderBytes()));
    loaded.push_back(read(w, VectorType::get({width}, w.b.getI32Type()),
                          existing(at), width * 4));
    if (hasRest())
      loaded.push_back(depth);
  }
  return loaded;
}

/// What load returned for each place.
SmallVector<NBitsCopy::Waiting> NBitsCopy::split(ArrayRef<Value> loaded) {
  SmallVector<Waiting> result;
  auto next = [&] {
    Value first = loaded.front();
    loaded = loaded.drop_front();
    return first;
  };
  Waiting waiting;
  for (size_t i = 0; i < places.size(); ++i) {
    if (i == 0 || !sharesHeader()) {
      waiting.header.scales = next();
      if (!op.getZeroPoint())
        waiting.header.zeros = next();
    }
    waiting.words = next();
    if (hasRest())
      waiting.depth = next();
    result.push_back(waiting);
  }
  return result;
}

/// Bytes of two words, as the hexadecimal digits of `bytes` number them, the
/// lowest first.
Value NBitsCopy::permute(Words &w, Value x, Value y, uint32_t bytes) {
  StringAttr name = w.b.getStringAttr("llvm.nvvm.prmt");
  return LLVM::CallIntrinsicOp::create(w.b, loc, w.b.getI32Type(), name,
                                       ValueRange{x, y, w.number(bytes)})
      .getResult(0);
}

Value NBitsCopy::masked(Words &w, Value x, uint32_t mask, uint32_t set) {
  x = arith::AndIOp::create(w.b, loc, x, w.number(int32_t(mask)));
  return arith::OrIOp::create(w.b, loc, x, w.number(int32_t(set)));
}

/// The weights of depth `i` of four as words of two halves.
Value NBitsCopy::halves(Words &w, Value words, const Header &header,
                        int64_t i) {
  uint32_t mask = (1u << int64_t(op.getBits())) - 1, lane = 16;
  Type word = w.b.getI32Type();
  auto pair = VectorType::get({2}, w.b.getF16Type());
  // Both halves of a word, each with the bits that `wide` leaves it.
  auto numbers = [&](Value bits, uint32_t wide) -> Value {
    Value x = masked(w, bits, wide | wide << lane, halfBits | halfBits << lane);
    return LLVM::BitcastOp::create(w.b, loc, pair, x);
  };
  SmallVector<Value> row;
  for (int64_t c = 0; c < width; c += 2) {
    Value low = vector::ExtractOp::create(w.b, loc, words, c);
    Value high = vector::ExtractOp::create(w.b, loc, words, c + 1);
    // Byte i of each.
    Value x = numbers(permute(w, low, high, i | (4 + i) << 8), mask), less;
    if (header.zeros)
      less = numbers(permute(w, header.zeros, header.zeros, c | (c + 1) << 8),
                     0xff);
    else
      less = arith::ConstantOp::create(
          w.b, loc,
          DenseElementsAttr::get(
              pair, Attribute(w.b.getF16FloatAttr(float(
                        halfDistance + double(int64_t(*op.getZeroPoint())))))));
    Value scale = vector::FromElementsOp::create(
        w.b, loc, pair,
        ValueRange{vector::ExtractOp::create(w.b, loc, header.scales, c),
                   vector::ExtractOp::create(w.b, loc, header.scales, c + 1)});
    x = arith::SubFOp::create(w.b, loc, x, less);
    x = arith::MulFOp::create(w.b, loc, x, scale);
    row.push_back(LLVM::BitcastOp::create(w.b, loc, word, x));
  }
  return vector::FromElementsOp::create(
      w.b, loc, VectorType::get({width / 2}, word), row);
}

/// The same as f32.
Value NBitsCopy::floats(Words &w, Value words, const Header &header,
                        int64_t i) {
  uint32_t mask = (1u << int64_t(op.getBits())) - 1;
  Type f32 = w.b.getF32Type();
  auto number = [&](Value bits, int64_t shift, uint32_t wide) -> Value {
    bits = arith::ShRUIOp::create(w.b, loc, bits, w.number(shift));
    return arith::BitcastOp::create(w.b, loc, f32,
                                    masked(w, bits, wide, floatBits));
  };
  SmallVector<Value> row;
  for (int64_t c = 0; c < width; ++c) {
    Value word = vector::ExtractOp::create(w.b, loc, words, c);
    Value x = number(word, 8 * i, mask), less;
    if (header.zeros)
      less = number(header.zeros, 8 * c, 0xff);
    else
      less = arith::ConstantOp::create(
          w.b, loc,
          w.b.getF32FloatAttr(
              float(floatDistance + double(int64_t(*op.getZeroPoint())))));
    Value scale = vector::ExtractOp::create(w.b, loc, header.scales, c);
    if (op.getHalfScales())
      scale = arith::ExtFOp::create(w.b, loc, f32, scale);
    x = arith::SubFOp::create(w.b, loc, x, less);
    row.push_back(arith::MulFOp::create(w.b, loc, x, scale));
  }
  return vector::FromElementsOp::create(w.b, loc, VectorType::get({width}, f32),
                                        row);
}

/// A row of weights as the bits that are stored.
Value NBitsCopy::weights(Words &w, Value words, const Header &header,
                         Value depth, int64_t i) {
  bool inHalves = element.isF16() && op.getHalfScales();
  Value row =
      inHalves ? halves(w, words, header, i) : floats(w, words, header, i);
  if (!inHalves) {
    if (!element.isF32())
      row = arith::TruncFOp::create(w.b, loc, VectorType::get({width}, element),
                                    row);
    row = arith::BitcastOp::create(
        w.b, loc,
        VectorType::get({width},
                        w.b.getIntegerType(element.getIntOrFloatBitWidth())),
        row);
  }
  // The last word may have fewer codes; what is beyond must not be infinite.
  if (!hasRest())
    return row;
  Value zero = arith::ConstantOp::create(
      w.b, loc, cast<TypedAttr>(w.b.getZeroAttr(row.getType())));
  return w.select(w.less(w.add(depth, i), int64_t(op.getK())), row, zero);
}

void NBitsCopy::store(Words &w, ArrayRef<Value> loaded, Value target) {
  int64_t bytes = element.getIntOrFloatBitWidth() / 8 * width;
  auto put = [&](Words &at, const Place &place, const Waiting &waiting) {
    Value words = waiting.words;
    if (int64_t(op.getBits()) < 8) {
      Type type = words.getType();
      words = arith::ShRUIOp::create(
          at.b, loc, words,
          vector::BroadcastOp::create(at.b, loc, type, place.shift));
    }
    int64_t perChunk = chunkBytes / bytes;
    Value group = at.div(place.column, width);
    for (int64_t i = 0; i < together; ++i) {
      Value to =
          tile.offset(at, at.add(place.depth, i), at.div(group, perChunk));
      to = at.add(to, at.mul(at.rem(group, perChunk), bytes));
      LLVM::StoreOp::create(
          at.b, loc, weights(at, words, waiting.header, waiting.depth, i),
          bytesAfter(at, target, to), bytes);
    }
  };
  for (auto [place, waiting] : llvm::zip(places, split(loaded))) {
    if (!place.exists) {
      put(w, place, waiting);
      continue;
    }
    auto branch = scf::IfOp::create(w.b, loc, place.exists, false);
    OpBuilder then(branch.thenBlock()->getTerminator());
    Words at(then, loc);
    put(at, place, waiting);
  }
}
