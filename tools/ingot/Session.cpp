//===- Session.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Session.h"

#include "ingot/ingot.h"
#include "tools/ingot/Messages.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <cstdio>

using namespace ingot;
using llvm::StringRef;

std::string ModelFacts::print(const TensorFacts &tensor) const {
  std::string text = tensor.name + " " + ingot_dtype_name(tensor.dtype) + "[";
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    int64_t dim = tensor.dims[i];
    text += i ? "," : "";
    if (dim >= 0)
      text += std::to_string(dim);
    else if (size_t(-1 - dim) < symbols.size())
      text += symbols[-1 - dim];
    else
      text += "?";
  }
  return text + "]";
}

size_t ModelFacts::countKernels() const {
  llvm::StringSet<> names;
  for (const auto &launch : launches)
    names.insert(launch.first);
  return names.size();
}

std::optional<std::string> ingot::artifactArch(StringRef path) {
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(path, status) ||
      status.type() != llvm::sys::fs::file_type::regular_file)
    return std::nullopt;
  unsigned char header[20] = {};
  FILE *file = fopen(path.str().c_str(), "rb");
  if (!file)
    return std::nullopt;
  size_t n = fread(header, 1, sizeof(header), file);
  fclose(file);
  if (n < 4 || memcmp(header, llvm::ELF::ElfMagic, 4) != 0)
    return std::nullopt;
  switch (header[18] | header[19] << 8) {
  case llvm::ELF::EM_X86_64:
    return "x86_64";
  case llvm::ELF::EM_AARCH64:
    return "aarch64";
  default:
    return "another";
  }
}

StringRef ingot::hostArch() {
  static const std::string arch =
      llvm::Triple(llvm::sys::getProcessTriple()).getArchName().str();
  return arch;
}

llvm::Error ingot::runtimeError(StringRef text) {
  return llvm::createStringError(text.empty() ? "[IG7001] the runtime failed"
                                              : text.str());
}

llvm::Error ingot::acceptFallback(const ModelFacts &facts, bool isAllowed,
                                  bool isQuiet) {
  if (facts.fallback.empty())
    return llvm::Error::success();
  std::string text =
      facts.target +
      "; better targets of the artifact cannot: " + facts.fallback;
  if (!isAllowed)
    return failure(6013, "the model would run for " + text);
  if (!isQuiet)
    llvm::errs() << "ingot: warning: [IG6013] the model runs for " << text
                 << "\n";
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Session>>
ingot::openSession(StringRef path, const SessionOptions &options) {
  std::optional<std::string> arch = artifactArch(path);
  if (arch && *arch != hostArch() && *arch == "aarch64")
    return openEmulated(path, *arch, options);
  return openNative(path, options);
}
