//===- Team.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Team.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/BlockShape.h"
#include "codegen/warp/SharedSums.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

/// Threads of a warp.
constexpr int64_t warpSize = 32;

Value warp::first(OpBuilder &b, Location loc, const Team &team, Value from,
                  int64_t width) {
  if (team.size == 1)
    return from;
  Value step = arith::ConstantIndexOp::create(b, loc, width);
  return arith::AddIOp::create(b, loc, from,
                               arith::MulIOp::create(b, loc, team.rank, step));
}

Value warp::isFirst(OpBuilder &b, Location loc, const Team &team) {
  if (team.size == 1)
    return arith::ConstantIntOp::create(b, loc, 1, 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value first =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, team.rank, zero);
  if (!team.isLast)
    return first;
  return arith::AndIOp::create(b, loc, first, team.isLast);
}

Value warp::combineTeam(OpBuilder &b, Location loc, const Team &team, Value v,
                        function_ref<Value(Value, Value)> combine) {
  int64_t inWarp = std::min(team.size, warpSize);
  for (int64_t mask = inWarp / 2; mask > 0; mask /= 2)
    v = combine(v, shuffleXor(b, loc, v, mask));
  if (team.size <= warpSize)
    return v;
  // Every thread joins the values of all warps in their order.
  int64_t warps = team.size / warpSize;
  // A value of 64 bits of each warp of a block.
  Value area = namedShared(b, loc, "ingot_team_exchange", 8 * warpSize, 8);
  auto word = [&](Value index) -> Value {
    Value offset = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
    return LLVM::GEPOp::create(b, loc, area.getType(), b.getI64Type(), area,
                               ArrayRef<LLVM::GEPArg>{offset});
  };
  Value size = arith::ConstantIndexOp::create(b, loc, warpSize);
  Value mine = arith::DivUIOp::create(b, loc, team.rank, size);
  // All lanes of a warp hold the same value.
  barrier(b, loc);
  LLVM::StoreOp::create(b, loc, v, word(mine), 8);
  barrier(b, loc);
  Type type = v.getType();
  for (int64_t i = 0; i < warps; ++i) {
    Value index = arith::ConstantIndexOp::create(b, loc, i);
    Value other = LLVM::LoadOp::create(b, loc, type, word(index), 8);
    v = i == 0 ? other : combine(v, other);
  }
  return v;
}

SmallVector<Value> warp::combineBlocks(
    OpBuilder &b, Location loc, Team &team, ArrayRef<Value> values,
    ArrayRef<Value> identities,
    function_ref<Value(OpBuilder &, unsigned, Value, Value)> combine) {
  Words w(b, loc);
  SharedSums meeting{team.counters, team.room};
  Value item = w.fromIndex(team.item), rank = w.fromIndex(team.rank);
  Value first = w.mul(item, team.blocks);
  // A word of 64 bits for each value of each block.
  auto address = [&](Words &at, Value block, unsigned i) {
    Value word = at.add(at.mul(at.add(first, block), values.size()), i);
    return meeting.address(at, at.b.getI64Type(), word);
  };
  auto one = scf::IfOp::create(b, loc, isFirst(b, loc, team), false);
  {
    OpBuilder then(one.thenBlock()->getTerminator());
    Words in(then, loc);
    Value mine = in.fromIndex(team.block);
    for (auto [i, v] : llvm::enumerate(values))
      LLVM::StoreOp::create(then, loc, v, address(in, mine, i), 8);
  }
  Value last = meeting.isLast(w, rank, item, w.number(team.blocks));
  auto joined = scf::IfOp::create(b, loc, ValueRange(values).getTypes(), last,
                                  /*withElseRegion=*/true);
  OpBuilder then = OpBuilder::atBlockEnd(joined.thenBlock());
  Words in(then, loc);
  // Each thread takes what one block has.
  auto taken =
      scf::IfOp::create(then, loc, ValueRange(values).getTypes(),
                        in.less(rank, team.blocks), /*withElseRegion=*/true);
  OpBuilder some = OpBuilder::atBlockEnd(taken.thenBlock());
  Words on(some, loc);
  SmallVector<Value> loaded;
  for (auto [i, v] : llvm::enumerate(values))
    loaded.push_back(
        LLVM::LoadOp::create(some, loc, v.getType(), address(on, rank, i), 8));
  scf::YieldOp::create(some, loc, loaded);
  OpBuilder none = OpBuilder::atBlockEnd(taken.elseBlock());
  scf::YieldOp::create(none, loc, identities);
  SmallVector<Value> totals;
  for (auto [i, v] : llvm::enumerate(taken.getResults()))
    totals.push_back(
        combineTeam(then, loc, team, v, [&, i = i](Value x, Value y) {
          return combine(then, i, x, y);
        }));
  scf::YieldOp::create(then, loc, totals);
  OpBuilder other = OpBuilder::atBlockEnd(joined.elseBlock());
  scf::YieldOp::create(other, loc, values);
  team.isLast = last;
  return SmallVector<Value>(joined.getResults());
}

void warp::syncTeam(OpBuilder &b, Location loc, const Team &team) {
  if (team.size == 1)
    return;
  if (team.size > warpSize)
    return barrier(b, loc);
  syncWarp(b, loc);
}

/// A power of two of threads for so many elements: four or more for each.
static int64_t threadsFor(std::optional<int64_t> elements) {
  constexpr int64_t most = 256, usual = 128;
  if (!elements)
    return usual;
  if (*elements < 16)
    return 1;
  if (*elements <= 1024)
    return warpSize;
  return *elements <= 8192 ? usual : most;
}

int64_t warp::teamSize(ArrayRef<Operation *> roots,
                       kernel::MachineAttr machine) {
  auto volume = [](linalg::GenericOp op, int64_t first) {
    onnx::Dims extents = loopExtents(op);
    SmallVector<AffineExpr> dims(extents.begin() + first, extents.end());
    return onnx::constantValue(onnx::product(dims, op.getContext()));
  };
  auto generic = roots.empty() ? linalg::GenericOp()
                               : dyn_cast<linalg::GenericOp>(roots.front());
  if (!machine.hasWarps() || !generic)
    return 1;
  if (auto mark = generic->getAttrOfType<IntegerAttr>("ingot.rows");
      mark && roots.size() > 1)
    return threadsFor(volume(generic, mark.getInt()));
  LoopPlan plan = planLoops(generic, machine);
  if (roots.size() > 1 || !plan.acrossReduction)
    return 1;
  return threadsFor(onnx::constantValue(loopExtents(generic)[plan.vectorDim]));
}

/// The one reduction of a kernel whose other ops are made where they are read,
/// or have a point for each of its results; null for other kernels.
static linalg::GenericOp onlyReduction(ArrayRef<Operation *> roots) {
  linalg::GenericOp reduction;
  for (Operation *root : roots) {
    auto generic = dyn_cast<linalg::GenericOp>(root);
    if (!generic || (generic.getNumReductionLoops() && reduction))
      return {};
    if (generic.getNumReductionLoops())
      reduction = generic;
  }
  if (!reduction)
    return {};
  for (Operation *root : roots) {
    bool stored = llvm::any_of(root->getUsers(), [&](Operation *user) {
      return !llvm::is_contained(roots, user);
    });
    if (stored && root != reduction &&
        cast<linalg::GenericOp>(root).getNumLoops() !=
            reduction.getNumParallelLoops())
      return {};
  }
  return reduction;
}

/// Bytes of the operands that have a value for each point of the reduction.
static int64_t bytesOfPoint(linalg::GenericOp op) {
  int64_t bytes = 0;
  for (OpOperand *operand : op.getDpsInputOperands())
    if (!op.getMatchingBlockArgument(operand).use_empty())
      bytes += storageBytes(getElementTypeOrSelf(operand->get().getType()));
  return std::max<int64_t>(1, bytes);
}

warp::ItemSharing warp::shareItems(ArrayRef<Operation *> roots,
                                   kernel::MachineAttr machine) {
  // What a block should read at least: it takes as long as handing over what it
  // has, some 3000 clocks at 16 bytes a clock.
  constexpr int64_t leastBytes = 48 << 10;
  linalg::GenericOp op;
  if (machine.hasWarps())
    op = onlyReduction(roots);
  if (!op)
    return {};
  int64_t rows = op.getNumParallelLoops();
  if (roots.size() > 1) {
    auto mark = op->getAttrOfType<IntegerAttr>("ingot.rows");
    if (!mark || mark.getInt() != rows)
      return {};
  }
  LoopPlan plan =
      roots.size() > 1 ? planRow(op, machine, rows) : planLoops(op, machine);
  bool fits = plan.acrossReduction && plan.innerDims.empty() && !plan.chunk &&
              llvm::all_of(op.getResultTypes(), [](Type type) {
                Type element = getElementTypeOrSelf(type);
                return element.isF32() || element.isF64() ||
                       element.isInteger(32) || element.isInteger(64);
              });
  int64_t items = 1, points = 1;
  for (auto [extent, kind] :
       llvm::zip(loopExtents(op), op.getIteratorTypesArray())) {
    std::optional<int64_t> size = onnx::constantValue(extent);
    if (!size)
      return {};
    (kind == utils::IteratorType::parallel ? items : points) *= *size;
  }
  int64_t multiprocessors = usualMultiprocessors(machine);
  if (!fits || items < 1 || points >= int64_t(1) << 31)
    return {};
  int64_t blocks = std::min({sharingTeam, 2 * multiprocessors / items,
                             points * bytesOfPoint(op) / leastBytes});
  // Two would gain less than they cost.
  if (blocks < 3)
    return {};
  return {blocks, items, int64_t(op.getNumResults())};
}
