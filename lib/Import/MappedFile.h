//===- MappedFile.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file mapped for reading that cannot crash the process. When another
// program truncates a mapped file, touching its lost pages raises SIGBUS; the
// guard here puts pages of zeros in their place and remembers that it did, so
// that readers go on in memory that exists and the result is then refused.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_MAPPEDFILE_H
#define INGOT_LIB_IMPORT_MAPPEDFILE_H

#include "lib/Import/Wire.h"

#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace ingot {

/// What guards the pages of one mapping; see MappedFile.cpp.
struct MappingGuard;

/// An immutable view of a regular file.
class MappedFile {
public:
  /// Opens and maps a file of the caller's choice. Refuses what is not a
  /// regular file without blocking on it.
  static wire::Failure open(const std::string &path,
                            std::shared_ptr<MappedFile> &into);
  /// Maps an open descriptor, which stays the caller's. `name` is for
  /// messages.
  static wire::Failure map(int descriptor, const std::string &name,
                           std::shared_ptr<MappedFile> &into);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::string_view bytes() const { return {data, size}; }
  /// Tells the system whether to read ahead. Import touches a few bytes of each
  /// tensor, and reading ahead would bring in most of the weights.
  void readAhead(bool enable) const;
  /// True once a page of the file was found missing.
  bool lostPages() const;
  /// True if any file that is still mapped lost pages: what was computed from
  /// it since is worth nothing.
  static bool anyLostPages();
  /// True if `now` is not the file as it was when it was mapped.
  bool differsFrom(const struct stat &now) const;

private:
  MappedFile() = default;

  const char *data = nullptr;
  size_t size = 0;
  struct stat identity = {};
  MappingGuard *guard = nullptr;
};

} // namespace ingot

#endif // INGOT_LIB_IMPORT_MAPPEDFILE_H
