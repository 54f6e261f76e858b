//===- Kernel.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/kernel/Kernel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ingot::kernel;

#include "dialects/kernel/KernelDialect.cpp.inc"
#include "dialects/kernel/KernelEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/kernel/KernelAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/kernel/Kernel.cpp.inc"

void KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/kernel/KernelAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/kernel/Kernel.cpp.inc"
      >();
}

int64_t MachineAttr::dotDepth() const {
  switch (getDot()) {
  case DotForm::lanes:
    return 1;
  case DotForm::pairs:
  case DotForm::bytes:
  case DotForm::vnni:
  case DotForm::sdot:
  case DotForm::words:
    return 4;
  case DotForm::smmla:
    return 8;
  }
  llvm_unreachable("unknown dot form");
}

int64_t MachineAttr::dotBits() const {
  return getDot() == DotForm::lanes || getDot() == DotForm::pairs ? 16 : 8;
}

MachineAttr MachineAttr::forBytePairs() const {
  if (getDot() != DotForm::pairs || getByteIntrinsic().empty())
    return {};
  return get(getContext(), getTarget(), getTriple(), getTune(), getFeatures(),
             getVectorBits(), getVectorRegisters(), getMasks(),
             getLaneBroadcast(), getL1(), getL2(), DotForm::bytes,
             getDotIntrinsic(), getTileIntrinsics(), getBf16Intrinsic(),
             getByteIntrinsic(), getWarp(), getSharedBytes(), getAsyncCopies(),
             getTensorCores());
}

void FuncOp::build(OpBuilder &b, OperationState &state, StringRef name,
                   FunctionType type) {
  state.addAttribute(SymbolTable::getSymbolAttrName(), b.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addRegion();
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &b, ArrayRef<Type> inputs, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) {
    return b.getFunctionType(inputs, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("launches '") << getKernel() << "', which is no kernel";
  if (TypeRange(kernel.getArgumentTypes()) != TypeRange(getOperands()) ||
      TypeRange(kernel.getResultTypes()) != TypeRange(getResultTypes()))
    return emitOpError("has not the type of kernel '")
           << getKernel() << "': " << kernel.getFunctionType();
  return success();
}
