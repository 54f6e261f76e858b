//===- Undefined.h - values that were never written --------------*- C++
//-*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_UNDEFINED_H
#define INGOT_TOOLS_PTX_UNDEFINED_H

#include "tools/ptx/Program.h"

#include <vector>

namespace ingot::ptx {

/// Which lanes of a warp's registers depend on memory that was never written.
/// Reading it is no fault, nor is computing with it; to decide by it where to
/// go or what to access is. Memory that such a value is stored to counts as
/// never written. Values in local memory are taken for defined.
class Undefined {
public:
  explicit Undefined(const Program &program);

  /// Executes an instruction, and what it means for registers.
  void run(Warp &warp, const Instr &in, uint32_t lanes);
  /// Faults if the instruction's guard, or the selector of an indexed branch,
  /// is undefined in one of the lanes.
  bool mayDecide(Warp &warp, const Instr &in, uint32_t lanes);
  /// The instruction reads memory for that lane that was never written.
  void noteRead(unsigned lane) { read |= uint32_t(1) << lane; }

private:
  enum Kind : uint8_t {
    Plain,
    Load,
    Store,
    Select,
    And,
    Shuffle,
    AllLanes,
    LoadMatrix,
    Multiply,
    Ignored
  };
  static Kind kindOf(const Instr &in);
  uint32_t of(const Operand &operand) const;
  uint32_t sources(Warp &warp, const Instr &in);
  bool report(Warp &warp, const Instr &in, uint32_t lanes, const char *what);
  void set(const Operand &operand, uint32_t lanes, uint32_t value);
  void setAll(Warp &warp, const Instr &in, uint32_t lanes, uint32_t value);
  uint32_t selected(Warp &warp, const Instr &in) const;
  uint32_t notMasked(Warp &warp, const Instr &in) const;
  uint32_t shuffled(Warp &warp, const Instr &in, uint32_t lanes);
  void load(Warp &warp, const Instr &in, uint32_t lanes);
  void store(Warp &warp, const Instr &in, uint32_t lanes);
  void loadMatrix(Warp &warp, const Instr &in);
  void multiply(Warp &warp, const Instr &in);

  std::vector<Kind> kinds;
  std::vector<uint32_t> rows, predicates;
  /// Of each row and predicate, an instruction that read such memory.
  std::vector<const Instr *> rowOrigins, predicateOrigins;
  const Instr *origin = nullptr;
  uint32_t read = 0;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_UNDEFINED_H
