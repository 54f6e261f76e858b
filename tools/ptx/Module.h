//===- Module.h - a parsed PTX module ---------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_MODULE_H
#define INGOT_TOOLS_PTX_MODULE_H

#include "tools/ptx/Types.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::ptx {

/// An operand as written.
struct Arg {
  enum Kind : uint8_t {
    Register, ///< `reg`, an index in Function::registers.
    Integer,  ///< `value`; also 0f and 0d literals, by their bits.
    Decimal,  ///< `decimal`: 1.5.
    Variable, ///< `variable`, an index in Function::variables.
    Name,     ///< `name`: special register, module variable, function, label.
    Sink,     ///< `_`.
    Vector,   ///< {a, b, c}: `parts`.
    Pair,     ///< p|q: `parts`.
    Address,  ///< [base+offset, more...]: `parts`, the base first.
    List,     ///< (a, b): `parts`.
  };
  Kind kind = Sink;
  bool negated = false;
  int reg = -1;
  int variable = -1;
  uint64_t value = 0;
  double decimal = 0;
  int64_t offset = 0;
  std::string_view name;
  std::vector<Arg> parts;
};

/// One instruction as written.
struct Statement {
  int line = 0;
  int guard = -1;
  bool guardNegated = false;
  std::string_view mnemonic;
  std::vector<Arg> args;
  /// Where a branch goes: indices of statements.
  std::vector<uint32_t> targets;
  std::string_view text;
};

/// A word of an initialiser that is an address.
struct Relocation {
  uint64_t offset = 0;
  std::string_view symbol;
  int64_t addend = 0;
};

/// A variable in any space but .reg.
struct Variable {
  std::string_view name;
  Space space = Space::Global;
  Type type = Type::B8;
  uint64_t align = 1;
  uint64_t bytes = 0;
  /// `.extern .shared x[]`: memory sized by the launch.
  bool dynamic = false;
  /// Declared, defined elsewhere.
  bool external = false;
  std::vector<uint8_t> init;
  std::vector<Relocation> relocations;
};

/// A kernel or a device function.
struct Function {
  std::string_view name;
  int line = 0;
  bool isEntry = false;
  bool isDeclaration = false;
  /// Types of the registers.
  std::vector<Type> registers;
  /// Parameters first, then results, then the others.
  std::vector<Variable> variables;
  unsigned numParams = 0, numResults = 0;
  std::vector<Statement> body;
  /// .reqntid and .maxntid; zero if absent.
  uint32_t requiredThreads[3] = {0, 0, 0};
  uint32_t maxThreads = 0;
  /// .reqnctapercluster; zero if absent.
  uint32_t requiredCluster[3] = {0, 0, 0};
};

/// A translation unit. Everything points into `text`.
struct Module {
  std::string text;
  unsigned versionMajor = 0, versionMinor = 0;
  /// The number after "sm_" in .target, and a letter after it.
  unsigned target = 0;
  char targetSuffix = 0;
  std::vector<Variable> variables;
  std::vector<Function> functions;

  const Function *find(std::string_view name) const {
    for (const Function &function : functions)
      if (function.name == name && !function.isDeclaration)
        return &function;
    return nullptr;
  }
};

/// Parses a module. On failure returns null and says why in `error`.
std::unique_ptr<Module> parseModule(std::string_view text, std::string &error);

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_MODULE_H
