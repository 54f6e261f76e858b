//===- Access.h - checked access to memory ----------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_ACCESS_H
#define INGOT_TOOLS_PTX_ACCESS_H

#include "tools/ptx/Machine.h"

namespace ingot::ptx {

enum class Access : uint8_t { Read, Write, Atomic };

/// Memory behind an address, after all checks: it must lie in live memory of
/// the space, be a multiple of its size, and have been written if it is read.
/// Marks written bytes. Null after a fault.
uint8_t *access(Warp &warp, const Instr &in, unsigned lane, Space space,
                uint64_t address, unsigned bytes, Access kind);

/// The same for any number of bytes that need not be aligned to their number,
/// without the check for initial values; copies take those along.
struct Region {
  uint8_t *data = nullptr;
  /// Marks of the bytes, and where they start there.
  InitMap *init = nullptr;
  uint64_t offset = 0;
  /// Of shared memory, its CTA.
  Cta *cta = nullptr;
};
Region region(Warp &warp, const Instr &in, int lane, Space space,
              uint64_t address, uint64_t bytes, uint64_t align);

/// Where an operand [base+offset] points for each lane.
struct Addresses {
  const uint64_t *base;
  uint64_t offset;
  uint64_t mask;

  Addresses(Warp &warp, const Operand &operand)
      : base(warp.src(operand)), offset(uint64_t(operand.offset)),
        mask(operand.bits == 32 ? 0xffffffff : ~uint64_t(0)) {}
  uint64_t operator[](unsigned lane) const {
    return (base[lane] + offset) & mask;
  }
};

/// The space an instruction accesses: that of its text, unless its address
/// names a variable of another (parameters of device functions are local).
inline Space spaceOf(const Instr &in, const Operand &address) {
  return in.space == Space::Param && address.space == Space::Local
             ? Space::Local
             : in.space;
}

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_ACCESS_H
