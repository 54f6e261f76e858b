//===- Decoder.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lays out registers, variables and functions of a kernel, and hands each
// statement to the family of its mnemonic.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Decoder.h"

using namespace ingot::ptx;

static const DecodeTable &decodeTable() {
  static const DecodeTable table = [] {
    DecodeTable t;
    addIntegerOps(t);
    addBitOps(t);
    addFloatOps(t);
    addConversionOps(t);
    addCompareOps(t);
    addMoveOps(t);
    addMemoryOps(t);
    addAtomicOps(t);
    addControlOps(t);
    addWarpOps(t);
    addMbarrierOps(t);
    addMatrixOps(t);
    addWgmmaOps(t);
    return t;
  }();
  return table;
}

static uint64_t alignUp(uint64_t value, uint64_t align) {
  return (value + align - 1) & ~(align - 1);
}

Decoder::Decoder(const Module &module, const Symbols &globals, Program &program,
                 std::string &error)
    : program(program), module(module), globals(globals), error(error) {
  // Row and predicate 0 take what goes to `_`.
  program.numRows = program.numPredicates = 1;
}

bool Decoder::fail(std::string message) {
  if (error.empty())
    error = "line " + std::to_string(current ? current->line : 0) + ": " +
            message + (current ? ": " + std::string(current->text) : "");
  return false;
}

bool Decoder::requireTarget(unsigned target, char suffix, const char *what) {
  if (module.target >= target && (!suffix || module.targetSuffix == suffix))
    return true;
  std::string needed = std::to_string(target);
  if (suffix)
    needed += suffix;
  return fail(std::string(what) + " needs target " + needed + " or later");
}

bool Decoder::requireVersion(unsigned version, const char *what) {
  return module.versionMajor * 10 + module.versionMinor >= version ||
         fail(std::string(what) + " needs PTX " + std::to_string(version / 10) +
              "." + std::to_string(version % 10) + " or later");
}

//===----------------------------------------------------------------------===//
// Modifiers.
//===----------------------------------------------------------------------===//

bool Decoder::take(std::string_view modifier) {
  for (size_t i = 0; i < modifiers.size(); ++i)
    if (modifiers[i] == modifier) {
      modifiers.erase(modifiers.begin() + i);
      return true;
    }
  return false;
}

int Decoder::takeOneOf(std::initializer_list<std::string_view> list) {
  int index = 0;
  for (std::string_view modifier : list) {
    if (take(modifier))
      return index;
    ++index;
  }
  return -1;
}

Type Decoder::takeType() {
  if (modifiers.empty())
    return Type::None;
  Type type = parseType(modifiers.back());
  if (type != Type::None)
    modifiers.pop_back();
  return type;
}

bool Decoder::takeRounding(Instr &in) {
  switch (takeOneOf({"rn", "rz", "rm", "rp", "rna"})) {
  case 0:
    in.rounding = Rounding::NearestEven;
    return true;
  case 1:
    in.rounding = Rounding::Zero;
    return true;
  case 2:
    in.rounding = Rounding::Down;
    return true;
  case 3:
    in.rounding = Rounding::Up;
    return true;
  case 4:
    in.rounding = Rounding::NearestAway;
    return true;
  default:
    return false;
  }
}

Space Decoder::takeSpace() {
  static constexpr Space kSpaces[] = {
      Space::Global, Space::Shared, Space::Shared, Space::Shared, Space::Local,
      Space::Const,  Space::Param,  Space::Param,  Space::Param};
  int found =
      takeOneOf({"global", "shared", "shared::cta", "shared::cluster", "local",
                 "const", "param", "param::entry", "param::func"});
  return found < 0 ? Space::Generic : kSpaces[found];
}

bool Decoder::takePrefixed(std::string_view prefix, std::string_view &rest) {
  for (size_t i = 0; i < modifiers.size(); ++i)
    if (modifiers[i].substr(0, prefix.size()) == prefix) {
      rest = modifiers[i].substr(prefix.size());
      modifiers.erase(modifiers.begin() + i);
      return true;
    }
  return false;
}

//===----------------------------------------------------------------------===//
// Layout.
//===----------------------------------------------------------------------===//

bool Decoder::layoutParams(const Function &kernel) {
  for (unsigned i = 0; i < kernel.numParams; ++i) {
    const Variable &variable = kernel.variables[i];
    uint64_t offset = alignUp(program.paramBytes, variable.align);
    program.params.push_back({variable.name, offset, variable.bytes});
    program.paramBytes = offset + variable.bytes;
  }
  return program.paramBytes <= 32764 || fail("parameters too large");
}

uint64_t Decoder::sharedOffset(const Variable &variable) {
  auto found = sharedOffsets.find(variable.name);
  if (found != sharedOffsets.end())
    return found->second;
  uint64_t offset = alignUp(program.staticShared, variable.align);
  program.staticShared = offset + variable.bytes;
  if (variable.align > program.sharedAlign)
    program.sharedAlign = variable.align;
  return sharedOffsets[variable.name] = offset;
}

void Decoder::placeVariables(Frame &frame) {
  const Function &function = *frame.function;
  for (size_t i = 0; i < function.variables.size(); ++i) {
    const Variable &variable = function.variables[i];
    uint64_t offset = 0;
    bool ofKernel = function.isEntry && i < function.numParams;
    if (ofKernel) {
      offset = program.params[i].offset;
    } else if (variable.space == Space::Local ||
               variable.space == Space::Param) {
      offset = alignUp(program.localBytes, variable.align);
      program.localBytes = offset + variable.bytes;
    } else if (variable.space == Space::Shared) {
      offset = alignUp(program.staticShared, variable.align);
      program.staticShared = offset + variable.bytes;
      if (variable.align > program.sharedAlign)
        program.sharedAlign = variable.align;
    }
    frame.offsets.push_back(offset);
  }
}

bool Decoder::run(const Function &kernel) {
  program.name = std::string(kernel.name);
  program.target = module.target;
  program.targetSuffix = module.targetSuffix;
  program.maxThreads = kernel.maxThreads;
  for (int i = 0; i < 3; ++i) {
    program.requiredThreads[i] = kernel.requiredThreads[i];
    program.requiredCluster[i] = kernel.requiredCluster[i];
  }
  if (!layoutParams(kernel))
    return false;
  Frame &first = frames[kernel.name];
  first.function = &kernel;
  if (!decodeFunction(first))
    return false;
  while (!pending.empty()) {
    Frame *next = pending.back().first;
    pending.pop_back();
    if (!decodeFunction(*next))
      return false;
  }
  for (auto &[site, name] : callFixups)
    program.calls[site].entry = frames[name].entry;
  if (!checkNoRecursion(kernel.name, {}))
    return false;
  // Dynamic shared memory follows the static one.
  program.dynamicShared = alignUp(program.staticShared, program.sharedAlign);
  for (auto &[index, addend] : dynamicOperands)
    program.operands[index].slot = constantRow(program.dynamicShared + addend);
  return true;
}

/// Frames are static, so a function must not be active twice.
bool Decoder::checkNoRecursion(std::string_view name,
                               std::vector<std::string_view> active) {
  for (std::string_view other : active)
    if (other == name)
      return fail("recursive call of '" + std::string(name) + "'");
  active.push_back(name);
  auto [begin, end] = callees.equal_range(name);
  for (auto it = begin; it != end; ++it)
    if (!checkNoRecursion(it->second, active))
      return false;
  return true;
}

bool Decoder::decodeFunction(Frame &target) {
  frame = &target;
  const Function &function = *target.function;
  for (Type type : function.registers)
    target.slots.push_back(type == Type::Pred ? int32_t(program.numPredicates++)
                           : type == Type::B128
                               ? int32_t((program.numRows += 2) - 2)
                               : int32_t(program.numRows++));
  if (target.offsets.size() != function.variables.size())
    placeVariables(target);
  target.entry = uint32_t(program.code.size());
  for (const Statement &statement : function.body) {
    current = &statement;
    if (!decodeStatement())
      return false;
  }
  // Falling off the end returns.
  Statement last;
  last.mnemonic = last.text = "ret";
  last.line = function.body.empty() ? function.line : function.body.back().line;
  current = &last;
  bool decoded = decodeStatement();
  current = nullptr;
  program.code.back().text = "ret";
  return decoded;
}

bool Decoder::decodeStatement() {
  std::string_view text = current->mnemonic;
  size_t dot = text.find('.');
  std::string_view base = text.substr(0, dot);
  modifiers.clear();
  while (dot != std::string_view::npos) {
    size_t next = text.find('.', dot + 1);
    modifiers.push_back(text.substr(dot + 1, next - dot - 1));
    dot = next;
  }
  auto found = decodeTable().find(base);
  if (found == decodeTable().end())
    return fail("unknown instruction");
  Instr in;
  in.line = current->line;
  in.text = current->text;
  in.guard = current->guard >= 0 ? frame->slots[current->guard] : -1;
  in.guardNegated = current->guardNegated;
  in.first = uint32_t(program.operands.size());
  if (!found->second(*this, in))
    return fail("cannot decode the instruction");
  if (!modifiers.empty())
    return fail("unknown modifier ." + std::string(modifiers[0]));
  if (!in.run && in.flow == Flow::Next)
    return fail("form of the instruction is not supported");
  // Targets are counted from the start of the function; a branch in a function
  // is moved to where the function stands.
  if (in.flow == Flow::Branch)
    in.target = frame->entry + current->targets[0];
  if (in.flow == Flow::IndexedBranch) {
    in.target = uint32_t(program.branchTables.size());
    program.branchTables.emplace_back();
    for (uint32_t target : current->targets)
      program.branchTables.back().push_back(frame->entry + target);
  }
  program.code.push_back(in);
  return true;
}

bool Decoder::callee(std::string_view name, CallSite &site,
                     const std::vector<Arg> &arguments,
                     const std::vector<Arg> &results) {
  const Function *function = module.find(name);
  if (!function || function->isEntry)
    return fail("call of '" + std::string(name) + "', which has no body");
  if (arguments.size() != function->numParams ||
      results.size() != function->numResults)
    return fail("wrong number of arguments");
  Frame *caller = frame;
  bool known = frames.count(name);
  Frame &target = frames[name];
  if (!known) {
    target.function = function;
    placeVariables(target);
    pending.push_back({&target, function});
  }
  auto copies = [&](const std::vector<Arg> &args, unsigned first, bool toCallee,
                    std::vector<LocalCopy> &into) {
    for (size_t i = 0; i < args.size(); ++i) {
      if (args[i].kind != Arg::Variable)
        return fail("arguments must be variables in .param");
      uint64_t mine = caller->offsets[args[i].variable];
      uint64_t theirs = target.offsets[first + i];
      uint64_t bytes = function->variables[first + i].bytes;
      into.push_back(toCallee ? LocalCopy{mine, theirs, bytes}
                              : LocalCopy{theirs, mine, bytes});
    }
    return true;
  };
  if (!copies(arguments, 0, true, site.before) ||
      !copies(results, function->numParams, false, site.after))
    return false;
  callFixups.push_back({program.calls.size(), name});
  callees.emplace(caller->function->name, name);
  return true;
}

std::unique_ptr<Program> ingot::ptx::decodeKernel(const Module &module,
                                                  const Function &kernel,
                                                  const Symbols &globals,
                                                  std::string &error) {
  auto program = std::make_unique<Program>();
  error.clear();
  if (!Decoder(module, globals, *program, error).run(kernel))
    return nullptr;
  return program;
}

std::string Program::describe(const Instr &in) const {
  std::string text;
  for (char c : in.text)
    if (text.empty() || text.back() != ' ' || (c != ' ' && c != '\t'))
      text += c == '\t' || c == '\n' ? ' ' : c;
  if (text.size() > 120)
    text = text.substr(0, 117) + "...";
  return "line " + std::to_string(in.line) + " '" + text + "'";
}
