//===- Run.h - ingot run ----------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_RUN_H
#define INGOT_TOOLS_INGOT_RUN_H

#include "tools/ingot/Options.h"

#include <string>

namespace ingot {

/// A file that is gone when this object is, or when a signal ends the process.
class TemporaryFile {
public:
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile() { remove(); }
  /// Makes an empty file with that ending.
  llvm::Error create(llvm::StringRef ending);
  void remove();
  const std::string &path() const { return name; }

private:
  std::string name;
};

/// `ingot run`.
int runCommand(const Options &options);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_RUN_H
