//===- Epilogue.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Epilogue.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace ingot;

/// True if an operand read through `map` is either the same for all points of
/// the dimensions `dims`, or holds them side by side in their order, so that
/// one count over all of them steps through it evenly.
static bool isContiguousOver(AffineMap map, ArrayRef<int64_t> dims) {
  auto uses = [&](AffineExpr expr) {
    return llvm::any_of(dims,
                        [&](int64_t d) { return expr.isFunctionOfDim(d); });
  };
  ArrayRef<AffineExpr> results = map.getResults();
  const AffineExpr *first = llvm::find_if(results, uses);
  if (first == results.end())
    return true;
  size_t at = first - results.begin();
  if (results.size() - at < dims.size())
    return false;
  for (auto [expr, d] : llvm::zip(results.drop_front(at), dims))
    if (expr != getAffineDimExpr(d, map.getContext()))
      return false;
  return llvm::none_of(results.drop_front(at + dims.size()), uses);
}

bool Epilogue::canFlatten(int64_t dims) {
  if (!tail)
    return true;
  auto type = cast<RankedTensorType>(root.getType());
  auto matters = [&](int64_t d) { return type.getDimSize(d) != 1; };
  bool usesIndex =
      tail.getBody()
          ->walk([](linalg::IndexOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (usesIndex)
    return false;
  SmallVector<int64_t> wanted;
  for (int64_t d = 0; d < dims; ++d)
    if (matters(d))
      wanted.push_back(d);
  return llvm::all_of(tail.getIndexingMapsArray(), [&](AffineMap map) {
    return isContiguousOver(map, wanted);
  });
}

void Epilogue::store(OpBuilder &b, ArrayRef<Value> indices, Value vector,
                     const Lanes &lanes) {
  SmallVector<LaneValue> at;
  for (Value index : indices.drop_back())
    at.push_back(LaneValue::uniform(index));
  at.push_back(LaneValue::linear(indices.back(), lanes.width > 1));
  Location loc = root.getLoc();
  LaneValue value =
      lanes.width > 1 ? LaneValue::varying(vector) : LaneValue::uniform(vector);
  if (!tail) {
    BufferRef to = context.lookup(b, loc, root);
    context.store(b, loc, value, to,
                  context.offset(b, loc, at, to.strides, lanes.width), lanes);
    return;
  }
  BodyEvaluator evaluator(context, tail);
  SmallVector<LaneValue> results = evaluator.evaluate(
      b, at, lanes, [&](unsigned i) -> std::optional<LaneValue> {
        if (tail->getOperand(i) == root)
          return value;
        return std::nullopt;
      });
  for (auto [i, result] : llvm::enumerate(results)) {
    BufferRef to = context.lookup(b, loc, tail.getResult(i));
    LaneValue offset =
        evaluator.operandOffset(b, tail.getNumDpsInputs() + i, to, at, lanes);
    context.store(b, loc, result, to, offset, lanes);
  }
}

bool Epilogue::isLong() {
  if (!tail)
    return false;
  // A function of math takes some twenty instructions and ten constants, which
  // push a tile out of the registers anyhow.
  return tail.getBody()
      ->walk([](Operation *inner) {
        return isa<math::MathDialect>(inner->getDialect())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

Value Epilogue::scratchFor(OpBuilder &b, const TileShape &shape,
                           Type elementType) {
  int64_t elements = shape.rows * shape.vectors * shape.width;
  if (scratch && elements <= scratchElements)
    return scratch;
  scratchElements = elements;
  Operation *parent = b.getInsertionBlock()->getParentOp();
  auto function = dyn_cast<FunctionOpInterface>(parent);
  if (!function)
    function = parent->getParentOfType<FunctionOpInterface>();
  OpBuilder entry = OpBuilder::atBlockBegin(&function.front());
  Location loc = root.getLoc();
  Value count =
      arith::ConstantOp::create(entry, loc, entry.getI64IntegerAttr(elements));
  scratch = LLVM::AllocaOp::create(
      entry, loc, LLVM::LLVMPointerType::get(entry.getContext()), elementType,
      count, /*alignment=*/64);
  return scratch;
}

void Epilogue::storeRow(OpBuilder &b, int64_t width, ArrayRef<Value> leading,
                        Value row, Value column, Value lastMask,
                        ArrayRef<Value> vectors) {
  Location loc = root.getLoc();
  for (auto [v, vector] : llvm::enumerate(vectors)) {
    SmallVector<Value> indices(leading);
    indices.push_back(row);
    indices.push_back(arith::AddIOp::create(
        b, loc, column, arith::ConstantIndexOp::create(b, loc, v * width)));
    bool last = v + 1 == vectors.size();
    store(b, indices, vector, Lanes{width, last ? lastMask : Value()});
  }
}

void Epilogue::storeTile(OpBuilder &b, const TileShape &shape,
                         ArrayRef<Value> leading, Value row, Value column,
                         Value lastMask, ArrayRef<Value> sums) {
  Location loc = root.getLoc();
  auto constant = [&](OpBuilder &at, int64_t v) -> Value {
    return arith::ConstantIndexOp::create(at, loc, v);
  };
  auto storeAt = [&](OpBuilder &at, Value r, ArrayRef<Value> vectors) {
    storeRow(at, shape.width, leading, arith::AddIOp::create(at, loc, row, r),
             column, lastMask, vectors);
  };
  // The stack of one of very many threads is far away.
  if (!isLong() || sums.size() == 1 || context.machine.hasWarps()) {
    for (int64_t r = 0; r < shape.rows; ++r)
      storeAt(b, constant(b, r), sums.slice(r * shape.vectors, shape.vectors));
    return;
  }
  auto type = cast<VectorType>(sums[0].getType());
  BufferRef parked{
      scratchFor(b, shape, type.getElementType()), type.getElementType(), {}};
  for (auto [i, sum] : llvm::enumerate(sums))
    context.store(b, loc, LaneValue::varying(sum), parked,
                  LaneValue::linear(constant(b, i * shape.width), 1),
                  Lanes{shape.width, Value()});
  auto rows = scf::ForOp::create(b, loc, constant(b, 0),
                                 constant(b, shape.rows), constant(b, 1));
  OpBuilder inner(rows.getBody()->getTerminator());
  Value r = rows.getInductionVar();
  SmallVector<Value> vectors;
  for (int64_t v = 0; v < shape.vectors; ++v) {
    Value at = arith::AddIOp::create(
        inner, loc,
        arith::MulIOp::create(inner, loc, r,
                              constant(inner, shape.vectors * shape.width)),
        constant(inner, v * shape.width));
    vectors.push_back(context
                          .load(inner, loc, parked, LaneValue::linear(at, 1),
                                Lanes{shape.width, Value()})
                          .value);
  }
  storeAt(inner, r, vectors);
}
