//===- TypeChecks.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/TypeChecks.h"

using namespace mlir;
using namespace ingot;

bool onnx::isRealFloat(Type type) {
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type);
}

bool onnx::isByte(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() == 8;
}

LogicalResult onnx::checkElementType(std::optional<Location> loc, Value operand,
                                     StringRef name, bool (*accepts)(Type)) {
  if (isNone(operand) || accepts(getElementTypeOrSelf(operand.getType())))
    return success();
  return emitOptionalError(loc, name, " has element type ",
                           getElementTypeOrSelf(operand.getType()),
                           ", which the operator does not take");
}

LogicalResult onnx::checkSameElementType(std::optional<Location> loc, Value a,
                                         StringRef nameA, Value b,
                                         StringRef nameB) {
  if (isNone(a) || isNone(b))
    return success();
  Type typeA = getElementTypeOrSelf(a.getType());
  Type typeB = getElementTypeOrSelf(b.getType());
  if (typeA == typeB)
    return success();
  return emitOptionalError(loc, nameA, " and ", nameB,
                           " must have the same element type, got ", typeA,
                           " and ", typeB);
}

LogicalResult onnx::checkSameSize(std::optional<Location> loc, StringRef whatA,
                                  AffineExpr a, StringRef whatB, AffineExpr b) {
  std::optional<int64_t> sizeA = constantValue(a), sizeB = constantValue(b);
  if (!sizeA || !sizeB || *sizeA == *sizeB)
    return success();
  return emitOptionalError(loc, whatA, " is ", *sizeA, " but ", whatB, " is ",
                           *sizeB);
}

LogicalResult onnx::checkChoice(std::optional<Location> loc,
                                StringRef attribute, StringRef value,
                                ArrayRef<StringRef> allowed) {
  if (llvm::is_contained(allowed, value))
    return success();
  std::string list = llvm::join(allowed, ", ");
  return emitOptionalError(loc, attribute, " '", value, "' is none of ", list);
}
