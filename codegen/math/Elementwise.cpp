//===- Elementwise.cpp - from any scalar or vector to a formula -----------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Elementwise.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace ingot::vecmath {

static bool isSmallFloat(Type element) {
  return element.isF16() || element.isBF16();
}

bool isSupported(Type type) {
  if (auto vector = dyn_cast<VectorType>(type)) {
    if (vector.isScalable())
      return false;
    type = vector.getElementType();
  } else if (isa<ShapedType>(type)) {
    return false;
  }
  return isSmallFloat(type) || type.isF32() || type.isF64() ||
         type.isSignlessInteger() || type.isIndex();
}

/// The operand as a formula wants it: scalar or 1-D, f32, f64 or integer.
static Expr prepare(OpBuilder &b, Location loc, Value operand) {
  auto vector = dyn_cast<VectorType>(operand.getType());
  if (vector && vector.getRank() != 1)
    operand = vector::ShapeCastOp::create(
        b, loc,
        VectorType::get(vector.getNumElements(), vector.getElementType()),
        operand);
  Expr e(b, loc, operand);
  if (isSmallFloat(e.elementType()))
    return toF32(e);
  if (e.elementType().isIndex())
    return e.with(
        arith::IndexCastOp::create(b, loc, e.typeOf(b.getI64Type()), operand));
  return e;
}

/// A formula's result as a value of the op's result type.
static Value finish(Expr result, Type type) {
  OpBuilder &b = result.builder();
  Type element = getElementTypeOrSelf(type);
  if (isSmallFloat(element))
    result = result.with(arith::TruncFOp::create(
        b, result.loc(), result.typeOf(element), result.value()));
  else if (element.isIndex())
    result = result.with(arith::IndexCastOp::create(
        b, result.loc(), result.typeOf(element), result.value()));
  if (result.type() == type)
    return result.value();
  return vector::ShapeCastOp::create(b, result.loc(), type, result.value());
}

SmallVector<Value>
applyFormula(OpBuilder &builder, Location loc, ValueRange operands,
             TypeRange resultTypes,
             function_ref<SmallVector<Expr, 2>(ArrayRef<Expr>)> formula) {
  SmallVector<Expr> args;
  for (Value operand : operands)
    args.push_back(prepare(builder, loc, operand));
  SmallVector<Value> results;
  for (auto [result, type] : llvm::zip_equal(formula(args), resultTypes))
    results.push_back(finish(result, type));
  return results;
}

} // namespace ingot::vecmath
