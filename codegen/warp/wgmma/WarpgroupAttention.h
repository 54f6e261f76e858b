//===- WarpgroupAttention.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention of halves by warpgroups (wgmma): one has tiles copied (TMA) for two
// or three that multiply them, each with 64 queries.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WGMMA_WARPGROUPATTENTION_H
#define INGOT_CODEGEN_WARP_WGMMA_WARPGROUPATTENTION_H

#include "codegen/warp/Attention.h"

namespace ingot::warp {

/// Emits the kernel if the machine's warpgroups can do it and gain by it; false
/// if not, with no more than sizes emitted.
bool emitWarpgroupAttention(mlir::OpBuilder &b, KernelContext &context,
                            llvm::StringRef name, heavy::AttentionOp op,
                            mlir::AffineExpr &work, GridShape &grid);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WGMMA_WARPGROUPATTENTION_H
