//===- EmitDescriptor.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_EMITDESCRIPTOR_H
#define INGOT_CODEGEN_EMITDESCRIPTOR_H

#include "codegen/EmitCode.h"

namespace llvm {
class Module;
} // namespace llvm

namespace ingot {

/// The number ONNX gives to an element type (TensorProto.DataType).
int32_t onnxDataType(mlir::Type type);

/// Adds the IngotModelDesc of lib/Runtime/ModelAbi.h to the module that holds
/// the driver functions, and for a machine with warps its IngotGpuDesc.
void emitDescriptor(llvm::Module &module, const ModelTables &tables,
                    const ModelIdentity &identity, kernel::MachineAttr machine,
                    const Variant &variant);

} // namespace ingot

#endif // INGOT_CODEGEN_EMITDESCRIPTOR_H
