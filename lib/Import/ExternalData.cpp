//===- ExternalData.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/ExternalData.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA1.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace ingot;
using wire::Error;
using wire::Failure;

namespace {
/// The entries of external_data, checked.
struct Description {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  std::string_view checksum;
};
} // namespace

ExternalData::~ExternalData() {
  if (folderDescriptor >= 0)
    close(folderDescriptor);
}

/// A plain decimal number; no sign, space, point or exponent.
static Failure parseNumber(std::string_view key, std::string_view text,
                           uint64_t &number) {
  number = 0;
  bool good = !text.empty();
  for (char c : text)
    good &= c >= '0' && c <= '9' &&
            !__builtin_mul_overflow(number, uint64_t(10), &number) &&
            !__builtin_add_overflow(number, uint64_t(c - '0'), &number);
  if (good)
    return {};
  return Error{Code::ExternalEntry, std::string(key) + " of external data is " +
                                        quoted(text) +
                                        ", not a decimal number"};
}

/// Why a location is not a plain path below the model's folder.
static const char *locationFault(std::string_view location) {
  if (location.empty())
    return "is empty";
  if (location.find('\0') != location.npos)
    return "has a zero byte";
  if (location.size() > 4096)
    return "is too long";
  if (location.front() == '/')
    return "is absolute";
  if (location.find('\\') != location.npos)
    return "has a backslash";
  if (location.find("://") != location.npos || location.front() == '#')
    return "looks like a URL";
  if (location.size() > 1 && location[1] == ':' && isalpha(location[0]))
    return "has a drive letter";
  llvm::SmallVector<llvm::StringRef> steps;
  llvm::StringRef(location.data(), location.size()).split(steps, '/');
  if (llvm::is_contained(steps, ".."))
    return "leads out of the model's folder";
  if (steps.back().empty() || steps.back() == ".")
    return "names no file";
  return nullptr;
}

static Failure describe(const wire::Tensor &tensor, Description &into,
                        std::vector<std::string> &remarks) {
  std::vector<std::string_view> seen;
  for (const wire::Entry &entry : tensor.external) {
    if (llvm::is_contained(seen, entry.key)) {
      remarks.push_back("tensor " + quoted(tensor.name) + " repeats the key " +
                        quoted(entry.key) + "; the first one counts");
      continue;
    }
    seen.push_back(entry.key);
    Failure failure;
    if (entry.key == "location") {
      into.location = std::string(entry.value);
    } else if (entry.key == "offset") {
      failure = parseNumber("offset", entry.value, into.offset);
    } else if (entry.key == "length") {
      failure = parseNumber("length", entry.value, into.length.emplace());
    } else if (entry.key == "checksum") {
      into.checksum = entry.value;
    } else {
      remarks.push_back("tensor " + quoted(tensor.name) +
                        " has external data with the unknown key " +
                        quoted(entry.key) + ", ignored");
    }
    if (failure)
      return failure;
  }
  if (const char *fault = locationFault(into.location))
    return Error{Code::ExternalPath,
                 "location " + quoted(into.location) + " " + fault};
  return {};
}

/// Opens `location` below the folder one step at a time, following no link.
Failure ExternalData::openBeneath(const std::string &location,
                                  int &descriptor) {
  auto refused = [&](const std::string &step) {
    int reason = errno;
    if (reason == ELOOP || reason == ENOTDIR)
      return Error{Code::ExternalNotAFile,
                   quoted(location) +
                       " leads through a symbolic link or "
                       "something that is not a folder at " +
                       quoted(step)};
    return Error{Code::ExternalMissing,
                 "cannot open " + quoted(location) + ": " + strerror(reason)};
  };
  if (folderDescriptor < 0)
    folderDescriptor =
        ::open(folder->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folderDescriptor < 0)
    return refused("the model's folder");
  int current = folderDescriptor;
  llvm::SmallVector<llvm::StringRef> steps;
  llvm::StringRef(location).split(steps, '/', -1, /*KeepEmpty=*/false);
  for (auto [index, step] : llvm::enumerate(steps)) {
    if (step == ".")
      continue;
    bool last = index + 1 == steps.size();
    // O_NONBLOCK: a pipe must not block the open.
    int flags = last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
    int next =
        ::openat(current, step.str().c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
    Failure failure;
    if (next < 0)
      failure = refused(step.str());
    if (current != folderDescriptor)
      close(current);
    if (failure)
      return failure;
    current = next;
  }
  descriptor = current;
  return {};
}

Failure ExternalData::open(const std::string &location, File *&file) {
  auto [it, inserted] = files.try_emplace(location);
  file = &it->second;
  if (!inserted)
    return {};
  int descriptor = -1;
  Failure failure = openBeneath(location, descriptor);
  struct stat info;
  if (!failure && fstat(descriptor, &info) != 0)
    failure = Error{Code::ExternalMissing,
                    "cannot read " + quoted(location) + ": " + strerror(errno)};
  if (!failure && !S_ISREG(info.st_mode))
    failure = Error{Code::ExternalNotAFile,
                    quoted(location) + " is not a regular file"};
  if (!failure && info.st_nlink > 1 && !allowHardLinks)
    failure = Error{Code::ExternalNotAFile, quoted(location) + " has " +
                                                std::to_string(info.st_nlink) +
                                                " hard links"};
  if (!failure)
    failure = MappedFile::map(descriptor, quoted(location), file->mapping);
  if (descriptor >= 0)
    close(descriptor);
  if (failure)
    files.erase(it);
  return failure;
}

/// Compares the SHA-1 of a whole file with the one in the model. Pages that
/// were hashed are given back, so that a large file does not stay resident.
Failure ExternalData::verify(File &file, std::string_view location,
                             std::string_view checksum) {
  if (file.sha1.empty()) {
    constexpr size_t kChunk = 16 << 20;
    llvm::SHA1 hash;
    std::string_view bytes = file.mapping->bytes();
    for (size_t at = 0; at < bytes.size(); at += kChunk) {
      std::string_view chunk = bytes.substr(at, kChunk);
      hash.update(llvm::StringRef(chunk.data(), chunk.size()));
      madvise(const_cast<char *>(chunk.data()), chunk.size(), MADV_DONTNEED);
    }
    file.sha1 = llvm::toHex(hash.final(), /*LowerCase=*/true);
  }
  llvm::StringRef expected(checksum.data(), checksum.size());
  if (expected.equals_insensitive(file.sha1))
    return {};
  return Error{Code::ExternalChecksum, quoted(location) + " has SHA-1 " +
                                           file.sha1 + ", the model expects " +
                                           quoted(checksum)};
}

Failure ExternalData::find(const wire::Tensor &tensor, uint64_t size,
                           std::string_view &bytes,
                           std::shared_ptr<MappedFile> &mapping) {
  Description description;
  if (Failure failure = describe(tensor, description, remarks))
    return failure;
  if (!folder)
    return Error{Code::ExternalNoFolder,
                 "data lies in " + quoted(description.location) +
                     ", but the model was loaded from memory"};
  File *file = nullptr;
  if (Failure failure = open(description.location, file))
    return failure;
  std::string_view whole = file->mapping->bytes();
  uint64_t length = description.length.value_or(size);
  if (length != size)
    return Error{Code::ExternalRange,
                 "external data has " + std::to_string(length) +
                     " bytes, the shape asks for " + std::to_string(size)};
  if (description.offset > whole.size() ||
      length > whole.size() - description.offset)
    return Error{Code::ExternalRange,
                 "bytes " + std::to_string(description.offset) + " + " +
                     std::to_string(length) + " lie outside " +
                     quoted(description.location) + ", which has " +
                     std::to_string(whole.size())};
  if (!description.checksum.empty())
    if (Failure failure =
            verify(*file, description.location, description.checksum))
      return failure;
  file->ranges.push_back({description.offset, description.offset + length,
                          std::string(tensor.name.substr(0, 256))});
  bytes = whole.substr(size_t(description.offset), size_t(length));
  mapping = file->mapping;
  return {};
}

Failure ExternalData::checkUnchanged() {
  for (auto &[location, file] : files) {
    int descriptor = -1;
    struct stat now;
    Failure failure = openBeneath(location, descriptor);
    bool same = !failure && fstat(descriptor, &now) == 0 &&
                !file.mapping->differsFrom(now) && !file.mapping->lostPages();
    if (descriptor >= 0)
      close(descriptor);
    if (!same)
      return Error{Code::ModelChanged,
                   quoted(location) + " was changed while it was read"};
  }
  return {};
}

std::vector<std::string> ExternalData::takeRemarks() {
  for (auto &[location, file] : files) {
    llvm::sort(file.ranges, [](const Range &a, const Range &b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    for (size_t i = 1; i < file.ranges.size(); ++i) {
      const Range &a = file.ranges[i - 1], &b = file.ranges[i];
      // Tensors that share all their bytes are tied weights.
      if (b.begin < a.end && (a.begin != b.begin || a.end != b.end))
        remarks.push_back("tensors " + quoted(a.tensor) + " and " +
                          quoted(b.tensor) + " overlap in " + quoted(location));
    }
  }
  return std::move(remarks);
}
