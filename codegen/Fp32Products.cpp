//===- Fp32Products.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/Fp32Products.h"
#include "codegen/Target.h"
#include "dialects/ingot/Ingot.h"
#include "passes/Precision.h"
#include "passes/Remark.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace ingot;

std::optional<Fp32Products> ingot::parseFp32Products(StringRef name) {
  return llvm::StringSwitch<std::optional<Fp32Products>>(name)
      .Case("exact", Fp32Products::Exact)
      .Case("tf32", Fp32Products::Tf32)
      .Case("bf16x3", Fp32Products::Bf16x3)
      .Case("bf16x6", Fp32Products::Bf16x6)
      .Default(std::nullopt);
}

LogicalResult ingot::setFp32Products(ModuleOp module, StringRef wanted) {
  // A module in MLIR's form may bring its own wish.
  auto own = module->getAttrOfType<StringAttr>(fp32ProductsAttrName);
  if (own && wanted == "exact")
    wanted = own.getValue();
  std::optional<Fp32Products> products = parseFp32Products(wanted);
  if (!products)
    return module.emitError("[IG2030] there is no way '")
           << wanted
           << "' to multiply f32; it is exact, tf32, bf16x3 or bf16x6";
  if (*products != Fp32Products::Exact)
    module->setAttr(fp32ProductsAttrName,
                    StringAttr::get(module.getContext(), wanted));
  return success();
}

/// What a module wants; empty if nothing but exact products.
static StringRef wantedBy(ModuleOp module) {
  auto wanted = module->getAttrOfType<StringAttr>(fp32ProductsAttrName);
  return wanted && parseFp32Products(wanted.getValue()) ? wanted.getValue()
                                                        : StringRef();
}

/// Those of `sm_80` and later multiply tf32 and bf16.
static bool hasTensorCores(ModuleOp module) {
  auto machine = module->getAttrOfType<kernel::MachineAttr>(machineAttrName);
  return machine && machine.getTensorCores();
}

Fp32Products ingot::fp32ProductsOf(Operation *op) {
  auto module = op->getParentOfType<ModuleOp>();
  if (!module || !hasTensorCores(module))
    return Fp32Products::Exact;
  return parseFp32Products(wantedBy(module)).value_or(Fp32Products::Exact);
}

std::string ingot::describeFp32Products(ModuleOp module) {
  std::string wanted = wantedBy(module).str();
  if (wanted.empty() || hasTensorCores(module))
    return wanted.empty() ? "" : "fp32 products: " + wanted;
  return "fp32 products: exact (no tensor cores for " + wanted + ")";
}

StringRef ingot::explainFp32Products(Fp32Products products) {
  switch (products) {
  case Fp32Products::Exact:
    return "f32 factors are multiplied as they are";
  case Fp32Products::Tf32:
    return "f32 factors are rounded to tf32 for tensor cores";
  case Fp32Products::Bf16x3:
    return "f32 factors are split into two parts of bf16 for tensor cores";
  case Fp32Products::Bf16x6:
    return "f32 factors are split into three parts of bf16 for tensor cores";
  }
  llvm_unreachable("unknown products of f32");
}

static bool isSingle(Value v) {
  return cast<ShapedType>(v.getType()).getElementType().isF32();
}

StringRef ingot::explainFewRows(Operation *op) {
  if (!isSingle(op->getOperand(0)) || fp32ProductsOf(op) == Fp32Products::Exact)
    return "";
  return "its products of f32 stay exact: with so few rows all time is that of "
         "reading the right factor";
}

/// Why an op multiplies f32 as such on a machine whose tensor cores could take
/// them; empty if that is left to its emitter.
static StringRef whyExact(Operation *op) {
  if (isa<heavy::AttentionOp>(op))
    return "attention of f32 is computed by multiply-adds";
  auto conv = dyn_cast<heavy::ConvOp>(op);
  return conv && conv.isDepthwise()
             ? "a depthwise convolution has no products of matrices"
             : "";
}

void ingot::explainFp32Products(ModuleOp module) {
  StringRef wanted = wantedBy(module);
  if (wanted.empty())
    return;
  bool able = hasTensorCores(module);
  module.walk([&](Operation *op) {
    if (!isa<heavy::ConvOp, heavy::MatmulOp, heavy::AttentionOp,
             heavy::MatmulNBitsOp>(op) ||
        !isSingle(op->getOperand(0)))
      return;
    std::string why = whyExact(op).str();
    if (!able)
      why = "this target has no tensor cores for " + wanted.str();
    if (!why.empty())
      remarkAt(op->getLoc(), "precision",
               "its products of f32 stay exact: " + why);
  });
}
