//===- Integer.cpp - math ops on integers ---------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Elementwise.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace ingot::vecmath {

using Results = SmallVector<Expr, 2>;

Expr intPower(const Expr &x, const Expr &n) {
  // By squaring, for the exponent as an unsigned number; overflow wraps.
  Expr power = x, result = x.constant(1);
  for (unsigned bit = 0; bit < x.width(); ++bit) {
    Expr taken = ((n >> int(bit)) & 1) != 0;
    result = select(taken, result * power, result);
    power = power * power;
  }
  // To a negative power only 1 and -1 are not less than 1 in magnitude.
  Expr zero = x.constant(0), one = x.constant(1);
  Expr sign = select((n & 1) != 0, x, one);
  Expr inverse = select((x == 1) | (x == -1), sign, zero);
  return select(n < 0, inverse, result);
}

template <typename OpTy> static Results countBits(Args args) {
  const Expr &x = args[0];
  return {x.with(OpTy::create(x.builder(), x.loc(), x.type(), x.value(),
                              /*is_zero_poison=*/false))};
}

void populateIntegerPatterns(RewritePatternSet &patterns) {
  addFormula<math::AbsIOp>(patterns, [](Args a) -> Results {
    return {a[0].with(LLVM::AbsOp::create(a[0].builder(), a[0].loc(),
                                          a[0].type(), a[0].value(),
                                          /*is_int_min_poison=*/false))};
  });
  addFormula<math::CountLeadingZerosOp>(patterns,
                                        countBits<LLVM::CountLeadingZerosOp>);
  addFormula<math::CountTrailingZerosOp>(patterns,
                                         countBits<LLVM::CountTrailingZerosOp>);
  addFormula<math::CtPopOp>(patterns, [](Args a) -> Results {
    return {a[0].with(LLVM::CtPopOp::create(a[0].builder(), a[0].loc(),
                                            a[0].type(), a[0].value()))};
  });
  addFormula<math::IPowIOp>(
      patterns, [](Args a) -> Results { return {intPower(a[0], a[1])}; });
}

} // namespace ingot::vecmath
