//===- ParseBody.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bodies of functions: registers, variables, labels and instructions.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Numbers.h"
#include "tools/ptx/Parser.h"

#include <cstdlib>

using namespace ingot::ptx;

bool Parser::parseRegisters() {
  Type type = Type::None;
  while (peek().kind == Token::Word && peek().text[0] == '.') {
    std::string_view word = take().text.substr(1);
    type = parseType(word);
    if (type == Type::None)
      return fail("unknown type of a register '" + std::string(word) + "'");
  }
  if (type == Type::None)
    return fail("register without a type");
  do {
    Token name = take();
    if (name.kind != Token::Word)
      return fail("expected a register, found '" + std::string(name.text) +
                  "'");
    if (accept('<')) {
      unsigned count = strtoul(std::string(take().text).c_str(), nullptr, 10);
      if (!expect('>'))
        return false;
      scopes[scope].ranges[name.text] = {count, type};
      continue;
    }
    scopes[scope].registers[name.text] = int(function->registers.size());
    function->registers.push_back(type);
  } while (accept(','));
  return expect(';');
}

int Parser::findRegister(std::string_view name) {
  size_t digits = name.size();
  while (digits && isdigit(static_cast<unsigned char>(name[digits - 1])))
    --digits;
  for (int at = scope; at >= 0; at = scopes[at].parent) {
    Scope &here = scopes[at];
    auto found = here.registers.find(name);
    if (found != here.registers.end())
      return found->second;
    if (digits == name.size())
      continue;
    auto range = here.ranges.find(name.substr(0, digits));
    if (range == here.ranges.end())
      continue;
    unsigned number =
        strtoul(std::string(name.substr(digits)).c_str(), nullptr, 10);
    if (number >= range->second.count)
      continue;
    int index = int(function->registers.size());
    here.registers[name] = index;
    function->registers.push_back(range->second.type);
    return index;
  }
  return -1;
}

bool Parser::parseNumber(std::string_view word, Arg &arg) {
  std::string text(word);
  arg.kind = Arg::Integer;
  char *end = nullptr;
  if (text.size() > 1 && text[0] == '0' && strchr("fFdD", text[1])) {
    arg.value = strtoull(text.c_str() + 2, &end, 16);
  } else if (text.find('.') != std::string::npos) {
    arg.kind = Arg::Decimal;
    arg.decimal = strtod(text.c_str(), &end);
  } else if (text.rfind("0b", 0) == 0) {
    arg.value = strtoull(text.c_str() + 2, &end, 2);
  } else {
    arg.value = strtoull(text.c_str(), &end, 0);
  }
  if (end && (*end == 'U' || *end == 'u'))
    ++end;
  if (!end || *end || !isdigit(static_cast<unsigned char>(text[0])))
    return fail("expected a number, found '" + text + "'");
  return true;
}

bool Parser::parseWordArg(Arg &arg) {
  Token token = take();
  if (token.kind != Token::Word)
    return fail("expected an operand, found '" + std::string(token.text) + "'");
  std::string_view word = token.text;
  if (isdigit(static_cast<unsigned char>(word[0])))
    return parseNumber(word, arg);
  if (word == "_") {
    arg.kind = Arg::Sink;
    return true;
  }
  arg.reg = findRegister(word);
  if (arg.reg >= 0) {
    arg.kind = Arg::Register;
    return true;
  }
  for (int at = scope; at >= 0; at = scopes[at].parent) {
    auto found = scopes[at].variables.find(word);
    if (found == scopes[at].variables.end())
      continue;
    arg.kind = Arg::Variable;
    arg.variable = found->second;
    return true;
  }
  arg.kind = Arg::Name;
  arg.name = word;
  return true;
}

bool Parser::parseArgs(Arg &arg, char close) {
  while (!peek().is(close)) {
    arg.parts.emplace_back();
    if (!parseArg(arg.parts.back()))
      return false;
    if (!accept(','))
      break;
  }
  return expect(close);
}

bool Parser::parseArg(Arg &arg) {
  if (accept('{')) {
    arg.kind = Arg::Vector;
    return parseArgs(arg, '}');
  }
  if (accept('(')) {
    arg.kind = Arg::List;
    return parseArgs(arg, ')');
  }
  if (accept('[')) {
    arg.kind = Arg::Address;
    arg.parts.emplace_back();
    if (!parseArg(arg.parts.back()))
      return false;
    if (peek().is('+') || peek().is('-')) {
      bool negative = take().is('-');
      negative ^= accept('-');
      Arg offset;
      if (!parseNumber(take().text, offset))
        return false;
      arg.offset = negative ? -int64_t(offset.value) : int64_t(offset.value);
    }
    if (!accept(','))
      return expect(']');
    return parseArgs(arg, ']');
  }
  if (accept('!')) {
    if (!parseWordArg(arg))
      return false;
    arg.negated = true;
    return true;
  }
  if (accept('-')) {
    if (!parseNumber(take().text, arg))
      return false;
    arg.value = 0 - arg.value;
    arg.decimal = -arg.decimal;
    return true;
  }
  if (!parseWordArg(arg))
    return false;
  // The address of a variable with an offset.
  if ((arg.kind == Arg::Name || arg.kind == Arg::Variable) && peek().is('+') &&
      peek(2).is(';')) {
    take();
    Arg offset;
    if (!parseNumber(take().text, offset))
      return false;
    arg.offset = int64_t(offset.value);
  }
  if (peek().is('|')) {
    take();
    Arg first = arg;
    Arg second;
    if (!parseWordArg(second))
      return false;
    arg = Arg();
    arg.kind = Arg::Pair;
    arg.parts = {first, second};
  }
  return true;
}

bool Parser::parseInstruction() {
  Statement statement;
  statement.line = peek().line;
  const char *begin = peek().text.data();
  if (accept('@')) {
    statement.guardNegated = accept('!');
    Arg guard;
    if (!parseWordArg(guard))
      return false;
    if (guard.kind != Arg::Register ||
        function->registers[guard.reg] != Type::Pred)
      return fail("the guard is not a predicate");
    statement.guard = guard.reg;
  }
  Token mnemonic = take();
  if (mnemonic.kind != Token::Word)
    return fail("expected an instruction, found '" +
                std::string(mnemonic.text) + "'");
  statement.mnemonic = mnemonic.text;
  while (!peek().is(';')) {
    statement.args.emplace_back();
    if (!parseArg(statement.args.back()))
      return false;
    if (!accept(','))
      break;
  }
  const char *end = peek().text.data();
  if (!expect(';'))
    return false;
  statement.text = std::string_view(begin, end - begin);
  function->body.push_back(std::move(statement));
  statementScopes.push_back(scope);
  return true;
}

bool Parser::parseBodyDirective(const Token &word) {
  std::string_view text = word.text;
  Space space = text == ".shared"   ? Space::Shared
                : text == ".local"  ? Space::Local
                : text == ".param"  ? Space::Param
                : text == ".global" ? Space::Global
                : text == ".const"  ? Space::Const
                                    : Space::Generic;
  take();
  if (text == ".reg")
    return parseRegisters();
  if (space != Space::Generic) {
    size_t first = function->variables.size();
    if (!parseVariable(space, false, function->variables) || !expect(';'))
      return false;
    for (size_t i = first; i < function->variables.size(); ++i)
      scopes[scope].variables[function->variables[i].name] = int(i);
    return true;
  }
  if (text == ".pragma")
    return skipStatement();
  if (text == ".loc") {
    // Ends with its line.
    while (peek().line == word.line && peek().kind != Token::End)
      take();
    return true;
  }
  position -= 1;
  return fail("unknown directive '" + std::string(text) + "'");
}

bool Parser::parseBody() {
  int depth = 1;
  while (depth) {
    const Token &token = peek();
    if (token.kind == Token::End)
      return fail("the body of '" + std::string(function->name) +
                  "' has no end");
    if (accept('{')) {
      Scope inner;
      inner.parent = scope;
      scope = int(scopes.size());
      scopes.push_back(std::move(inner));
      ++depth;
    } else if (accept('}')) {
      scope = scopes[scope].parent;
      --depth;
    } else if (accept(';')) {
      continue;
    } else if (token.kind == Token::Word && peek(1).is(':')) {
      Token label = take();
      take();
      if (peek().is(".branchtargets")) {
        take();
        std::vector<std::string_view> &table = scopes[scope].tables[label.text];
        do {
          table.push_back(take().text);
        } while (accept(','));
        if (!expect(';'))
          return false;
      } else if (peek().is(".callprototype") || peek().is(".calltargets")) {
        if (!skipStatement())
          return false;
      } else {
        scopes[scope].labels[label.text] = uint32_t(function->body.size());
      }
    } else if (token.kind == Token::Word && token.text[0] == '.') {
      if (!parseBodyDirective(Token(token)))
        return false;
    } else if (!parseInstruction()) {
      return false;
    }
  }
  return true;
}

bool Parser::resolveTargets() {
  for (size_t i = 0; i < function->body.size(); ++i) {
    Statement &statement = function->body[i];
    std::string_view base =
        statement.mnemonic.substr(0, statement.mnemonic.find('.'));
    if ((base != "bra" && base != "brx") || statement.args.empty())
      continue;
    std::vector<std::string_view> names = {statement.args.back().name};
    if (base == "brx")
      for (int at = statementScopes[i]; at >= 0; at = scopes[at].parent)
        if (auto found = scopes[at].tables.find(names[0]);
            found != scopes[at].tables.end()) {
          names = found->second;
          break;
        }
    for (std::string_view name : names) {
      bool found = false;
      for (int at = statementScopes[i]; at >= 0 && !found;
           at = scopes[at].parent) {
        auto label = scopes[at].labels.find(name);
        if (label == scopes[at].labels.end())
          continue;
        statement.targets.push_back(label->second);
        found = true;
      }
      if (!found) {
        error = "line " + std::to_string(statement.line) + ": no label '" +
                std::string(name) + "'";
        return false;
      }
    }
  }
  return true;
}
