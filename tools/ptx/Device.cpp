//===- Device.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Device.h"

using namespace ingot::ptx;

LoadedModule::~LoadedModule() {
  for (uint64_t base : bases)
    memory.remove(base);
}

bool LoadedModule::placeVariables(std::string &error) {
  constexpr uint64_t kAlign = 256;
  for (const Variable &variable : module->variables) {
    if (variable.space == Space::Shared)
      continue;
    if (variable.external) {
      error = "variable '" + std::string(variable.name) + "' is not defined";
      return false;
    }
    uint64_t bytes = variable.bytes ? variable.bytes : 1;
    if (bytes > (uint64_t(1) << 32)) {
      error = "variable '" + std::string(variable.name) + "' is too large";
      return false;
    }
    storage.push_back(std::make_unique<uint8_t[]>(bytes + kAlign));
    uint64_t base = reinterpret_cast<uint64_t>(storage.back().get());
    base = (base + kAlign - 1) & ~(kAlign - 1);
    // Variables without an initialiser are zero.
    uint8_t *data = reinterpret_cast<uint8_t *>(base);
    memset(data, 0, bytes);
    if (!variable.init.empty())
      memcpy(data, variable.init.data(), variable.init.size());
    symbols[variable.name] = base;
    memory.add(base, bytes, true, variable.space == Space::Const);
    bases.push_back(base);
  }
  for (const Variable &variable : module->variables)
    for (const Relocation &relocation : variable.relocations) {
      auto target = symbols.find(relocation.symbol);
      if (target == symbols.end()) {
        error = "unknown name '" + std::string(relocation.symbol) +
                "' in an initial value";
        return false;
      }
      uint64_t value = target->second + uint64_t(relocation.addend);
      uint8_t *data = reinterpret_cast<uint8_t *>(symbols[variable.name]);
      memcpy(data + relocation.offset, &value, sizeof(value));
    }
  return true;
}

std::unique_ptr<LoadedModule> LoadedModule::load(std::string_view text,
                                                 MemoryMap &memory,
                                                 std::string &error) {
  std::unique_ptr<LoadedModule> result(new LoadedModule(memory));
  result->module = parseModule(text, error);
  if (!result->module || !result->placeVariables(error))
    return nullptr;
  for (const Function &function : result->module->functions) {
    if (!function.isEntry || function.isDeclaration)
      continue;
    auto program =
        decodeKernel(*result->module, function, result->symbols, error);
    if (!program)
      return nullptr;
    result->kernels[std::string(function.name)] = std::move(program);
  }
  return result;
}

const Program *LoadedModule::kernel(std::string_view name) const {
  auto found = kernels.find(std::string(name));
  return found == kernels.end() ? nullptr : found->second.get();
}

bool LoadedModule::variable(std::string_view name, uint64_t &address,
                            uint64_t &bytes) const {
  auto found = symbols.find(name);
  if (found == symbols.end())
    return false;
  address = found->second;
  for (const Variable &variable : module->variables)
    if (variable.name == name)
      bytes = variable.bytes;
  return true;
}
