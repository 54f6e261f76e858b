//===- OnnxDialect.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_ONNXDIALECT_H
#define INGOT_DIALECTS_ONNX_ONNXDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <memory>

namespace ingot::onnx {
/// Names of the symbols of one context; see OnnxDialect::getSymbol.
struct SymbolNames;

/// Kinds of element types, to be combined: f16 to f64 and bf16; i8 to i64; ui8
/// to ui64; i1. The narrower types of ONNX belong to none of them.
enum ElementKind : unsigned {
  FloatElements = 1,
  SignedElements = 2,
  UnsignedElements = 4,
  BoolElements = 8,
  NumberElements = FloatElements | SignedElements | UnsignedElements,
};

/// True for a tensor type whose elements are of one of those kinds.
bool isTensorOf(mlir::Type type, unsigned kinds);

/// True if element types are equal and no static dimension differs, pairwise.
bool areCompatible(mlir::TypeRange inferred, mlir::TypeRange actual);
} // namespace ingot::onnx

#include "dialects/onnx/OnnxDialect.h.inc"
#include "dialects/onnx/OnnxInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/onnx/OnnxAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/onnx/OnnxTypes.h.inc"

#endif // INGOT_DIALECTS_ONNX_ONNXDIALECT_H
