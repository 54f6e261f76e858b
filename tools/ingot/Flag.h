//===- Flag.h - one flag of the command line --------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_FLAG_H
#define INGOT_TOOLS_INGOT_FLAG_H

#include "tools/ingot/Options.h"

#include "llvm/ADT/StringRef.h"

namespace ingot {

/// A flag, the commands that take it, and how its value is stored. An empty
/// `value` makes it a switch. `set` returns what is wrong with the value.
struct Flag {
  llvm::StringRef name;
  char letter;
  llvm::StringRef value, help;
  unsigned commands;
  std::string (*set)(Options &, llvm::StringRef);
};

/// The flags that only `quantize` has.
llvm::ArrayRef<Flag> quantizeFlags();

/// Stores a number of at most `most`; returns what is wrong with it.
inline std::string setNumber(unsigned &field, llvm::StringRef value,
                             unsigned long long most) {
  unsigned long long number = 0;
  if (value.getAsInteger(10, number) || number > most)
    return "must be a number from 0 to " + std::to_string(most);
  field = unsigned(number);
  return "";
}

inline std::string setText(std::string &field, llvm::StringRef value) {
  field = value.str();
  return value.empty() ? "must not be empty" : "";
}

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_FLAG_H
