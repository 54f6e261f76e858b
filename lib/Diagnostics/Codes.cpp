//===- Codes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Diagnostics/Codes.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace ingot {

static const CodePage pages[] = {
#define INGOT_CODE(number, name, title, advice)                                \
  {Code::name, #name, title, advice},
#include "lib/Diagnostics/Codes.def"
#undef INGOT_CODE
};

const CodePage *allCodes(size_t &count) {
  count = std::size(pages);
  return pages;
}

const CodePage *findCode(unsigned number) {
  const CodePage *page = std::find_if(
      std::begin(pages), std::end(pages),
      [&](const CodePage &page) { return unsigned(page.code) == number; });
  return page == std::end(pages) ? nullptr : page;
}

const CodePage *findCode(std::string_view text) {
  if (text.size() > 2 && (text[0] == 'I' || text[0] == 'i') &&
      (text[1] == 'G' || text[1] == 'g'))
    text.remove_prefix(2);
  if (text.empty() || text.size() > 5)
    return nullptr;
  unsigned number = 0;
  for (char c : text) {
    if (c < '0' || c > '9')
      return nullptr;
    number = number * 10 + unsigned(c - '0');
  }
  return findCode(number);
}

std::string tag(Code code) {
  return "[IG" + std::to_string(unsigned(code)) + "] ";
}

/// The length of the well-formed UTF-8 sequence at the start of `text` (0 if
/// there is none) and its code point.
static unsigned decodeUtf8(std::string_view text, uint32_t &point) {
  auto byte = [&](size_t i) { return uint8_t(text[i]); };
  unsigned length = byte(0) < 0x80             ? 1
                    : (byte(0) & 0xE0) == 0xC0 ? 2
                    : (byte(0) & 0xF0) == 0xE0 ? 3
                    : (byte(0) & 0xF8) == 0xF0 ? 4
                                               : 0;
  if (length == 0 || length > text.size())
    return 0;
  point = length == 1 ? byte(0) : byte(0) & (0x7Fu >> length);
  for (unsigned i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
    point = point << 6 | (byte(i) & 0x3F);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = point >= 0xD800 && point < 0xE000;
  return point < least[length] || surrogate || point > 0x10FFFF ? 0 : length;
}

/// Control characters, and characters that reorder or hide text.
static bool isUnsafe(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == '\'' ||
         point == '\\' || (point >= 0x200B && point <= 0x200F) ||
         (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF;
}

std::string escaped(std::string_view text, size_t limit) {
  std::string result;
  while (!text.empty()) {
    if (result.size() >= limit)
      return result + "...";
    uint32_t point = 0;
    unsigned length = decodeUtf8(text, point);
    if (length && !isUnsafe(point)) {
      result.append(text.substr(0, length));
    } else {
      char buffer[16];
      length = std::max(length, 1u);
      for (unsigned i = 0; i < length; ++i) {
        snprintf(buffer, sizeof buffer, "\\x%02X", uint8_t(text[i]));
        result += buffer;
      }
    }
    text.remove_prefix(length);
  }
  return result;
}

std::string quoted(std::string_view text, size_t limit) {
  return "'" + escaped(text, limit) + "'";
}

} // namespace ingot
