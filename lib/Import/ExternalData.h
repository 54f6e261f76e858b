//===- ExternalData.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors whose bytes lie in files beside the model. A model may name only
// regular files below its own folder: every step of a path is opened relative
// to the folder before it and none may be a link, so that neither "..", nor a
// link, nor a swap of files between check and use leads elsewhere.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_EXTERNALDATA_H
#define INGOT_LIB_IMPORT_EXTERNALDATA_H

#include "lib/Import/MappedFile.h"

#include <map>

namespace ingot {

/// The files of external data of one model.
class ExternalData {
public:
  /// `folder` is the model's folder; none for a model from memory.
  ExternalData(std::optional<std::string> folder, bool allowHardLinks)
      : folder(std::move(folder)), allowHardLinks(allowHardLinks) {}
  ~ExternalData();
  ExternalData(const ExternalData &) = delete;

  /// Finds the `size` bytes of a tensor; `file` keeps them mapped.
  wire::Failure find(const wire::Tensor &tensor, uint64_t size,
                     std::string_view &bytes,
                     std::shared_ptr<MappedFile> &file);

  /// Fails if a file that was read is not any more what it was.
  wire::Failure checkUnchanged();

  /// What was odd but accepted, for remarks.
  std::vector<std::string> takeRemarks();

private:
  struct Range {
    uint64_t begin, end;
    std::string tensor;
  };
  struct File {
    std::shared_ptr<MappedFile> mapping;
    std::string sha1;
    std::vector<Range> ranges;
  };

  wire::Failure open(const std::string &location, File *&file);
  wire::Failure openBeneath(const std::string &location, int &descriptor);
  wire::Failure verify(File &file, std::string_view location,
                       std::string_view checksum);

  std::optional<std::string> folder;
  bool allowHardLinks;
  int folderDescriptor = -1;
  std::map<std::string, File> files;
  std::vector<std::string> remarks;
};

} // namespace ingot

#endif // INGOT_LIB_IMPORT_EXTERNALDATA_H
