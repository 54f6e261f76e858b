//===- OutputFile.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/OutputFile.h"
#include "lib/Diagnostics/Codes.h"
#include "lib/Import/MappedFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace ingot;
namespace fs = llvm::sys::fs;

static llvm::Error refuse(llvm::StringRef path, const llvm::Twine &why) {
  return llvm::createStringError(tag(Code::OutputNotWritten) + "cannot write " +
                                 quoted(path) + ": " + why);
}

llvm::Error ingot::notWritten(llvm::StringRef path, std::error_code code) {
  return refuse(path, code.message());
}

llvm::Error ingot::checkWritable(llvm::StringRef path) {
  fs::file_status status;
  if (!fs::status(path, status)) {
    if (status.type() == fs::file_type::directory_file)
      return refuse(path, "it is a folder");
    if (status.type() != fs::file_type::regular_file)
      return llvm::Error::success();
  }
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  std::string parent = folder.empty() ? "." : folder.str();
  if (!fs::exists(parent))
    return refuse(path, "there is no folder " + quoted(parent));
  if (!fs::is_directory(parent))
    return refuse(path, quoted(parent) + " is no folder");
  if (::access(parent.c_str(), W_OK | X_OK) != 0)
    return notWritten(path, std::error_code(errno, std::generic_category()));
  return llvm::Error::success();
}

llvm::Error OutputFile::open() {
  if (llvm::Error error = checkWritable(path))
    return error;
  fs::file_status status;
  isSpecial =
      !fs::status(path, status) && status.type() != fs::file_type::regular_file;
  if (isSpecial) {
    llvm::SmallString<128> temporary;
    if (std::error_code code = fs::createTemporaryFile("ingot", "", temporary))
      return refuse(path, "no temporary file: " + code.message());
    name = temporary.str().str();
  } else {
    name = path + ".tmp" + std::to_string(getpid());
  }
  llvm::sys::RemoveFileOnSignal(name);
  // Some folders take no file although permissions say otherwise.
  int fd = -1;
  if (std::error_code code = fs::openFileForWrite(name, fd)) {
    discard();
    return notWritten(path, code);
  }
  ::close(fd);
  return llvm::Error::success();
}

void OutputFile::discard() {
  if (name.empty())
    return;
  fs::remove(name);
  llvm::sys::DontRemoveFileOnSignal(name);
  name.clear();
}

llvm::Error OutputFile::commit() {
  // Weights are read from the model's files until the very end.
  if (MappedFile::anyLostPages()) {
    discard();
    return llvm::createStringError(
        tag(Code::ModelChanged) +
        "a file of the model was changed while it was compiled");
  }
  std::error_code code;
  if (!isSpecial) {
    code = fs::rename(name, path);
  } else if (auto buffer = llvm::MemoryBuffer::getFile(name)) {
    llvm::raw_fd_ostream os(path, code, fs::CD_OpenExisting);
    if (!code) {
      os << (*buffer)->getBuffer();
      os.close();
      code = os.error();
      os.clear_error();
    }
  } else {
    code = buffer.getError();
  }
  discard();
  return code ? notWritten(path, code) : llvm::Error::success();
}

/// Writes and closes; the stream must not abort the program over an error.
static std::error_code writeTo(llvm::StringRef name,
                               llvm::ArrayRef<char> bytes) {
  std::error_code code;
  llvm::raw_fd_ostream os(name, code);
  if (code)
    return code;
  os.write(bytes.data(), bytes.size());
  os.close();
  code = os.error();
  os.clear_error();
  return code;
}

llvm::Error ingot::writeWhole(llvm::StringRef path,
                              llvm::ArrayRef<char> bytes) {
  if (path == "-") {
    // The tool checks the stream before it ends.
    llvm::outs().write(bytes.data(), bytes.size());
    return llvm::Error::success();
  }
  OutputFile file(path);
  if (llvm::Error error = file.open())
    return error;
  if (std::error_code code = writeTo(file.temporary(), bytes))
    return notWritten(path, code);
  return file.commit();
}
