//===- BodyEvaluator.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/BodyEvaluator.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ingot;

LaneValue BodyEvaluator::get(Value v) {
  auto it = values.find(v);
  return it == values.end() ? LaneValue::uniform(v) : it->second;
}

void BodyEvaluator::importOuterScalars(OpBuilder &b) {
  op.getBody()->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!isa<TensorType>(operand.getType()) &&
          !op.getRegion().isAncestor(operand.getParentRegion()) &&
          !values.contains(operand))
        values[operand] = LaneValue::uniform(context.importScalar(b, operand));
  });
}

LaneValue BodyEvaluator::evaluateAffine(OpBuilder &b, AffineExpr expr,
                                        ArrayRef<LaneValue> indices,
                                        int64_t width) {
  Location loc = op.getLoc();
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return LaneValue::uniform(
        arith::ConstantIndexOp::create(b, loc, constant.getValue()));
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return indices[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  LaneValue lhs = evaluateAffine(b, binary.getLHS(), indices, width);
  LaneValue rhs = evaluateAffine(b, binary.getRHS(), indices, width);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return context.add(b, loc, lhs, rhs, width);
  case AffineExprKind::Mul: {
    std::optional<int64_t> factor = onnx::constantValue(binary.getRHS());
    return context.mul(b, loc, lhs, rhs.value, factor, width);
  }
  default:
    break;
  }
  bool uniform = lhs.isUniform() && rhs.isUniform();
  Value x = uniform ? lhs.value : context.materialize(b, loc, lhs, width);
  Value y = uniform ? rhs.value : context.materialize(b, loc, rhs, width);
  Value result;
  // Loop indices are never negative, so unsigned division is floor division.
  if (expr.getKind() == AffineExprKind::FloorDiv)
    result = arith::DivUIOp::create(b, loc, x, y);
  else if (expr.getKind() == AffineExprKind::CeilDiv)
    result = arith::CeilDivUIOp::create(b, loc, x, y);
  else
    result = arith::RemUIOp::create(b, loc, x, y);
  return {uniform ? LaneValue::Uniform : LaneValue::Varying, result, 0};
}

LaneValue BodyEvaluator::operandOffset(OpBuilder &b, unsigned i,
                                       const BufferRef &ref,
                                       ArrayRef<LaneValue> indices,
                                       const Lanes &lanes) {
  AffineMap map = op.getIndexingMapsArray()[i];
  SmallVector<LaneValue> at;
  for (AffineExpr expr : map.getResults())
    at.push_back(evaluateAffine(b, expr, indices, lanes.width));
  return context.offset(b, op.getLoc(), at, ref.strides, lanes.width);
}

/// Integer arithmetic that keeps a linear value linear.
std::optional<LaneValue> BodyEvaluator::emitIndexArithmetic(OpBuilder &b,
                                                            Operation &inner,
                                                            int64_t width) {
  Location loc = inner.getLoc();
  bool anyLinear = llvm::any_of(inner.getOperands(), [&](Value v) {
    return get(v).kind == LaneValue::Linear;
  });
  if (!anyLinear)
    return std::nullopt;
  if (auto add = dyn_cast<arith::AddIOp>(inner))
    return context.add(b, loc, get(add.getLhs()), get(add.getRhs()), width);
  if (auto sub = dyn_cast<arith::SubIOp>(inner)) {
    LaneValue x = get(sub.getLhs()), y = get(sub.getRhs());
    if (x.kind == LaneValue::Varying || y.kind == LaneValue::Varying)
      return std::nullopt;
    return LaneValue::linear(arith::SubIOp::create(b, loc, x.value, y.value),
                             x.step - y.step);
  }
  if (auto mul = dyn_cast<arith::MulIOp>(inner)) {
    LaneValue x = get(mul.getLhs()), y = get(mul.getRhs());
    if (!y.isUniform())
      std::swap(x, y);
    APInt constant;
    if (!y.isUniform() || !matchPattern(y.value, m_ConstantInt(&constant)))
      return std::nullopt;
    return context.mul(b, loc, x, y.value, constant.getSExtValue(), width);
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(inner)) {
    LaneValue x = get(inner.getOperand(0));
    Type type = inner.getResult(0).getType();
    // Narrowing keeps a linear value linear only while it does not wrap, which
    // loop indices below 2^31 do not.
    if (type.isIndex() || type.isInteger(64))
      return LaneValue::linear(
          arith::IndexCastOp::create(b, loc, type, x.value), x.step);
  }
  return std::nullopt;
}

SmallVector<LaneValue> BodyEvaluator::emit(OpBuilder &b, Operation &inner,
                                           ArrayRef<LaneValue> indices,
                                           const Lanes &lanes) {
  Location loc = op.getLoc();
  int64_t width = lanes.width;
  if (auto index = dyn_cast<linalg::IndexOp>(inner))
    return {indices[index.getDim()]};
  if (auto apply = dyn_cast<affine::AffineApplyOp>(inner)) {
    SmallVector<LaneValue> operands;
    for (Value operand : apply.getOperands())
      operands.push_back(get(operand));
    // Symbols come after dimensions; the evaluator knows dimensions only.
    AffineMap map = apply.getAffineMap();
    SmallVector<AffineExpr> symbols;
    for (unsigned i = 0; i < map.getNumSymbols(); ++i)
      symbols.push_back(
          getAffineDimExpr(map.getNumDims() + i, map.getContext()));
    return {evaluateAffine(b, map.getResult(0).replaceSymbols(symbols),
                           operands, width)};
  }
  if (auto extent = dyn_cast<kernel::ExtentOp>(inner))
    return {LaneValue::uniform(
        context.expand(b, loc, extent.getDim().getDims()[0]))};
  if (auto extract = dyn_cast<tensor::ExtractOp>(inner)) {
    BufferRef ref = context.lookup(b, loc, extract.getTensor());
    SmallVector<LaneValue> at;
    for (Value index : extract.getIndices())
      at.push_back(get(index));
    return {context.load(
        b, loc, ref, context.offset(b, loc, at, ref.strides, width), lanes)};
  }
  if (auto fault = dyn_cast<kernel::FaultOp>(inner)) {
    context.fault(b, loc, get(fault.getCondition()), fault.getCode(), lanes);
    return {};
  }
  if (isa<UnrealizedConversionCastOp>(inner))
    return {get(inner.getOperand(0))};
  if (std::optional<LaneValue> linear = emitIndexArithmetic(b, inner, width))
    return {*linear};

  bool uniform = llvm::all_of(inner.getOperands(),
                              [&](Value v) { return get(v).isUniform(); });
  OperationState state(loc, inner.getName());
  for (auto [i, operand] : llvm::enumerate(inner.getOperands())) {
    LaneValue v = get(operand);
    // A select by a uniform condition needs no vector of conditions.
    bool keep =
        uniform || (i == 0 && v.isUniform() && isa<arith::SelectOp>(inner));
    state.addOperands(keep ? v.value : context.materialize(b, loc, v, width));
  }
  bool scalarResult = uniform || width == 1;
  for (Type type : inner.getResultTypes())
    state.addTypes(scalarResult ? type : VectorType::get({width}, type));
  state.addAttributes(inner.getDiscardableAttrDictionary().getValue());
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  if (auto constant = dyn_cast<arith::ConstantOp>(inner))
    return {LaneValue::uniform(b.clone(inner)->getResult(0))};
  Operation *created = b.create(state);
  SmallVector<LaneValue> results;
  for (Value result : created->getResults())
    results.push_back(
        {scalarResult ? LaneValue::Uniform : LaneValue::Varying, result, 0});
  return results;
}

SmallVector<LaneValue> BodyEvaluator::evaluate(
    OpBuilder &b, ArrayRef<LaneValue> indices, const Lanes &lanes,
    function_ref<std::optional<LaneValue>(unsigned)> given) {
  values.clear();
  importOuterScalars(b);
  Block *body = op.getBody();
  for (BlockArgument arg : body->getArguments()) {
    if (arg.use_empty())
      continue;
    unsigned i = arg.getArgNumber();
    if (std::optional<LaneValue> value = given(i)) {
      values[arg] = *value;
      continue;
    }
    BufferRef ref = context.lookup(b, op.getLoc(), op->getOperand(i));
    LaneValue offset = operandOffset(b, i, ref, indices, lanes);
    values[arg] = context.load(b, op.getLoc(), ref, offset, lanes);
  }
  for (Operation &inner : body->without_terminator()) {
    SmallVector<LaneValue> results = emit(b, inner, indices, lanes);
    for (auto [result, value] : llvm::zip(inner.getResults(), results))
      values[result] = value;
  }
  SmallVector<LaneValue> yielded;
  for (Value v : body->getTerminator()->getOperands())
    yielded.push_back(get(v));
  return yielded;
}
