//===- SharedSums.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How several blocks of a launch compute one result: each stores what it has
// summed, and the one that finds that the others have done so adds all of it in
// their order, which does not depend on timing.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_WARP_SHAREDSUMS_H
#define INGOT_CODEGEN_WARP_SHAREDSUMS_H

#include "codegen/EmitKernels.h"
#include "codegen/warp/Words.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ingot::warp {

/// Memory of the context, which no other launch uses at the same time.
struct SharedSums {
  /// A word for each result, zero before and after the launch; room for sums.
  mlir::Value counters, room;

  /// Makes both parameters of the kernel that is emitted, after those it has.
  void addParameters(mlir::OpBuilder &b, mlir::Location loc);

  /// Where so many values of `element` begin, `at` (i32) elements on.
  mlir::Value address(Words &w, mlir::Type element, mlir::Value at) const;

  /// True (i1, in all threads) in the last of the `blocks` (i32) blocks that
  /// come here for result `number`: what all of them stored before is seen
  /// after. The counter is zero again. All threads of the block, or the
  /// `threads` that meet at barrier `barrier`, call it; `thread` is theirs.
  mlir::Value isLast(Words &w, mlir::Value thread, mlir::Value number,
                     mlir::Value blocks, int64_t barrier = 0,
                     int64_t threads = 0) const;
};

} // namespace ingot::warp

#endif // INGOT_CODEGEN_WARP_SHAREDSUMS_H
