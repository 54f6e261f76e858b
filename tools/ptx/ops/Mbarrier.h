//===- Mbarrier.h - arrivals at mbarrier objects ----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_OPS_MBARRIER_H
#define INGOT_TOOLS_PTX_OPS_MBARRIER_H

#include "tools/ptx/Machine.h"

namespace ingot::ptx {

class Decoder;

/// The mbarrier at an address; null after a fault.
Mbarrier *findMbarrier(Warp &warp, const Instr &in, int lane, Space space,
                       uint64_t address);

/// Arrives with all that the warp did before.
void arriveAt(Warp &warp, const Instr &in, int lane, Mbarrier &barrier,
              uint32_t count);

/// cp.async without .bulk, and with it.
bool decodeThreadCopy(Decoder &decoder, Instr &in);
bool decodeBulkCopy(Decoder &decoder, Instr &in);

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_OPS_MBARRIER_H
