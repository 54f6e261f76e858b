//===- LoopEmitter.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Team.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Emits one generic. Builders passed around point at the place to emit.
class GenericEmitter {
public:
  GenericEmitter(KernelContext &context, linalg::GenericOp op,
                 const LoopPlan &plan)
      : context(context), op(op), plan(plan), evaluator(context, op),
        loc(op.getLoc()), extents(loopExtents(op)) {}

  void emit(OpBuilder &b, Value lo, Value hi);
  SmallVector<LaneValue> emitRow(OpBuilder &b, ArrayRef<Value> row,
                                 OperandSource operands);

private:
  /// The loops inside an item, down to the points.
  void emitInner(OpBuilder &b, Value chunkIndex);
  std::optional<LaneValue> given(OpBuilder &b, unsigned i, const Lanes &lanes) {
    return source ? (*source)(b, op, i, indices, lanes) : std::nullopt;
  }
  using Emit = function_ref<void(OpBuilder &)>;
  /// Nested loops over `dims`, then `inner`, with indices[d] set.
  void loops(OpBuilder &b, ArrayRef<int64_t> dims, Emit inner);
  void vectorLoop(OpBuilder &b, Value from, Value to);
  void point(OpBuilder &b, Value at, const Lanes &lanes, int64_t unroll);
  void interleavedPoint(OpBuilder &b, Value at, const Lanes &lanes);
  void reducePoint(OpBuilder &b, Value at, const Lanes &lanes, int64_t unroll);
  void reduceAcross(OpBuilder &b);
  SmallVector<Value> reduceShare(
      OpBuilder &b, ArrayRef<int64_t> outer, ArrayRef<Value> start,
      function_ref<SmallVector<Value>(OpBuilder &, Value, ArrayRef<Value>)>
          step);
  SmallVector<Value> reduceLoops(
      OpBuilder &b, ArrayRef<int64_t> dims, ArrayRef<Value> start,
      function_ref<SmallVector<Value>(OpBuilder &, ArrayRef<Value>)> inner);
  SmallVector<Value> starts(OpBuilder &b, int64_t width, bool identities);
  void storeResults(OpBuilder &b, ArrayRef<LaneValue> values,
                    const Lanes &lanes);
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value joinLanes(OpBuilder &b, Operation *combiner, Value vector);
  Value combine(OpBuilder &b, Operation *combiner, Value x, Value y);
  Operation *combiner(unsigned result) {
    return op.getBody()->getTerminator()->getOperand(result).getDefiningOp();
  }
  bool isReduction() { return !plan.reducedDims.empty(); }

  KernelContext &context;
  linalg::GenericOp op;
  const LoopPlan &plan;
  BodyEvaluator evaluator;
  Location loc;
  onnx::Dims extents;
  SmallVector<LaneValue> indices, rowResults;
  OperandSource *source = nullptr;
  /// True if the threads of a team all have the results, to be stored once.
  bool storesAlone = false;
};
} // namespace

void GenericEmitter::emit(OpBuilder &b, Value lo, Value hi) {
  indices.assign(op.getNumLoops(), LaneValue());
  auto item = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<AffineExpr> dims;
  for (int64_t d : plan.itemDims)
    dims.push_back(extents[d]);
  if (plan.chunk)
    dims.push_back(extents[plan.vectorDim].ceilDiv(plan.chunk));
  SmallVector<Value> at =
      delinearize(inner, loc, context, item.getInductionVar(), dims);
  for (auto [d, index] : llvm::zip(plan.itemDims, at))
    indices[d] = LaneValue::uniform(index);
  emitInner(inner, plan.chunk ? at.back() : Value());
}

SmallVector<LaneValue> GenericEmitter::emitRow(OpBuilder &b,
                                               ArrayRef<Value> row,
                                               OperandSource operands) {
  source = &operands;
  indices.assign(op.getNumLoops(), LaneValue());
  for (auto [i, index] : llvm::enumerate(row))
    indices[i] = LaneValue::uniform(index);
  emitInner(b, Value());
  source = nullptr;
  return rowResults;
}

void GenericEmitter::emitInner(OpBuilder &b, Value chunkIndex) {
  // What a team does not share out, one of it stores.
  bool sharedOut =
      !isReduction() && (plan.vectorDim >= 0 || !plan.innerDims.empty());
  storesAlone = context.team.size > 1 && !sharedOut;
  loops(b, plan.innerDims, [&](OpBuilder &nested) {
    if (plan.acrossReduction)
      return reduceAcross(nested);
    if (plan.vectorDim < 0)
      return point(nested, Value(), Lanes{}, 1);
    Value from = constant(nested, 0);
    Value to = context.expand(nested, loc, extents[plan.vectorDim]);
    if (plan.chunk) {
      Value chunk = constant(nested, plan.chunk);
      from = arith::MulIOp::create(nested, loc, chunkIndex, chunk);
      Value end = arith::AddIOp::create(nested, loc, from, chunk);
      std::optional<int64_t> size =
          onnx::constantValue(extents[plan.vectorDim]);
      if (size && *size % plan.chunk == 0 && plan.chunk == plan.width)
        return point(nested, from, Lanes{plan.width, Value()}, 1);
      to = arith::MinSIOp::create(nested, loc, end, to);
    }
    vectorLoop(nested, from, to);
  });
}

void GenericEmitter::loops(OpBuilder &b, ArrayRef<int64_t> dims, Emit inner) {
  if (dims.empty())
    return inner(b);
  // Without vectors a team shares out the innermost loop.
  Team team;
  if (dims.size() == 1 && plan.vectorDim < 0 && !isReduction())
    team = context.team;
  auto loop = scf::ForOp::create(
      b, loc, warp::first(b, loc, team, constant(b, 0), 1),
      context.expand(b, loc, extents[dims[0]]), constant(b, team.size));
  indices[dims[0]] = LaneValue::uniform(loop.getInductionVar());
  OpBuilder nested(loop.getBody()->getTerminator());
  loops(nested, dims.drop_front(), inner);
}

void GenericEmitter::vectorLoop(OpBuilder &b, Value from, Value to) {
  int64_t width = plan.width;
  // Several accumulators in flight hide the latency of the adds.
  int64_t unroll = isReduction() ? 4 : 1;
  std::optional<int64_t> size = onnx::constantValue(extents[plan.vectorDim]);
  while (unroll > 1 && size && *size < unroll * width)
    unroll /= 2;
  for (int64_t group = unroll; group >= 1; group = group > 1 ? 1 : 0) {
    if (size && !plan.chunk && *size < group * width)
      continue;
    Value step = constant(b, group * width);
    Value length = arith::SubIOp::create(b, loc, to, from);
    Value tail = arith::RemUIOp::create(b, loc, length, step);
    Value end = arith::SubIOp::create(b, loc, to, tail);
    const Team &team = context.team;
    auto loop = scf::ForOp::create(
        b, loc, warp::first(b, loc, team, from, group * width), end,
        constant(b, group * width * team.size));
    OpBuilder inner(loop.getBody()->getTerminator());
    point(inner, loop.getInductionVar(), Lanes{width, Value()}, group);
    from = end;
  }
  if (size && !plan.chunk && *size % width == 0)
    return;
  if (!context.machine.getMasks() || plan.interleavedDim >= 0) {
    auto loop =
        scf::ForOp::create(b, loc, warp::first(b, loc, context.team, from, 1),
                           to, constant(b, context.team.size));
    OpBuilder inner(loop.getBody()->getTerminator());
    point(inner, loop.getInductionVar(), Lanes{}, 1);
    return;
  }
  Value left = arith::SubIOp::create(b, loc, to, from);
  Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, left,
                                    constant(b, 0));
  auto branch = scf::IfOp::create(b, loc, any, /*withElse=*/false);
  OpBuilder inner(branch.thenBlock()->getTerminator());
  point(inner, from, Lanes{width, laneMask(inner, loc, left, width)}, 1);
}

/// One vector (or scalar) of results, or `unroll` of them side by side.
void GenericEmitter::point(OpBuilder &b, Value at, const Lanes &lanes,
                           int64_t unroll) {
  if (isReduction())
    return reducePoint(b, at, lanes, unroll);
  if (plan.interleavedDim >= 0)
    return interleavedPoint(b, at, lanes);
  if (at)
    indices[plan.vectorDim] = LaneValue::linear(at, lanes.width > 1);
  SmallVector<LaneValue> results = evaluator.evaluate(
      b, indices, lanes, [&](unsigned i) { return given(b, i, lanes); });
  storeResults(b, results, lanes);
}

/// The lanes of vectors of one length in turns: x0 y0 z0 x1 y1 z1 ... in the
/// form that LLVM knows as an interleaved access.
static Value interleaved(OpBuilder &b, Location loc, ArrayRef<Value> vectors) {
  int64_t width = cast<VectorType>(vectors[0].getType()).getNumElements();
  int64_t count = vectors.size();
  // The first half of them, and the others, side by side.
  auto join = [&](Value x, Value y) -> Value {
    SmallVector<int64_t> lanes(2 * width);
    for (int64_t i = 0; i < 2 * width; ++i)
      lanes[i] = i;
    return vector::ShuffleOp::create(b, loc, x, y, lanes);
  };
  Value low = vectors[0], high = vectors[1];
  if (count > 2) {
    low = join(vectors[0], vectors[1]);
    high = join(vectors[2], vectors[count - 1]);
  }
  SmallVector<int64_t> lanes(count * width);
  for (int64_t i = 0; i < width; ++i)
    for (int64_t v = 0; v < count; ++v)
      lanes[i * count + v] = v * width + i;
  return vector::ShuffleOp::create(b, loc, low, high, lanes);
}

void GenericEmitter::interleavedPoint(OpBuilder &b, Value at,
                                      const Lanes &lanes) {
  int64_t count = *onnx::constantValue(extents[plan.interleavedDim]);
  SmallVector<Value> vectors;
  for (int64_t c = 0; c < count; ++c) {
    indices[plan.interleavedDim] = LaneValue::uniform(constant(b, c));
    indices[plan.vectorDim] = LaneValue::linear(at, lanes.width > 1);
    SmallVector<LaneValue> results = evaluator.evaluate(
        b, indices, lanes, [&](unsigned i) { return given(b, i, lanes); });
    if (lanes.width == 1)
      storeResults(b, results, lanes);
    else
      vectors.push_back(context.materialize(b, loc, results[0], lanes.width));
  }
  if (vectors.empty())
    return;
  Lanes all{count * lanes.width, Value()};
  indices[plan.vectorDim] = LaneValue::uniform(at);
  indices[plan.interleavedDim] = LaneValue::linear(constant(b, 0), 1);
  storeResults(b, LaneValue::varying(interleaved(b, loc, vectors)), all);
}

void GenericEmitter::storeResults(OpBuilder &b, ArrayRef<LaneValue> values,
                                  const Lanes &lanes) {
  rowResults.assign(values.begin(), values.end());
  if (storesAlone) {
    storesAlone = false;
    auto one = scf::IfOp::create(b, loc, warp::isFirst(b, loc, context.team),
                                 /*withElse=*/false);
    OpBuilder nested(one.thenBlock()->getTerminator());
    storeResults(nested, values, lanes);
    return;
  }
  for (auto [i, value] : llvm::enumerate(values)) {
    BufferRef to = context.lookup(b, loc, op.getResult(i));
    // Inside a row kernel a value may live in registers alone.
    if (!to.pointer)
      continue;
    LaneValue offset = evaluator.operandOffset(b, op.getNumDpsInputs() + i, to,
                                               indices, lanes);
    context.store(b, loc, value, to, offset, lanes);
  }
}

/// The values that accumulators start with: those of the linalg.fill inits,
/// or the identities of the combiners.
SmallVector<Value> GenericEmitter::starts(OpBuilder &b, int64_t width,
                                          bool identities) {
  SmallVector<Value> values;
  for (auto [i, init] : llvm::enumerate(op.getDpsInits())) {
    auto fill = init.getDefiningOp<linalg::FillOp>();
    Value start = context.importScalar(b, fill.getInputs()[0]);
    if (identities &&
        !isa<arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
             arith::MinNumFOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp,
             arith::MinUIOp, arith::AndIOp, arith::OrIOp>(combiner(i))) {
      // Of add and xor 0, of mul 1; the others take the start itself, which
      // joining several times does not change.
      bool one = isa<arith::MulFOp, arith::MulIOp>(combiner(i));
      Type type = start.getType();
      TypedAttr identity =
          isa<FloatType>(type)
              ? TypedAttr(b.getFloatAttr(type, one ? 1.0 : 0.0))
              : TypedAttr(b.getIntegerAttr(type, one ? 1 : 0));
      start = arith::ConstantOp::create(b, loc, identity);
    }
    values.push_back(
        context.materialize(b, loc, LaneValue::uniform(start), width));
  }
  return values;
}

SmallVector<Value> GenericEmitter::reduceLoops(
    OpBuilder &b, ArrayRef<int64_t> dims, ArrayRef<Value> start,
    function_ref<SmallVector<Value>(OpBuilder &, ArrayRef<Value>)> inner) {
  if (dims.empty())
    return inner(b, start);
  auto loop = scf::ForOp::create(b, loc, constant(b, 0),
                                 context.expand(b, loc, extents[dims[0]]),
                                 constant(b, 1), ValueRange(start));
  indices[dims[0]] = LaneValue::uniform(loop.getInductionVar());
  OpBuilder nested = OpBuilder::atBlockEnd(loop.getBody());
  SmallVector<Value> carried(loop.getRegionIterArgs());
  SmallVector<Value> results =
      reduceLoops(nested, dims.drop_front(), carried, inner);
  scf::YieldOp::create(nested, loc, results);
  return SmallVector<Value>(loop.getResults());
}

void GenericEmitter::reducePoint(OpBuilder &b, Value at, const Lanes &lanes,
                                 int64_t unroll) {
  SmallVector<Value> start;
  for (int64_t u = 0; u < unroll; ++u)
    llvm::append_range(start, starts(b, lanes.width, /*identities=*/false));
  unsigned outs = op.getNumDpsInits();
  auto setVectorIndex = [&](OpBuilder &nested, int64_t u) {
    if (!at)
      return;
    Value index = u == 0
                      ? at
                      : arith::AddIOp::create(nested, loc, at,
                                              constant(nested, u * lanes.width))
                            .getResult();
    indices[plan.vectorDim] = LaneValue::linear(index, lanes.width > 1);
  };
  SmallVector<Value> sums = reduceLoops(
      b, plan.reducedDims, start,
      [&](OpBuilder &nested, ArrayRef<Value> accumulators) {
        SmallVector<Value> next;
        for (int64_t u = 0; u < unroll; ++u) {
          setVectorIndex(nested, u);
          SmallVector<LaneValue> results = evaluator.evaluate(
              nested, indices, lanes,
              [&](unsigned i) -> std::optional<LaneValue> {
                if (i < op.getNumDpsInputs())
                  return given(nested, i, lanes);
                Value v = accumulators[u * outs + i - op.getNumDpsInputs()];
                return lanes.width == 1 ? LaneValue::uniform(v)
                                        : LaneValue::varying(v);
              });
          for (const LaneValue &result : results)
            next.push_back(
                context.materialize(nested, loc, result, lanes.width));
        }
        return next;
      });
  for (int64_t u = 0; u < unroll; ++u) {
    setVectorIndex(b, u);
    SmallVector<LaneValue> results;
    for (unsigned i = 0; i < outs; ++i)
      results.push_back(lanes.width == 1
                            ? LaneValue::uniform(sums[u * outs + i])
                            : LaneValue::varying(sums[u * outs + i]));
    storeResults(b, results, lanes);
  }
}

Value GenericEmitter::combine(OpBuilder &b, Operation *combiner, Value x,
                              Value y) {
  OperationState state(loc, combiner->getName());
  state.addOperands({x, y});
  state.addTypes(x.getType());
  state.propertiesAttr = combiner->getPropertiesAsAttribute();
  return b.create(state)->getResult(0);
}

/// Joins the lanes of a vector pairwise, halves with halves, so that the order
/// of additions does not depend on the number of threads.
Value GenericEmitter::joinLanes(OpBuilder &b, Operation *combiner, Value v) {
  if (!isa<VectorType>(v.getType()))
    return v;
  int64_t width = cast<VectorType>(v.getType()).getNumElements();
  while (width > 1) {
    width /= 2;
    SmallVector<int64_t> low(width), high(width);
    for (int64_t i = 0; i < width; ++i) {
      low[i] = i;
      high[i] = i + width;
    }
    Value x = vector::ShuffleOp::create(b, loc, v, v, low);
    Value y = vector::ShuffleOp::create(b, loc, v, v, high);
    v = combine(b, combiner, x, y);
  }
  return vector::ExtractOp::create(b, loc, v, ArrayRef<int64_t>{0});
}

/// The part of this block where blocks share a reduction of static size: its
/// points are counted in one, so that neighbours of the team read neighbouring
/// vectors wherever inner loops end. As many accumulators in flight as `start`
/// has.
SmallVector<Value> GenericEmitter::reduceShare(
    OpBuilder &b, ArrayRef<int64_t> outer, ArrayRef<Value> start,
    function_ref<SmallVector<Value>(OpBuilder &, Value, ArrayRef<Value>)>
        step) {
  const Team &team = context.team;
  unsigned outs = op.getNumDpsInits();
  int64_t most = start.size() / outs, vectors = 1;
  SmallVector<AffineExpr> dims;
  for (int64_t d : outer)
    dims.push_back(extents[d]);
  dims.push_back(extents[plan.vectorDim].floorDiv(plan.width));
  for (AffineExpr dim : dims)
    vectors *= *onnx::constantValue(dim);
  Value each = constant(b, llvm::divideCeil(vectors, team.blocks));
  Value all = constant(b, vectors);
  Value from = arith::MinUIOp::create(
      b, loc, arith::MulIOp::create(b, loc, team.block, each), all);
  Value to = arith::MinUIOp::create(
      b, loc, arith::AddIOp::create(b, loc, from, each), all);
  SmallVector<Value> sums(start);
  for (int64_t group : {most, int64_t(1)}) {
    Value length = arith::SubIOp::create(b, loc, to, from);
    Value rest =
        arith::RemUIOp::create(b, loc, length, constant(b, group * team.size));
    Value end = group == 1 ? to : arith::SubIOp::create(b, loc, to, rest);
    auto loop = scf::ForOp::create(
        b, loc, arith::AddIOp::create(b, loc, from, team.rank), end,
        constant(b, group * team.size), ValueRange(sums));
    OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
    SmallVector<Value> next(loop.getRegionIterArgs());
    for (int64_t u = 0; u < group; ++u) {
      Value number = arith::AddIOp::create(inner, loc, loop.getInductionVar(),
                                           constant(inner, u * team.size));
      SmallVector<Value> at = delinearize(inner, loc, context, number, dims);
      for (auto [d, index] : llvm::zip(outer, at))
        indices[d] = LaneValue::uniform(index);
      Value first = arith::MulIOp::create(inner, loc, at.back(),
                                          constant(inner, plan.width));
      SmallVector<Value> mine =
          step(inner, first, ArrayRef(next).slice(u * outs, outs));
      llvm::copy(mine, next.begin() + u * outs);
    }
    scf::YieldOp::create(inner, loc, next);
    sums.assign(loop.result_begin(), loop.result_end());
    from = end;
  }
  return sums;
}

void GenericEmitter::reduceAcross(OpBuilder &b) {
  constexpr int64_t unroll = 4;
  Team &team = context.team;
  int64_t width = plan.width;
  unsigned outs = op.getNumDpsInits();
  SmallVector<int64_t> outer(plan.reducedDims);
  llvm::erase(outer, plan.vectorDim);

  auto step = [&](OpBuilder &nested, Value at, const Lanes &lanes,
                  ArrayRef<Value> accumulators) {
    indices[plan.vectorDim] = LaneValue::linear(at, lanes.width > 1);
    SmallVector<LaneValue> results = evaluator.evaluate(
        nested, indices, lanes, [&](unsigned i) -> std::optional<LaneValue> {
          if (i < op.getNumDpsInputs())
            return given(nested, i, lanes);
          Value v = accumulators[i - op.getNumDpsInputs()];
          return lanes.width == 1 ? LaneValue::uniform(v)
                                  : LaneValue::varying(v);
        });
    SmallVector<Value> next;
    for (auto [i, result] : llvm::enumerate(results)) {
      Value v = context.materialize(nested, loc, result, lanes.width);
      if (lanes.mask)
        v = arith::SelectOp::create(nested, loc, lanes.mask, v,
                                    accumulators[i]);
      next.push_back(v);
    }
    return next;
  };
  /// A loop over [from, to) by `group` vectors, accumulators carried.
  auto vectors = [&](OpBuilder &nested, Value from, Value to, int64_t group,
                     ArrayRef<Value> accumulators) {
    // Neighbours of a team read neighbouring vectors.
    auto loop = scf::ForOp::create(
        nested, loc, warp::first(nested, loc, team, from, width), to,
        constant(nested, group * width * team.size), ValueRange(accumulators));
    OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
    SmallVector<Value> carried(loop.getRegionIterArgs());
    SmallVector<Value> next;
    for (int64_t u = 0; u < int64_t(carried.size() / outs); ++u) {
      ArrayRef<Value> mine = ArrayRef(carried).slice(u * outs, outs);
      if (u >= group) {
        llvm::append_range(next, mine);
        continue;
      }
      Value at = arith::AddIOp::create(inner, loc, loop.getInductionVar(),
                                       constant(inner, u * width * team.size));
      llvm::append_range(next, step(inner, at, Lanes{width, Value()}, mine));
    }
    scf::YieldOp::create(inner, loc, next);
    return SmallVector<Value>(loop.getResults());
  };

  SmallVector<Value> start;
  for (int64_t u = 0; u < unroll; ++u)
    llvm::append_range(start, starts(b, width, /*identities=*/true));
  bool masks = context.machine.getMasks();
  SmallVector<Value> scalarStart = starts(b, 1, /*identities=*/true);
  llvm::append_range(start, scalarStart);
  SmallVector<Value> sums;
  if (team.blocks > 1) {
    sums = reduceShare(
        b, outer, ArrayRef(start).drop_back(outs),
        [&](OpBuilder &nested, Value at, ArrayRef<Value> accumulators) {
          return step(nested, at, Lanes{width, Value()}, accumulators);
        });
    llvm::append_range(sums, scalarStart);
  } else
    sums = reduceLoops(
        b, outer, start, [&](OpBuilder &nested, ArrayRef<Value> carried) {
          SmallVector<Value> acc(carried.drop_back(outs));
          SmallVector<Value> scalars(carried.take_back(outs));
          Value size = context.expand(nested, loc, extents[plan.vectorDim]);
          Value zero = constant(nested, 0);
          auto floorTo = [&](int64_t multiple) {
            Value rest = arith::RemUIOp::create(nested, loc, size,
                                                constant(nested, multiple));
            return arith::SubIOp::create(nested, loc, size, rest).getResult();
          };
          Value wide = floorTo(unroll * width * team.size);
          Value narrow = floorTo(width);
          acc = vectors(nested, zero, wide, unroll, acc);
          acc = vectors(nested, wide, narrow, 1, acc);
          if (masks) {
            Value left = arith::SubIOp::create(nested, loc, size, narrow);
            Lanes lanes{width, laneMask(nested, loc, left, width)};
            SmallVector<Value> last =
                step(nested, narrow, lanes, ArrayRef(acc).take_front(outs));
            llvm::copy(last, acc.begin());
          } else {
            auto loop = scf::ForOp::create(
                nested, loc, warp::first(nested, loc, team, narrow, 1), size,
                constant(nested, team.size), ValueRange(scalars));
            OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
            SmallVector<Value> mine(loop.getRegionIterArgs());
            scf::YieldOp::create(
                inner, loc, step(inner, loop.getInductionVar(), Lanes{}, mine));
            scalars.assign(loop.result_begin(), loop.result_end());
          }
          llvm::append_range(acc, scalars);
          return acc;
        });
  SmallVector<Value> finals = starts(b, 1, /*identities=*/false), totals;
  for (unsigned i = 0; i < outs; ++i) {
    Value total = sums[i];
    for (int64_t u = 1; u < unroll; ++u)
      total = combine(b, combiner(i), total, sums[u * outs + i]);
    Value joined = joinLanes(b, combiner(i), total);
    joined = combine(b, combiner(i), joined, sums[unroll * outs + i]);
    joined = warp::combineTeam(b, loc, team, joined, [&](Value x, Value y) {
      return combine(b, combiner(i), x, y);
    });
    totals.push_back(joined);
  }
  if (team.blocks > 1)
    totals = warp::combineBlocks(
        b, loc, team, totals, scalarStart,
        [&](OpBuilder &nested, unsigned i, Value x, Value y) {
          return combine(nested, combiner(i), x, y);
        });
  SmallVector<LaneValue> results;
  for (unsigned i = 0; i < outs; ++i)
    results.push_back(
        LaneValue::uniform(combine(b, combiner(i), finals[i], totals[i])));
  storeResults(b, results, Lanes{});
}

void ingot::emitGeneric(OpBuilder &b, KernelContext &context,
                        linalg::GenericOp op, const LoopPlan &plan, Value lo,
                        Value hi) {
  GenericEmitter(context, op, plan).emit(b, lo, hi);
}

SmallVector<LaneValue> ingot::emitRow(OpBuilder &b, KernelContext &context,
                                      linalg::GenericOp op,
                                      const LoopPlan &plan, ArrayRef<Value> row,
                                      OperandSource source) {
  return GenericEmitter(context, op, plan).emitRow(b, row, source);
}
