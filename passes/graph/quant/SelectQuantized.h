//===- SelectQuantized.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the files of ingot-select-quantized share. The normal form of a
// quantized model is QDQ: DequantizeLinear, an operator on floats,
// QuantizeLinear.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_QUANT_SELECTQUANTIZED_H
#define INGOT_PASSES_GRAPH_QUANT_SELECTQUANTIZED_H

#include "dialects/kernel/Kernel.h"
#include "passes/graph/quant/Parameters.h"

#include "mlir/IR/BuiltinOps.h"

namespace ingot::quant {

/// What the machine multiplies; null if no machine is described, and then
/// either sign will do.
struct Signs {
  kernel::MachineAttr machine;

  bool wantsUnsigned() const { return machine && machine.dotUnsignedLeft(); }
  bool wantsSigned() const { return machine && machine.dotSignedLeft(); }
  /// True if bytes of that sign cannot be the left operand.
  bool mustFlip(bool isUnsigned) const {
    return isUnsigned ? wantsSigned() : wantsUnsigned();
  }
};

/// The same numbers as signed instead of unsigned bytes or the other way
/// round: every element and the zero point change by 128.
Quantized flipSign(mlir::OpBuilder &b, mlir::Location loc, const Quantized &x);
mlir::Value flipSign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bytes);

/// Gives quantized tensors that only integer products and DequantizeLinear
/// read the sign that the machine multiplies.
void chooseSigns(mlir::ModuleOp module, const Signs &signs);

/// DequantizeLinear moves behind operators that only move elements,
/// QuantizeLinear before them; limits become limits of integers.
void populateQuantizedMovement(mlir::RewritePatternSet &patterns);

/// Conv, QLinearConv, ConvInteger.
void populateQuantizedConv(mlir::RewritePatternSet &patterns,
                           const Signs &signs);
/// ConvTranspose becomes Conv and operators that move elements.
void populateQuantizedConvTranspose(mlir::RewritePatternSet &patterns);
/// MatMul, Gemm, QLinearMatMul, MatMulInteger.
void populateQuantizedMatMul(mlir::RewritePatternSet &patterns,
                             const Signs &signs);
/// Conv, MatMul and Gemm of 8-bit floats, on machines that multiply such.
void populateFloat8Products(mlir::RewritePatternSet &patterns,
                            const Signs &signs);
/// Functions of one byte, as tables.
void populateQuantizedTable(mlir::RewritePatternSet &patterns);
/// True for a quantized tensor times a number plus a number.
bool isLinear(mlir::Value value);
/// Sums, differences and products of two tensors; another scale.
void populateQuantizedElementwise(mlir::RewritePatternSet &patterns);
/// Means.
void populateQuantizedMean(mlir::RewritePatternSet &patterns,
                           const Signs &signs);

} // namespace ingot::quant

#endif // INGOT_PASSES_GRAPH_QUANT_SELECTQUANTIZED_H
