//===- Failure.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formatting without stdio: locale-free, bounded, no allocation.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/Failure.h"

#include <string.h>

using namespace ingot::rt;

// Only failures come here, and every artifact carries this: small before fast.
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)

static __thread ErrorText lastOfThread;

const char *ingot::rt::threadError() { return lastOfThread.text; }

const char *ingot::rt::withoutCode(const char *text) {
  // "[IG70nn] "
  constexpr size_t code = 9;
  return strlen(text) < code ? text : text + code;
}

Failure::Failure(ingot_status status, ErrorText *context)
    : status(status), context(context) {
  *this << "[IG" << int64_t(7000 + status) << "] ";
}

void Failure::put(char c) {
  char *text = lastOfThread.text;
  constexpr size_t limit = sizeof(lastOfThread.text) - 1;
  if (length < limit) {
    text[length++] = c;
    text[length] = 0;
  } else {
    memcpy(text + limit - 3, "...", 3);
  }
}

Failure &Failure::operator<<(const char *text) {
  return add(text, strlen(text));
}

Failure &Failure::add(const char *text, size_t n) {
  for (size_t i = 0; i < n; ++i)
    put(text[i]);
  return *this;
}

Failure &Failure::operator<<(int64_t number) {
  if (number >= 0)
    return *this << uint64_t(number);
  put('-');
  return *this << (uint64_t(0) - uint64_t(number));
}

Failure &Failure::operator<<(uint64_t number) {
  char digits[20];
  size_t n = 0;
  do
    digits[n++] = char('0' + number % 10);
  while (number /= 10);
  while (n)
    put(digits[--n]);
  return *this;
}

Failure &Failure::operator<<(Quoted quoted) {
  constexpr size_t longest = 96;
  static const char hex[] = "0123456789abcdef";
  put('\'');
  const char *name = quoted.name ? quoted.name : "";
  for (size_t i = 0; name[i]; ++i) {
    auto c = static_cast<unsigned char>(name[i]);
    if (i == longest) {
      *this << "...";
      break;
    }
    if (c >= ' ' && c != 0x7f && c != '\'') {
      put(char(c));
      continue;
    }
    *this << "\\x";
    put(hex[c >> 4]);
    put(hex[c & 15]);
  }
  put('\'');
  return *this;
}

Failure &Failure::operator<<(Shape shape) {
  constexpr int32_t most = 12;
  put('[');
  for (int32_t i = 0; i < shape.rank; ++i) {
    if (i)
      *this << ", ";
    if (i == most) {
      *this << "...";
      break;
    }
    int64_t dim = shape.dims[i];
    if (dim < 0 && shape.symbols)
      *this << Quoted{shape.symbols[-1 - dim]};
    else
      *this << dim;
  }
  put(']');
  return *this;
}

Failure::operator ingot_status() const {
  if (context)
    memcpy(context->text, lastOfThread.text, length + 1);
  return status;
}

#pragma clang attribute pop
