//===- LinkModel.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/LinkModel.h"
#include "lib/Diagnostics/Codes.h"
#include "lib/Driver/AppendWeights.h"
#include "lib/Driver/OutputFile.h"
#include "lib/Driver/RunLinker.h"
#include "lib/Driver/WeightsObject.h"
#include "lib/Runtime/RuntimeBlobs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ELF/ELFObjcopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

#include <unistd.h>

using namespace ingot;
namespace fs = llvm::sys::fs;

/// Errors of the system's and of LLVM's get a code.
static llvm::Error addCode(llvm::Error error, llvm::StringRef path) {
  return llvm::handleErrors(
      std::move(error),
      [&](const llvm::ECError &info) {
        return notWritten(path, info.convertToErrorCode());
      },
      [](const llvm::ErrorInfoBase &info) -> llvm::Error {
        std::string text = info.message();
        return llvm::StringRef(text).starts_with("[IG")
                   ? llvm::createStringError(text)
                   : linkError(text);
      });
}

static const rt::RuntimeBlob *runtimeFor(llvm::StringRef triple) {
  return rt::findRuntime(llvm::Triple(triple).getArchName().str().c_str());
}

static llvm::ArrayRef<char> bytesOf(const unsigned char *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// What of the runtime the code needs.
static llvm::SmallVector<llvm::ArrayRef<char>, 2>
runtimeObjects(const LinkInput &input, const rt::RuntimeBlob &runtime) {
  llvm::SmallVector<llvm::ArrayRef<char>, 2> result{
      bytesOf(runtime.object, runtime.objectSize)};
  for (const auto &object : input.objects)
    if (llvm::StringRef(object.data(), object.size())
            .contains("ingot_gpu_backend")) {
      result.push_back(bytesOf(runtime.gpu, runtime.gpuSize));
      break;
    }
  return result;
}

namespace {
/// The files of one link.
class Pieces {
public:
  llvm::Error add(llvm::ArrayRef<char> bytes) {
    return llvm::errorCodeToError(
        writeAll(files.emplace_back().descriptor(), bytes));
  }
  llvm::Error addWeights(const LinkInput &input, llvm::StringRef symbol) {
    return writeWeightsObject(*input.tables, input.triple, symbol,
                              files.emplace_back().descriptor());
  }
  llvm::Error addCode(const LinkInput &input, const rt::RuntimeBlob &runtime) {
    for (const auto &object : input.objects)
      if (llvm::Error error = add(object))
        return error;
    for (llvm::ArrayRef<char> object : runtimeObjects(input, runtime))
      if (llvm::Error error = add(object))
        return error;
    return llvm::Error::success();
  }
  llvm::Error link(std::vector<std::string> arguments, int output) const {
    return runLinker(std::move(arguments), files, output);
  }

private:
  std::vector<MemoryFile> files;
};

/// A file of the system's that is open for writing.
class OpenFile {
public:
  explicit OpenFile(const std::string &path) {
    code = fs::openFileForReadWrite(path, fd, fs::CD_CreateAlways, fs::OF_None);
  }
  ~OpenFile() { (void)close(); }
  int descriptor() const { return fd; }
  llvm::Error error() const { return llvm::errorCodeToError(code); }
  /// Some file systems tell only now that they are full.
  llvm::Error close() {
    if (fd >= 0 && ::close(std::exchange(fd, -1)) != 0)
      code = std::error_code(errno, std::generic_category());
    return error();
  }

private:
  int fd = -1;
  std::error_code code;
};
} // namespace

/// Links a library whose weights are where the address says, and appends them.
static llvm::Error linkWithWeights(const Pieces &pieces,
                                   const ModelTables &tables,
                                   const std::string &path) {
  for (uint64_t address : weightsAddresses) {
    OpenFile file(path);
    if (llvm::Error error = file.error())
      return error;
    // No name of the file inside it: its bytes depend on the model alone.
    if (llvm::Error error =
            pieces.link({"-shared", "--gc-sections", "--build-id=none", "-z",
                         "defs", "-z", "noexecstack", "-z", "relro", "-z",
                         "now", "--hash-style=gnu", "--no-undefined-version",
                         "-s", "--defsym=ingot_code_bytes=SIZEOF(.text)",
                         weightsArgument(address)},
                        file.descriptor()))
      return error;
    llvm::Expected<bool> done =
        appendWeights(file.descriptor(), address, tables);
    if (!done)
      return done.takeError();
    if (*done)
      return file.close();
  }
  return linkError("the code is too large");
}

llvm::Error ingot::linkShared(const LinkInput &input, llvm::StringRef path) {
  const rt::RuntimeBlob *runtime = runtimeFor(input.triple);
  if (!runtime)
    return linkError("there is no runtime for '" + input.triple + "'");
  OutputFile file(path);
  if (llvm::Error error = file.open())
    return error;
  Pieces pieces;
  if (llvm::Error error = pieces.addCode(input, *runtime))
    return addCode(std::move(error), path);
  if (llvm::Error error =
          pieces.add(bytesOf(runtime->libcStub, runtime->stubSize)))
    return addCode(std::move(error), path);
  if (llvm::Error error =
          linkWithWeights(pieces, *input.tables, file.temporary()))
    return addCode(std::move(error), path);
  fs::setPermissions(file.temporary(),
                     fs::perms(fs::all_all & ~fs::getUmask()));
  return file.commit();
}

/// `text` as an identifier of C.
static std::string identifier(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result = "model_" + result;
  return result;
}

/// Bytes of machine code in an object.
static llvm::Expected<uint64_t> codeBytes(llvm::ArrayRef<char> bytes) {
  auto object = llvm::object::ObjectFile::createELFObjectFile(
      llvm::MemoryBufferRef({bytes.data(), bytes.size()}, "object"));
  if (!object)
    return object.takeError();
  uint64_t sum = 0;
  for (const llvm::object::SectionRef &section : (*object)->sections())
    if (section.isText())
      sum += section.getSize();
  return sum;
}

/// Makes hidden symbols local, and gives the entry and the weights the names of
/// this model.
static llvm::Expected<llvm::SmallVector<char, 0>>
makePrivate(llvm::StringRef object, llvm::StringRef name) {
  auto binary = llvm::object::ObjectFile::createELFObjectFile(
      llvm::MemoryBufferRef(object, "model.o"));
  if (!binary)
    return binary.takeError();
  std::string entry = (name + "_get_api_v1").str();
  std::string weights = (name + "_weights").str();
  llvm::objcopy::ConfigManager config;
  config.ELF.LocalizeHidden = true;
  config.Common.OutputFilename = "model.o";
  config.Common.SymbolsToRename["ingot_get_api_v1"] = entry;
  config.Common.SymbolsToRename["ingot_weights"] = weights;
  llvm::SmallVector<char, 0> result;
  llvm::raw_svector_ostream os(result);
  if (llvm::Error error = llvm::objcopy::elf::executeObjcopyOnBinary(
          config.Common, config.ELF,
          *llvm::cast<llvm::object::ELFObjectFileBase>(binary->get()), os))
    return error;
  return result;
}

/// The code and the runtime as one object with one symbol for others.
static llvm::Expected<llvm::SmallVector<char, 0>>
linkPrivate(const LinkInput &input, llvm::StringRef name) {
  const rt::RuntimeBlob *runtime = runtimeFor(input.triple);
  if (!runtime)
    return linkError("there is no runtime for '" + input.triple + "'");
  Pieces pieces;
  if (llvm::Error error = pieces.addCode(input, *runtime))
    return error;
  // Nothing is left out here: the sum is what is linked.
  auto objects = runtimeObjects(input, *runtime);
  objects.append(input.objects.begin(), input.objects.end());
  uint64_t size = 0;
  for (llvm::ArrayRef<char> object : objects) {
    auto more = codeBytes(object);
    if (!more)
      return more.takeError();
    size += *more;
  }
  std::string symbol = "--defsym=ingot_code_bytes=" + std::to_string(size);
  MemoryFile linked;
  if (llvm::Error error = pieces.link({"-r", symbol}, linked.descriptor()))
    return error;
  auto buffer = llvm::MemoryBuffer::getFile(linked.path(), /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::errorCodeToError(buffer.getError());
  return makePrivate((*buffer)->getBuffer(), name);
}

/// Code and weights, side by side.
static llvm::Error writeArchive(const LinkInput &input, llvm::StringRef code,
                                llvm::StringRef name, int fd) {
  MemoryFile weights;
  if (llvm::Error error =
          writeWeightsObject(*input.tables, input.triple,
                             (name + "_weights").str(), weights.descriptor()))
    return error;
  auto mapped = llvm::MemoryBuffer::getFile(weights.path());
  if (!mapped)
    return llvm::errorCodeToError(mapped.getError());
  std::vector<llvm::NewArchiveMember> members;
  members.emplace_back(llvm::MemoryBufferRef(code, "model.o"));
  members.emplace_back(
      llvm::MemoryBufferRef((*mapped)->getBuffer(), "weights.o"));
  llvm::raw_fd_ostream os(fd, /*shouldClose=*/false);
  llvm::Error error = llvm::writeArchiveToStream(
      os, members, llvm::SymtabWritingMode::NormalSymtab,
      llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false,
      std::nullopt,
      [](llvm::Error warning) { llvm::consumeError(std::move(warning)); });
  os.flush();
  std::error_code failed = os.error();
  // Or else the stream would end the program.
  os.clear_error();
  return error ? std::move(error) : llvm::errorCodeToError(failed);
}

/// Code and weights in one relocatable object.
static llvm::Error writeObject(const LinkInput &input,
                               llvm::ArrayRef<char> code, llvm::StringRef name,
                               int fd) {
  Pieces pieces;
  if (llvm::Error error = pieces.add(code))
    return error;
  if (llvm::Error error = pieces.addWeights(input, (name + "_weights").str()))
    return error;
  return pieces.link({"-r"}, fd);
}

static std::string headerText(llvm::StringRef name, llvm::StringRef file) {
  std::string guard = "INGOT_MODEL_" + name.upper() + "_H";
  return "/* Link " + file.str() + ", and pass the result of the entry to\n" +
         " * ingot_model_open(). */\n#ifndef " + guard + "\n#define " + guard +
         "\n\n#include <ingot/ingot.h>\n\n#ifdef __cplusplus\n" +
         "extern \"C\" {\n#endif\n\nconst ingot_api_v1 *" + name.str() +
         "_get_api_v1(void);\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " +
         guard + " */\n";
}

llvm::Error ingot::linkStatic(const LinkInput &input, llvm::StringRef path,
                              bool archive) {
  std::string name = identifier(llvm::sys::path::stem(path));
  OutputFile file(path);
  if (llvm::Error error = file.open())
    return error;
  auto code = linkPrivate(input, name);
  if (!code)
    return addCode(code.takeError(), path);
  OpenFile out(file.temporary());
  llvm::Error error = out.error();
  if (!error)
    error = archive ? writeArchive(input, {code->data(), code->size()}, name,
                                   out.descriptor())
                    : writeObject(input, *code, name, out.descriptor());
  if (!error)
    error = out.close();
  if (error)
    return addCode(std::move(error), path);
  llvm::SmallString<256> header(path);
  llvm::sys::path::replace_extension(header, ".h");
  if (llvm::Error error =
          writeWhole(header, headerText(name, llvm::sys::path::filename(path))))
    return error;
  return file.commit();
}
