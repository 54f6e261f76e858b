//===- Failure.h ------------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sentences for callers. They name inputs, types and shapes as the model does,
// never addresses.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_FAILURE_H
#define INGOT_LIB_RUNTIME_FAILURE_H

#include "ingot/ingot.h"

namespace ingot::rt {

/// Room for one sentence.
struct ErrorText {
  char text[512];
};

/// A name from the model, which may hold any byte and be of any length: it is
/// quoted, escaped and cut.
struct Quoted {
  const char *name;
};

/// A shape, where dimension -1 - k prints as symbol k if symbols are given.
struct Shape {
  const int64_t *dims;
  int32_t rank;
  const char *const *symbols = nullptr;
};

/// Writes "[IG70nn] " and what is put into it to the calling thread's error
/// text and, once turned into a status, to that of the context:
///
///   return Failure(INGOT_ERROR_DTYPE, context) << "expected " << name;
class Failure {
public:
  explicit Failure(ingot_status status, ErrorText *context = nullptr);

  Failure &operator<<(const char *text);
  Failure &operator<<(int64_t number);
  Failure &operator<<(uint64_t number);
  Failure &operator<<(int32_t number) { return *this << int64_t(number); }
  Failure &operator<<(Quoted name);
  Failure &operator<<(Shape shape);

  /// At most `length` bytes of `text`, as they are.
  Failure &add(const char *text, size_t length);

  operator ingot_status() const;

private:
  void put(char c);

  ingot_status status;
  ErrorText *context;
  size_t length = 0;
};

/// The calling thread's last sentence.
const char *threadError();

/// A sentence without the "[IG70nn] " before it.
const char *withoutCode(const char *text);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_FAILURE_H
