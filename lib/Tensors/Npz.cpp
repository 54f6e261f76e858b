//===- Npz.cpp - NumPy's archive of arrays --------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Tensors/Tensor.h"

#include <zip.h>

#include <memory>

using namespace ingot;

namespace {
struct Discard {
  void operator()(zip_t *archive) const { zip_discard(archive); }
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
} // namespace

/// No deflate stream grows more than this, and no member lies about it.
static constexpr uint64_t mostGrowth = 1040;

static std::string zipError(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

static bool readMember(zip_t *archive, uint64_t index, Tensor &tensor,
                       std::string &error) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0 || !stat.name ||
      !(stat.valid & ZIP_STAT_SIZE) || !(stat.valid & ZIP_STAT_COMP_SIZE)) {
    error = zip_strerror(archive);
    return false;
  }
  tensor.name = stat.name;
  constexpr std::string_view ending = ".npy";
  if (tensor.name.size() > ending.size() &&
      tensor.name.compare(tensor.name.size() - ending.size(), ending.size(),
                          ending) == 0)
    tensor.name.resize(tensor.name.size() - ending.size());
  if (stat.size / mostGrowth > stat.comp_size) {
    error = "array '" + tensor.name + "' is damaged";
    return false;
  }
  std::string bytes(stat.size, '\0');
  std::unique_ptr<zip_file_t, Discard> file(zip_fopen_index(archive, index, 0));
  uint64_t done = 0;
  while (file && done < stat.size) {
    int64_t n = zip_fread(file.get(), &bytes[done], stat.size - done);
    if (n <= 0)
      break;
    done += uint64_t(n);
  }
  if (!file || done != stat.size) {
    error = "array '" + tensor.name + "': " +
            (file ? zip_file_strerror(file.get()) : zip_strerror(archive));
    return false;
  }
  // Reading past the end checks the sum.
  char extra;
  if (zip_fread(file.get(), &extra, 1) != 0) {
    error = "array '" + tensor.name + "': " + zip_file_strerror(file.get());
    return false;
  }
  std::string reason;
  if (parseNpy(bytes, tensor, reason))
    return true;
  error = "array '" + tensor.name + "' " + reason;
  return false;
}

bool ingot::readNpz(const std::string &path, std::vector<Tensor> &tensors,
                    std::string &error) {
  int code = 0;
  std::unique_ptr<zip_t, Discard> archive(
      zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (!archive) {
    error = zipError(code);
    return false;
  }
  int64_t count = zip_get_num_entries(archive.get(), 0);
  for (int64_t i = 0; i < count; ++i) {
    tensors.emplace_back();
    if (!readMember(archive.get(), i, tensors.back(), error))
      return false;
  }
  return true;
}

/// Adds a member of two pieces that stay where they are until the archive is
/// closed.
static bool addMember(zip_t *archive, const Tensor &tensor,
                      std::string &header) {
  zip_buffer_fragment_t pieces[2] = {
      {reinterpret_cast<uint8_t *>(header.data()), header.size()},
      {reinterpret_cast<uint8_t *>(const_cast<char *>(tensor.data.data())),
       tensor.data.size()}};
  zip_source_t *source = zip_source_buffer_fragment(
      archive, pieces, tensor.data.empty() ? 1 : 2, 0);
  if (!source)
    return false;
  int64_t index = zip_file_add(archive, (tensor.name + ".npy").c_str(), source,
                               ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  // The same bytes at any time: as if made when zip files began.
  return zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) == 0 &&
         zip_file_set_dostime(archive, index, 0, 33, 0) == 0;
}

bool ingot::writeNpz(const std::string &path,
                     const std::vector<Tensor> &tensors, std::string &error) {
  std::vector<std::string> headers(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!npyHeader(tensors[i], headers[i], error))
      return false;
  int code = 0;
  std::unique_ptr<zip_t, Discard> archive(
      zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) {
    error = zipError(code);
    return false;
  }
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!addMember(archive.get(), tensors[i], headers[i])) {
      error = zip_strerror(archive.get());
      return false;
    }
  // Writes a temporary file and renames it. An empty archive is no file.
  if (zip_close(archive.get()) != 0) {
    error = zip_strerror(archive.get());
    return false;
  }
  (void)archive.release();
  return true;
}
