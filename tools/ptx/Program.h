//===- Program.h - a kernel decoded for execution ---------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_PROGRAM_H
#define INGOT_TOOLS_PTX_PROGRAM_H

#include "tools/ptx/Module.h"
#include "tools/ptx/Numbers.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace ingot::ptx {

constexpr unsigned kWarpSize = 32;
constexpr uint32_t kAllLanes = ~uint32_t(0);

class Warp;
struct Instr;

/// Executes an instruction for the lanes of a mask that is not empty.
using Handler = void (*)(Warp &warp, const Instr &in, uint32_t mask);

/// Where a value is. Registers are rows of 32 lanes, constants too.
struct Operand {
  enum Kind : uint8_t { Row, Predicate, Vector, Address };
  /// A row if not negative, else the complement of a constant row. Of
  /// predicates the same, one mask each. Of a Vector the index of its first
  /// element among Program::elements. Of an Address its base.
  int32_t slot = 0;
  uint16_t count = 1;
  /// Width of the register.
  uint8_t bits = 0;
  Kind kind = Row;
  /// Of an Address that names a variable: its space.
  Space space = Space::Generic;
  bool negated = false;
  /// Written by the instruction.
  bool written = false;
  /// The destination `_`: nothing is wanted.
  bool sink = false;
  int64_t offset = 0;
};

/// How control goes on after an instruction.
enum class Flow : uint8_t {
  Next,
  Branch,
  IndexedBranch,
  Call,
  Return,
  Exit,
  /// All lanes of the mask in operand `sync` execute together.
  Collective,
  /// All live lanes of the warp execute together.
  Aligned,
  /// bar.warp.sync: like Collective, but from any place in the text.
  WarpBarrier,
  /// bar.sync, bar.red and bar.arrive.
  Barrier,
  /// barrier.cluster.wait.
  ClusterWait,
};

struct Instr {
  Handler run = nullptr;
  uint32_t first = 0; ///< Of its operands in Program::operands.
  uint16_t count = 0;
  Flow flow = Flow::Next;
  uint8_t sync = 0;
  int32_t guard = -1;
  bool guardNegated = false;
  bool ftz = false, saturate = false, relu = false;
  /// May have registers of unfinished wgmmas among its operands.
  bool allowsBusy = false;
  /// A load or store that orders others (.acquire, .release and so on).
  bool synchronises = false;
  /// Hands on what came before, or takes what was handed on, at the scope of
  /// the device or the system.
  bool releases = false, acquires = false;
  /// Copies a register or a constant to a register.
  bool isCopy = false;
  Rounding rounding = Rounding::NearestEven;
  Type type = Type::None, sourceType = Type::None;
  Space space = Space::Generic, destSpace = Space::Generic;
  /// What a family of instructions wants to remember.
  uint8_t mode = 0, mode2 = 0;
  uint8_t lanes = 1; ///< .v2, .v4, .v8 of loads and stores.
  uint8_t shape = 0;
  uint32_t imm = 0;
  uint32_t target = 0;
  int line = 0;
  std::string_view text;
};

/// A special register that does not change while a thread runs.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  Laneid,
  Warpid,
  Nwarpid,
  Smid,
  Nsmid,
  Gridid,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  ClusteridX,
  ClusteridY,
  ClusteridZ,
  NclusteridX,
  NclusteridY,
  NclusteridZ,
  ClusterCtaidX,
  ClusterCtaidY,
  ClusterCtaidZ,
  ClusterNctaidX,
  ClusterNctaidY,
  ClusterNctaidZ,
  ClusterCtarank,
  ClusterNctarank,
  DynamicSmemSize,
  TotalSmemSize,
  WarpSize,
};

/// A copy between the local memory of caller and callee.
struct LocalCopy {
  uint64_t from = 0, to = 0, bytes = 0;
};
struct CallSite {
  uint32_t entry = 0;
  std::vector<LocalCopy> before, after;
};

/// A parameter of a kernel.
struct Param {
  std::string_view name;
  uint64_t offset = 0, bytes = 0;
};

/// A kernel with all functions it calls, ready to run. Points into its module.
struct Program {
  std::string name;
  std::vector<Instr> code;
  std::vector<Operand> operands;
  std::vector<Operand> elements;
  unsigned numRows = 0;
  unsigned numPredicates = 0;
  /// Rows of 32 equal values.
  std::vector<uint64_t> constants;
  std::vector<uint32_t> predicateConstants;
  std::vector<std::pair<Special, int32_t>> specials;
  std::vector<std::vector<uint32_t>> branchTables;
  std::vector<CallSite> calls;
  std::vector<Param> params;
  uint64_t paramBytes = 0;
  uint64_t staticShared = 0;
  uint64_t sharedAlign = 16;
  /// Where dynamic shared memory starts.
  uint64_t dynamicShared = 0;
  uint64_t localBytes = 0;
  uint32_t maxThreads = 0;
  uint32_t requiredThreads[3] = {0, 0, 0};
  uint32_t requiredCluster[3] = {0, 0, 0};
  bool hasWgmma = false;
  /// Of the module: what instructions are allowed.
  unsigned target = 0;
  char targetSuffix = 0;
  /// A readable rendering of an instruction for messages.
  std::string describe(const Instr &in) const;
};

/// Addresses of the variables of a loaded module.
using Symbols = std::unordered_map<std::string_view, uint64_t>;

/// Decodes a kernel. On failure returns null and says why in `error`.
std::unique_ptr<Program> decodeKernel(const Module &module,
                                      const Function &kernel,
                                      const Symbols &globals,
                                      std::string &error);

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_PROGRAM_H
