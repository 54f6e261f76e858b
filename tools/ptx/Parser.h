//===- Parser.h - recursive descent over PTX tokens -------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_PARSER_H
#define INGOT_TOOLS_PTX_PARSER_H

#include "tools/ptx/Lexer.h"
#include "tools/ptx/Module.h"

#include <map>
#include <unordered_map>

namespace ingot::ptx {

/// Parses one module. Each method returns false after an error, which stands
/// in `error` then.
class Parser {
public:
  Parser(Module &module, std::string &error);

  bool run();

private:
  /// Names of one pair of braces.
  struct Scope {
    int parent = -1;
    /// Registers by name, and ranges of them (%r<10>) by prefix.
    std::unordered_map<std::string_view, int> registers;
    struct Range {
      unsigned count;
      Type type;
    };
    std::unordered_map<std::string_view, Range> ranges;
    std::unordered_map<std::string_view, int> variables;
    std::unordered_map<std::string_view, uint32_t> labels;
    std::unordered_map<std::string_view, std::vector<std::string_view>> tables;
  };

  // Tokens.
  const Token &peek(size_t ahead = 0) const;
  Token take();
  bool accept(char c);
  bool expect(char c);
  bool fail(std::string message);

  // Declarations.
  bool parseTarget();
  bool parseVersion();
  bool parseVariable(Space space, bool external, std::vector<Variable> &into);
  bool parseInitializer(Variable &variable);
  bool parseInitialWord(Variable &variable, uint64_t &at);
  bool parseFunction(bool isEntry, bool external);
  bool parseParameters(Function &function, unsigned &count);
  bool parsePerformance(Function &function, bool &found);
  bool parseDimensions(uint32_t (&dims)[3]);
  bool parseRegisters();
  bool skipStatement();

  // Bodies.
  bool parseBody();
  bool parseBodyDirective(const Token &word);
  bool parseInstruction();
  bool parseArg(Arg &arg);
  bool parseArgs(Arg &arg, char close);
  bool parseWordArg(Arg &arg);
  bool parseNumber(std::string_view word, Arg &arg);
  bool resolveTargets();
  int findRegister(std::string_view name);

  Module &module;
  std::string &error;
  std::vector<Token> tokens;
  size_t position = 0;

  // Of the function being parsed.
  Function *function = nullptr;
  std::vector<Scope> scopes;
  int scope = -1;
  std::vector<int> statementScopes;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_PARSER_H
