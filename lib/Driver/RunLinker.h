//===- RunLinker.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lld in this process, on files in memory.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_RUNLINKER_H
#define INGOT_LIB_DRIVER_RUNLINKER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace ingot {

/// A file without a name that the linker reads by path.
class MemoryFile {
public:
  MemoryFile();
  MemoryFile(MemoryFile &&other);
  ~MemoryFile();

  int descriptor() const { return fd; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }

private:
  int fd;
};

/// Writes all bytes to a file that is open, from where it stands.
std::error_code writeAll(int fd, llvm::ArrayRef<char> bytes);

/// Links the files and writes the result to a file that is open. What cannot be
/// written is an error code; what the linker complains of has a code of ours.
llvm::Error runLinker(std::vector<std::string> arguments,
                      llvm::ArrayRef<MemoryFile> files, int output);

/// A message about linking, with its code.
llvm::Error linkError(const llvm::Twine &text);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_RUNLINKER_H
