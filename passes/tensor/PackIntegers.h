//===- PackIntegers.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing of the right operands of integer products, in the order that the
// machine's dot form reads.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_PACKINTEGERS_H
#define INGOT_PASSES_TENSOR_PACKINTEGERS_H

#include "dialects/ingot/Ingot.h"
#include "dialects/kernel/Kernel.h"

namespace ingot {

/// Packs constant weights and sets the panel; nothing if they are not constant
/// or packed already.
void packIntegers(heavy::ConvOp op, kernel::MachineAttr machine);

/// Packs a constant right matrix, or adds the packing of one that is computed
/// at run time (with a static depth), and sets the panel.
void packIntegers(heavy::MatmulOp op, kernel::MachineAttr machine);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_PACKINTEGERS_H
