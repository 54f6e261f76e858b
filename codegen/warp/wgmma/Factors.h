//===- Factors.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The factors of a product as tensors that an engine copies boxes of (TMA).
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_FACTORS_H
#define INGOT_CODEGEN_WARP_WGMMA_FACTORS_H

#include "codegen/warp/BlockProduct.h"
#include "codegen/warp/wgmma/Instructions.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ingot::warp {

/// What the engine counts in: addresses, and bytes from row to row, are a
/// multiple of it.
constexpr int64_t mapBytes = 16;

/// A factor as the engine sees it.
struct Factor {
  TensorMap map;
  /// Leading dimensions of the result that the map has too.
  llvm::SmallVector<int64_t> batch;
  /// Its depths are rows, in pieces of 64 columns.
  bool transposed = false;
  /// Bytes of a row of a tile. If that is not all of a step's depth there are
  /// several tiles after each other: for each of some taps.
  int64_t rowBytes = swizzleBytes;
  /// Rows or columns of a tile.
  int64_t extent = 0;
  /// The map as a parameter.
  mlir::Value address;
};

/// The rows of a product: those of all batches where they count as one.
mlir::AffineExpr rowsOf(const MatrixProduct &product);

/// Describes both factors but for the boxes. Returns why warpgroups cannot
/// multiply them, or the engine not copy them; empty if they can.
llvm::StringRef describeFactors(const KernelContext &context,
                                const BlockOperands &operands, Factor &left,
                                Factor &right);

/// Finds the parameter that holds a tensor's address, and where the tensor is
/// from there; false if it is in none.
bool findMemory(const KernelContext &context, TensorMap &map,
                mlir::Value tensor);

/// Adds a parameter of 128 bytes, which is read where it is passed.
mlir::Value addMapParameter(mlir::LLVM::LLVMFuncOp function);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_FACTORS_H
