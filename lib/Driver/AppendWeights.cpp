//===- AppendWeights.cpp --------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/AppendWeights.h"

#include "lib/Driver/WeightsObject.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"

#include <unistd.h>

using namespace ingot;
namespace elf = llvm::ELF;

std::string ingot::weightsArgument(uint64_t address) {
  return "--defsym=ingot_weights=__ehdr_start+" + std::to_string(address);
}

static llvm::Error lastError() {
  return llvm::errorCodeToError(
      std::error_code(errno, std::generic_category()));
}

namespace {
/// The program headers of a library that is open for change.
class Segments {
public:
  explicit Segments(int fd) : fd(fd) {}
  llvm::Error read();
  /// One past the last address in use.
  uint64_t end() const;
  elf::Elf64_Phdr *find(uint32_t type);
  llvm::Error write() const;

private:
  int fd;
  uint64_t at = 0;
  std::vector<elf::Elf64_Phdr> list;
};
} // namespace

llvm::Error Segments::read() {
  elf::Elf64_Ehdr header;
  if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
    return lastError();
  at = header.e_phoff;
  list.resize(header.e_phnum);
  size_t bytes = list.size() * sizeof(elf::Elf64_Phdr);
  if (pread(fd, list.data(), bytes, at) != ssize_t(bytes))
    return lastError();
  return llvm::Error::success();
}

uint64_t Segments::end() const {
  uint64_t end = 0;
  for (const elf::Elf64_Phdr &segment : list)
    if (segment.p_type == elf::PT_LOAD)
      end = std::max(end, segment.p_vaddr + segment.p_memsz);
  return end;
}

elf::Elf64_Phdr *Segments::find(uint32_t type) {
  auto it = llvm::find_if(
      list, [&](const elf::Elf64_Phdr &each) { return each.p_type == type; });
  return it == list.end() ? nullptr : &*it;
}

llvm::Error Segments::write() const {
  size_t bytes = list.size() * sizeof(elf::Elf64_Phdr);
  if (pwrite(fd, list.data(), bytes, at) != ssize_t(bytes))
    return lastError();
  return llvm::Error::success();
}

llvm::Expected<bool> ingot::appendWeights(int fd, uint64_t address,
                                          const ModelTables &tables) {
  if (tables.weightBytes == 0)
    return true;
  Segments segments(fd);
  if (llvm::Error error = segments.read())
    return error;
  if (segments.end() > address)
    return false;
  elf::Elf64_Phdr *spare = segments.find(elf::PT_NOTE);
  elf::Elf64_Phdr *first = segments.find(elf::PT_LOAD);
  if (!spare || !first)
    return llvm::createStringError("the linked library has no note");
  off_t size = lseek(fd, 0, SEEK_END);
  uint64_t align = first->p_align;
  uint64_t at = llvm::alignTo(uint64_t(size), align);
  if (size < 0 || lseek(fd, off_t(at), SEEK_SET) < 0)
    return lastError();
  if (llvm::Error error = writeWeights(tables, fd))
    return error;
  *spare = {};
  spare->p_type = elf::PT_LOAD;
  spare->p_flags = elf::PF_R;
  spare->p_offset = at;
  spare->p_vaddr = spare->p_paddr = address;
  spare->p_filesz = spare->p_memsz = tables.weightBytes;
  spare->p_align = align;
  if (llvm::Error error = segments.write())
    return error;
  return true;
}
