//===- RowEmitter.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/RowEmitter.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Team.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Emits the ops of one row, in order.
class RowEmitter {
public:
  RowEmitter(KernelContext &context, ArrayRef<Operation *> ops)
      : context(context), ops(ops) {}

  void emit(OpBuilder &b, ArrayRef<Value> row);

private:
  /// The value of an operand that an op of this kernel makes.
  std::optional<LaneValue> source(OpBuilder &b, linalg::GenericOp op,
                                  unsigned i, ArrayRef<LaneValue> indices,
                                  const Lanes &lanes);

  KernelContext &context;
  ArrayRef<Operation *> ops;
  /// Scalars of the reductions done so far.
  llvm::DenseMap<Value, LaneValue> scalars;
};
} // namespace

std::optional<LaneValue> RowEmitter::source(OpBuilder &b, linalg::GenericOp op,
                                            unsigned i,
                                            ArrayRef<LaneValue> indices,
                                            const Lanes &lanes) {
  Value operand = op->getOperand(i);
  auto known = scalars.find(operand);
  if (known != scalars.end())
    return known->second;
  auto producer = operand.getDefiningOp<linalg::GenericOp>();
  // What has a buffer was stored by an earlier pass over the row.
  if (!producer || context.buffers.contains(operand))
    return std::nullopt;
  BodyEvaluator reader(context, op), maker(context, producer);
  SmallVector<LaneValue> at;
  for (AffineExpr expr : op.getIndexingMapsArray()[i].getResults())
    at.push_back(reader.evaluateAffine(b, expr, indices, lanes.width));
  SmallVector<LaneValue> values = maker.evaluate(b, at, lanes, [&](unsigned j) {
    return source(b, producer, j, at, lanes);
  });
  return values[cast<OpResult>(operand).getResultNumber()];
}

void RowEmitter::emit(OpBuilder &b, ArrayRef<Value> row) {
  auto operands = [&](OpBuilder &nested, linalg::GenericOp op, unsigned i,
                      ArrayRef<LaneValue> indices, const Lanes &lanes) {
    return source(nested, op, i, indices, lanes);
  };
  for (Operation *op : ops) {
    auto generic = cast<linalg::GenericOp>(op);
    bool reduces = generic.getNumReductionLoops() > 0;
    bool stored = llvm::any_of(generic.getResults(), [&](Value v) {
      return context.buffers.contains(v);
    });
    if (!reduces && !stored)
      continue;
    LoopPlan plan = planRow(generic, context.machine, row.size());
    SmallVector<LaneValue> results =
        emitRow(b, context, generic, plan, row, operands);
    // Others of the team read what this thread has stored.
    if (stored)
      warp::syncTeam(b, generic.getLoc(), context.team);
    if (reduces)
      for (auto [result, value] : llvm::zip(generic.getResults(), results))
        scalars[result] = value;
  }
}

LogicalResult ingot::emitRows(OpBuilder &b, KernelContext &context,
                              ArrayRef<Operation *> ops, Value lo, Value hi,
                              AffineExpr &work) {
  auto mark = ops.front()->getAttrOfType<IntegerAttr>("ingot.rows");
  if (!mark)
    return ops.front()->emitError("[IG4002] no emitter for this kernel");
  int64_t rows = mark.getInt();
  Location loc = ops.front()->getLoc();
  onnx::Dims extents = loopExtents(cast<linalg::GenericOp>(ops.front()));
  SmallVector<AffineExpr> dims(extents.begin(), extents.begin() + rows);
  work = onnx::product(dims, b.getContext());
  auto item = scf::ForOp::create(b, loc, lo, hi,
                                 arith::ConstantIndexOp::create(b, loc, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<Value> at =
      delinearize(inner, loc, context, item.getInductionVar(), dims);
  RowEmitter(context, ops).emit(inner, at);
  return success();
}
