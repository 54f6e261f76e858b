//===- AttentionTiles.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Attention.h"
#include "codegen/warp/Shared.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Threads of a block: as many groups as there are lanes beside each other have
/// rows of their own. The lanes of a group are neighbours in a warp.
constexpr int64_t blockThreads = 128, lanes = 8, groups = blockThreads / lanes;
/// Elements that are read from shared memory at once.
constexpr int64_t together = 4;
/// Blocks that keep a large GPU busy.
constexpr int64_t enoughBlocks = 132;

namespace {
/// Rows of floats in shared memory.
struct FloatTile {
  int64_t rows = 0, pitch = 0;
  Value base;

  int64_t bytes() const { return rows * pitch * 4; }
  Value address(Words &w, Value row, Value column) const {
    return bytesAfter(w, base, w.mul(w.add(w.mul(row, pitch), column), 4));
  }
};

class AttentionTiles : AttentionEmitter {
public:
  using AttentionEmitter::AttentionEmitter;

  void emit(OpBuilder &b, AffineExpr &work, GridShape &grid);

private:
  void chooseShape();
  void setTiles();
  int64_t sharedBytes() const {
    return tileQ.bytes() + tileK.bytes() + tileV.bytes() + tileP.bytes();
  }
  /// Rows, keys and chunks of a value that a thread has.
  int64_t threadRows() const { return tileRows / groups; }
  int64_t threadKeys() const { return tileKeys / lanes; }
  int64_t threadChunks() const {
    return llvm::divideCeil(valueSize, together * lanes);
  }
  /// Fills a tile, chunk by chunk: `load` gives the chunk of a row from a
  /// column on.
  void fill(Words &w, const FloatTile &tile, int64_t chunks, bool acrossRows,
            function_ref<Value(Words &, Value row, Value column)> load);
  void loadQueries(Words &w);
  void loadKeys(Words &w, Value firstKey);
  SmallVector<Value> products(Words &w);
  SmallVector<Value> update(Words &w, Value firstKey, ArrayRef<Value> state);
  void addValues(Words &w, MutableArrayRef<Value> sums);
  Value readFour(Words &w, const FloatTile &tile, Value row, Value column);
  Value multiplyAdd(Words &w, Value x, Value y, Value sum) {
    return math::FmaOp::create(w.b, loc, x, y, sum);
  }
  Value element(Words &w, Value four, int64_t i) {
    return vector::ExtractOp::create(w.b, loc, four, i);
  }
  Value ofGroup(Words &w, Value v, function_ref<Value(Value, Value)> combine) {
    for (int64_t lane = 1; lane < lanes; lane *= 2)
      v = combine(v, shuffleXor(w.b, loc, v, lane));
    return v;
  }

  int64_t tileRows = 64, tileKeys = 32;
  FloatTile tileQ, tileK, tileV, tileP;
  Value group, lane;
  SmallVector<Row> rowsOfThread;
};
} // namespace

/// Rows of Q and K have a chunk more than they need, so that those of a few
/// neighbours lie in different banks.
void AttentionTiles::setTiles() {
  int64_t depth = llvm::alignTo(size, together);
  tileQ = {tileRows, depth + together, {}};
  tileK = {tileKeys, depth + together, {}};
  tileV = {tileKeys, threadChunks() * lanes * together, {}};
  tileP = {tileRows, tileKeys + lanes, {}};
}

void AttentionTiles::chooseShape() {
  std::optional<int64_t> known = rowsPerKeys();
  while (tileRows > groups && known && *known <= tileRows / 2)
    tileRows /= 2;
  // Small blocks where there are few.
  std::optional<int64_t> heads = onnx::constantValue(keyHeads());
  while (tileRows > groups && known && heads &&
         *heads * int64_t(llvm::divideCeil(*known, tileRows)) < enoughBlocks)
    tileRows /= 2;
  setTiles();
  while (sharedBytes() > context.machine.getSharedBytes()) {
    // Rows of keys are read once for all rows of queries.
    if (tileRows > 2 * groups || tileKeys == lanes)
      tileRows /= 2;
    else
      tileKeys /= 2;
    setTiles();
  }
}

void AttentionTiles::fill(
    Words &w, const FloatTile &tile, int64_t chunks, bool acrossRows,
    function_ref<Value(Words &, Value row, Value column)> load) {
  int64_t total = tile.rows * chunks;
  auto loop = scf::ForOp::create(w.b, loc, thread, w.number(total),
                                 w.number(blockThreads));
  OpBuilder body(loop.getBody()->getTerminator());
  Words in(body, loc);
  Value number = loop.getInductionVar();
  int64_t by = acrossRows ? tile.rows : chunks;
  Value row = in.div(number, by), chunk = in.rem(number, by);
  if (acrossRows)
    std::swap(row, chunk);
  Value column = in.mul(chunk, together);
  LLVM::StoreOp::create(body, loc, load(in, row, column),
                        tile.address(in, row, column), 4 * together);
}

void AttentionTiles::loadQueries(Words &w) {
  fill(w, tileQ, llvm::divideCeil(size, together), false,
       [&](Words &in, Value number, Value column) {
         Row from = row(in, in.add(firstRow, number));
         Value token = tokenOffset(in, q, from.head, from.query);
         return loadFour(in, q, token, column, size, from.exists);
       });
}

void AttentionTiles::loadKeys(Words &w, Value firstKey) {
  auto loader = [&](const Operand &from, int64_t elements) {
    return [&, elements](Words &in, Value number, Value column) {
      Value key = in.add(firstKey, number);
      Value token = tokenOffset(in, from, keyHead, key);
      return loadFour(in, from, token, column, elements,
                      in.less(key, keyCount));
    };
  };
  fill(w, tileK, llvm::divideCeil(size, together), op.getKTransposed(),
       loader(k, size));
  fill(w, tileV, tileV.pitch / together, false, loader(v, valueSize));
}

Value AttentionTiles::readFour(Words &w, const FloatTile &tile, Value row,
                               Value column) {
  return LLVM::LoadOp::create(w.b, loc,
                              VectorType::get({together}, w.b.getF32Type()),
                              tile.address(w, row, column), 4 * together);
}

/// The products of the thread's rows and keys: row i * groups + group with key
/// j * lanes + lane.
SmallVector<Value> AttentionTiles::products(Words &w) {
  SmallVector<Value> sums(threadRows() * threadKeys(), real(w, 0));
  auto loop = scf::ForOp::create(w.b, loc, w.number(0),
                                 w.number(llvm::alignTo(size, together)),
                                 w.number(together), sums);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  sums.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
  SmallVector<Value> keysAt;
  for (int64_t j = 0; j < threadKeys(); ++j)
    keysAt.push_back(
        readFour(in, tileK, in.add(lane, j * lanes), loop.getInductionVar()));
  for (int64_t i = 0; i < threadRows(); ++i) {
    Value query =
        readFour(in, tileQ, in.add(group, i * groups), loop.getInductionVar());
    for (int64_t j = 0; j < threadKeys(); ++j)
      for (int64_t e = 0; e < together; ++e) {
        Value &sum = sums[i * threadKeys() + j];
        sum = multiplyAdd(in, element(in, query, e), element(in, keysAt[j], e),
                          sum);
      }
  }
  scf::YieldOp::create(body, loc, sums);
  return SmallVector<Value>(loop.getResults());
}

/// sums += powers * values, of four keys at a time.
void AttentionTiles::addValues(Words &w, MutableArrayRef<Value> sums) {
  auto loop = scf::ForOp::create(w.b, loc, w.number(0), w.number(tileKeys),
                                 w.number(together), sums);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  SmallVector<Value> next(loop.getRegionIterArgs());
  SmallVector<Value> powers;
  for (int64_t i = 0; i < threadRows(); ++i)
    powers.push_back(
        readFour(in, tileP, in.add(group, i * groups), loop.getInductionVar()));
  for (int64_t e = 0; e < together; ++e)
    for (int64_t c = 0; c < threadChunks(); ++c) {
      Value column = in.mul(in.add(lane, c * lanes), together);
      Value values =
          readFour(in, tileV, in.add(loop.getInductionVar(), e), column);
      for (int64_t i = 0; i < threadRows(); ++i)
        for (int64_t d = 0; d < together; ++d) {
          Value &sum = next[(i * threadChunks() + c) * together + d];
          sum = multiplyAdd(in, element(in, powers[i], e),
                            element(in, values, d), sum);
        }
    }
  scf::YieldOp::create(body, loc, next);
  llvm::copy(loop.getResults(), sums.begin());
}

/// One tile of keys. The state is, row by row, the greatest score, then the
/// totals of powers of this thread's keys, then the sums.
SmallVector<Value> AttentionTiles::update(Words &w, Value firstKey,
                                          ArrayRef<Value> state) {
  barrier(w.b, loc);
  loadKeys(w, firstKey);
  barrier(w.b, loc);
  SmallVector<Value> scores = products(w), next(state);
  int64_t count = threadRows(), perRow = threadChunks() * together;
  for (int64_t i = 0; i < count; ++i) {
    Value greatest = state[i];
    MutableArrayRef<Value> ofRow =
        MutableArrayRef(scores).slice(i * threadKeys(), threadKeys());
    Value most;
    for (auto [j, x] : llvm::enumerate(ofRow)) {
      Value key = w.add(w.add(firstKey, j * lanes), lane);
      x = score(w, rowsOfThread[i], x, key);
      most = most ? greater(w, most, x) : x;
    }
    most = ofGroup(w, most, [&](Value x, Value y) { return greater(w, x, y); });
    most = greater(w, greatest, most);
    Value from = shift(w, most);
    Value shrink = power(w, greatest, from);
    Value total = times(w, state[count + i], shrink);
    for (auto [j, x] : llvm::enumerate(ofRow)) {
      Value p = power(w, x, from);
      total = plus(w, total, p);
      Value column = w.add(lane, j * lanes);
      LLVM::StoreOp::create(
          w.b, loc, p, tileP.address(w, w.add(group, i * groups), column), 4);
    }
    next[i] = most;
    next[count + i] = total;
    for (int64_t d = 0; d < perRow; ++d) {
      Value &sum = next[2 * count + i * perRow + d];
      sum = times(w, sum, shrink);
    }
  }
  // Powers are read by the lanes of the group, which wrote them.
  syncWarp(w.b, loc);
  addValues(w, MutableArrayRef(next).drop_front(2 * count));
  return next;
}

void AttentionTiles::emit(OpBuilder &b, AffineExpr &work, GridShape &grid) {
  chooseShape();
  Words w(b, loc);
  begin(w, tileRows, work);
  grid.block = blockThreads;
  grid.blockItems = 1;
  group = w.div(thread, lanes);
  lane = w.rem(thread, lanes);
  Value shared = sharedMemory(w, (name + "_shared").str(), sharedBytes());
  int64_t used = 0;
  for (FloatTile *tile : {&tileQ, &tileK, &tileV, &tileP}) {
    tile->base = bytesAfter(w, shared, w.number(used));
    used += tile->bytes();
  }
  loadQueries(w);
  int64_t count = threadRows(), perRow = threadChunks() * together;
  for (int64_t i = 0; i < count; ++i)
    rowsOfThread.push_back(row(w, w.add(w.add(firstRow, i * groups), group)));
  SmallVector<Value> state(count, real(w, -INFINITY));
  state.append(count + count * perRow, real(w, 0));
  auto loop = scf::ForOp::create(b, loc, w.number(0), keysSeen(w, tileRows),
                                 w.number(tileKeys), state);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  scf::YieldOp::create(body, loc,
                       update(in, loop.getInductionVar(),
                              SmallVector<Value>(loop.getRegionIterArgs())));
  for (int64_t i = 0; i < count; ++i) {
    Value total = ofGroup(w, loop.getResult(count + i),
                          [&](Value x, Value y) { return plus(w, x, y); });
    Value factor = share(w, total);
    for (int64_t c = 0; c < threadChunks(); ++c) {
      SmallVector<Value> four;
      for (int64_t d = 0; d < together; ++d)
        four.push_back(
            finish(w, loop.getResult(2 * count + i * perRow + c * together + d),
                   factor));
      storeNeighbours(w, rowsOfThread[i],
                      w.mul(w.add(lane, c * lanes), together), four);
    }
  }
}

void warp::emitAttentionTiles(OpBuilder &b, KernelContext &context,
                              StringRef name, heavy::AttentionOp op,
                              AffineExpr &work, GridShape &grid) {
  AttentionTiles(context, name, op).emit(b, work, grid);
}
