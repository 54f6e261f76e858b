//===- SelectHeavy.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the patterns of ingot-select-heavy share.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_SELECTHEAVY_H
#define INGOT_PASSES_GRAPH_SELECTHEAVY_H

#include "dialects/onnx/Linear.h"
#include "passes/tensor/Lowering.h"

namespace ingot {

/// The type products are accumulated in by the emitters: that of f32 and f64
/// tensors, f32 for halves, null for the rest.
mlir::Type heavyType(mlir::Value v);

/// onnx.Transpose of the value.
mlir::Value transposed(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                       llvm::ArrayRef<int64_t> perm);

/// The permutations from [N, C, spatial...] to [N, spatial..., C] and back, for
/// `rank` spatial dimensions.
llvm::SmallVector<int64_t> channelsLast(int64_t rank);
llvm::SmallVector<int64_t> channelsFirst(int64_t rank);

/// The value with its elements in another float type.
mlir::Value castTo(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                   mlir::Type elementType);

/// The f16 or bf16 tensor that v is a widening cast of; else v.
mlir::Value asStored(mlir::Value v);

/// The value as a factor of products that are summed in that type: f16 and
/// bf16 as they are stored, since the emitters widen them in registers.
mlir::Value asFactor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                     mlir::Type elementType);

/// v + bias, the bias along the last dimension.
mlir::Value addLastBias(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                        mlir::Value bias);

/// The product of a Gemm scaled by alpha, with beta * C added.
mlir::Value scaleAndAdd(mlir::OpBuilder &b, onnx::GemmOp op,
                        mlir::Value product);

/// Matrix products with constant weights quantized to 2, 4 or 8 bits become
/// ingot.matmul_nbits; with `remarks`, says which, and why others do not.
void selectWeightOnly(mlir::Operation *root, bool remarks);

/// ConvTranspose as convolutions, one per phase of the result.
void populateSelectConvTranspose(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_GRAPH_SELECTHEAVY_H
