//===- ptx-run.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ptx-run FILE.ptx KERNEL [option ...] [argument ...]
//
// Runs one kernel of a PTX file in the interpreter. Arguments of the kernel, in
// order:
//   in:FILE      a buffer with the bytes of a file
//   out:N:FILE   a buffer of N bytes, written to a file afterwards
//   inout:A:B    the bytes of A, written to B afterwards
//   zero:N       a buffer of N zero bytes
//   u32:V s32:V u64:V s64:V f32:V f64:V   values
// Options: --grid=X,Y,Z --block=X,Y,Z --cluster=X,Y,Z --shared=BYTES --seed=N
// --races --no-uninitialised --undefined --threads=N --budget=N --check (only
// decodes, all kernels) --stats
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Device.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace ingot::ptx;

namespace {

/// Memory of an argument.
struct Buffer {
  std::vector<uint8_t> storage;
  uint64_t base = 0, bytes = 0;
  std::string output;

  void allocate(uint64_t size) {
    constexpr uint64_t kAlign = 256;
    bytes = size;
    storage.assign(size + kAlign, 0xcd);
    base = reinterpret_cast<uint64_t>(storage.data());
    base = (base + kAlign - 1) & ~(kAlign - 1);
  }
  uint8_t *data() { return reinterpret_cast<uint8_t *>(base); }
};

struct Command {
  LaunchConfig config;
  LaunchOptions options;
  bool checkOnly = false, stats = false;
  std::vector<std::string> positional;
};

} // namespace

static int fail(const std::string &message) {
  fprintf(stderr, "ptx-run: %s\n", message.c_str());
  return 1;
}

static bool readFile(const std::string &path, std::string &bytes) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  bytes = text.str();
  return bool(file);
}

static void parseDims(const char *text, uint32_t (&dims)[3]) {
  for (uint32_t &dim : dims) {
    char *end = nullptr;
    dim = strtoul(text, &end, 10);
    text = *end == ',' ? end + 1 : end;
    if (!dim)
      dim = 1;
  }
}

static bool parseOption(const std::string &word, Command &command) {
  size_t equals = word.find('=');
  std::string name = word.substr(0, equals);
  const char *value =
      equals == std::string::npos ? "" : word.c_str() + equals + 1;
  if (name == "--grid")
    parseDims(value, command.config.grid);
  else if (name == "--block")
    parseDims(value, command.config.block);
  else if (name == "--cluster")
    parseDims(value, command.config.cluster);
  else if (name == "--shared")
    command.config.dynamicShared = strtoul(value, nullptr, 10);
  else if (name == "--seed")
    command.options.seed = strtoull(value, nullptr, 10);
  else if (name == "--threads")
    command.options.threads = strtoul(value, nullptr, 10);
  else if (name == "--budget")
    command.options.budget = strtoull(value, nullptr, 10);
  else if (name == "--races")
    command.options.races = true;
  else if (name == "--no-uninitialised")
    command.options.checkUninitialised = false;
  else if (name == "--undefined")
    command.options.trackUndefined = true;
  else if (name == "--check")
    command.checkOnly = true;
  else if (name == "--stats")
    command.stats = true;
  else
    return false;
  return true;
}

/// The value of an argument that is no buffer; false for those.
static bool parseValue(const std::string &kind, const char *text,
                       uint64_t &value) {
  if (kind == "f32")
    value = bitsOfFloat(strtof(text, nullptr));
  else if (kind == "f64")
    value = bitsOfDouble(strtod(text, nullptr));
  else if (kind == "u32" || kind == "u64")
    value = strtoull(text, nullptr, 0);
  else if (kind == "s32" || kind == "s64")
    value = uint64_t(strtoll(text, nullptr, 0));
  else
    return false;
  return true;
}

static bool makeBuffer(const std::string &kind, const std::string &rest,
                       Buffer &buffer, MemoryMap &memory) {
  size_t colon = rest.find(':');
  std::string first = rest.substr(0, colon);
  std::string second = colon == std::string::npos ? "" : rest.substr(colon + 1);
  std::string bytes;
  bool initialised = true;
  if (kind == "in" || kind == "inout") {
    if (!readFile(first, bytes))
      return false;
    buffer.allocate(bytes.size());
    memcpy(buffer.data(), bytes.data(), bytes.size());
    buffer.output = second;
  } else if (kind == "zero" || kind == "out") {
    buffer.allocate(strtoull(first.c_str(), nullptr, 0));
    initialised = kind == "zero";
    if (initialised)
      memset(buffer.data(), 0, buffer.bytes);
    buffer.output = second;
  } else {
    return false;
  }
  memory.add(buffer.base, buffer.bytes, initialised);
  return true;
}

static int runKernel(const LoadedModule &module, Command &command,
                     MemoryMap &memory) {
  const Program *program = module.kernel(command.positional[1]);
  if (!program)
    return fail("no kernel '" + command.positional[1] + "'");
  std::vector<Buffer> buffers(command.positional.size());
  command.config.params.assign(program->paramBytes, 0);
  for (size_t i = 2; i < command.positional.size(); ++i) {
    const std::string &word = command.positional[i];
    size_t colon = word.find(':');
    std::string kind = word.substr(0, colon);
    std::string rest = colon == std::string::npos ? "" : word.substr(colon + 1);
    uint64_t value = 0;
    if (i - 2 >= program->params.size())
      return fail("too many arguments");
    if (!parseValue(kind, rest.c_str(), value)) {
      if (!makeBuffer(kind, rest, buffers[i], memory))
        return fail("bad argument '" + word + "'");
      value = buffers[i].base;
    }
    const Param &param = program->params[i - 2];
    memcpy(&command.config.params[param.offset], &value,
           param.bytes < 8 ? param.bytes : 8);
  }
  if (command.positional.size() - 2 != program->params.size())
    return fail("the kernel has " + std::to_string(program->params.size()) +
                " parameters");
  Fault fault;
  LaunchStats stats;
  bool ok =
      launch(*program, command.config, memory, command.options, fault, stats);
  if (command.stats)
    printf("warp instructions %llu, lane instructions %llu\n",
           (unsigned long long)stats.warpInstructions,
           (unsigned long long)stats.laneInstructions);
  if (!ok)
    return fail(fault.message);
  for (Buffer &buffer : buffers)
    if (!buffer.output.empty()) {
      std::ofstream file(buffer.output, std::ios::binary);
      file.write(reinterpret_cast<const char *>(buffer.data()),
                 std::streamsize(buffer.bytes));
      if (!file)
        return fail("cannot write '" + buffer.output + "'");
    }
  return 0;
}

int main(int argc, char **argv) {
  Command command;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word.rfind("--", 0) != 0)
      command.positional.push_back(word);
    else if (!parseOption(word, command))
      return fail("unknown option " + word);
  }
  if (command.positional.size() < (command.checkOnly ? 1u : 2u))
    return fail("usage: ptx-run FILE.ptx KERNEL [option ...] [argument ...]");
  std::string text, error;
  if (!readFile(command.positional[0], text))
    return fail("cannot read '" + command.positional[0] + "'");
  MemoryMap memory;
  std::unique_ptr<LoadedModule> module =
      LoadedModule::load(text, memory, error);
  if (!module)
    return fail(command.positional[0] + ": " + error);
  if (!command.checkOnly)
    return runKernel(*module, command, memory);
  for (const auto &[name, program] : module->all())
    printf("%s: %zu instructions, %u registers, %llu bytes shared\n",
           name.c_str(), program->code.size(), program->numRows,
           (unsigned long long)program->staticShared);
  return 0;
}
