//===- ElementTypes.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types of ONNX tensors by their numbers in TensorProto.DataType.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_ELEMENTTYPES_H
#define INGOT_DIALECTS_ONNX_ELEMENTTYPES_H

#include "mlir/IR/Types.h"

#include <optional>

namespace ingot::onnx {

/// The element type with that number; null for a number that is none
/// (UNDEFINED included).
mlir::Type elementTypeOf(int64_t dataType, mlir::MLIRContext *context);

/// The number of an element type.
std::optional<int64_t> dataTypeOf(mlir::Type elementType);

} // namespace ingot::onnx

#endif // INGOT_DIALECTS_ONNX_ELEMENTTYPES_H
