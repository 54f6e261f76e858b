//===- Float8.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The 8-bit and 4-bit float types of ONNX as formulas on their bits: no
// processor we generate code for has instructions for all of them.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_FLOAT8_H
#define INGOT_DIALECTS_ONNX_FLOAT8_H

#include "dialects/onnx/Scalar.h"

#include "mlir/IR/BuiltinTypes.h"

namespace ingot::onnx {

/// The type if it is f8E4M3FN, f8E4M3FNUZ, f8E5M2, f8E5M2FNUZ, f8E8M0FNU or
/// f4E2M1FN, else null. An element of the last is the lower half of a byte.
mlir::FloatType float8Type(mlir::Type element);

/// The f32 that the 8 bits (an i8) stand for.
Scalar decodeFloat8(Scalar bits, mlir::FloatType type);

/// How ONNX Cast rounds to a type of 8 bits. `roundMode` ("up", "down" or
/// "nearest") is for f8E8M0FNU; the others round to nearest even. f4E2M1FN
/// always saturates, and its NaN is -0.
struct Float8Rounding {
  bool saturate = true;
  llvm::StringRef roundMode = "up";
};

/// The 8 bits (an i8) for an f32.
Scalar encodeFloat8(Scalar x, mlir::FloatType type,
                    const Float8Rounding &rounding);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_FLOAT8_H
