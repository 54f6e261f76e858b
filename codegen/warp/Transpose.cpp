//===- Transpose.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Transpose.h"
#include "codegen/loop/BodyEvaluator.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

/// Elements along a side of a square: a warp reads or writes one line.
constexpr int64_t side = 32;
/// Lines that a block moves at once.
constexpr int64_t lines = 8;
/// One element more than a line, so that the elements of a column lie in
/// different banks of shared memory.
constexpr int64_t pitch = side + 1;
/// Loops shorter than this leave most of a square empty.
constexpr int64_t shortest = 8;

std::optional<warp::TransposePlan>
warp::planTranspose(ArrayRef<Operation *> ops, kernel::MachineAttr machine) {
  auto op = ops.size() == 1 ? dyn_cast<linalg::GenericOp>(ops.front())
                            : linalg::GenericOp();
  if (!machine.hasWarps() || !op || op.getNumReductionLoops() != 0 ||
      op.getNumLoops() < 2 || op.getNumDpsInits() != 1 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return std::nullopt;
  TransposePlan plan{-1, int64_t(op.getNumLoops()) - 1, {}};
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (op.getBody()->getArgument(operand->getOperandNumber()).use_empty() ||
        map.getNumResults() < 2 || !map.isProjectedPermutation())
      continue;
    auto last = cast<AffineDimExpr>(map.getResults().back());
    if (last.getPosition() == plan.along || !map.isFunctionOfDim(plan.along))
      continue;
    // One direction for all of them.
    if (plan.across >= 0 && plan.across != last.getPosition())
      return std::nullopt;
    plan.across = last.getPosition();
    plan.operands.push_back(operand->getOperandNumber());
  }
  constexpr size_t most = 2;
  if (plan.operands.empty() || plan.operands.size() > most)
    return std::nullopt;
  onnx::Dims extents = loopExtents(op);
  for (int64_t d : {plan.across, plan.along})
    if (onnx::constantValue(extents[d]).value_or(shortest) < shortest)
      return std::nullopt;
  return plan;
}

/// Shared memory for a square of elements, as a plain pointer.
static Value squareFor(OpBuilder &b, Location loc, Type element,
                       unsigned number) {
  int64_t bytes = storageBytes(element);
  Value shared = warp::namedShared(
      b, loc, "ingot_square_" + Twine(number) + "_" + Twine(bytes),
      side * pitch * bytes, 16);
  return LLVM::AddrSpaceCastOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), shared);
}

namespace {
/// Emits one square.
class TransposeEmitter {
public:
  TransposeEmitter(OpBuilder &b, KernelContext &context, linalg::GenericOp op,
                   const warp::TransposePlan &plan)
      : b(b), context(context), op(op), plan(plan), loc(op.getLoc()),
        evaluator(context, op), extents(loopExtents(op)),
        indices(op.getNumLoops()) {}

  void emit(Value item, AffineExpr &work);

private:
  Value constant(OpBuilder &at, int64_t v) {
    return arith::ConstantIndexOp::create(at, loc, v);
  }
  Value plus(OpBuilder &at, Value x, Value y) {
    return arith::AddIOp::create(at, loc, x, y);
  }
  void bindOuter(Value item, AffineExpr &work);
  /// Each element of the square in turn: `body` for the thread's element at
  /// `row` and `column` of the square, where it is inside the loops.
  void forEach(bool columnsAcross,
               function_ref<void(OpBuilder &, Value, Value)> body);
  void readSquares(OpBuilder &at, Value row, Value column);
  void compute(OpBuilder &at, Value row, Value column);
  BufferRef square(OpBuilder &at, size_t number);

  OpBuilder &b;
  KernelContext &context;
  linalg::GenericOp op;
  const warp::TransposePlan &plan;
  Location loc;
  BodyEvaluator evaluator;
  onnx::Dims extents;
  SmallVector<LaneValue> indices;
  Value acrossStart, alongStart;
};
} // namespace

/// Finds the square among all, and with it the other loops' indices.
void TransposeEmitter::bindOuter(Value item, AffineExpr &work) {
  SmallVector<AffineExpr> dims;
  SmallVector<int64_t> outer;
  for (int64_t d = 0; d < int64_t(op.getNumLoops()); ++d)
    if (d != plan.across && d != plan.along) {
      outer.push_back(d);
      dims.push_back(extents[d]);
    }
  dims.push_back(extents[plan.across].ceilDiv(side));
  dims.push_back(extents[plan.along].ceilDiv(side));
  work = onnx::product(dims, b.getContext());
  SmallVector<Value> at = delinearize(b, loc, context, item, dims);
  for (auto [d, index] : llvm::zip(outer, at))
    indices[d] = LaneValue::uniform(index);
  acrossStart =
      arith::MulIOp::create(b, loc, at[outer.size()], constant(b, side));
  alongStart =
      arith::MulIOp::create(b, loc, at[outer.size() + 1], constant(b, side));
}

void TransposeEmitter::forEach(
    bool columnsAcross, function_ref<void(OpBuilder &, Value, Value)> body) {
  Value thread = warp::threadInBlock(b, loc), width = constant(b, side);
  Value column = arith::RemUIOp::create(b, loc, thread, width);
  Value line = arith::DivUIOp::create(b, loc, thread, width);
  for (int64_t i = 0; i < side / lines; ++i) {
    Value row = plus(b, line, constant(b, i * lines));
    Value across = plus(b, acrossStart, columnsAcross ? column : row);
    Value along = plus(b, alongStart, columnsAcross ? row : column);
    auto inside = [&](Value index, int64_t d) -> Value {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index,
                                   context.expand(b, loc, extents[d]));
    };
    Value live = arith::AndIOp::create(b, loc, inside(across, plan.across),
                                       inside(along, plan.along));
    auto branch = scf::IfOp::create(b, loc, live, /*withElse=*/false);
    OpBuilder inner(branch.thenBlock()->getTerminator());
    indices[plan.across] = LaneValue::uniform(across);
    indices[plan.along] = LaneValue::uniform(along);
    body(inner, row, column);
  }
}

BufferRef TransposeEmitter::square(OpBuilder &at, size_t number) {
  auto type =
      cast<RankedTensorType>(op->getOperand(plan.operands[number]).getType());
  MLIRContext *ctx = op.getContext();
  return {squareFor(at, loc, type.getElementType(), number),
          type.getElementType(),
          {getAffineConstantExpr(pitch, ctx), getAffineConstantExpr(1, ctx)}};
}

/// Neighbouring threads read neighbours of the operands.
void TransposeEmitter::readSquares(OpBuilder &at, Value row, Value column) {
  for (auto [number, operand] : llvm::enumerate(plan.operands)) {
    BufferRef from = context.lookup(at, loc, op->getOperand(operand));
    BufferRef to = square(at, number);
    LaneValue v = context.load(
        at, loc, from, evaluator.operandOffset(at, operand, from, indices, {}),
        {});
    SmallVector<LaneValue> place{LaneValue::uniform(row),
                                 LaneValue::uniform(column)};
    context.store(at, loc, v, to, context.offset(at, loc, place, to.strides, 1),
                  {});
  }
}

/// Neighbouring threads write neighbours of the result.
void TransposeEmitter::compute(OpBuilder &at, Value row, Value column) {
  auto given = [&](unsigned i) -> std::optional<LaneValue> {
    auto *it = llvm::find(plan.operands, i);
    if (it == plan.operands.end())
      return std::nullopt;
    BufferRef from = square(at, it - plan.operands.begin());
    SmallVector<LaneValue> place{LaneValue::uniform(column),
                                 LaneValue::uniform(row)};
    return context.load(at, loc, from,
                        context.offset(at, loc, place, from.strides, 1), {});
  };
  SmallVector<LaneValue> results = evaluator.evaluate(at, indices, {}, given);
  BufferRef to = context.lookup(at, loc, op.getResult(0));
  context.store(
      at, loc, results[0], to,
      evaluator.operandOffset(at, op.getNumDpsInputs(), to, indices, {}), {});
}

void TransposeEmitter::emit(Value item, AffineExpr &work) {
  bindOuter(item, work);
  forEach(/*columnsAcross=*/true, [&](OpBuilder &at, Value row, Value column) {
    readSquares(at, row, column);
  });
  warp::barrier(b, loc);
  forEach(/*columnsAcross=*/false, [&](OpBuilder &at, Value row, Value column) {
    compute(at, row, column);
  });
}

GridShape warp::emitTranspose(OpBuilder &b, KernelContext &context,
                              linalg::GenericOp op, const TransposePlan &plan,
                              Value item, AffineExpr &work) {
  TransposeEmitter(b, context, op, plan).emit(item, work);
  GridShape shape;
  shape.block = side * lines;
  shape.blockItems = 1;
  return shape;
}
