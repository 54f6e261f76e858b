//===- WarpgroupProduct.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products of halves by warpgroups (wgmma): persistent blocks in which
// one warpgroup has tiles copied (TMA) for two that multiply them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_WARPGROUPPRODUCT_H
#define INGOT_CODEGEN_WARP_WGMMA_WARPGROUPPRODUCT_H

#include "codegen/warp/BlockProduct.h"

namespace ingot::warp {

/// Emits the product if the machine's warpgroups can do it
/// and gain by it; false if not, with nothing emitted. `rows` and `matrices`
/// are its size, estimated where it is symbolic, `otherTime` what it takes
/// otherwise.
bool emitWarpgroupProduct(mlir::OpBuilder &b, KernelContext &context,
                          BlockOperands &operands, Epilogue &epilogue,
                          int64_t rows, int64_t matrices, double otherTime,
                          mlir::AffineExpr &work, GridShape &grid);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_WARPGROUPPRODUCT_H
