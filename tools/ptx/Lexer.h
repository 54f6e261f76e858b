//===- Lexer.h - tokens of PTX text -----------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_LEXER_H
#define INGOT_TOOLS_PTX_LEXER_H

#include <string_view>
#include <vector>

namespace ingot::ptx {

/// A word (identifier, number, directive, mnemonic with its modifiers), a
/// quoted string, or one character of punctuation.
struct Token {
  enum Kind : char { Word, String, Punctuation, End };
  Kind kind = End;
  std::string_view text;
  int line = 0;

  bool is(char c) const { return kind == Punctuation && text[0] == c; }
  bool is(std::string_view word) const { return kind == Word && text == word; }
};

/// The tokens of the text, without comments, closed by an End. They point into
/// the text.
std::vector<Token> tokenize(std::string_view text);

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_LEXER_H
