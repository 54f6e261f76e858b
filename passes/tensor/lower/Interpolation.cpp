//===- Interpolation.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Interpolation.h"

using namespace mlir;
using namespace ingot;

AxisTap ingot::tapAt(const Scalars &s, Value place, Value size) {
  Type type = place.getType();
  Value zero = s.constant(type, 0);
  Value last = s.sub(s.toFloat(size, type), s.constant(type, 1));
  // Of NaN both comparisons are false, and the limited place is 0.
  Value exists = s.both(s.lessOrEqual(zero, place), s.lessOrEqual(place, last));
  return {s.toIndex(s.clamp(place, zero, last)), Value(), exists};
}

AxisTaps ingot::linearTaps(const Scalars &s, Value place, Value size) {
  Type type = place.getType();
  Value one = s.constant(type, 1);
  Value floor = s.floor(place);
  Value upper = s.sub(place, floor);
  AxisTap low = tapAt(s, floor, size);
  AxisTap high = tapAt(s, s.add(floor, one), size);
  low.weight = s.sub(one, upper);
  high.weight = upper;
  return {low, high};
}

static Value interpolateFrom(const Scalars &s, SmallVectorImpl<Value> &indices,
                             ArrayRef<AxisTaps> axes, Value exists,
                             function_ref<Value(ValueRange)> load) {
  if (axes.empty()) {
    Value v = load(indices);
    return exists ? s.select(exists, v, s.constant(v.getType(), 0)) : v;
  }
  Value sum;
  for (const AxisTap &tap : axes.front()) {
    Value both = tap.exists;
    if (both && exists)
      both = s.both(exists, both);
    indices.push_back(tap.index);
    Value v = interpolateFrom(s, indices, axes.drop_front(),
                              both ? both : exists, load);
    indices.pop_back();
    if (tap.weight)
      v = s.mul(v, s.convertFloat(tap.weight, v.getType()));
    sum = sum ? s.add(sum, v) : v;
  }
  return sum;
}

Value ingot::interpolate(const Scalars &s, ValueRange leading,
                         ArrayRef<AxisTaps> axes,
                         function_ref<Value(ValueRange)> load) {
  SmallVector<Value> indices(leading);
  return interpolateFrom(s, indices, axes, Value(), load);
}

Value ingot::linearWeight(const Scalars &s, Value distance) {
  Type type = distance.getType();
  return s.max(s.sub(s.constant(type, 1), s.abs(distance)),
               s.constant(type, 0));
}

Value ingot::cubicWeight(const Scalars &s, Value distance, double a) {
  Type type = distance.getType();
  auto c = [&](double v) { return s.constant(type, v); };
  Value x = s.abs(distance);
  // |x| <= 1: ((a + 2) x - (a + 3)) x^2 + 1
  Value near = s.sub(s.mul(c(a + 2), x), c(a + 3));
  near = s.add(s.mul(s.mul(near, x), x), c(1));
  // |x| < 2: ((a x - 5 a) x + 8 a) x - 4 a
  Value far = s.sub(s.mul(c(a), x), c(5 * a));
  far = s.add(s.mul(far, x), c(8 * a));
  far = s.sub(s.mul(far, x), c(4 * a));
  Value isNear = s.lessOrEqual(x, c(1)), isFar = s.less(x, c(2));
  return s.select(isNear, near, s.select(isFar, far, c(0)));
}

Value ingot::fromInterpolated(const Scalars &s, Value v, Type to) {
  auto integer = dyn_cast<IntegerType>(to);
  if (!integer)
    return s.convertFloat(v, computeType(to));
  unsigned width = integer.getWidth();
  Type wide = s.b.getF64Type(), word = s.b.getI64Type();
  double low = integer.isUnsigned() ? 0 : -std::ldexp(1.0, width - 1);
  double high = low + std::ldexp(1.0, width) - 1;
  Value limited = s.clamp(s.roundEven(s.convertFloat(v, wide)),
                          s.constant(wide, low), s.constant(wide, high));
  Value whole = arith::FPToSIOp::create(s.b, s.loc, word, limited);
  return arith::TruncIOp::create(s.b, s.loc, computeType(to), whole);
}

Value ingot::toInterpolated(const Scalars &s, Value v, bool isUnsigned,
                            Type floatType) {
  if (Scalars::isFloat(v))
    return s.convertFloat(v, floatType);
  if (isUnsigned)
    return arith::UIToFPOp::create(s.b, s.loc, floatType, v);
  return arith::SIToFPOp::create(s.b, s.loc, floatType, v);
}

Type ingot::interpolationType(Type element) {
  MLIRContext *context = element.getContext();
  if (isa<FloatType>(element))
    return element.getIntOrFloatBitWidth() >= 16 ? computeType(element)
                                                 : Type();
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() < 8 || integer.getWidth() > 32)
    return Type();
  if (integer.getWidth() == 32)
    return Float64Type::get(context);
  return Float32Type::get(context);
}
