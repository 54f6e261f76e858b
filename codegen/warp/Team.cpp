//===- Team.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Team.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Warp.h"

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
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, team.rank,
                               zero);
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
