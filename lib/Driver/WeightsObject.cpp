//===- WeightsObject.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/WeightsObject.h"
#include "lib/Driver/RunLinker.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Errc.h"
#include "llvm/TargetParser/Triple.h"

#include <unistd.h>

using namespace mlir;
using namespace ingot;
namespace elf = llvm::ELF;

llvm::Error ingot::writeElements(
    ElementsAttr value,
    llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)> write) {
  size_t count = value.getNumElements();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return llvm::createStringError("a constant's data is missing");
    return write(blob->getData());
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return llvm::createStringError("a constant has an unknown form");
  llvm::ArrayRef<char> raw = dense.getRawData();
  bool isBool = dense.getElementType().isInteger(1);
  if (!dense.isSplat() && !isBool)
    return write(raw);
  SmallVector<char, 0> chunk;
  if (isBool) {
    for (bool bit : dense.getValues<bool>())
      chunk.push_back(bit);
    return write(chunk);
  }
  // A splat is written in pieces, however large the tensor is.
  size_t perChunk = std::max<size_t>(1, (1 << 20) / raw.size());
  for (size_t i = 0; i < std::min(count, perChunk); ++i)
    chunk.append(raw.begin(), raw.end());
  while (count) {
    size_t n = std::min(count, perChunk);
    if (llvm::Error error =
            write(llvm::ArrayRef(chunk).take_front(n * raw.size())))
      return error;
    count -= n;
  }
  return llvm::Error::success();
}

namespace {
/// Writes to a file from where it stands, counting bytes.
class PaddedWriter {
public:
  explicit PaddedWriter(int fd) : fd(fd) {}
  uint64_t position() const { return at; }
  llvm::Error put(const void *data, size_t bytes) {
    at += bytes;
    return llvm::errorCodeToError(
        writeAll(fd, {static_cast<const char *>(data), bytes}));
  }
  llvm::Error padTo(uint64_t to) {
    static const char zeros[4096] = {};
    while (at < to)
      if (llvm::Error error =
              put(zeros, std::min<uint64_t>(to - at, sizeof(zeros))))
        return error;
    return llvm::Error::success();
  }

private:
  int fd;
  uint64_t at = 0;
};
} // namespace

static llvm::Error putWeights(const ModelTables &tables, PaddedWriter &out) {
  uint64_t start = out.position();
  for (const ModelWeight &weight : tables.weights) {
    if (llvm::Error error = out.padTo(start + weight.offset))
      return error;
    if (llvm::Error error =
            writeElements(weight.value, [&](llvm::ArrayRef<char> bytes) {
              return out.put(bytes.data(), bytes.size());
            }))
      return error;
  }
  return out.padTo(start + tables.weightBytes);
}

llvm::Error ingot::writeWeights(const ModelTables &tables, int fd) {
  PaddedWriter out(fd);
  return putWeights(tables, out);
}

llvm::Error ingot::writeWeightsObject(const ModelTables &tables,
                                      llvm::StringRef triple,
                                      llvm::StringRef symbol, int fd) {
  constexpr char names[] = "\0.ingot_weights\0.symtab\0.strtab\0.shstrtab\0"
                           ".note.GNU-stack";
  std::string symbolNames = '\0' + symbol.str() + '\0';
  // Section name offsets in `names`.
  enum { Weights = 1, Symtab = 16, Strtab = 24, Shstrtab = 32, Stack = 42 };
  uint64_t weightsAt = 4096;
  uint64_t size = std::max<uint64_t>(tables.weightBytes, 64);
  uint64_t symtabAt = llvm::alignTo(weightsAt + size, 8);
  elf::Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].setBindingAndType(elf::STB_GLOBAL, elf::STT_OBJECT);
  symbols[1].st_other = elf::STV_HIDDEN;
  symbols[1].st_shndx = 1;
  symbols[1].st_size = size;
  uint64_t strtabAt = symtabAt + sizeof(symbols);
  uint64_t shstrtabAt = strtabAt + symbolNames.size();
  uint64_t headersAt = llvm::alignTo(shstrtabAt + sizeof(names), 8);

  elf::Elf64_Ehdr header = {};
  memcpy(header.e_ident, elf::ElfMagic, 4);
  header.e_ident[elf::EI_CLASS] = elf::ELFCLASS64;
  header.e_ident[elf::EI_DATA] = elf::ELFDATA2LSB;
  header.e_ident[elf::EI_VERSION] = elf::EV_CURRENT;
  header.e_type = elf::ET_REL;
  header.e_machine =
      llvm::Triple(triple).isAArch64() ? elf::EM_AARCH64 : elf::EM_X86_64;
  header.e_version = elf::EV_CURRENT;
  header.e_shoff = headersAt;
  header.e_ehsize = sizeof(header);
  header.e_shentsize = sizeof(elf::Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 4;
  elf::Elf64_Shdr sections[6] = {};
  auto section = [&](unsigned i, unsigned name, unsigned type, uint64_t at,
                     uint64_t bytes, uint64_t align) {
    sections[i].sh_name = name;
    sections[i].sh_type = type;
    sections[i].sh_offset = at;
    sections[i].sh_size = bytes;
    sections[i].sh_addralign = align;
  };
  section(1, Weights, elf::SHT_PROGBITS, weightsAt, size, 4096);
  sections[1].sh_flags = elf::SHF_ALLOC;
  section(2, Symtab, elf::SHT_SYMTAB, symtabAt, sizeof(symbols), 8);
  sections[2].sh_link = 3;
  sections[2].sh_info = 1;
  sections[2].sh_entsize = sizeof(elf::Elf64_Sym);
  section(3, Strtab, elf::SHT_STRTAB, strtabAt, symbolNames.size(), 1);
  section(4, Shstrtab, elf::SHT_STRTAB, shstrtabAt, sizeof(names), 1);
  section(5, Stack, elf::SHT_PROGBITS, weightsAt, 0, 1);

  PaddedWriter out(fd);
  if (llvm::Error error = out.put(&header, sizeof(header)))
    return error;
  if (llvm::Error error = out.padTo(weightsAt))
    return error;
  if (llvm::Error error = putWeights(tables, out))
    return error;
  if (llvm::Error error = out.padTo(symtabAt))
    return error;
  if (llvm::Error error = out.put(symbols, sizeof(symbols)))
    return error;
  if (llvm::Error error = out.put(symbolNames.data(), symbolNames.size()))
    return error;
  if (llvm::Error error = out.put(names, sizeof(names)))
    return error;
  if (llvm::Error error = out.padTo(headersAt))
    return error;
  return out.put(sections, sizeof(sections));
}
