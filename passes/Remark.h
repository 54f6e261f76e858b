//===- Remark.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How passes say what they decided and why, for 'ingot explain': one remark on
// every node of the model that a decision is about. Only where a pass has the
// option `remarks` set; deciding costs nothing more without.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_REMARK_H
#define INGOT_PASSES_REMARK_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/Twine.h"

namespace ingot {

/// Emits "topic: text" at each node that `loc` names, or at `loc` if it names
/// none. Topics: graph, precision, kernel, layout, fusion, memory.
void remarkAt(mlir::Location loc, llvm::StringRef topic,
              const llvm::Twine &text);

} // namespace ingot

#endif // INGOT_PASSES_REMARK_H
