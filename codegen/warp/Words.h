//===- Words.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on 32-bit numbers, which is what threads count with: registers
// have 32 bits. Constants fold as they are made.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WORDS_H
#define INGOT_CODEGEN_WARP_WORDS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace ingot::warp {

/// Emits at a builder's insertion point; lives no longer than that builder.
class Words {
public:
  Words(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value number(int64_t n) {
    return mlir::arith::ConstantOp::create(b, loc,
                                           b.getI32IntegerAttr(int32_t(n)));
  }
  mlir::Value wideNumber(int64_t n) {
    return mlir::arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(n));
  }
  /// Of two numbers of the same width.
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::SubIOp>(loc, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MulIOp>(loc, x, y);
  }
  mlir::Value bitXor(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::XOrIOp>(loc, x, y);
  }
  mlir::Value both(mlir::Value x, mlir::Value y) {
    if (!x || !y)
      return x ? x : y;
    return b.createOrFold<mlir::arith::AndIOp>(loc, x, y);
  }
  /// x < y of unsigned numbers.
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::CmpIOp>(
        loc, mlir::arith::CmpIPredicate::ult, x, y);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::SelectOp>(loc, condition, x, y);
  }
  /// Unsigned quotient and remainder.
  mlir::Value div(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::DivUIOp>(loc, x, y);
  }
  mlir::Value rem(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::RemUIOp>(loc, x, y);
  }
  mlir::Value add(mlir::Value x, int64_t y) {
    return y == 0 ? x : add(x, number(y));
  }
  mlir::Value mul(mlir::Value x, int64_t y) {
    return y == 1 ? x : mul(x, number(y));
  }
  mlir::Value div(mlir::Value x, int64_t y) {
    return y == 1 ? x : div(x, number(y));
  }
  mlir::Value rem(mlir::Value x, int64_t y) {
    return y == 1 ? number(0) : rem(x, number(y));
  }
  mlir::Value less(mlir::Value x, int64_t y) { return less(x, number(y)); }

  /// A 32-bit number, taken as signed, as 64 bits or as an index; an index as
  /// 32 or 64 bits.
  mlir::Value wide(mlir::Value x) {
    return b.createOrFold<mlir::arith::ExtSIOp>(loc, b.getI64Type(), x);
  }
  mlir::Value index(mlir::Value x) {
    return b.createOrFold<mlir::arith::IndexCastOp>(loc, b.getIndexType(), x);
  }
  mlir::Value fromIndex(mlir::Value x) {
    return b.createOrFold<mlir::arith::IndexCastOp>(loc, b.getI32Type(), x);
  }
  mlir::Value wideFromIndex(mlir::Value x) {
    return b.createOrFold<mlir::arith::IndexCastOp>(loc, b.getI64Type(), x);
  }
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WORDS_H
