//===- PackNBits.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The packed form of weights of 2, 4 and 8 bits.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_PACKNBITS_H
#define INGOT_PASSES_TENSOR_PACKNBITS_H

#include "dialects/ingot/Ingot.h"
#include "dialects/kernel/Kernel.h"

namespace ingot {

/// Writes the weights of the product and what belongs to them as the stream
/// that its emitter reads.
mlir::LogicalResult packMatmulNBits(heavy::MatmulNBitsOp op,
                                    kernel::MachineAttr machine);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_PACKNBITS_H
