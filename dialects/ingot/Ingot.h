//===- Ingot.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_INGOT_INGOT_H
#define INGOT_DIALECTS_INGOT_INGOT_H

#include "dialects/onnx/Dims.h"
#include "dialects/onnx/OnnxDialect.h"

#include "dialects/ingot/IngotDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/ingot/Ingot.h.inc"

namespace ingot::heavy {

/// Columns of a panel, and depths of a step, of right operands that are packed
/// for tile registers (`tiled`).
inline constexpr int64_t tilePanel = 32, tileDepth = 64;

/// The largest sizes of keys and values of ingot.attention: what a thread's
/// registers and the memory of a block hold.
inline constexpr int64_t mostAttentionSize = 256;

} // namespace ingot::heavy

#endif // INGOT_DIALECTS_INGOT_INGOT_H
