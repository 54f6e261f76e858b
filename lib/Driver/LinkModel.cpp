//===- LinkModel.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/LinkModel.h"
#include "lib/Diagnostics/Codes.h"
#include "lib/Driver/OutputFile.h"
#include "lib/Driver/WeightsObject.h"
#include "lib/Runtime/RuntimeBlobs.h"

#include "lld/Common/Driver.h"
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

#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace ingot;

namespace {
/// An anonymous file that the linker reads by path.
class MemoryFile {
public:
  MemoryFile() : fd(memfd_create("ingot", MFD_CLOEXEC)) {}
  MemoryFile(MemoryFile &&other) : fd(std::exchange(other.fd, -1)) {}
  ~MemoryFile() {
    if (fd >= 0)
      close(fd);
  }
  int descriptor() const { return fd; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }
  llvm::Error fill(llvm::ArrayRef<char> bytes) {
    llvm::raw_fd_ostream os(fd, /*shouldClose=*/false);
    os.write(bytes.data(), bytes.size());
    os.flush();
    return llvm::errorCodeToError(os.error());
  }

private:
  int fd;
};
} // namespace

static llvm::Error linkError(const llvm::Twine &text) {
  return llvm::createStringError(tag(Code::LinkFailed) + text);
}

/// Errors of LLVM's get a code.
static llvm::Error addCode(llvm::Error error) {
  if (!error)
    return llvm::Error::success();
  std::string text = llvm::toString(std::move(error));
  return llvm::StringRef(text).starts_with("[IG")
             ? llvm::createStringError(text)
             : linkError(text);
}

static const rt::RuntimeBlob *runtimeFor(llvm::StringRef triple) {
  return rt::findRuntime(llvm::Triple(triple).getArchName().str().c_str());
}

static llvm::ArrayRef<char> bytesOf(const unsigned char *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// The first complaint of lld's, without its name and our temporary one.
static std::string firstError(llvm::StringRef messages) {
  llvm::StringRef line = messages;
  if (size_t at = messages.find("error: "); at != llvm::StringRef::npos)
    line = messages.substr(at + 7);
  return line.split('\n').first.str();
}

/// Runs lld on the files. It keeps state in globals: one link at a time.
static llvm::Error runLinker(std::vector<std::string> arguments,
                             llvm::ArrayRef<const MemoryFile *> files,
                             llvm::StringRef output) {
  arguments.insert(arguments.begin(), "ld.lld");
  arguments.insert(arguments.end(), {"-o", output.str(), "--threads=1"});
  for (const MemoryFile *file : files)
    arguments.push_back(file->path());
  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream os(messages);
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  lld::Result result =
      lld::lldMain(argv, os, os, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0)
    return llvm::Error::success();
  return linkError("linking failed: " + firstError(messages));
}

namespace {
/// The files of one link.
class Pieces {
public:
  llvm::Error add(llvm::ArrayRef<char> bytes) {
    return files.emplace_back().fill(bytes);
  }
  llvm::Error addWeights(const LinkInput &input, llvm::StringRef symbol) {
    return writeWeightsObject(*input.tables, input.triple, symbol,
                              files.emplace_back().descriptor());
  }
  llvm::Error addCode(const LinkInput &input) {
    for (const auto &object : input.objects)
      if (llvm::Error error = add(object))
        return error;
    return llvm::Error::success();
  }
  llvm::Error link(std::vector<std::string> arguments,
                   llvm::StringRef output) const {
    std::vector<const MemoryFile *> list;
    for (const MemoryFile &file : files)
      list.push_back(&file);
    return runLinker(std::move(arguments), list, output);
  }

private:
  std::vector<MemoryFile> files;
};
} // namespace

llvm::Error ingot::linkShared(const LinkInput &input, llvm::StringRef path) {
  const rt::RuntimeBlob *runtime = runtimeFor(input.triple);
  if (!runtime)
    return linkError("there is no runtime for '" + input.triple + "'");
  OutputFile file(path);
  if (llvm::Error error = file.open())
    return error;
  Pieces pieces;
  if (llvm::Error error = pieces.addCode(input))
    return addCode(std::move(error));
  if (llvm::Error error = pieces.addWeights(input, "ingot_weights"))
    return addCode(std::move(error));
  if (llvm::Error error =
          pieces.add(bytesOf(runtime->object, runtime->objectSize)))
    return addCode(std::move(error));
  if (llvm::Error error =
          pieces.add(bytesOf(runtime->libcStub, runtime->stubSize)))
    return addCode(std::move(error));
  // No name of the file inside it: its bytes depend on the model alone.
  if (llvm::Error error =
          pieces.link({"-shared", "--gc-sections", "--build-id=none", "-z",
                       "defs", "-z", "noexecstack", "-z", "relro", "-z", "now",
                       "--hash-style=gnu", "--no-undefined-version", "-s",
                       "--defsym=ingot_code_bytes=SIZEOF(.text)"},
                      file.temporary()))
    return error;
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

/// The code and the runtime as one object with one symbol for others. The file
/// is there to be used on the way.
static llvm::Expected<llvm::SmallVector<char, 0>>
linkPrivate(const LinkInput &input, llvm::StringRef name,
            llvm::StringRef temporary) {
  const rt::RuntimeBlob *runtime = runtimeFor(input.triple);
  if (!runtime)
    return linkError("there is no runtime for '" + input.triple + "'");
  Pieces pieces;
  if (llvm::Error error = pieces.addCode(input))
    return error;
  if (llvm::Error error =
          pieces.add(bytesOf(runtime->object, runtime->objectSize)))
    return error;
  // Nothing is left out here: the sum is what is linked.
  auto size = codeBytes(bytesOf(runtime->object, runtime->objectSize));
  if (!size)
    return size.takeError();
  for (const auto &object : input.objects) {
    auto more = codeBytes(object);
    if (!more)
      return more.takeError();
    *size += *more;
  }
  std::string symbol = "--defsym=ingot_code_bytes=" + std::to_string(*size);
  if (llvm::Error error = pieces.link({"-r", symbol}, temporary))
    return error;
  auto buffer = llvm::MemoryBuffer::getFile(temporary, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false,
                                            /*IsVolatile=*/true);
  if (!buffer)
    return llvm::errorCodeToError(buffer.getError());
  return makePrivate((*buffer)->getBuffer(), name);
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
  auto code = linkPrivate(input, name, file.temporary());
  if (!code)
    return addCode(code.takeError());
  if (archive) {
    MemoryFile weights;
    if (llvm::Error error =
            writeWeightsObject(*input.tables, input.triple, name + "_weights",
                               weights.descriptor()))
      return addCode(std::move(error));
    auto mapped = llvm::MemoryBuffer::getFile(weights.path());
    if (!mapped)
      return addCode(llvm::errorCodeToError(mapped.getError()));
    std::vector<llvm::NewArchiveMember> members;
    members.emplace_back(llvm::MemoryBufferRef(
        llvm::StringRef(code->data(), code->size()), "model.o"));
    members.emplace_back(
        llvm::MemoryBufferRef((*mapped)->getBuffer(), "weights.o"));
    if (llvm::Error error = llvm::writeArchive(
            file.temporary(), members, llvm::SymtabWritingMode::NormalSymtab,
            llvm::object::Archive::K_GNU, /*Deterministic=*/true,
            /*Thin=*/false))
      return addCode(std::move(error));
  } else {
    Pieces pieces;
    if (llvm::Error error = pieces.add(*code))
      return addCode(std::move(error));
    if (llvm::Error error = pieces.addWeights(input, name + "_weights"))
      return addCode(std::move(error));
    if (llvm::Error error = pieces.link({"-r"}, file.temporary()))
      return error;
  }
  llvm::SmallString<256> header(path);
  llvm::sys::path::replace_extension(header, ".h");
  if (llvm::Error error =
          writeWhole(header, headerText(name, llvm::sys::path::filename(path))))
    return error;
  return file.commit();
}
