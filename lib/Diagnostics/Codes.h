//===- Codes.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stable codes of every message a user can meet. Codes.def is the one
// table: the enumeration, `ingot explain IG1004` and the reference page are
// made of it. No LLVM here: the reader and the runtime use it too.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DIAGNOSTICS_CODES_H
#define INGOT_LIB_DIAGNOSTICS_CODES_H

#include <string>
#include <string_view>

namespace ingot {

/// The number of a message. Numbers are never reused or changed.
enum class Code : unsigned {
#define INGOT_CODE(number, name, title, advice) name = number,
#include "lib/Diagnostics/Codes.def"
#undef INGOT_CODE
};

/// What `ingot explain` prints about a code.
struct CodePage {
  Code code;
  /// The name of the enumerator, as a handle in documents.
  std::string_view name;
  /// What went wrong, as one sentence.
  std::string_view title;
  /// What to do about it, one or more sentences.
  std::string_view advice;
};

/// The page of a code; null if there is no such code.
const CodePage *findCode(unsigned number);

/// The page of a code written as "IG1004", "ig1004" or "1004".
const CodePage *findCode(std::string_view text);

/// All pages in ascending order of code, `count` of them.
const CodePage *allCodes(size_t &count);

/// "[IG1004] ", the start of every message.
std::string tag(Code code);

/// A name or text from a model made fit for a terminal or a log: control
/// characters, quotes, backslashes, invalid UTF-8 and the characters that
/// change the direction of text are written as escapes; what is longer than
/// `limit` bytes is cut.
std::string escaped(std::string_view text, size_t limit = 160);

/// escaped(text) in single quotes.
std::string quoted(std::string_view text, size_t limit = 160);

} // namespace ingot

#endif // INGOT_LIB_DIAGNOSTICS_CODES_H
