//===- Scalar.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formulas on one element, written as formulas: `x / (abs(x) + 1)` builds the
// arith and math ops for x's type. The scalar functions of elementwise ops and
// the bodies of lowerings are made of these.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_SCALAR_H
#define INGOT_DIALECTS_ONNX_SCALAR_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/APFloat.h"

namespace ingot::onnx {

/// The type that arithmetic on elements is done in: f32 for float types
/// narrower than 32 bits, the signless integer type, else the type itself.
mlir::Type computeType(mlir::Type elementType);

/// A number in a formula; takes the type of the Scalar it meets.
struct Literal {
  double value;
  Literal(double value) : value(value) {}
  Literal(const llvm::APFloat &value);
};

/// An element in its compute type, and where to build what is computed from
/// it. Integers remember whether the tensor they come from is unsigned.
class Scalar {
public:
  Scalar() = default;
  Scalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
         bool isUnsigned)
      : b(&b), loc(loc), value(value), unsignedFlag(isUnsigned) {}
  /// `from`: the type of the tensor or element that the value was read from.
  Scalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
         mlir::Type from);

  operator mlir::Value() const { return value; }
  /// False for an operand that the model left out.
  explicit operator bool() const { return bool(value); }
  mlir::OpBuilder &builder() const { return *b; }
  mlir::Location getLoc() const { return *loc; }
  mlir::Type type() const { return value.getType(); }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(type()); }
  bool isUnsigned() const { return unsignedFlag; }
  /// Bits of the type.
  unsigned width() const { return type().getIntOrFloatBitWidth(); }

  /// A constant of the same type.
  Scalar constant(Literal literal) const;
  Scalar constant(const llvm::APInt &bits) const;
  /// Another value, of any type, built at the same place.
  Scalar with(mlir::Value other, bool isUnsigned = false) const {
    return Scalar(*b, *loc, other, isUnsigned);
  }

private:
  mlir::OpBuilder *b = nullptr;
  std::optional<mlir::Location> loc;
  mlir::Value value;
  bool unsignedFlag = false;
};

// Arithmetic. Integers wrap. Integer division truncates and never traps: x / 0
// is x, and the least number divided by -1 is itself.
Scalar operator+(Scalar a, Scalar b);
Scalar operator-(Scalar a, Scalar b);
Scalar operator*(Scalar a, Scalar b);
Scalar operator/(Scalar a, Scalar b);
Scalar operator-(Scalar x);

/// Remainders: of truncating division (sign of a), of flooring division (sign
/// of b). Of integers with b = 0: 0.
Scalar truncMod(Scalar a, Scalar b);
Scalar floorMod(Scalar a, Scalar b);

// Comparisons give an i1. A NaN is unequal to all and in no order with any.
Scalar operator<(Scalar a, Scalar b);
Scalar operator<=(Scalar a, Scalar b);
Scalar operator>(Scalar a, Scalar b);
Scalar operator>=(Scalar a, Scalar b);
Scalar operator==(Scalar a, Scalar b);
Scalar operator!=(Scalar a, Scalar b);
Scalar isNan(Scalar x);

// The same with one side a number.
#define INGOT_SCALAR_LITERALS(op)                                              \
  inline Scalar operator op(Scalar a, Literal b) {                             \
    return a op a.constant(b);                                                 \
  }                                                                            \
  inline Scalar operator op(Literal a, Scalar b) { return b.constant(a) op b; }
INGOT_SCALAR_LITERALS(+)
INGOT_SCALAR_LITERALS(-)
INGOT_SCALAR_LITERALS(*)
INGOT_SCALAR_LITERALS(/)
INGOT_SCALAR_LITERALS(<)
INGOT_SCALAR_LITERALS(<=)
INGOT_SCALAR_LITERALS(>)
INGOT_SCALAR_LITERALS(>=)
INGOT_SCALAR_LITERALS(==)
INGOT_SCALAR_LITERALS(!=)
#undef INGOT_SCALAR_LITERALS

// Bits of integers and bools.
Scalar operator&(Scalar a, Scalar b);
Scalar operator|(Scalar a, Scalar b);
Scalar operator^(Scalar a, Scalar b);
Scalar operator~(Scalar x);
/// Shifts by an amount read as unsigned; an amount of the width or more leaves
/// what the sign extension alone gives. Right shifts of signed integers copy
/// the sign.
Scalar shiftLeft(Scalar x, Scalar amount);
Scalar shiftRight(Scalar x, Scalar amount);

/// The greater and lesser; a NaN on either side gives NaN.
Scalar max(Scalar a, Scalar b);
Scalar min(Scalar a, Scalar b);
inline Scalar max(Scalar a, Literal b) { return max(a, a.constant(b)); }
inline Scalar min(Scalar a, Literal b) { return min(a, a.constant(b)); }

Scalar select(Scalar condition, Scalar yes, Scalar no);
inline Scalar select(Scalar condition, Literal yes, Scalar no) {
  return select(condition, no.constant(yes), no);
}
inline Scalar select(Scalar condition, Scalar yes, Literal no) {
  return select(condition, yes, yes.constant(no));
}

Scalar abs(Scalar x);
/// -1, 0 or 1; zeros and NaN stay as they are.
Scalar sign(Scalar x);

// Functions of floats.
Scalar acos(Scalar x);
Scalar acosh(Scalar x);
Scalar asin(Scalar x);
Scalar asinh(Scalar x);
Scalar atan(Scalar x);
Scalar atanh(Scalar x);
Scalar ceil(Scalar x);
Scalar copysign(Scalar magnitude, Scalar sign);
Scalar cos(Scalar x);
Scalar cosh(Scalar x);
Scalar erf(Scalar x);
Scalar exp(Scalar x);
Scalar expm1(Scalar x);
Scalar floor(Scalar x);
Scalar log(Scalar x);
Scalar log1p(Scalar x);
/// To the nearest integer, halves to the even one.
Scalar roundEven(Scalar x);
Scalar sin(Scalar x);
Scalar sinh(Scalar x);
Scalar sqrt(Scalar x);
Scalar tan(Scalar x);
Scalar tanh(Scalar x);
/// 1 / (1 + exp(-x)).
Scalar sigmoid(Scalar x);
/// log(1 + exp(x)) without overflow.
Scalar softplus(Scalar x);
/// x * tanh(softplus(x)).
Scalar mish(Scalar x);

/// x to the power of y, which may be of another type; the result has x's type.
Scalar pow(Scalar x, Scalar y);

/// ONNX Cast to an element type, as a value of its compute type. Floats go to
/// integers by truncation and to the nearest end of the range where they lie
/// outside of 32 or 64 bits (NaN: the lower end); then, as between integers,
/// higher bits are dropped.
Scalar cast(Scalar x, mlir::Type element);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_SCALAR_H
