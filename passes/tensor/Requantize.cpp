//===- Requantize.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Single precision rounds x * ratio to an integer in two steps. With `magic`,
// whose unit in the last place is 1, m = fma(x, high, magic) is the nearest
// integer to x * high (plus magic), and d = x * high - m, exact but for a last
// rounding, is what it missed. With x * low, the part of the ratio that single
// precision lost, and the fraction of the offset added to d, m + d rounds to
// the nearest integer of the exact sum, and an exact tie to the even one. All
// terms of d are below 2, so its roundings are below 2^-22.
//
// The multiplications must be fused ones and keep their order: math.fma is one
// instruction on every target, and no fast-math flag is ever set.
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/Requantize.h"
#include "dialects/onnx/Shape.h"
#include "passes/tensor/lower/Scalars.h"

#include <cmath>

using namespace mlir;
using namespace ingot;

/// Integers are rounded by adding it: its unit in the last place is 1.
static constexpr float magic = 0x1.8p23f;
static constexpr int32_t magicBits = 0x4B400000;
/// Rounded numbers must stay below this for that.
static constexpr double magicLimit = 0x1p21;
/// Integers up to this are singles.
static constexpr double exactSingle = 0x1p24;

QuantizedRange QuantizedRange::of(Type elementType, int64_t zeroPoint) {
  auto type = cast<IntegerType>(elementType);
  QuantizedRange range;
  range.zeroPoint = zeroPoint;
  range.low = type.isUnsigned() ? 0 : -(int64_t(1) << (type.getWidth() - 1));
  range.high = range.low + (int64_t(1) << type.getWidth()) - 1;
  return range;
}

double QuantizedRange::span() const {
  return double(
      std::max(std::abs(high - zeroPoint), std::abs(low - zeroPoint)));
}

SplitNumber SplitNumber::nearest(double x) {
  float high = float(x);
  return {high, std::isfinite(high) ? float(x - double(high)) : 0.0f};
}

SplitNumber SplitNumber::multiple(double x, double quantum) {
  double high = std::nearbyint(x / quantum) * quantum;
  return {float(high), float(x - high)};
}

/// The number for channel c of a list that may have one for all.
static double at(ArrayRef<double> list, size_t c) {
  return list.empty() ? 0 : list[list.size() == 1 ? 0 : c];
}

static size_t channelsOf(const Requantization &how) {
  return std::max({how.ratio.size(), how.offset.size(), how.bound.size()});
}

bool Requantization::isSingle() const {
  for (size_t c = 0, e = channelsOf(*this); c < e; ++c) {
    double factor = std::abs(at(ratio, c)), most = at(bound, c);
    double shift = std::abs(at(offset, c));
    if (!(factor * most + shift < magicLimit))
      return false;
    // A larger integer is rounded first, which does not matter if the result
    // is at a limit anyhow.
    if (most > exactSingle && factor * exactSingle <= range.span() + shift + 2)
      return false;
  }
  return true;
}

double SumRequantization::most() const {
  return (std::abs(scaleA) * boundA + std::abs(scaleB) * boundB) / scale;
}

bool SumRequantization::isSingle() const {
  // The low parts of ratios are below 2^-22 of this, so that their products
  // with the integers stay below 1.
  return most() < 0x1p13 && most() > 0x1p-60 && boundA <= 512 && boundB <= 512;
}

ChannelConstants::Number ChannelConstants::add(ArrayRef<double> list,
                                               Type type) {
  if (list.empty() || llvm::all_equal(list))
    return {list.empty() ? 0 : list[0], -1, type};
  auto tensor = RankedTensorType::get(int64_t(list.size()), type);
  SmallVector<Attribute> values;
  for (double value : list)
    values.push_back(isa<FloatType>(type)
                         ? Attribute(b.getFloatAttr(type, value))
                         : b.getIntegerAttr(type, int64_t(value)));
  ins.push_back(onnx::ConstantOp::create(
      b, loc, tensor, DenseElementsAttr::get(tensor, values)));
  maps.push_back(AffineMap::get(
      loops, 0, getAffineDimExpr(channelLoop, b.getContext()), b.getContext()));
  return {0, int64_t(ins.size()) - 1, type};
}

Value ChannelConstants::Number::get(Body &body) const {
  if (operand >= 0)
    return body.args[operand];
  if (isa<FloatType>(type))
    return constantLike(body.b, body.loc, type, value);
  return integerConstant(body.b, body.loc, type, int64_t(value));
}

using Number = ChannelConstants::Number;

/// A fused multiply-add.
static Value fma(const Scalars &s, Value x, Value y, Value z) {
  return math::FmaOp::create(s.b, s.loc, x, y, z);
}

/// The i32 limited to the range, in the compute type of `to`.
static Value limited(const Scalars &s, Value word, const QuantizedRange &range,
                     Type to) {
  Type i32 = s.b.getI32Type();
  Value low = integerConstant(s.b, s.loc, i32, range.low);
  Value high = integerConstant(s.b, s.loc, i32, range.high);
  word = arith::MaxSIOp::create(s.b, s.loc, word, low);
  word = arith::MinSIOp::create(s.b, s.loc, word, high);
  return arith::TruncIOp::create(s.b, s.loc, computeType(to), word);
}

/// The integer in m = magic + integer, plus `shift`.
static Value integerOf(const Scalars &s, Value m, Value shift) {
  Value bits = arith::BitcastOp::create(s.b, s.loc, s.b.getI32Type(), m);
  return s.add(bits, shift);
}

/// The f64 rounded and limited, in the compute type of `to`.
static Value roundedDouble(const Scalars &s, Value x,
                           const QuantizedRange &range, Type to) {
  Type f64 = s.b.getF64Type(), i32 = s.b.getI32Type();
  double zero = double(range.zeroPoint);
  Value low = s.constant(f64, double(range.low) - zero);
  Value high = s.constant(f64, double(range.high) - zero);
  Value rounded = s.clamp(s.roundEven(x), low, high);
  Value word = arith::FPToSIOp::create(s.b, s.loc, i32, rounded);
  word = s.add(word, integerConstant(s.b, s.loc, i32, range.zeroPoint));
  return arith::TruncIOp::create(s.b, s.loc, computeType(to), word);
}

/// The integers next to the offsets, and what is left.
static void splitOffsets(ArrayRef<double> offset, SmallVector<double> &whole,
                         SmallVector<double> &rest) {
  // A rest this small cannot be told from the rounding of exact arithmetic.
  constexpr double negligible = 0x1p-21;
  for (double x : offset) {
    whole.push_back(std::nearbyint(x));
    rest.push_back(x - whole.back());
  }
  if (llvm::all_of(rest, [](double x) { return std::abs(x) <= negligible; }))
    rest.clear();
}

static Value requantizeSingle(OpBuilder &b, Location loc, RankedTensorType out,
                              SmallVector<Value> ins,
                              SmallVector<AffineMap> maps, int64_t channelLoop,
                              const Requantization &how,
                              function_ref<Value(Body &)> integer) {
  SmallVector<double> highs, lows, whole, rest;
  for (double ratio : how.ratio) {
    SplitNumber split = SplitNumber::nearest(ratio);
    highs.push_back(split.high);
    lows.push_back(split.low);
  }
  splitOffsets(how.offset, whole, rest);
  for (double &shift : whole)
    shift += double(how.range.zeroPoint - magicBits);
  if (whole.empty())
    whole.push_back(double(how.range.zeroPoint - magicBits));
  Type f32 = b.getF32Type();
  ChannelConstants constants{b, loc, out.getRank(), channelLoop, ins, maps};
  Number high = constants.add(highs, f32), low = constants.add(lows, f32);
  Number fraction = constants.add(rest, f32);
  Number shift = constants.add(whole, b.getI32Type());
  return compute(b, loc, out, ins, maps, [&](Body &body) {
    Scalars s{body.b, body.loc};
    Value x = arith::SIToFPOp::create(s.b, s.loc, f32, integer(body));
    Value rounder = s.constant(f32, magic), factor = high.get(body);
    Value m = fma(s, x, factor, rounder);
    Value missed = fma(s, x, factor, s.sub(rounder, m));
    if (!low.isZero())
      missed = fma(s, x, low.get(body), missed);
    if (!fraction.isZero())
      missed = s.add(missed, fraction.get(body));
    m = s.add(m, missed);
    return limited(s, integerOf(s, m, shift.get(body)), how.range,
                   out.getElementType());
  });
}

static Value requantizeDouble(OpBuilder &b, Location loc, RankedTensorType out,
                              SmallVector<Value> ins,
                              SmallVector<AffineMap> maps, int64_t channelLoop,
                              const Requantization &how,
                              function_ref<Value(Body &)> integer) {
  Type f64 = b.getF64Type();
  ChannelConstants constants{b, loc, out.getRank(), channelLoop, ins, maps};
  Number ratio = constants.add(how.ratio, f64);
  Number offset = constants.add(how.offset, f64);
  return compute(b, loc, out, ins, maps, [&](Body &body) {
    Scalars s{body.b, body.loc};
    Value x = arith::SIToFPOp::create(s.b, s.loc, f64, integer(body));
    Value y = offset.isZero() ? s.mul(x, ratio.get(body))
                              : fma(s, x, ratio.get(body), offset.get(body));
    return roundedDouble(s, y, how.range, out.getElementType());
  });
}

Value ingot::requantize(OpBuilder &b, Location loc, RankedTensorType out,
                        ValueRange ins, ArrayRef<AffineMap> maps,
                        int64_t channelLoop, const Requantization &how,
                        function_ref<Value(Body &)> integer) {
  return (how.isSingle() ? requantizeSingle : requantizeDouble)(
      b, loc, out, SmallVector<Value>(ins), SmallVector<AffineMap>(maps),
      channelLoop, how, integer);
}

Value ingot::requantizeSum(
    OpBuilder &b, Location loc, RankedTensorType out, ValueRange ins,
    ArrayRef<AffineMap> maps, const SumRequantization &how,
    function_ref<std::pair<Value, Value>(Body &)> integers) {
  Type f32 = b.getF32Type(), f64 = b.getF64Type();
  if (!how.isSingle())
    return compute(b, loc, out, ins, maps, [&](Body &body) {
      Scalars s{body.b, body.loc};
      auto both = integers(body);
      Value x = arith::SIToFPOp::create(s.b, s.loc, f64, both.first);
      Value y = arith::SIToFPOp::create(s.b, s.loc, f64, both.second);
      // Scales are singles: the products are exact, whatever cancels out.
      Value sum = fma(s, x, s.constant(f64, how.scaleA),
                      s.mul(y, s.constant(f64, how.scaleB)));
      return roundedDouble(s, s.mul(sum, s.constant(f64, 1 / how.scale)),
                           how.range, out.getElementType());
    });
  // Multiples of a quantum that the sum has less than 2^24 of are added
  // without rounding.
  double quantum = std::ldexp(1.0, std::ilogb(how.most()) + 2 - 24);
  SplitNumber a = SplitNumber::multiple(how.scaleA / how.scale, quantum);
  SplitNumber c = SplitNumber::multiple(how.scaleB / how.scale, quantum);
  return compute(b, loc, out, ins, maps, [&](Body &body) {
    Scalars s{body.b, body.loc};
    auto both = integers(body);
    Value x = arith::SIToFPOp::create(s.b, s.loc, f32, both.first);
    Value y = arith::SIToFPOp::create(s.b, s.loc, f32, both.second);
    auto weighted = [&](float ratioX, float ratioY) {
      return fma(s, x, s.constant(f32, ratioX),
                 s.mul(y, s.constant(f32, ratioY)));
    };
    Value high = weighted(a.high, c.high), low = weighted(a.low, c.low);
    Value rounder = s.constant(f32, magic);
    Value m = s.add(high, rounder);
    Value missed = s.add(s.add(high, s.sub(rounder, m)), low);
    m = s.add(m, missed);
    Value shift = integerConstant(s.b, s.loc, s.b.getI32Type(),
                                  how.range.zeroPoint - magicBits);
    return limited(s, integerOf(s, m, shift), how.range, out.getElementType());
  });
}
