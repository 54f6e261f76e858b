//===- WarpgroupAttention.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block has some queries of one head and goes through its keys from the last
// to the first, so that tiles at which a rule hides keys come first and the
// others need not look. Scores of a tile are computed while the powers of the
// one before are multiplied by values, and powers while the products of another
// warpgroup go on.
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/WarpgroupAttention.h"
#include "codegen/Target.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Warp.h"
#include "codegen/warp/wgmma/AttentionRing.h"
#include "codegen/warp/wgmma/AttentionScores.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// What symbolic numbers of tokens, and others, are taken for.
constexpr int64_t assumedTokens = 1024, assumedSize = 8;
/// Bytes of keys and values that stay in the second-level cache while blocks
/// read them: heads of that many are worked on together.
constexpr int64_t cachedBytes = int64_t(24) << 20;
/// Columns of queries, keys and values for which registers and shared memory
/// suffice.
constexpr int64_t mostSize = 256;

namespace {
class WarpgroupAttention : AttentionScores {
public:
  WarpgroupAttention(KernelContext &context, StringRef name,
                     heavy::AttentionOp op)
      : AttentionScores(context, name, op) {}

  /// Why warpgroups do not compute it; empty if they do.
  StringRef refusal();
  /// False, with a reason, if nothing but sizes was emitted.
  bool emit(OpBuilder &b, AffineExpr &work, GridShape &grid, StringRef &reason);

private:
  void locate(Words &w);
  AttentionRing::Place tokens(Words &w, Value number) {
    return {batch, keyHead, firstKeyOf(w, number)};
  }
  void copyAll(Words &w);
  void computeAll(Words &w);

  /// The number of tile `number` in the order of its keys.
  Value firstKeyOf(Words &w, Value number) {
    return w.mul(w.sub(w.sub(tiles, w.number(1)), number), ring.shape.keys);
  }
  /// Warpgroups begin their products in turns, so that while those of one go on
  /// another computes powers.
  bool takesTurns() const { return size <= 128 && valueSize <= 128; }
  Value turnOf(Words &w, Value warpgroup) { return w.add(warpgroup, 1); }
  void waitForTurn(Words &w);
  void passTurn(Words &w);
  void ifGroup(Words &w, int64_t number, function_ref<void(Words &)> body);

  SmallVector<Value> multiplyKeys(Words &w, Value number);
  SmallVector<Value> addValues(Words &w, Value number, ArrayRef<Value> powers,
                               ArrayRef<Value> sums);
  State firstTile(Words &w);
  State nextTile(Words &w, Value number, State state, bool isChecked);
  State loopTiles(Words &w, Value from, Value to, State state, bool isChecked);
  State stateFrom(ValueRange flat) const;
  SmallVector<Value> finishTiles(Words &w, State state);

  Value compare(Words &w, arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(w.b, loc, predicate, x, y);
  }
  AttentionRing ring;
  /// Of the block: tiles of queries of a head, its head and first query, tiles
  /// of keys that it looks at.
  Value queryTiles, head, firstQuery, tiles;
  /// Of the threads that multiply: which of the warpgroups.
  Value group;
};
} // namespace

StringRef WarpgroupAttention::refusal() {
  Type type = getElementTypeOrSelf(op.getQ());
  if (!(type.isF16() || type.isBF16()) ||
      getElementTypeOrSelf(op.getK()) != type ||
      getElementTypeOrSelf(op.getV()) != type)
    return "queries, keys and values are not all f16 or all bf16";
  if (op.getKTransposed())
    return "keys lie across";
  if (size > mostSize || valueSize > mostSize)
    return "heads are too large";
  return "";
}

/// Where the block is. Heads whose keys and values fit in the cache together
/// are worked on together; where the causal rule holds, those of their queries
/// first that see most keys, since what is begun last should be short.
void WarpgroupAttention::locate(Words &w) {
  Value item = w.fromIndex(blockInGrid(w.b, loc));
  AffineExpr headsOfAll = batches * heads * perKey;
  Value count = w.fromIndex(context.expand(w.b, loc, headsOfAll));
  Value number, tile;
  if (!op.getCausalOffset()) {
    number = w.div(item, queryTiles);
    tile = w.rem(item, queryTiles);
  } else {
    int64_t perToken = (size + valueSize) * storageBytes(element);
    Value some = arith::MaxUIOp::create(w.b, loc, keyCount, w.number(1));
    Value together = w.div(w.number(cachedBytes / perToken), some);
    together = arith::MaxUIOp::create(w.b, loc, together, w.number(1));
    together = arith::MinUIOp::create(w.b, loc, w.mul(together, perKey), count);
    Value perSection = w.mul(together, queryTiles);
    Value first = w.mul(w.div(item, perSection), together);
    Value rest = w.rem(item, perSection);
    Value width =
        arith::MinUIOp::create(w.b, loc, together, w.sub(count, first));
    number = w.add(first, w.rem(rest, width));
    tile = w.sub(w.sub(queryTiles, w.number(1)), w.div(rest, width));
  }
  Value perBatch = w.fromIndex(context.expand(w.b, loc, heads * perKey));
  batch = w.div(number, perBatch);
  head = w.rem(number, perBatch);
  keyHead = w.div(head, perKey);
  firstQuery = w.mul(tile, ring.shape.queries());
  Value last =
      arith::MinUIOp::create(w.b, loc, w.sub(queryCount, w.number(1)),
                             w.add(firstQuery, ring.shape.queries() - 1));
  tiles =
      w.div(w.add(keysSeenUpTo(w, last), ring.shape.keys - 1), ring.shape.keys);
  // A loop of a single round, written out, would take more registers.
  tiles = hideNumber(w, tiles);
}

/// What one thread of the last warpgroup does: tiles in the order of their use.
void WarpgroupAttention::copyAll(Words &w) {
  using Ring = AttentionRing;
  ring.copyQueries(w, {batch, head, firstQuery});
  Value first = w.number(0), last = w.sub(tiles, w.number(1));
  ring.copy(w, Ring::Keys, first, tokens(w, first));
  auto loop = scf::ForOp::create(w.b, loc, w.number(1), tiles, w.number(1));
  OpBuilder body(loop.getBody()->getTerminator());
  Words in(body, loc);
  Value number = loop.getInductionVar(), before = in.add(number, -1);
  ring.copy(in, Ring::Keys, number, tokens(in, number));
  ring.copy(in, Ring::Values, before, tokens(in, before));
  ring.copy(w, Ring::Values, last, tokens(w, last));
}

/// Begins the products of the warpgroup's queries with the keys of a tile.
SmallVector<Value> WarpgroupAttention::multiplyKeys(Words &w, Value number) {
  constexpr int64_t perPiece = AttentionShape::piece / AttentionShape::depth;
  int64_t queryPiece = ring.queryPiece(), keyPiece = ring.tilePiece();
  Value queriesAt =
      w.add(ring.queriesAt(), w.mul(group, groupRows * swizzleBytes));
  Value left = describeTile(w, queriesAt, queryPiece);
  Value right =
      describeTile(w, ring.at(w, AttentionRing::Keys, number), keyPiece);
  SmallVector<Value> scores;
  for (int64_t s = 0; s * AttentionShape::depth < size; ++s) {
    // In units of 16 bytes.
    auto step = [&](Value tile, int64_t pieceBytes) {
      int64_t bytes =
          s / perPiece * pieceBytes + s % perPiece * groupDepthBytes;
      return w.add(tile, w.wideNumber(bytes / 16));
    };
    Value a = step(left, queryPiece), b = step(right, keyPiece);
    if (s == 0)
      scores = multiplyFirstTiles(w, element, ring.shape.keys, a, b,
                                  /*rightTransposed=*/false);
    else
      scores = multiplyTiles(w, element, ring.shape.keys, a, false, b, false,
                             scores);
  }
  return scores;
}

/// Begins the products of powers with the values of their tile.
SmallVector<Value> WarpgroupAttention::addValues(Words &w, Value number,
                                                 ArrayRef<Value> powers,
                                                 ArrayRef<Value> sums) {
  Value tile = describeTile(w, ring.at(w, AttentionRing::Values, number),
                            ring.tilePiece());
  SmallVector<Value> next(sums);
  for (int64_t s = 0; s < ring.shape.keys / AttentionShape::depth; ++s) {
    int64_t bytes = s * AttentionShape::depth * swizzleBytes;
    next = multiplyRegisters(w, element, ring.shape.valueColumns(),
                             powers.slice(4 * s, 4),
                             w.add(tile, w.wideNumber(bytes / 16)),
                             /*rightTransposed=*/true, next);
  }
  return next;
}

WarpgroupAttention::State WarpgroupAttention::stateFrom(ValueRange flat) const {
  State state;
  auto take = [&](size_t count) {
    SmallVector<Value> taken(flat.take_front(count));
    flat = flat.drop_front(count);
    return taken;
  };
  state.greatest = take(2);
  state.totals = take(2);
  state.sums = take(ring.shape.valueColumns() / 2);
  state.powers = take(flat.size());
  return state;
}

WarpgroupAttention::State WarpgroupAttention::firstTile(Words &w) {
  State state;
  state.greatest.assign(2, real(w, -INFINITY));
  state.totals.assign(2, real(w, 0));
  state.sums.assign(ring.shape.valueColumns() / 2, real(w, 0));
  Value number = w.number(0);
  ring.waitForQueries(w);
  ring.wait(w, AttentionRing::Keys, number);
  beginProducts(w);
  SmallVector<Value> scores = multiplyKeys(w, number);
  commitProducts(w);
  scores = finishProducts(w, scores);
  ring.release(w, AttentionRing::Keys, number, lane);
  makeScores(w, firstKeyOf(w, number), scores, /*isChecked=*/true);
  takePowers(w, state, scores);
  state.powers = pack(w, scores);
  return state;
}

void WarpgroupAttention::waitForTurn(Words &w) {
  if (takesTurns())
    syncThreads(w, turnOf(w, group), 2 * groupThreads);
}

void WarpgroupAttention::passTurn(Words &w) {
  if (!takesTurns())
    return;
  Value next = w.rem(w.add(group, 1), ring.shape.groups);
  arriveThreads(w, turnOf(w, next), 2 * groupThreads);
}

/// What only one of the warpgroups does, if turns are taken.
void WarpgroupAttention::ifGroup(Words &w, int64_t number,
                                 function_ref<void(Words &)> body) {
  if (!takesTurns())
    return;
  Value isThat = compare(w, arith::CmpIPredicate::eq, group, w.number(number));
  auto branch = scf::IfOp::create(w.b, loc, isThat, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words in(then, loc);
  body(in);
}

/// Products with a tile of keys, and with the values of the tile before.
WarpgroupAttention::State WarpgroupAttention::nextTile(Words &w, Value number,
                                                       State state,
                                                       bool isChecked) {
  Value before = w.add(number, -1);
  ring.wait(w, AttentionRing::Keys, number);
  waitForTurn(w);
  // Powers and sums are complete before scores take registers again.
  SmallVector<Value> used = beginProducts(
      w, llvm::to_vector(llvm::concat<Value>(state.sums, state.powers)));
  SmallVector<Value> scores = multiplyKeys(w, number);
  commitProducts(w);
  ring.wait(w, AttentionRing::Values, before);
  beginProducts(w);
  size_t count = state.sums.size();
  SmallVector<Value> powers(ArrayRef(used).drop_front(count));
  SmallVector<Value> sums =
      addValues(w, before, powers, ArrayRef(used).take_front(count));
  commitProducts(w);
  passTurn(w);
  scores = finishProducts(w, 1, scores, {});
  ring.release(w, AttentionRing::Keys, number, lane);
  makeScores(w, firstKeyOf(w, number), scores, isChecked);
  SmallVector<Value> shrinks = takePowers(w, state, scores);
  // Powers become halves when the registers of the last ones are free.
  SmallVector<Value> both = llvm::to_vector(llvm::concat<Value>(sums, scores));
  both = finishProducts(w, 0, both, powers);
  ring.release(w, AttentionRing::Values, before, lane);
  state.sums.assign(both.begin(), both.begin() + count);
  state.powers = pack(w, ArrayRef(both).drop_front(count));
  for (auto [i, sum] : llvm::enumerate(state.sums))
    sum = times(w, sum, shrinks[i % 4 / 2]);
  return state;
}

WarpgroupAttention::State WarpgroupAttention::loopTiles(Words &w, Value from,
                                                        Value to, State state,
                                                        bool isChecked) {
  auto loop = scf::ForOp::create(w.b, loc, from, to, w.number(1), state.flat());
  OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
  Words in(body, loc);
  State next = nextTile(in, loop.getInductionVar(),
                        stateFrom(loop.getRegionIterArgs()), isChecked);
  scf::YieldOp::create(body, loc, next.flat());
  return stateFrom(loop.getResults());
}

SmallVector<Value> WarpgroupAttention::finishTiles(Words &w, State state) {
  Value last = w.sub(tiles, w.number(1));
  ring.wait(w, AttentionRing::Values, last);
  SmallVector<Value> used =
      llvm::to_vector(llvm::concat<Value>(state.sums, state.powers));
  used = beginProducts(w, used);
  size_t count = state.sums.size();
  ArrayRef<Value> powers = ArrayRef(used).drop_front(count);
  SmallVector<Value> sums =
      addValues(w, last, powers, ArrayRef(used).take_front(count));
  commitProducts(w);
  return finishProducts(w, 0, sums, powers);
}

/// What the warpgroups that multiply do.
void WarpgroupAttention::computeAll(Words &w) {
  lane = w.rem(thread, 32);
  Value firstOfGroup = w.add(firstQuery, w.mul(group, groupRows));
  Value firstOfWarp =
      w.add(firstOfGroup, w.mul(w.rem(w.div(thread, 32), 4), 16));
  setRows(w, head, firstOfWarp);
  // Tiles at which no row of the warpgroup has a hidden key.
  Value whole = keyCount;
  if (op.getCausalOffset()) {
    Value last = w.sub(queryCount, w.number(1));
    Value first = arith::MinUIOp::create(w.b, loc, firstOfGroup, last);
    whole = rowOf(w, head, first, {}).hidden;
    whole = arith::MaxSIOp::create(w.b, loc, whole, w.number(0));
    whole = arith::MinSIOp::create(w.b, loc, whole, keyCount);
  }
  whole = w.div(whole, ring.shape.keys);
  // Tile 0 is looked at in any case.
  Value checked = w.sub(tiles, arith::MinUIOp::create(w.b, loc, whole, tiles));
  checked = arith::MaxUIOp::create(w.b, loc, checked, w.number(1));

  SmallVector<Type> types(2 + ring.shape.valueColumns() / 2, w.b.getF32Type());
  Value hasKeys = compare(w, arith::CmpIPredicate::ne, tiles, w.number(0));
  auto branch = scf::IfOp::create(w.b, loc, types, hasKeys, /*withElse=*/true);
  {
    OpBuilder inner = branch.getThenBodyBuilder();
    Words in(inner, loc);
    // The last warpgroup lets the first begin, which later takes the last turn.
    ifGroup(in, ring.shape.groups - 1, [&](Words &last) { passTurn(last); });
    State state = firstTile(in);
    if (op.getCausalOffset())
      state = loopTiles(in, in.number(1), checked, state, /*isChecked=*/true);
    else
      checked = in.number(1);
    state = loopTiles(in, checked, tiles, state, /*isChecked=*/false);
    SmallVector<Value> results(state.totals);
    results.append(finishTiles(in, state));
    ifGroup(in, 0, [&](Words &first) { waitForTurn(first); });
    scf::YieldOp::create(inner, loc, results);
  }
  OpBuilder otherwise = branch.getElseBodyBuilder();
  Words none(otherwise, loc);
  scf::YieldOp::create(otherwise, loc,
                       SmallVector<Value>(types.size(), real(none, 0)));
  SmallVector<Value> results(branch.getResults());
  storeRows(w, ArrayRef(results).take_front(2),
            ArrayRef(results).drop_front(2));
}

bool WarpgroupAttention::emit(OpBuilder &b, AffineExpr &work, GridShape &grid,
                              StringRef &reason) {
  Words w(b, loc);
  element = getElementTypeOrSelf(op.getQ());
  AffineExpr headsOfAll = batches * heads * perKey;
  AttentionWork all{estimate(headsOfAll, assumedSize),
                    estimate(queries, assumedTokens),
                    onnx::constantValue(keys),
                    onnx::constantValue(queries).has_value(),
                    size,
                    valueSize,
                    bool(op.getCausalOffset()),
                    isPlain()};
  std::optional<AttentionShape> chosen =
      chooseAttentionShape(context.machine, all);
  if (!chosen) {
    reason = "smaller tiles of warps keep more of the device busy";
    return false;
  }
  ring.shape = *chosen;
  describeOperands(w);
  auto canCopy = [&](TokenBoxes &boxes, const Operand &operand, Value tensor,
                     ArrayRef<AffineExpr> dims, int64_t tokens) {
    constexpr int64_t chunk = 8;
    return operand.granule >= chunk &&
           boxes.describe(context, tensor, dims, operand.strides, tokens);
  };
  const AttentionShape &shape = ring.shape;
  if (!canCopy(ring.queries, q, op.getQ(), op.getQueryDims(),
               shape.queries()) ||
      !canCopy(ring.keys, k, op.getK(), op.getKeyDims(),
               shape.keys / shape.cluster) ||
      !canCopy(ring.values, v, op.getV(), op.getValueDims(),
               shape.keys / shape.cluster)) {
    reason = "tokens are no multiple of 16 bytes, or begin at none";
    return false;
  }
  AffineExpr tilesOfHead =
      queries.ceilDiv(shape.queries() * shape.cluster) * shape.cluster;
  work = headsOfAll * tilesOfHead;
  grid.cluster = shape.cluster;
  grid.block = shape.threads();
  grid.blockItems = 1;
  grid.shared = shape.sharedBytes();
  // All registers of a multiprocessor, or what is moved would not be known.
  grid.resident = 1;
  grid.remark = ("attention of warpgroups, tiles of " + Twine(shape.queries()) +
                 " queries and " + Twine(shape.keys) + " keys" +
                 (shape.cluster > 1 ? ", in pairs" : ""))
                    .str();
  ring.begin(w, cast<LLVM::LLVMFuncOp>(b.getInsertionBlock()->getParentOp()));
  queryTiles = w.fromIndex(context.expand(b, loc, tilesOfHead));
  locate(w);
  ring.makeBarriers(w, thread);

  group = w.div(thread, groupThreads);
  auto branch = scf::IfOp::create(b, loc, w.less(group, shape.groups),
                                  /*withElse=*/true);
  {
    OpBuilder inner = branch.getThenBodyBuilder();
    Words in(inner, loc);
    acquireRegisters(in, shape.productRegisters());
    computeAll(in);
  }
  OpBuilder otherwise = branch.getElseBodyBuilder();
  Words in(otherwise, loc);
  releaseRegisters(in, shape.copyRegisters());
  Value copies =
      in.both(compare(in, arith::CmpIPredicate::eq, thread,
                      in.number(shape.groups * groupThreads)),
              compare(in, arith::CmpIPredicate::ne, tiles, in.number(0)));
  auto only = scf::IfOp::create(otherwise, loc, copies, /*withElse=*/false);
  OpBuilder one(only.thenBlock()->getTerminator());
  Words single(one, loc);
  copyAll(single);
  ring.finish(w);
  return true;
}

bool warp::emitWarpgroupAttention(OpBuilder &b, KernelContext &context,
                                  StringRef name, heavy::AttentionOp op,
                                  AffineExpr &work, GridShape &grid) {
  std::optional<DeviceLimits> limits = deviceLimits(context.machine);
  if (!limits || !limits->warpgroupShared)
    return false;
  WarpgroupAttention attention(context, name, op);
  StringRef reason = attention.refusal();
  if (reason.empty() && attention.emit(b, work, grid, reason))
    return true;
  grid.remark = ("no attention of warpgroups: " + reason).str();
  return false;
}
