//===- Parser.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Module scope: versions, variables, functions and their attributes.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Parser.h"

#include "tools/ptx/Numbers.h"

#include <cstdlib>

using namespace ingot::ptx;

Parser::Parser(Module &module, std::string &error)
    : module(module), error(error), tokens(tokenize(module.text)) {}

const Token &Parser::peek(size_t ahead) const {
  size_t at = position + ahead;
  return at < tokens.size() ? tokens[at] : tokens.back();
}

Token Parser::take() {
  Token token = peek();
  if (position + 1 < tokens.size())
    ++position;
  return token;
}

bool Parser::accept(char c) {
  if (!peek().is(c))
    return false;
  take();
  return true;
}

bool Parser::expect(char c) {
  if (accept(c))
    return true;
  return fail(std::string("expected '") + c + "', found '" +
              std::string(peek().text) + "'");
}

bool Parser::fail(std::string message) {
  if (error.empty())
    error = "line " + std::to_string(peek().line) + ": " + message;
  return false;
}

bool Parser::skipStatement() {
  while (peek().kind != Token::End && !peek().is(';'))
    take();
  return expect(';');
}

bool Parser::parseVersion() {
  std::string word(take().text);
  char *end = nullptr;
  module.versionMajor = strtoul(word.c_str(), &end, 10);
  if (*end != '.')
    return fail("expected a version, found '" + word + "'");
  module.versionMinor = strtoul(end + 1, &end, 10);
  return *end ? fail("expected a version, found '" + word + "'") : true;
}

bool Parser::parseTarget() {
  do {
    std::string word(take().text);
    if (word.rfind("sm_", 0) != 0)
      continue; // texmode_independent, debug
    char *end = nullptr;
    module.target = strtoul(word.c_str() + 3, &end, 10);
    module.targetSuffix = *end;
    if (!module.target || (*end && end[1]))
      return fail("unknown target '" + word + "'");
  } while (accept(','));
  return true;
}

/// The space a directive names, or Generic.
static Space spaceOf(std::string_view directive) {
  if (directive == ".global")
    return Space::Global;
  if (directive == ".const")
    return Space::Const;
  if (directive == ".shared")
    return Space::Shared;
  if (directive == ".local")
    return Space::Local;
  if (directive == ".param")
    return Space::Param;
  return Space::Generic;
}

bool Parser::parseInitialWord(Variable &variable, uint64_t &at) {
  unsigned bytes = bytesOf(variable.type);
  if (accept('{')) {
    while (!peek().is('}')) {
      if (!parseInitialWord(variable, at))
        return false;
      if (!accept(','))
        break;
    }
    return expect('}');
  }
  Arg arg;
  bool negative = accept('-');
  Token word = take();
  if (word.text == "generic" && accept('(')) {
    word = take();
    if (!expect(')'))
      return false;
  }
  if (word.kind != Token::Word)
    return fail("expected a value, found '" + std::string(word.text) + "'");
  if (at + bytes > variable.init.size())
    return fail("too many initial values for '" + std::string(variable.name) +
                "'");
  if (isdigit(static_cast<unsigned char>(word.text[0]))) {
    if (!parseNumber(word.text, arg))
      return false;
    uint64_t value = arg.value;
    if (arg.kind == Arg::Decimal)
      value = variable.type == Type::F32 ? bitsOfFloat(float(arg.decimal))
                                         : bitsOfDouble(arg.decimal);
    if (negative)
      value = arg.kind == Arg::Decimal
                  ? value ^ (uint64_t(1) << (8 * bytes - 1))
                  : 0 - value;
    memcpy(&variable.init[at], &value, bytes);
  } else {
    Relocation relocation{at, word.text, 0};
    if (bytes != 8)
      return fail("an address in a variable of " + std::to_string(bytes) +
                  " bytes");
    if (accept('+') && !parseNumber(take().text, arg))
      return false;
    relocation.addend = int64_t(arg.value);
    variable.relocations.push_back(relocation);
  }
  at += bytes;
  return true;
}

bool Parser::parseInitializer(Variable &variable) {
  if (!accept('='))
    return true;
  variable.init.assign(variable.bytes, 0);
  uint64_t at = 0;
  return parseInitialWord(variable, at);
}

bool Parser::parseVariable(Space space, bool external,
                           std::vector<Variable> &into) {
  Variable model;
  model.space = space;
  model.external = external;
  unsigned lanes = 1;
  bool aligned = false;
  while (peek().kind == Token::Word && peek().text[0] == '.') {
    std::string_view word = take().text;
    if (word == ".align") {
      model.align = strtoull(std::string(take().text).c_str(), nullptr, 10);
      aligned = true;
    } else if (word == ".v2" || word == ".v4") {
      lanes = word[2] - '0';
    } else if (word == ".attribute") {
      while (!peek().is(')') && peek().kind != Token::End)
        take();
      take();
    } else if (Type type = parseType(word.substr(1)); type != Type::None) {
      model.type = type;
      if (!aligned)
        model.align = bytesOf(type);
    } // else .ptr, .global: what a parameter points to
  }
  if (!model.align || (model.align & (model.align - 1)))
    return fail("alignment is not a power of two");
  do {
    Variable variable = model;
    Token name = take();
    if (name.kind != Token::Word)
      return fail("expected a name, found '" + std::string(name.text) + "'");
    variable.name = name.text;
    uint64_t count = lanes;
    while (accept('[')) {
      if (accept(']')) {
        variable.dynamic = true;
        count = 0;
        continue;
      }
      Arg size;
      if (!parseNumber(take().text, size) || !expect(']'))
        return false;
      if (size.value > (uint64_t(1) << 40))
        return fail("array too large");
      count *= size.value;
    }
    variable.bytes = count * bytesOf(variable.type);
    if (!parseInitializer(variable))
      return false;
    into.push_back(std::move(variable));
  } while (accept(',') && space != Space::Param);
  return true;
}

bool Parser::parseParameters(Function &function, unsigned &count) {
  if (!accept('('))
    return true;
  while (!peek().is(')')) {
    std::string_view word = take().text;
    if (word == ".reg")
      return fail("parameters in registers are not supported");
    if (word != ".param" ||
        !parseVariable(Space::Param, false, function.variables))
      return fail("expected a parameter, found '" + std::string(word) + "'");
    ++count;
    // parseVariable took the comma.
    if (tokens[position - 1].is(','))
      continue;
    break;
  }
  return expect(')');
}

bool Parser::parseDimensions(uint32_t (&dims)[3]) {
  for (uint32_t &dim : dims)
    dim = 1;
  for (uint32_t &dim : dims) {
    dim = strtoul(std::string(take().text).c_str(), nullptr, 10);
    if (!dim)
      return fail("expected a size of a dimension");
    if (!accept(','))
      break;
  }
  return true;
}

bool Parser::parsePerformance(Function &function, bool &found) {
  std::string_view word = peek().text;
  found = peek().kind == Token::Word;
  if (word == ".maxntid" || word == ".reqntid") {
    take();
    uint32_t dims[3];
    if (!parseDimensions(dims))
      return false;
    function.maxThreads = dims[0] * dims[1] * dims[2];
    if (word == ".reqntid")
      for (int i = 0; i < 3; ++i)
        function.requiredThreads[i] = dims[i];
    return true;
  }
  if (word == ".reqnctapercluster") {
    take();
    return parseDimensions(function.requiredCluster);
  }
  if (word == ".minnctapersm" || word == ".maxnreg" ||
      word == ".maxnctapersm" || word == ".maxclusterrank") {
    take();
    take();
    return true;
  }
  if (word == ".noreturn" || word == ".explicitcluster" ||
      word == ".blocksareclusters") {
    take();
    return true;
  }
  if (word == ".pragma") {
    take();
    return skipStatement();
  }
  found = false;
  return true;
}

bool Parser::parseFunction(bool isEntry, bool external) {
  module.functions.emplace_back();
  Function &current = module.functions.back();
  current.isEntry = isEntry;
  current.line = peek().line;
  // Results stand before the name, but their slots after the parameters'.
  Function results;
  unsigned numResults = 0;
  if (!parseParameters(results, numResults))
    return false;
  Token name = take();
  if (name.kind != Token::Word)
    return fail("expected a name of a function");
  current.name = name.text;
  if (!parseParameters(current, current.numParams))
    return false;
  current.numResults = numResults;
  for (Variable &result : results.variables)
    current.variables.push_back(std::move(result));
  for (bool found = true; found;)
    if (!parsePerformance(current, found))
      return false;
  if (external || peek().is(';')) {
    current.isDeclaration = true;
    return expect(';');
  }
  function = &current;
  scopes.clear();
  statementScopes.clear();
  scopes.emplace_back();
  scope = 0;
  for (size_t i = 0; i < current.variables.size(); ++i)
    scopes[0].variables[current.variables[i].name] = int(i);
  return expect('{') && parseBody() && resolveTargets();
}

bool Parser::run() {
  bool external = false;
  while (peek().kind != Token::End) {
    Token token = take();
    std::string_view word = token.text;
    if (word == ".visible" || word == ".weak" || word == ".common") {
      continue;
    } else if (word == ".extern") {
      external = true;
      continue;
    } else if (word == ".version") {
      if (!parseVersion())
        return false;
    } else if (word == ".target") {
      if (!parseTarget())
        return false;
    } else if (word == ".address_size") {
      if (take().text != "64")
        return fail("only 64-bit addresses are supported");
    } else if (word == ".entry" || word == ".func") {
      while (peek().is(".noreturn"))
        take();
      if (!parseFunction(word == ".entry", external))
        return false;
    } else if (word == ".file" || word == ".pragma" || word == ".alias") {
      // .file has no end but that of its line.
      if (word != ".file" && !skipStatement())
        return false;
      while (word == ".file" && peek().line == token.line &&
             peek().kind != Token::End)
        take();
    } else if (word == ".section") {
      while (!peek().is('}') && peek().kind != Token::End)
        take();
      if (!expect('}'))
        return false;
    } else if (Space space = spaceOf(word); space != Space::Generic) {
      if (!parseVariable(space, external, module.variables) || !expect(';'))
        return false;
    } else {
      position -= position > 0;
      return fail("unknown directive '" + std::string(word) + "'");
    }
    external = false;
  }
  if (!module.versionMajor || !module.target)
    return fail("no .version or no .target");
  return true;
}

std::unique_ptr<Module> ingot::ptx::parseModule(std::string_view text,
                                                std::string &error) {
  auto module = std::make_unique<Module>();
  module->text = std::string(text);
  error.clear();
  if (!Parser(*module, error).run())
    return nullptr;
  return module;
}
