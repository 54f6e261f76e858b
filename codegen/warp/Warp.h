//===- Warp.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads, warps and blocks of a GPU, as emitters see them: who a thread is,
// what it shares with the others of its block, and where they wait for each
// other. All numbers are index values.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_WARP_H
#define INGOT_CODEGEN_WARP_WARP_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace ingot::warp {

/// The number of the thread in its block (a single dimension).
mlir::Value threadInBlock(mlir::OpBuilder &b, mlir::Location loc);

/// The number of the block in the grid.
mlir::Value blockInGrid(mlir::OpBuilder &b, mlir::Location loc);

/// The number of the thread among all, for blocks of `block` threads; there
/// are less than 2^32.
mlir::Value globalThread(mlir::OpBuilder &b, mlir::Location loc, int64_t block);

/// Waits for all threads of the block; what they wrote before is seen after.
void barrier(mlir::OpBuilder &b, mlir::Location loc);

/// Waits for the other threads of the warp; what they wrote before is seen.
void syncWarp(mlir::OpBuilder &b, mlir::Location loc);

/// The 32-bit (or narrower float) value of the lane whose number differs in
/// the bits of `mask`. All lanes of the warp must take part.
mlir::Value shuffleXor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                       int64_t mask);

/// Shared memory of a block, of `bytes` bytes, as a pointer to address space
/// `sharedSpace`. Where the module has an object of that name, of the same
/// size, it is that one: names tell sizes apart.
mlir::Value namedShared(mlir::OpBuilder &b, mlir::Location loc,
                        const llvm::Twine &name, int64_t bytes,
                        int64_t alignment);

/// NVPTX's number of the address space of shared memory.
constexpr unsigned sharedSpace = 3;

/// Declares that the kernel is launched with blocks of that many threads, of
/// which a multiprocessor should hold at least `resident`; 0: any number.
void setBlock(mlir::LLVM::LLVMFuncOp kernel, int64_t threads,
              int64_t resident = 0);

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_WARP_H
