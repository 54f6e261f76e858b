//===- Lexer.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Lexer.h"

#include <cctype>

using namespace ingot::ptx;

static bool isWordCharacter(char c) {
  return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' ||
         c == '%' || c == '.';
}

std::vector<Token> ingot::ptx::tokenize(std::string_view text) {
  std::vector<Token> tokens;
  tokens.reserve(text.size() / 4);
  int line = 1;
  size_t at = 0, size = text.size();
  auto next = [&](size_t offset) {
    return at + offset < size ? text[at + offset] : '\0';
  };
  while (at < size) {
    char c = text[at];
    if (c == '\n')
      ++line;
    if (isspace(static_cast<unsigned char>(c)) || c == '\0') {
      ++at;
      continue;
    }
    if (c == '/' && next(1) == '/') {
      while (at < size && text[at] != '\n')
        ++at;
      continue;
    }
    if (c == '/' && next(1) == '*') {
      at += 2;
      while (at < size && !(text[at] == '*' && next(1) == '/')) {
        line += text[at] == '\n';
        ++at;
      }
      at = at + 2 < size ? at + 2 : size;
      continue;
    }
    size_t start = at;
    if (c == '"') {
      ++at;
      while (at < size && text[at] != '"' && text[at] != '\n')
        ++at;
      tokens.push_back(
          {Token::String, text.substr(start + 1, at - start - 1), line});
      at += at < size;
      continue;
    }
    if (!isWordCharacter(c)) {
      tokens.push_back({Token::Punctuation, text.substr(at, 1), line});
      ++at;
      continue;
    }
    // Two colons bind a qualifier to its word: shared::cluster.
    while (at < size &&
           (isWordCharacter(text[at]) ||
            (text[at] == ':' && next(1) == ':' && isWordCharacter(next(2)))))
      at += text[at] == ':' ? 2 : 1;
    tokens.push_back({Token::Word, text.substr(start, at - start), line});
  }
  tokens.push_back({Token::End, std::string_view(), line});
  return tokens;
}
