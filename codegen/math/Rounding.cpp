//===- Rounding.cpp - functions that are one instruction ------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What SSE4.1, AVX and NEON do in one or a few instructions, and LLVM knows how
// to, as LLVM intrinsics; and the tests of a float's class.
//
//===----------------------------------------------------------------------===//
#include "codegen/math/Elementwise.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace ingot::vecmath {

/// The result of the intrinsic OpTy on the operands.
template <typename OpTy> static SmallVector<Expr, 2> intrinsic(Args args) {
  SmallVector<Value> operands;
  for (const Expr &arg : args)
    operands.push_back(arg.value());
  const Expr &x = args[0];
  auto op = OpTy::create(x.builder(), x.loc(), TypeRange(x.type()), operands);
  return {x.with(op->getResult(0))};
}

template <typename MathOp, typename IntrinsicOp>
static void addIntrinsic(RewritePatternSet &patterns) {
  addFormula<MathOp>(patterns, intrinsic<IntrinsicOp>);
}

static Expr isInfinite(const Expr &x) { return abs(x) == double(INFINITY); }

static Expr isFinite(const Expr &x) { return abs(x) < double(INFINITY); }

static Expr isNormal(const Expr &x) {
  double smallest = x.width() == 64 ? 0x1p-1022 : 0x1p-126;
  return isFinite(x) & (abs(x) >= smallest);
}

void populateRoundingPatterns(RewritePatternSet &patterns) {
  addIntrinsic<math::AbsFOp, LLVM::FAbsOp>(patterns);
  addIntrinsic<math::CeilOp, LLVM::FCeilOp>(patterns);
  addIntrinsic<math::CopySignOp, LLVM::CopySignOp>(patterns);
  addIntrinsic<math::FloorOp, LLVM::FFloorOp>(patterns);
  addIntrinsic<math::FmaOp, LLVM::FMAOp>(patterns);
  addIntrinsic<math::RoundEvenOp, LLVM::RoundEvenOp>(patterns);
  addIntrinsic<math::RoundOp, LLVM::RoundOp>(patterns);
  addIntrinsic<math::SqrtOp, LLVM::SqrtOp>(patterns);
  addIntrinsic<math::TruncOp, LLVM::FTruncOp>(patterns);

  addFormula<math::ClampFOp>(patterns, [](Args a) -> SmallVector<Expr, 2> {
    const Expr &x = a[0];
    OpBuilder &b = x.builder();
    Value low = arith::MinimumFOp::create(b, x.loc(), x.value(), a[2].value());
    return {x.with(arith::MaximumFOp::create(b, x.loc(), low, a[1].value()))};
  });
  addFormula<math::IsFiniteOp>(patterns, [](Args a) -> SmallVector<Expr, 2> {
    return {isFinite(a[0])};
  });
  addFormula<math::IsInfOp>(patterns, [](Args a) -> SmallVector<Expr, 2> {
    return {isInfinite(a[0])};
  });
  addFormula<math::IsNaNOp>(
      patterns, [](Args a) -> SmallVector<Expr, 2> { return {isNan(a[0])}; });
  addFormula<math::IsNormalOp>(patterns, [](Args a) -> SmallVector<Expr, 2> {
    return {isNormal(a[0])};
  });
}

} // namespace ingot::vecmath
