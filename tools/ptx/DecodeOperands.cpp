//===- DecodeOperands.cpp -------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands: registers, immediates, addresses and special registers.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Decoder.h"

using namespace ingot::ptx;

int32_t Decoder::constantRow(uint64_t value) {
  auto [it, added] = constantRows.try_emplace(value, 0);
  if (added) {
    it->second = ~int32_t(program.constants.size() / kWarpSize);
    program.constants.insert(program.constants.end(), kWarpSize, value);
  }
  return it->second;
}

Operand Decoder::operandOfRegister(int reg) {
  Operand operand;
  Type type = frame->function->registers[reg];
  operand.slot = frame->slots[reg];
  operand.bits = uint8_t(bitsOf(type));
  if (type == Type::Pred)
    operand.kind = Operand::Predicate;
  return operand;
}

namespace {
struct SpecialName {
  std::string_view name;
  Special special;
};
} // namespace

static constexpr SpecialName kSpecials[] = {
    {"%tid.x", Special::TidX},
    {"%tid.y", Special::TidY},
    {"%tid.z", Special::TidZ},
    {"%ntid.x", Special::NtidX},
    {"%ntid.y", Special::NtidY},
    {"%ntid.z", Special::NtidZ},
    {"%ctaid.x", Special::CtaidX},
    {"%ctaid.y", Special::CtaidY},
    {"%ctaid.z", Special::CtaidZ},
    {"%nctaid.x", Special::NctaidX},
    {"%nctaid.y", Special::NctaidY},
    {"%nctaid.z", Special::NctaidZ},
    {"%laneid", Special::Laneid},
    {"%warpid", Special::Warpid},
    {"%nwarpid", Special::Nwarpid},
    {"%smid", Special::Smid},
    {"%nsmid", Special::Nsmid},
    {"%gridid", Special::Gridid},
    {"%lanemask_eq", Special::LanemaskEq},
    {"%lanemask_le", Special::LanemaskLe},
    {"%lanemask_lt", Special::LanemaskLt},
    {"%lanemask_ge", Special::LanemaskGe},
    {"%lanemask_gt", Special::LanemaskGt},
    {"%clusterid.x", Special::ClusteridX},
    {"%clusterid.y", Special::ClusteridY},
    {"%clusterid.z", Special::ClusteridZ},
    {"%nclusterid.x", Special::NclusteridX},
    {"%nclusterid.y", Special::NclusteridY},
    {"%nclusterid.z", Special::NclusteridZ},
    {"%cluster_ctaid.x", Special::ClusterCtaidX},
    {"%cluster_ctaid.y", Special::ClusterCtaidY},
    {"%cluster_ctaid.z", Special::ClusterCtaidZ},
    {"%cluster_nctaid.x", Special::ClusterNctaidX},
    {"%cluster_nctaid.y", Special::ClusterNctaidY},
    {"%cluster_nctaid.z", Special::ClusterNctaidZ},
    {"%cluster_ctarank", Special::ClusterCtarank},
    {"%cluster_nctarank", Special::ClusterNctarank},
    {"%dynamic_smem_size", Special::DynamicSmemSize},
    {"%total_smem_size", Special::TotalSmemSize},
    {"WARP_SZ", Special::WarpSize},
};

bool Decoder::special(std::string_view name, Operand &operand) {
  for (const SpecialName &entry : kSpecials) {
    if (entry.name != name)
      continue;
    auto [it, added] = specialRows.try_emplace(entry.special, 0);
    if (added) {
      it->second = int32_t(program.numRows++);
      program.specials.push_back({entry.special, it->second});
    }
    operand.slot = it->second;
    operand.bits = entry.special == Special::Gridid ? 64 : 32;
    return true;
  }
  return false;
}

bool Decoder::variableOperand(const Arg &arg, Operand &operand) {
  const Variable &variable = frame->function->variables[arg.variable];
  uint64_t offset = frame->offsets[arg.variable];
  bool ofKernel = frame->function->isEntry &&
                  unsigned(arg.variable) < frame->function->numParams;
  operand.space = variable.space == Space::Param && !ofKernel ? Space::Local
                                                              : variable.space;
  if (variable.space == Space::Global || variable.space == Space::Const)
    return fail("variables of a function in global memory are not supported");
  operand.slot = constantRow(offset + arg.offset);
  operand.bits = 64;
  return true;
}

bool Decoder::nameOperand(const Arg &arg, Operand &operand) {
  if (special(arg.name, operand))
    return true;
  auto global = globals.find(arg.name);
  operand.bits = 64;
  for (const Variable &variable : module.variables) {
    if (variable.name != arg.name)
      continue;
    operand.space = variable.space;
    if (variable.space == Space::Shared) {
      if (variable.dynamic || variable.external) {
        if (variable.align > program.sharedAlign)
          program.sharedAlign = variable.align;
        // The row is known once all of static memory is.
        dynamicOperands.push_back({program.operands.size(), arg.offset});
        return true;
      }
      operand.slot = constantRow(sharedOffset(variable) + arg.offset);
      return true;
    }
    if (global == globals.end())
      return fail("variable '" + std::string(arg.name) + "' has no address");
    operand.slot = constantRow(global->second + arg.offset);
    return true;
  }
  return fail("unknown name '" + std::string(arg.name) + "'");
}

bool Decoder::source(const Arg &arg, Type type, Operand &operand) {
  operand.negated = arg.negated;
  operand.bits = uint8_t(bitsOf(type));
  switch (arg.kind) {
  case Arg::Register:
    operand = operandOfRegister(arg.reg);
    operand.negated = arg.negated;
    return true;
  case Arg::Integer:
    operand.slot = constantRow(arg.value);
    return true;
  case Arg::Decimal:
    operand.slot =
        constantRow(type == Type::F64 ? bitsOfDouble(arg.decimal)
                                      : bitsOfFloat(float(arg.decimal)));
    return true;
  case Arg::Variable:
    return variableOperand(arg, operand);
  case Arg::Name:
    return nameOperand(arg, operand);
  default:
    return fail("expected a value");
  }
}

bool Decoder::isPredicate(const Arg &arg) const {
  return arg.kind == Arg::Register &&
         frame->function->registers[arg.reg] == Type::Pred;
}

bool Decoder::immediate(const Arg &arg, uint64_t &value) {
  if (arg.kind != Arg::Integer)
    return fail("expected an immediate");
  value = arg.value;
  return true;
}

bool Decoder::addConstant(Instr &in, uint64_t value) {
  Operand operand;
  operand.slot = constantRow(value);
  operand.bits = 64;
  program.operands.push_back(operand);
  ++in.count;
  return true;
}

void Decoder::addCarryOperand(Instr &in) {
  if (carry < 0)
    carry = int32_t(program.numPredicates++);
  Operand operand;
  operand.slot = carry;
  operand.kind = Operand::Predicate;
  program.operands.push_back(operand);
  ++in.count;
}

bool Decoder::add(Instr &in, char letter, const Arg &arg, Type type) {
  Operand operand;
  switch (letter) {
  case 's':
    if (!source(arg, type, operand))
      return false;
    break;
  case 'd':
  case 'P':
    if (arg.kind == Arg::Sink) {
      operand.sink = true;
      operand.bits = 64;
      operand.kind = letter == 'P' ? Operand::Predicate : Operand::Row;
      break;
    }
    if (arg.kind != Arg::Register)
      return fail("expected a register");
    operand = operandOfRegister(arg.reg);
    operand.written = true;
    break;
  case 'p':
    if (arg.kind == Arg::Register) {
      operand = operandOfRegister(arg.reg);
    } else if (arg.kind == Arg::Integer || arg.name == "true" ||
               arg.name == "false") {
      operand.kind = Operand::Predicate;
      bool value = arg.kind == Arg::Integer ? arg.value : arg.name == "true";
      operand.slot = ~int32_t(program.predicateConstants.size());
      program.predicateConstants.push_back(value ? kAllLanes : 0);
    }
    operand.negated = arg.negated;
    break;
  case 'a': {
    if (arg.kind != Arg::Address || arg.parts.empty())
      return fail("expected an address");
    if (!source(arg.parts[0], Type::B64, operand))
      return false;
    if (arg.parts[0].kind == Arg::Integer)
      operand.bits = 64;
    operand.kind = Operand::Address;
    operand.offset = arg.offset;
    break;
  }
  case 'V':
  case 'D': {
    std::vector<Operand> parts;
    size_t before = program.operands.size();
    uint16_t count = in.count;
    size_t number = arg.kind == Arg::Vector ? arg.parts.size() : 1;
    for (size_t i = 0; i < number; ++i) {
      const Arg &part = arg.kind == Arg::Vector ? arg.parts[i] : arg;
      if (!add(in, letter == 'V' ? 's' : 'd', part, type))
        return false;
    }
    parts.assign(program.operands.begin() + before, program.operands.end());
    program.operands.resize(before);
    in.count = count;
    operand.kind = Operand::Vector;
    operand.count = uint16_t(parts.size());
    operand.slot = int32_t(program.elements.size());
    program.elements.insert(program.elements.end(), parts.begin(), parts.end());
    break;
  }
  default:
    return fail("internal: unknown kind of operand");
  }
  bool predicate = operand.kind == Operand::Predicate;
  if (predicate != (letter == 'p' || letter == 'P'))
    return fail(predicate ? "a predicate where a value is expected"
                          : "expected a predicate");
  program.operands.push_back(operand);
  ++in.count;
  return true;
}

bool Decoder::operands(Instr &in, std::string_view letters, Type type) {
  if (current->args.size() != letters.size())
    return fail("expected " + std::to_string(letters.size()) + " operands");
  for (size_t i = 0; i < letters.size(); ++i)
    if (!add(in, letters[i], current->args[i], type))
      return false;
  return true;
}
