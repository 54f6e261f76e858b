//===- AttentionRows.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention of a few rows, as where a model writes word after word: keys and
// values pass through registers once. A group of lanes has every so many-th
// key, with sums of its own that are joined in the end.
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

constexpr int64_t warpLanes = 32, blockThreads = 128,
                  warps = blockThreads / warpLanes;
/// Elements that a lane loads at once.
constexpr int64_t together = 4;
/// Rows of a block, and floats of queries and sums of a thread, that fit in
/// registers.
constexpr int64_t mostRows = 8, mostFloats = 128;

/// Lanes that share a key, each with a few chunks of it.
static int64_t lanesFor(heavy::AttentionOp op) {
  int64_t chunks =
      llvm::divideCeil(std::min(op.getSize(), op.getValueSize()), together);
  return std::min<int64_t>(8, llvm::bit_floor(uint64_t(chunks)));
}

/// Chunks of a lane.
static int64_t chunksFor(int64_t size, int64_t lanes) {
  return llvm::divideCeil(size, together * lanes);
}

bool warp::hasFewRows(heavy::AttentionOp op) {
  std::optional<int64_t> queries = onnx::constantValue(op.getQueryDims()[2]);
  if (!queries || op.getKTransposed())
    return false;
  int64_t rows = *queries * op.getHeadsPerKey(), lanes = lanesFor(op);
  int64_t chunks =
      chunksFor(op.getSize(), lanes) + chunksFor(op.getValueSize(), lanes);
  return rows >= 1 && rows <= mostRows &&
         rows * chunks * together <= mostFloats;
}

namespace {
class AttentionRows : AttentionEmitter {
public:
  using AttentionEmitter::AttentionEmitter;

  void emit(OpBuilder &b, AffineExpr &work, GridShape &grid);

private:
  /// What a group of lanes knows of a row.
  struct State {
    Value greatest, total;
    SmallVector<Value> sums;
  };
  SmallVector<Value> loadRow(Words &w, const Operand &from, Value token,
                             int64_t elements, Value inside);
  void update(Words &w, Value firstKey, MutableArrayRef<State> states);
  /// Adds the keys of another group, whose state `other` makes of each value.
  void join(Words &w, State &state, function_ref<Value(Value)> other);
  void finishRows(Words &w, ArrayRef<State> states);
  Value sumOfGroup(Words &w, Value x) {
    for (int64_t mask = 1; mask < lanes; mask *= 2)
      x = plus(w, x, shuffleXor(w.b, loc, x, mask));
    return x;
  }
  int64_t groups() const { return blockThreads / lanes; }
  /// Keys that a group takes at once.
  int64_t keysAtOnce() const {
    int64_t held = chunksFor(size, lanes) * together;
    return std::clamp<int64_t>(32 / held, 1, 4);
  }

  int64_t rowTotal = 0, lanes = 8;
  Value group, lane, seen;
  SmallVector<Row> rowsOfBlock;
  SmallVector<SmallVector<Value>> queriesOfRow;
};
} // namespace

/// The lane's elements of a token.
SmallVector<Value> AttentionRows::loadRow(Words &w, const Operand &from,
                                          Value token, int64_t elements,
                                          Value inside) {
  SmallVector<Value> values;
  for (int64_t c = 0; c < chunksFor(elements, lanes); ++c) {
    Value column = w.mul(w.add(lane, c * lanes), together);
    Value four = loadFour(w, from, token, column, elements, inside);
    for (int64_t e = 0; e < together; ++e)
      values.push_back(vector::ExtractOp::create(w.b, loc, four, e));
  }
  return values;
}

void AttentionRows::update(Words &w, Value firstKey,
                           MutableArrayRef<State> states) {
  SmallVector<SmallVector<Value>> keyRows, valueRows;
  SmallVector<Value> numbers;
  for (int64_t u = 0; u < keysAtOnce(); ++u) {
    Value key = w.add(w.add(firstKey, u * groups()), group);
    Value inside = w.less(key, keyCount);
    numbers.push_back(key);
    keyRows.push_back(
        loadRow(w, k, tokenOffset(w, k, keyHead, key), size, inside));
    valueRows.push_back(
        loadRow(w, v, tokenOffset(w, v, keyHead, key), valueSize, inside));
  }
  for (auto [r, state] : llvm::enumerate(states)) {
    SmallVector<Value> scores;
    Value most = state.greatest;
    for (auto [key, ofKey] : llvm::zip(numbers, keyRows)) {
      Value product = real(w, 0);
      for (auto [x, y] : llvm::zip(queriesOfRow[r], ofKey))
        product = math::FmaOp::create(w.b, loc, x, y, product);
      scores.push_back(score(w, rowsOfBlock[r], sumOfGroup(w, product), key));
      most = greater(w, most, scores.back());
    }
    Value from = shift(w, most);
    Value shrink = power(w, state.greatest, from);
    state.greatest = most;
    state.total = times(w, state.total, shrink);
    for (Value &sum : state.sums)
      sum = times(w, sum, shrink);
    for (auto [x, values] : llvm::zip(scores, valueRows)) {
      Value p = power(w, x, from);
      state.total = plus(w, state.total, p);
      for (auto [sum, y] : llvm::zip(state.sums, values))
        sum = math::FmaOp::create(w.b, loc, p, y, sum);
    }
  }
}

void AttentionRows::join(Words &w, State &state,
                         function_ref<Value(Value)> other) {
  Value theirs = other(state.greatest);
  Value most = greater(w, state.greatest, theirs);
  Value from = shift(w, most);
  Value mine = power(w, state.greatest, from);
  Value others = power(w, theirs, from);
  auto both = [&](Value x) {
    return plus(w, times(w, x, mine), times(w, other(x), others));
  };
  state.greatest = most;
  state.total = both(state.total);
  for (Value &sum : state.sums)
    sum = both(sum);
}

/// Joins the sums of all warps and stores the rows.
void AttentionRows::finishRows(Words &w, ArrayRef<State> states) {
  int64_t columns = chunksFor(valueSize, lanes) * lanes * together;
  // A row of each warp: its sums, the greatest score and the total.
  int64_t pitch = columns + together;
  Value shared =
      sharedMemory(w, (name + "_shared").str(), warps * rowTotal * pitch * 4);
  auto place = [&](Words &at, Value warp, Value row, Value column) {
    Value number = at.add(at.mul(warp, rowTotal), row);
    return bytesAfter(at, shared,
                      at.mul(at.add(at.mul(number, pitch), column), 4));
  };
  auto four = VectorType::get({together}, w.b.getF32Type());
  Value warp = w.div(thread, warpLanes), inWarp = w.rem(thread, warpLanes);
  auto writes = scf::IfOp::create(w.b, loc, w.less(inWarp, lanes), false);
  OpBuilder then(writes.thenBlock()->getTerminator());
  Words in(then, loc);
  auto put = [&](int64_t row, Value column, ArrayRef<Value> values) {
    Value all = vector::FromElementsOp::create(then, loc, four, values);
    LLVM::StoreOp::create(then, loc, all,
                          place(in, warp, in.number(row), column), 16);
  };
  for (auto [r, state] : llvm::enumerate(states)) {
    for (size_t c = 0; c < state.sums.size() / together; ++c)
      put(r, in.mul(in.add(lane, c * lanes), together),
          ArrayRef(state.sums).slice(c * together, together));
    put(r, in.number(columns),
        {state.greatest, state.total, state.total, state.total});
  }
  barrier(w.b, loc);
  int64_t perRow = llvm::divideCeil(valueSize, together);
  auto each = scf::ForOp::create(w.b, loc, thread, w.number(rowTotal * perRow),
                                 w.number(blockThreads));
  OpBuilder body(each.getBody()->getTerminator());
  Words on(body, loc);
  Value number = on.div(each.getInductionVar(), perRow);
  Value column = on.mul(on.rem(each.getInductionVar(), perRow), together);
  SmallVector<State> parts;
  for (int64_t i = 0; i < warps; ++i) {
    auto get = [&](Value at) {
      return LLVM::LoadOp::create(body, loc, four,
                                  place(on, on.number(i), number, at), 16)
          .getResult();
    };
    auto element = [&](Value of, int64_t e) {
      return vector::ExtractOp::create(body, loc, of, e).getResult();
    };
    Value last = get(on.number(columns)), sums = get(column);
    State part{element(last, 0), element(last, 1), {}};
    for (int64_t e = 0; e < together; ++e)
      part.sums.push_back(element(sums, e));
    parts.push_back(part);
  }
  Value most = parts[0].greatest;
  for (const State &part : ArrayRef(parts).drop_front())
    most = greater(on, most, part.greatest);
  Value from = shift(on, most), total = real(on, 0);
  SmallVector<Value> sums(together, total);
  for (const State &part : parts) {
    Value factor = power(on, part.greatest, from);
    total = plus(on, total, times(on, part.total, factor));
    for (auto [sum, x] : llvm::zip(sums, part.sums))
      sum = plus(on, sum, times(on, x, factor));
  }
  Value factor = share(on, total);
  for (Value &sum : sums)
    sum = finish(on, sum, factor);
  storeNeighbours(on, row(on, on.add(firstRow, number)), column, sums);
}

void AttentionRows::emit(OpBuilder &b, AffineExpr &work, GridShape &grid) {
  rowTotal = *rowsPerKeys();
  lanes = lanesFor(op);
  Words w(b, loc);
  begin(w, rowTotal, work);
  grid.block = blockThreads;
  grid.blockItems = 1;
  group = w.div(thread, lanes);
  lane = w.rem(thread, lanes);
  int64_t perRow = chunksFor(valueSize, lanes) * together;
  SmallVector<Value> initial;
  for (int64_t r = 0; r < rowTotal; ++r) {
    Row here = row(w, w.number(r));
    rowsOfBlock.push_back(here);
    queriesOfRow.push_back(
        loadRow(w, q, tokenOffset(w, q, here.head, here.query), size, Value()));
    initial.push_back(real(w, -INFINITY));
    initial.append(1 + perRow, real(w, 0));
  }
  auto unpack = [&](ValueRange values) {
    SmallVector<State> states;
    for (int64_t r = 0; r < rowTotal; ++r) {
      auto mine = values.slice(r * (2 + perRow), 2 + perRow);
      states.push_back(
          {mine[0], mine[1], SmallVector<Value>(mine.drop_front(2))});
    }
    return states;
  };
  auto loop = scf::ForOp::create(b, loc, w.number(0), keysSeen(w, rowTotal),
                                 w.number(groups() * keysAtOnce()), initial);
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  SmallVector<State> states = unpack(loop.getRegionIterArgs());
  update(in, loop.getInductionVar(), states);
  SmallVector<Value> next;
  for (const State &state : states) {
    next.append({state.greatest, state.total});
    llvm::append_range(next, state.sums);
  }
  scf::YieldOp::create(body, loc, next);
  states = unpack(loop.getResults());
  for (State &state : states)
    for (int64_t mask = lanes; mask < warpLanes; mask *= 2)
      join(w, state, [&](Value x) { return shuffleXor(w.b, loc, x, mask); });
  finishRows(w, states);
}

void warp::emitAttentionRows(OpBuilder &b, KernelContext &context,
                             StringRef name, heavy::AttentionOp op,
                             AffineExpr &work, GridShape &grid) {
  AttentionRows(context, name, op).emit(b, work, grid);
}
