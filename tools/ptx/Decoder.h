//===- Decoder.h - from statements to instructions --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_DECODER_H
#define INGOT_TOOLS_PTX_DECODER_H

#include "tools/ptx/Program.h"

#include <initializer_list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace ingot::ptx {

/// Gives a family of instructions access to the statement being decoded: its
/// modifiers, which it takes one by one, and its operands, which it adds.
class Decoder {
public:
  Decoder(const Module &module, const Symbols &globals, Program &program,
          std::string &error);

  /// Decodes a kernel and all that it calls.
  bool run(const Function &kernel);

  // For the families.
  const Statement &statement() const { return *current; }
  size_t numArgs() const { return current->args.size(); }
  const Arg &arg(size_t index) const { return current->args[index]; }

  /// Takes a modifier, wherever it stands.
  bool take(std::string_view modifier);
  /// Takes one of the modifiers; its position in the list, or -1.
  int takeOneOf(std::initializer_list<std::string_view> modifiers);
  /// Takes the last modifier, which must be a type.
  Type takeType();
  /// Takes a rounding modifier of floating-point arithmetic if there is one.
  bool takeRounding(Instr &in);
  /// Takes the state space if one is named.
  Space takeSpace();
  /// Takes a modifier with a prefix and returns the rest of it.
  bool takePrefixed(std::string_view prefix, std::string_view &rest);
  /// The modifiers not yet taken.
  const std::vector<std::string_view> &rest() const { return modifiers; }

  /// Adds the operands of the statement. The letters say what they are:
  /// d destination, s source (immediates of `type`), p and P source and
  /// destination predicates, a address, V vector or scalar of sources, D of
  /// destinations. Others than these must be added by hand.
  bool operands(Instr &in, std::string_view letters, Type type = Type::B32);
  bool add(Instr &in, char letter, const Arg &arg, Type type = Type::B32);
  bool addConstant(Instr &in, uint64_t value);
  /// Adds the carry flag CC.CF of extended-precision arithmetic.
  void addCarryOperand(Instr &in);
  /// The value of an operand that must be an immediate.
  bool immediate(const Arg &arg, uint64_t &value);

  bool isPredicate(const Arg &arg) const;

  bool fail(std::string message);

  Program &program;
  /// Whether the module may use a feature of an architecture.
  bool requireTarget(unsigned target, char suffix, const char *what);
  /// Whether it may use a feature of a version, major * 10 + minor, of PTX.
  bool requireVersion(unsigned version, const char *what);

  /// For calls.
  bool callee(std::string_view name, CallSite &site,
              const std::vector<Arg> &arguments,
              const std::vector<Arg> &results);

private:
  struct Frame {
    const Function *function = nullptr;
    /// Row or predicate of each register.
    std::vector<int32_t> slots;
    /// Offset of each variable in its space.
    std::vector<uint64_t> offsets;
    uint32_t entry = 0;
  };

  bool decodeFunction(Frame &frame);
  bool decodeStatement();
  bool checkNoRecursion(std::string_view name,
                        std::vector<std::string_view> active);
  void placeVariables(Frame &frame);
  bool layoutParams(const Function &kernel);
  Operand operandOfRegister(int reg);
  bool source(const Arg &arg, Type type, Operand &operand);
  bool nameOperand(const Arg &arg, Operand &operand);
  bool variableOperand(const Arg &arg, Operand &operand);
  bool special(std::string_view name, Operand &operand);
  uint64_t sharedOffset(const Variable &variable);
  int32_t constantRow(uint64_t value);

  const Module &module;
  const Symbols &globals;
  std::string &error;
  std::map<std::string_view, Frame> frames;
  Frame *frame = nullptr;
  const Statement *current = nullptr;
  std::vector<std::string_view> modifiers;
  int32_t carry = -1;
  std::unordered_map<uint64_t, int32_t> constantRows;
  std::map<Special, int32_t> specialRows;
  std::map<std::string_view, uint64_t> sharedOffsets;
  /// Operands that are patched with the start of dynamic shared memory.
  std::vector<std::pair<size_t, int64_t>> dynamicOperands;
  std::vector<std::pair<Frame *, const Function *>> pending;
  /// Calls whose entry is known once all functions are placed.
  std::vector<std::pair<size_t, std::string_view>> callFixups;
  std::multimap<std::string_view, std::string_view> callees;
};

/// Decodes the statements of one base mnemonic.
using DecodeFn = bool (*)(Decoder &decoder, Instr &in);
using DecodeTable = std::unordered_map<std::string_view, DecodeFn>;

/// Decodes arithmetic on floats of any width, by its mnemonic.
bool decodeFloatArithmetic(Decoder &decoder, Instr &in);
/// The part of it for f16, bf16 and pairs of them.
bool decodeHalfArithmetic(Decoder &decoder, Instr &in);

// The families of instructions, in ops/.
void addIntegerOps(DecodeTable &table);
void addBitOps(DecodeTable &table);
void addFloatOps(DecodeTable &table);
void addConversionOps(DecodeTable &table);
void addCompareOps(DecodeTable &table);
void addMoveOps(DecodeTable &table);
void addMemoryOps(DecodeTable &table);
void addAtomicOps(DecodeTable &table);
void addControlOps(DecodeTable &table);
void addWarpOps(DecodeTable &table);
void addMbarrierOps(DecodeTable &table);
void addMatrixOps(DecodeTable &table);
void addWgmmaOps(DecodeTable &table);

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_DECODER_H
