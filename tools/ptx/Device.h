//===- Device.h - a module loaded for execution -----------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_DEVICE_H
#define INGOT_TOOLS_PTX_DEVICE_H

#include "tools/ptx/Launch.h"

#include <map>

namespace ingot::ptx {

/// A module with memory for its variables and its kernels decoded.
class LoadedModule {
public:
  /// Parses and decodes; null with a message in `error` on failure.
  static std::unique_ptr<LoadedModule>
  load(std::string_view text, MemoryMap &memory, std::string &error);
  ~LoadedModule();

  const Program *kernel(std::string_view name) const;
  /// Address and size of a variable; false if there is none.
  bool variable(std::string_view name, uint64_t &address,
                uint64_t &bytes) const;
  const Module &source() const { return *module; }
  const std::map<std::string, std::unique_ptr<Program>> &all() const {
    return kernels;
  }

private:
  explicit LoadedModule(MemoryMap &memory) : memory(memory) {}
  bool placeVariables(std::string &error);

  MemoryMap &memory;
  std::unique_ptr<Module> module;
  Symbols symbols;
  std::vector<std::unique_ptr<uint8_t[]>> storage;
  std::vector<uint64_t> bases;
  std::map<std::string, std::unique_ptr<Program>> kernels;
};

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_DEVICE_H
