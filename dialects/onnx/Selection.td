//===- Selection.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that select elements by their values.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_TopKOp : Onnx_Op<"TopK"> {
  let summary = "The `K` largest or smallest elements along an axis";
  let description = [{
    Values and their indices, best first (`sorted` 0 would allow any order). Of
    equal values the one with the lower index comes first. NaN counts as larger
    than every number.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Int64Tensor:$K,
                       DefaultValuedAttr<I64Attr, "-1">:$axis,
                       DefaultValuedAttr<I64Attr, "1">:$largest,
                       DefaultValuedAttr<I64Attr, "1">:$sorted);
  let results = (outs Onnx_Tensor:$Values, Onnx_Tensor:$Indices);
}

def Onnx_CompressOp : Onnx_Op<"Compress"> {
  let summary = "Keeps the entries along an axis where a condition holds";
  let description = [{
    Without `axis` the entries are the elements of the flattened tensor. A
    `condition` that is too short drops the rest.
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_BoolTensor:$condition,
                       OptionalAttr<I64Attr>:$axis);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_NonZeroOp : Onnx_Op<"NonZero"> {
  let summary = "The indices of the elements that are not zero";
  let description = "A column per element, in row-major order.";
  let arguments = (ins Onnx_Tensor:$X);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_UniqueOp : Onnx_Op<"Unique"> {
  let summary = "The distinct elements, or distinct entries along an axis";
  let description = [{
    In ascending order, or if `sorted` is 0 in order of first occurrence;
    besides them the index of each first occurrence, for every entry of the
    operand its index in `Y`, and the number of occurrences.
  }];
  let arguments = (ins Onnx_Tensor:$X, OptionalAttr<I64Attr>:$axis,
                       DefaultValuedAttr<I64Attr, "1">:$sorted);
  let results = (outs Onnx_Tensor:$Y, Onnx_Tensor:$indices,
                      Onnx_Tensor:$inverse_indices, Onnx_Tensor:$counts);
}
