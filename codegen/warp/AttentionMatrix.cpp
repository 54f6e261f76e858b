//===- AttentionMatrix.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention by tensor cores: a warp has 16 rows, whose queries, scores and sums
// of values it keeps in registers. Lane 4 * g + t has of each product what is
// in rows g and g + 8, columns 2 * t and 2 * t + 1, which is just how the
// powers of scores enter the product with values.
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Attention.h"
#include "codegen/warp/Shared.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

constexpr int64_t warpLanes = 32, blockThreads = 128, warpRows = 16,
                  blockRows = warpRows * blockThreads / warpLanes;
/// Elements of a chunk, and depth of a product.
constexpr int64_t chunk = 8, depth = 16;
/// Larger heads would not fit in registers.
constexpr int64_t mostSize = 128;

bool warp::usesTensorCores(kernel::MachineAttr machine, heavy::AttentionOp op) {
  Type type = getElementTypeOrSelf(op.getQ());
  return machine.getTensorCores() && machine.getAsyncCopies() &&
         (type.isF16() || type.isBF16()) &&
         getElementTypeOrSelf(op.getK()) == type &&
         getElementTypeOrSelf(op.getV()) == type && !op.getKTransposed() &&
         op.getSize() % chunk == 0 && op.getValueSize() % chunk == 0 &&
         op.getSize() <= mostSize && op.getValueSize() <= mostSize;
}

/// Tokens of a size in shared memory, which have a power of two of chunks.
static SharedTile tileOf(int64_t tokens, int64_t size) {
  int64_t chunks = llvm::PowerOf2Ceil(llvm::alignTo(size, depth) / chunk);
  return {tokens, chunks * chunkBytes};
}

namespace {
class AttentionMatrix : AttentionEmitter {
public:
  AttentionMatrix(KernelContext &context, StringRef name, heavy::AttentionOp op)
      : AttentionEmitter(context, name, op) {
    isApproximate = true;
  }

  /// False, with nothing emitted but sizes, if operands are not aligned.
  bool emit(OpBuilder &b, AffineExpr &work, GridShape &grid);

private:
  using Locate = function_ref<Granule(Words &, Value token)>;
  int64_t keySteps() const { return tileKeys / depth; }
  int64_t depthSteps() const { return llvm::divideCeil(size, depth); }
  int64_t valueTiles() const { return llvm::alignTo(valueSize, depth) / chunk; }
  int64_t slotBytes() const { return tileK.bytes() + tileV.bytes(); }
  Value slot(Words &w, Value number) {
    Value at = w.mul(w.rem(number, 2), slotBytes());
    return bytesAfter(w, ring, at);
  }
  void copyTile(Words &w, const Operand &from, const SharedTile &tile,
                int64_t elements, Value target, Locate locate);
  void copyKeys(Words &w, Value number);
  void loadQueries(Words &w, Value target);
  SmallVector<Value> products(Words &w, Value keysAt);
  SmallVector<Value> scoresOf(Words &w, Value firstKey, ArrayRef<Value> sums);
  SmallVector<Value> update(Words &w, Value number, ArrayRef<Value> state);
  Value ofRow(Words &w, Value v, function_ref<Value(Value, Value)> combine) {
    for (int64_t mask : {1, 2})
      v = combine(v, shuffleXor(w.b, loc, v, mask));
    return v;
  }

  int64_t tileKeys = 64;
  SharedTile tileQ, tileK, tileV;
  Type element;
  Value ring, lane, warpRow;
  /// The first row's first hidden key, where the causal rule holds.
  Value firstHidden;
  SmallVector<SmallVector<Value>> queriesAt;
  Row rowsOfThread[2];
};
} // namespace

void AttentionMatrix::copyTile(Words &w, const Operand &from,
                               const SharedTile &tile, int64_t elements,
                               Value target, Locate locate) {
  int64_t perRow = llvm::alignTo(elements, depth) / chunk;
  int64_t total = tile.rows * perRow;
  Type stored = storageType(from.buffer.elementType);
  for (int64_t first = 0; first < total; first += blockThreads) {
    Value number = w.add(thread, first);
    Value token = w.div(number, perRow), at = w.rem(number, perRow);
    auto copy = [&](Words &in) {
      Granule granule = locate(in, token);
      Value inside = granule.inside;
      Value column = in.mul(at, chunk);
      if (elements % depth)
        inside = in.both(inside, in.less(column, elements));
      Value offset = in.add(granule.offset, in.wide(column));
      if (inside)
        offset = in.select(inside, offset, in.wideNumber(0));
      Value address = LLVM::GEPOp::create(
          in.b, loc, from.buffer.pointer.getType(), stored, from.buffer.pointer,
          ArrayRef<LLVM::GEPArg>{offset});
      copyAsync(in, bytesAfter(in, target, tile.offset(in, token, at)), address,
                chunkBytes, inside);
    };
    if (first + blockThreads <= total) {
      copy(w);
      continue;
    }
    auto some = scf::IfOp::create(w.b, loc, w.less(number, total), false);
    OpBuilder then(some.thenBlock()->getTerminator());
    Words in(then, loc);
    copy(in);
  }
}

/// Begins to copy a tile of keys and values.
void AttentionMatrix::copyKeys(Words &w, Value number) {
  Value firstKey = w.mul(number, tileKeys), target = slot(w, number);
  auto locate = [&](const Operand &from) {
    return [&](Words &in, Value token) {
      Value key = in.add(firstKey, token);
      return Granule{tokenOffset(in, from, keyHead, key),
                     in.less(key, keyCount)};
    };
  };
  copyTile(w, k, tileK, size, target, locate(k));
  copyTile(w, v, tileV, valueSize,
           bytesAfter(w, target, w.number(tileK.bytes())), locate(v));
  commitCopies(w);
}

/// All queries of the warp, as factors.
void AttentionMatrix::loadQueries(Words &w, Value target) {
  Value token = w.add(warpRow, w.rem(lane, 16));
  for (int64_t s = 0; s < depthSteps(); ++s) {
    Value at = tileQ.offset(w, token, w.add(w.div(lane, 16), 2 * s));
    queriesAt.push_back(
        loadMatrices(w, bytesAfter(w, target, at), /*transposed=*/false));
  }
}

/// Four sums for each eight keys.
SmallVector<Value> AttentionMatrix::products(Words &w, Value keysAt) {
  SmallVector<Value> sums(tileKeys / 2, real(w, 0));
  // Of 16 keys, the first eight in both halves of the depth, then the others.
  Value token = w.add(w.mul(w.div(lane, 16), 8), w.rem(lane, 8));
  Value half = w.rem(w.div(lane, 8), 2);
  for (int64_t s = 0; s < depthSteps(); ++s)
    for (int64_t j = 0; j < keySteps(); ++j) {
      Value at = tileK.offset(w, w.add(token, j * depth), w.add(half, 2 * s));
      SmallVector<Value> words =
          loadMatrices(w, bytesAfter(w, keysAt, at), /*transposed=*/false);
      for (int64_t n = 0; n < 2; ++n) {
        auto of = MutableArrayRef(sums).slice((2 * j + n) * 4, 4);
        llvm::copy(multiplyMatrices(w, element, false, queriesAt[s],
                                    ArrayRef(words).slice(2 * n, 2), of),
                   of.begin());
      }
    }
  return sums;
}

/// Only tiles at an end or at the causal rule's edge look at each key.
SmallVector<Value> AttentionMatrix::scoresOf(Words &w, Value firstKey,
                                             ArrayRef<Value> sums) {
  Value end = w.add(firstKey, tileKeys);
  auto beyond = [&](Value limit) {
    return arith::CmpIOp::create(w.b, loc, arith::CmpIPredicate::sgt, end,
                                 limit)
        .getResult();
  };
  Value atEdge = beyond(keyCount);
  if (firstHidden)
    atEdge = arith::OrIOp::create(w.b, loc, atEdge, beyond(firstHidden));
  SmallVector<Type> types(sums.size(), w.b.getF32Type());
  auto branch = scf::IfOp::create(w.b, loc, types, atEdge, /*withElse=*/true);
  for (bool isChecked : {true, false}) {
    OpBuilder inner =
        isChecked ? branch.getThenBodyBuilder() : branch.getElseBodyBuilder();
    Words in(inner, loc);
    SmallVector<Value> scores;
    Value first = in.add(firstKey, in.mul(in.rem(lane, 4), 2));
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value key = in.add(first, i / 4 * 8 + i % 2);
      scores.push_back(score(in, rowsOfThread[i % 4 / 2], sum, key, isChecked));
    }
    scf::YieldOp::create(inner, loc, scores);
  }
  return SmallVector<Value>(branch.getResults());
}

/// One tile of keys. The state is the greatest score of both rows, the totals
/// of powers of this thread's keys, then the sums.
SmallVector<Value> AttentionMatrix::update(Words &w, Value number,
                                           ArrayRef<Value> state) {
  Value keysAt = slot(w, number);
  Value valuesAt = bytesAfter(w, keysAt, w.number(tileK.bytes()));
  SmallVector<Value> next(state);
  SmallVector<Value> scores =
      scoresOf(w, w.mul(number, tileKeys), products(w, keysAt));
  for (int64_t r = 0; r < 2; ++r) {
    Value greatest = state[r], most = greatest;
    auto isOfRow = [&](size_t i) { return int64_t(i % 4 / 2) == r; };
    for (auto [i, x] : llvm::enumerate(scores))
      if (isOfRow(i))
        most = greater(w, most, x);
    most = ofRow(w, most, [&](Value x, Value y) { return greater(w, x, y); });
    Value from = shift(w, most), shrink = power(w, greatest, from);
    Value total = times(w, state[2 + r], shrink);
    for (auto [i, x] : llvm::enumerate(scores))
      if (isOfRow(i)) {
        x = power(w, x, from);
        total = plus(w, total, x);
      }
    next[r] = most;
    next[2 + r] = total;
    for (auto [i, sum] : llvm::enumerate(MutableArrayRef(next).drop_front(4)))
      if (isOfRow(i))
        sum = times(w, sum, shrink);
  }
  auto sums = MutableArrayRef(next).drop_front(4);
  Value token = w.rem(lane, 16);
  for (int64_t s = 0; s < keySteps(); ++s) {
    SmallVector<Value> powers;
    for (int64_t i = 0; i < 8; i += 2)
      powers.push_back(
          halves(w, element, scores[s * 8 + i], scores[s * 8 + i + 1]));
    for (int64_t j = 0; j < valueTiles(); j += 2) {
      Value at =
          tileV.offset(w, w.add(token, s * depth), w.add(w.div(lane, 16), j));
      SmallVector<Value> words =
          loadMatrices(w, bytesAfter(w, valuesAt, at), /*transposed=*/true);
      for (int64_t n = 0; n < 2; ++n) {
        auto of = sums.slice((j + n) * 4, 4);
        llvm::copy(multiplyMatrices(w, element, false, powers,
                                    ArrayRef(words).slice(2 * n, 2), of),
                   of.begin());
      }
    }
  }
  return next;
}

bool AttentionMatrix::emit(OpBuilder &b, AffineExpr &work, GridShape &grid) {
  Words w(b, loc);
  begin(w, blockRows, work);
  if (q.granule < chunk || k.granule < chunk || v.granule < chunk)
    return false;
  grid.block = blockThreads;
  grid.blockItems = 1;
  element = q.buffer.elementType;
  auto bytes = [&] {
    tileQ = tileOf(blockRows, size);
    tileK = tileOf(tileKeys, size);
    tileV = tileOf(tileKeys, valueSize);
    return tileQ.bytes() + 2 * slotBytes();
  };
  std::optional<int64_t> known = onnx::constantValue(keys);
  while (bytes() > context.machine.getSharedBytes() ||
         (tileKeys > depth && known && *known <= tileKeys / 2))
    tileKeys /= 2;
  Value shared = sharedMemory(w, (name + "_shared").str(), bytes());
  ring = bytesAfter(w, shared, w.number(tileQ.bytes()));
  lane = w.rem(thread, warpLanes);
  warpRow = w.mul(w.div(thread, warpLanes), warpRows);
  copyTile(w, q, tileQ, size, shared, [&](Words &in, Value token) {
    Row from = row(in, in.add(firstRow, token));
    return Granule{tokenOffset(in, q, from.head, from.query), from.exists};
  });
  copyKeys(w, w.number(0));
  waitForCopies(w, 0);
  barrier(b, loc);
  loadQueries(w, shared);
  for (int64_t r = 0; r < 2; ++r)
    rowsOfThread[r] =
        row(w, w.add(w.add(firstRow, warpRow), w.add(w.div(lane, 4), r * 8)));
  // Rows of several heads begin again with the first query.
  if (rowsOfThread[0].hidden)
    firstHidden = perKey > 1 ? w.number(0) : row(w, firstRow).hidden;

  SmallVector<Value> state(2, real(w, -INFINITY));
  state.append(2 + valueTiles() * 4, real(w, 0));
  Value tiles = w.div(w.add(keysSeen(w, blockRows), tileKeys - 1), tileKeys);
  auto loop =
      scf::ForOp::create(b, loc, w.number(0), tiles, w.number(1), state);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  Value number = loop.getInductionVar();
  // This tile has come, to all threads, and all are done with the one before,
  // whose place the next one takes.
  waitForCopies(in, 0);
  barrier(body, loc);
  copyKeys(in, in.add(number, 1));
  scf::YieldOp::create(
      body, loc,
      update(in, number, SmallVector<Value>(loop.getRegionIterArgs())));
  waitForCopies(w, 0);
  for (int64_t r = 0; r < 2; ++r) {
    Value total = ofRow(w, loop.getResult(2 + r),
                        [&](Value x, Value y) { return plus(w, x, y); });
    Value factor = share(w, total);
    for (int64_t j = 0; j < valueTiles(); ++j) {
      SmallVector<Value> two;
      for (int64_t i = 0; i < 2; ++i)
        two.push_back(finish(w, loop.getResult(4 + j * 4 + r * 2 + i), factor));
      storeNeighbours(w, rowsOfThread[r],
                      w.add(w.mul(w.rem(lane, 4), 2), j * chunk), two);
    }
  }
  return true;
}

bool warp::emitAttentionMatrix(OpBuilder &b, KernelContext &context,
                               StringRef name, heavy::AttentionOp op,
                               AffineExpr &work, GridShape &grid) {
  return AttentionMatrix(context, name, op).emit(b, work, grid);
}
