//===- Products.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

RankedTensorType ingot::accumulatorType(RankedTensorType type) {
  return onnx::tensorOf(onnx::getDims(type),
                        isa<FloatType>(type.getElementType())
                            ? computeType(type.getElementType())
                            : type.getElementType());
}

Value ingot::convertElements(OpBuilder &b, Location loc, Value tensor,
                             RankedTensorType type) {
  if (getElementTypeOrSelf(tensor.getType()) == type.getElementType())
    return tensor;
  return compute(b, loc, type, tensor, b.getMultiDimIdentityMap(type.getRank()),
                 [&](Body &body) {
                   return Scalars{body.b, body.loc}.convertFloat(
                       body.args[0], computeType(type.getElementType()));
                 });
}

Value ingot::centered(const Scalars &s, Value byte, bool isUnsigned,
                      Value zeroPoint) {
  Type i32 = s.b.getI32Type();
  Value wide = s.widen(byte, isUnsigned, i32);
  return zeroPoint ? s.sub(wide, s.widen(zeroPoint, isUnsigned, i32)) : wide;
}

Value ingot::quantized(const Scalars &s, Value value, Value zeroPoint,
                       Type to) {
  auto integer = cast<IntegerType>(to);
  unsigned width = integer.getWidth();
  bool isUnsigned = integer.isUnsigned();
  int64_t low = isUnsigned ? 0 : -(int64_t(1) << (width - 1));
  int64_t high = low + (int64_t(1) << width) - 1;
  Type type = value.getType(), i32 = s.b.getI32Type();
  Value rounded = s.roundEven(value);
  if (!zeroPoint) {
    Value limited = s.clamp(rounded, s.constant(type, double(low)),
                            s.constant(type, double(high)));
    Value word = arith::FPToSIOp::create(s.b, s.loc, i32, limited);
    return arith::TruncIOp::create(s.b, s.loc, computeType(to), word);
  }
  // Limiting before the zero point is added keeps the sum exact.
  Value zero = s.widen(zeroPoint, isUnsigned, i32);
  Value shift = arith::SIToFPOp::create(s.b, s.loc, type, zero);
  Value limited = s.clamp(rounded, s.sub(s.constant(type, double(low)), shift),
                          s.sub(s.constant(type, double(high)), shift));
  Value word = arith::FPToSIOp::create(s.b, s.loc, i32, limited);
  return arith::TruncIOp::create(s.b, s.loc, computeType(to),
                                 s.add(word, zero));
}

AffineMap ingot::singleElementMap(Value tensor, int64_t loops) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<AffineExpr> zeros(type.getRank(),
                                getAffineConstantExpr(0, type.getContext()));
  return AffineMap::get(loops, 0, zeros, type.getContext());
}

Value ingot::requantize(OpBuilder &b, Location loc, RankedTensorType out,
                        Value sums, MappedOperand scaleX, MappedOperand scaleW,
                        Value scaleY, Value zeroPoint) {
  int64_t rank = out.getRank();
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(rank), scaleX.map,
                                 scaleW.map, singleElementMap(scaleY, rank),
                                 singleElementMap(zeroPoint, rank)};
  return compute(
      b, loc, out,
      ValueRange{sums, scaleX.tensor, scaleW.tensor, scaleY, zeroPoint}, maps,
      [&](Body &body) {
        Scalars s{body.b, body.loc};
        // In double precision: the sum has up to 32 bits, and the result
        // should be that of exact arithmetic.
        Type wide = b.getF64Type();
        Value sum =
            arith::SIToFPOp::create(body.b, body.loc, wide, body.args[0]);
        Value scale = s.div(s.mul(s.convertFloat(body.args[1], wide),
                                  s.convertFloat(body.args[2], wide)),
                            s.convertFloat(body.args[3], wide));
        return quantized(s, s.mul(sum, scale), body.args[4],
                         out.getElementType());
      });
}
