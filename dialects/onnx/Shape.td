//===- Shape.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants, and operators that move elements without computing on them.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

// Not an ONNX operator: stands for an input that the model left out.
def Onnx_NoneOp : Op<Onnx_Dialect, "None", [Pure]> {
  let summary = "An input that the model left out";
  let results = (outs NoneType:$y);
  let assemblyFormat = "attr-dict";
}

def Onnx_ConstantOp : Onnx_Op<"Constant", [ConstantLike]> {
  let summary = "A tensor known at compile time";
  let description = [{
    Initializers and Constant nodes. The importer brings every form of the
    operator to `value`. Weights are resource blobs that point into the mapped
    model file and are never copied.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Onnx_Tensor:$output);
  let assemblyFormat = "attr-dict `:` type($output)";
  let hasFolder = 1;
}
