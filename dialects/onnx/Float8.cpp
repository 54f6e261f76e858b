//===- Float8.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Float8.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using onnx::Float8Rounding;
using onnx::Scalar;

namespace {
/// The layout of a type with a sign: codes are magnitudes, below the sign bit.
struct Layout {
  int bits;
  int mantissa;
  int bias;
  /// The greatest finite number; infinity, or 0 if there is none; NaN.
  int most, infinity, nan;
  /// There is no -0: its code is NaN.
  bool unsignedZero;

  int sign() const { return 1 << (bits - 1); }
  bool hasNan() const { return nan != 0; }
};
} // namespace

static Layout layoutOf(FloatType type) {
  if (isa<Float8E4M3FNType>(type))
    return {8, 3, 7, 0x7e, 0, 0x7f, false};
  if (isa<Float8E4M3FNUZType>(type))
    return {8, 3, 8, 0x7f, 0, 0x80, true};
  if (isa<Float8E5M2Type>(type))
    return {8, 2, 15, 0x7b, 0x7c, 0x7e, false};
  if (isa<Float4E2M1FNType>(type))
    return {4, 1, 1, 7, 0, 0, false};
  return {8, 2, 16, 0x7f, 0, 0x80, true};
}

FloatType onnx::float8Type(Type element) {
  if (isa<Float8E4M3FNType, Float8E4M3FNUZType, Float8E5M2Type,
          Float8E5M2FNUZType, Float8E8M0FNUType, Float4E2M1FNType>(element))
    return llvm::cast<FloatType>(element);
  return {};
}

static Scalar bitcast(Scalar x, Type to) {
  return x.with(
      arith::BitcastOp::create(x.builder(), x.getLoc(), to, Value(x)));
}
static Scalar asFloat(Scalar bits) {
  return bitcast(bits, bits.builder().getF32Type());
}
static Scalar asBits(Scalar x) { return bitcast(x, x.builder().getI32Type()); }

static Scalar shiftedUp(Scalar x, int by) {
  return onnx::shiftLeft(x, x.constant(by));
}
static Scalar shiftedDown(Scalar x, int by) {
  return onnx::shiftRight(x.with(x, /*isUnsigned=*/true), x.constant(by));
}
static Scalar mask(Scalar x, int bits) { return x & x.constant(bits); }

/// 2^(code - 127); 0xff is NaN.
static Scalar decodeExponent(Scalar code) {
  // 2^-127 has no exponent of its own in f32.
  Scalar bits = select(code == 0, 1 << 22, shiftedUp(code, 23));
  return asFloat(select(code == 0xff, 0x7fc00000, bits));
}

Scalar onnx::decodeFloat8(Scalar bits, FloatType type) {
  OpBuilder &b = bits.builder();
  Scalar code = cast(bits.with(bits, /*isUnsigned=*/true), b.getI32Type());
  if (isa<Float8E8M0FNUType>(type))
    return decodeExponent(code);
  Layout layout = layoutOf(type);
  Scalar magnitude = mask(code, layout.sign() - 1);
  Scalar normal = asFloat(shiftedUp(magnitude, 23 - layout.mantissa) +
                          double((127 - layout.bias) << 23));
  Scalar small = cast(magnitude, b.getF32Type()) *
                 std::ldexp(1.0, 1 - layout.bias - layout.mantissa);
  Scalar x = select(magnitude < (1 << layout.mantissa), small, normal);
  if (layout.infinity)
    x = select(magnitude == layout.infinity, x.constant(INFINITY), x);
  x = select(code >= layout.sign(), -x, x);
  if (!layout.hasNan())
    return x;
  Scalar isNan = layout.unsignedZero ? code == layout.nan
                 : layout.infinity   ? magnitude > layout.infinity
                                     : magnitude == layout.nan;
  return select(isNan, x.constant(NAN), x);
}

/// The code of a number's magnitude, rounded to nearest even; too great a one
/// gives a code above the type's.
static Scalar roundMagnitude(Scalar magnitude, const Layout &layout) {
  int dropped = 23 - layout.mantissa;
  Scalar bits = asBits(magnitude);
  Scalar tie = mask(shiftedDown(bits, dropped), 1);
  Scalar normal =
      shiftedDown(bits + tie + double((1 << (dropped - 1)) - 1), dropped) -
      double((127 - layout.bias) << layout.mantissa);
  // Below the normal numbers codes are multiples of the least one.
  double least = std::ldexp(1.0, 1 - layout.bias - layout.mantissa);
  double bound = std::ldexp(1.0, 1 - layout.bias);
  Scalar scaled = onnx::roundEven(onnx::min(magnitude, bound) * (1 / least));
  Scalar small = onnx::cast(scaled, bits.type());
  return select(magnitude < bound, small, normal);
}

/// The exponent of x >= 0 as its code.
static Scalar encodeExponent(Scalar x, const Float8Rounding &rounding) {
  Scalar bits = mask(asBits(x), 0x7fffffff);
  Scalar exponent = shiftedDown(bits, 23), rest = mask(bits, 0x7fffff);
  // Numbers without an exponent of their own in f32 lie around 2^-127.
  Scalar tiny = exponent == 0;
  Scalar one = bits.constant(1), code = exponent;
  if (rounding.roundMode == "up")
    code =
        code + select(rest > select(tiny, 1 << 22, bits.constant(0)), one, 0);
  else if (rounding.roundMode == "nearest")
    code = code + select(rest >= select(tiny, 3 << 21, bits.constant(1 << 22)),
                         one, 0);
  Scalar isNan = bits > 0x7f800000;
  if (rounding.saturate)
    return select(isNan, 0xff, onnx::min(code, 0xfe));
  Scalar least = bits.constant(1 << 22);
  return select(isNan | (bits < least), 0xff, onnx::min(code, 0xff));
}

static Scalar encodeSigned(Scalar x, const Layout &layout, bool saturate) {
  Scalar bits = asBits(x);
  Scalar sign = mask(shiftedDown(bits, 32 - layout.bits), layout.sign());
  Scalar magnitude = asFloat(mask(bits, 0x7fffffff));
  Scalar code = roundMagnitude(magnitude, layout);
  int beyond = saturate          ? layout.most
               : layout.infinity ? layout.infinity
                                 : layout.nan;
  code = select(code > layout.most, beyond, code);
  if (!layout.hasNan())
    return select(isNan(x), layout.sign(), code | sign);
  code = select(isNan(x), layout.nan, code);
  if (layout.unsignedZero)
    return select((code == 0) | (code == layout.nan), code, code | sign);
  return code | sign;
}

Scalar onnx::encodeFloat8(Scalar x, FloatType type,
                          const Float8Rounding &rounding) {
  Scalar code =
      isa<Float8E8M0FNUType>(type)
          ? encodeExponent(x, rounding)
          : encodeSigned(x, layoutOf(type),
                         rounding.saturate || isa<Float4E2M1FNType>(type));
  return cast(code, x.builder().getI8Type());
}
