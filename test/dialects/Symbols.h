//===- Symbols.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes of symbolic expressions, worked out independently of MLIR's
// simplifications, for tests of properties on random expressions.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_DIALECTS_SYMBOLS_H
#define INGOT_TEST_DIALECTS_SYMBOLS_H

#include "dialects/onnx/Dims.h"
#include "dialects/onnx/OnnxDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"

#include <random>

namespace ingot::test {

inline int64_t floorDivide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/// A context with what shapes need, and symbols A, B, C.
struct Symbols {
  mlir::MLIRContext context;
  std::mt19937 random{20};
  llvm::SmallVector<mlir::AffineExpr, 3> symbols;
  /// What the symbols stand for at the moment.
  llvm::SmallVector<int64_t, 3> sizes{2, 3, 5};

  Symbols() {
    context.loadDialect<onnx::OnnxDialect, mlir::func::FuncDialect>();
    for (llvm::StringRef name : {"A", "B", "C"})
      symbols.push_back(onnx::symbolDim(name, &context));
  }

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }

  void pickSizes(int64_t low, int64_t high) {
    for (int64_t &size : sizes)
      size = pick(low, high);
  }

  /// The value of an expression; a divisor that is 0 counts as 1.
  int64_t evaluate(mlir::AffineExpr expr) {
    if (auto constant = mlir::dyn_cast<mlir::AffineConstantExpr>(expr))
      return constant.getValue();
    if (auto symbol = mlir::dyn_cast<mlir::AffineSymbolExpr>(expr)) {
      for (auto [known, size] : llvm::zip(symbols, sizes))
        if (known == expr)
          return size;
      return 1; // some other size
    }
    auto binary = mlir::cast<mlir::AffineBinaryOpExpr>(expr);
    int64_t a = evaluate(binary.getLHS()), b = evaluate(binary.getRHS());
    int64_t divisor = b == 0 ? 1 : b;
    switch (expr.getKind()) {
    case mlir::AffineExprKind::Add:
      return a + b;
    case mlir::AffineExprKind::Mul:
      return a * b;
    case mlir::AffineExprKind::FloorDiv:
      return floorDivide(a, divisor);
    case mlir::AffineExprKind::CeilDiv:
      return -floorDivide(-a, divisor);
    default:
      return a - floorDivide(a, divisor) * divisor;
    }
  }

  /// A random sum of products of symbols and constants.
  mlir::AffineExpr sum(int terms) {
    mlir::AffineExpr total = onnx::constantDim(pick(-3, 3), &context);
    for (int i = 0; i < terms; ++i) {
      mlir::AffineExpr term = symbols[pick(0, 2)] * pick(-3, 3);
      if (pick(0, 2) == 0)
        term = term * symbols[pick(0, 2)];
      total = total + term;
    }
    return total;
  }

  /// A random expression with divisions too.
  mlir::AffineExpr expression(int depth) {
    if (depth == 0)
      return pick(0, 3) ? symbols[pick(0, 2)]
                        : onnx::constantDim(pick(-4, 9), &context);
    mlir::AffineExpr a = expression(depth - 1), b = expression(depth - 1);
    int64_t divisor = pick(1, 5);
    switch (pick(0, 5)) {
    case 0:
      return a * b;
    case 1:
      return a.floorDiv(divisor);
    case 2:
      return a.ceilDiv(divisor);
    case 3:
      return a % divisor;
    default:
      return a + b * pick(-2, 2);
    }
  }
};

} // namespace ingot::test

#endif // INGOT_TEST_DIALECTS_SYMBOLS_H
