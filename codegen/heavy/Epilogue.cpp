//===- Epilogue.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Epilogue.h"

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
