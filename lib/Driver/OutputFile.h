//===- OutputFile.h - files that are written whole or not at all *- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_OUTPUTFILE_H
#define INGOT_LIB_DRIVER_OUTPUTFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace ingot {

/// A temporary file beside `path` that takes its place when it is complete. It
/// is removed when it is not, also by a signal. What is no regular file (a
/// device, a pipe) is written in the end instead of replaced. Errors carry a
/// code and name the path.
class OutputFile {
public:
  explicit OutputFile(llvm::StringRef path) : path(path) {}
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile() { discard(); }

  /// Chooses the temporary name, after checking that `path` can be written.
  llvm::Error open();
  /// Where to write.
  const std::string &temporary() const { return name; }
  /// Puts the file in its place.
  llvm::Error commit();

private:
  void discard();

  std::string path, name;
  bool isSpecial = false;
};

/// Writes `bytes` to `path` (or standard output, "-"): whole or not at all.
llvm::Error writeWhole(llvm::StringRef path, llvm::ArrayRef<char> bytes);

/// The error that says that a file could not be written, and why.
llvm::Error notWritten(llvm::StringRef path, std::error_code code);

/// Whether a file can be written at `path`: an error that says why not.
llvm::Error checkWritable(llvm::StringRef path);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_OUTPUTFILE_H
