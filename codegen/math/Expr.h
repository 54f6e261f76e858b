//===- Expr.h - arithmetic on IR values written as formulas ----*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vector math functions are numerical formulas; Expr lets them be written
// as such. An Expr is a scalar or vector SSA value of a float, integer or i1
// element type; every operator appends one op to the IR. No op carries a
// fast-math flag, so that nothing may contract or reassociate a formula.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_MATH_EXPR_H
#define INGOT_CODEGEN_MATH_EXPR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace ingot::vecmath {

class Expr;

/// A right-hand operand: an expression, or a literal that takes the type of the
/// expression it meets.
class Arg {
public:
  Arg(const Expr &expr) : expr(&expr) {}
  Arg(double literal) : real(literal), integer(int64_t(literal)) {}
  Arg(int literal) : real(literal), integer(literal) {}
  Arg(int64_t literal) : real(double(literal)), integer(literal) {}
  Arg(uint64_t literal) : real(double(literal)), integer(int64_t(literal)) {}

  /// The operand as a value of the type of `like`.
  mlir::Value resolve(const Expr &like) const;

private:
  const Expr *expr = nullptr;
  double real = 0;
  int64_t integer = 0;
};

/// One value and the place where what is computed from it is inserted.
class Expr {
public:
  Expr(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value)
      : b(&builder), where(loc), v(value) {}

  mlir::Value value() const { return v; }
  mlir::Type type() const { return v.getType(); }
  mlir::Type elementType() const { return mlir::getElementTypeOrSelf(v); }
  unsigned width() const { return elementType().getIntOrFloatBitWidth(); }
  mlir::OpBuilder &builder() const { return *b; }
  mlir::Location loc() const { return where; }

  /// The same place, another value.
  Expr with(mlir::Value value) const { return Expr(*b, where, value); }
  /// A constant of this expression's type.
  Expr constant(Arg literal) const { return with(literal.resolve(*this)); }
  /// This expression's type with another element type.
  mlir::Type typeOf(mlir::Type element) const;

private:
  mlir::OpBuilder *b;
  mlir::Location where;
  mlir::Value v;
};

//===----------------------------------------------------------------------===//
// Arithmetic: on floats or on integers, as the operands are
//===----------------------------------------------------------------------===//

Expr operator+(const Expr &a, const Arg &b);
Expr operator-(const Expr &a, const Arg &b);
Expr operator-(double a, const Expr &b);
Expr operator*(const Expr &a, const Arg &b);
Expr operator/(const Expr &a, const Arg &b);
Expr operator/(double a, const Expr &b);
Expr operator-(const Expr &a);

/// Bitwise, on integers and masks; >> shifts in zeros.
Expr operator&(const Expr &a, const Arg &b);
Expr operator|(const Expr &a, const Arg &b);
Expr operator^(const Expr &a, const Arg &b);
Expr operator<<(const Expr &a, const Arg &b);
Expr operator>>(const Expr &a, const Arg &b);
Expr operator!(const Expr &mask);

/// Comparisons give masks: ordered on floats (except !=), signed on integers.
Expr operator<(const Expr &a, const Arg &b);
Expr operator<=(const Expr &a, const Arg &b);
Expr operator>(const Expr &a, const Arg &b);
Expr operator>=(const Expr &a, const Arg &b);
Expr operator==(const Expr &a, const Arg &b);
Expr operator!=(const Expr &a, const Arg &b);

//===----------------------------------------------------------------------===//
// Hardware operations
//===----------------------------------------------------------------------===//

Expr fma(const Expr &a, const Arg &b, const Arg &c);
Expr sqrt(const Expr &x);
Expr abs(const Expr &x);
Expr copySign(const Expr &magnitude, const Expr &sign);
Expr roundEven(const Expr &x);
Expr truncate(const Expr &x);

Expr isNan(const Expr &x);
Expr select(const Expr &mask, const Expr &yes, const Arg &no);
/// As select, with a literal where the mask holds.
Expr select(const Expr &mask, double yes, const Expr &no);
/// min(x, bound) and max(x, bound); a NaN in x stays.
Expr atMost(const Expr &x, const Arg &bound);
Expr atLeast(const Expr &x, const Arg &bound);

//===----------------------------------------------------------------------===//
// Changes of type
//===----------------------------------------------------------------------===//

/// The bits of a float as an integer of its width, and back.
Expr bitsOf(const Expr &x);
Expr floatOf(const Expr &bits);
Expr toF64(const Expr &x);
Expr toF32(const Expr &x);
/// Zero extension, or dropping of high bits, to that width.
Expr toWidth(const Expr &x, unsigned width);
/// Signed conversions.
Expr intToFloat(const Expr &x, mlir::Type element);
Expr floatToInt(const Expr &x, mlir::Type element);

/// c[0] + c[1] x + c[2] x^2 + ...
Expr horner(const Expr &x, llvm::ArrayRef<double> c);

//===----------------------------------------------------------------------===//
// Sums of two floats that carry about twice the precision
//===----------------------------------------------------------------------===//

/// The unevaluated sum hi + lo, |lo| at most half an ulp of hi.
struct Pair {
  Expr hi, lo;
};

/// a + b exactly.
Pair twoSum(const Expr &a, const Expr &b);
/// a + b exactly, where |a| >= |b| or a is 0.
Pair fastTwoSum(const Expr &a, const Expr &b);
/// a * b exactly (barring underflow).
Pair twoProduct(const Expr &a, const Arg &b);
Pair operator+(const Pair &a, const Pair &b);
Pair operator*(const Pair &a, const Pair &b);

} // namespace ingot::vecmath

#endif // INGOT_CODEGEN_MATH_EXPR_H
