//===- ElementTypes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/ElementTypes.h"
#include "dialects/onnx/OnnxDialect.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace ingot;

static constexpr int64_t lastDataType = 28;

static Type integer(MLIRContext *context, unsigned width, bool isUnsigned) {
  return IntegerType::get(context, width,
                          isUnsigned ? IntegerType::Unsigned
                                     : IntegerType::Signless);
}

Type onnx::elementTypeOf(int64_t dataType, MLIRContext *context) {
  switch (dataType) {
  case 1:
    return Float32Type::get(context);
  case 2:
    return integer(context, 8, true);
  case 3:
    return integer(context, 8, false);
  case 4:
    return integer(context, 16, true);
  case 5:
    return integer(context, 16, false);
  case 6:
    return integer(context, 32, false);
  case 7:
    return integer(context, 64, false);
  case 8:
    return StringType::get(context);
  case 9:
    return integer(context, 1, false);
  case 10:
    return Float16Type::get(context);
  case 11:
    return Float64Type::get(context);
  case 12:
    return integer(context, 32, true);
  case 13:
    return integer(context, 64, true);
  case 14:
    return ComplexType::get(Float32Type::get(context));
  case 15:
    return ComplexType::get(Float64Type::get(context));
  case 16:
    return BFloat16Type::get(context);
  case 17:
    return Float8E4M3FNType::get(context);
  case 18:
    return Float8E4M3FNUZType::get(context);
  case 19:
    return Float8E5M2Type::get(context);
  case 20:
    return Float8E5M2FNUZType::get(context);
  case 21:
    return integer(context, 4, true);
  case 22:
    return integer(context, 4, false);
  case 23:
    return Float4E2M1FNType::get(context);
  case 24:
    return Float8E8M0FNUType::get(context);
  case 25:
    return integer(context, 2, true);
  case 26:
    return integer(context, 2, false);
  case 27:
    return Float6E2M3FNType::get(context);
  case lastDataType:
    return Float6E3M2FNType::get(context);
  default:
    return {};
  }
}

std::optional<int64_t> onnx::dataTypeOf(Type elementType) {
  for (int64_t number = 1; number <= lastDataType; ++number)
    if (elementTypeOf(number, elementType.getContext()) == elementType)
      return number;
  return std::nullopt;
}
