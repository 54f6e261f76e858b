//===- OnnxInterfaces.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interfaces of the onnx dialect. Alone in this file because mlir-tblgen emits
// only the interfaces that are defined in the main file.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_ONNXINTERFACES_TD
#define INGOT_DIALECTS_ONNX_ONNXINTERFACES_TD

include "mlir/IR/OpBase.td"

def Onnx_Elementwise : OpInterface<"Elementwise"> {
  let cppNamespace = "::ingot::onnx";
  let description = [{
    An operator that computes each element of its result from the elements of
    its operands at the same place, after multidirectional broadcasting. One
    lowering pattern serves them all.
  }];
  let methods = [InterfaceMethod<[{
      Emits the scalar function. `args` holds one value per operand, null for
      an operand the model left out, in its compute type: float types narrower
      than 32 bits as f32, integers signless, bool as i1. Returns a value in
      the compute type of the result's element type. Whether an integer is
      unsigned is asked of the op's own operand types (`isUnsigned`).
    }], "::mlir::Value", "emitScalar",
    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc,
         "::mlir::ValueRange":$args)>,
  InterfaceMethod<[{
      Emits the condition (an i1) under which the operator forbids these
      elements: integer division by zero. Null if it forbids none. What
      emitScalar gives for them is unspecified, but it does not trap.
    }], "::mlir::Value", "emitFault",
    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc,
         "::mlir::ValueRange":$args), "", "return ::mlir::Value();">];
}

def Onnx_Checked : OpInterface<"Checked"> {
  let cppNamespace = "::ingot::onnx";
  let description = [{
    Every operator of the ONNX specification. The importer makes an op before
    it knows the types of its results; type inference may count on required
    attributes and operands being there, so they are checked in between.
  }];
  let methods = [InterfaceMethod<[{
      Checks what ODS declares of attributes and operands, and nothing that
      depends on the types of results.
    }], "::llvm::LogicalResult", "checkInvariants", (ins),
    [{ return $_op.verifyInvariantsImpl(); }]>];
}

#endif // INGOT_DIALECTS_ONNX_ONNXINTERFACES_TD
