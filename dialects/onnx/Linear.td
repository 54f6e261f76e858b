//===- Linear.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products and what is built from them.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_MatMulOp : Onnx_Op<"MatMul"> {
  let summary = "Matrix product, as numpy.matmul";
  let description = [{
    The last two dimensions are multiplied, the others broadcast. An operand of
    rank 1 is a row (A) or a column (B) whose added dimension is dropped from
    the result.
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_GemmOp : Onnx_Op<"Gemm"> {
  let summary = "alpha * A' * B' + beta * C";
  let description = [{
    A' and B' are A and B, or their transposes if transA or transB is not 0. C
    broadcasts to the result in one direction.
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, Onnx_OptionalTensor:$C,
                       DefaultValuedAttr<F32Attr, "1.0f">:$alpha,
                       DefaultValuedAttr<F32Attr, "1.0f">:$beta,
                       DefaultValuedAttr<I64Attr, "0">:$transA,
                       DefaultValuedAttr<I64Attr, "0">:$transB);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_MatMulIntegerOp : Onnx_Op<"MatMulInteger"> {
  let summary = "Matrix product of 8-bit integers with an i32 result";
  let description = [{
    Zero points are subtracted first: a scalar, or one per row of A and one per
    column of B. The product wraps at 32 bits.
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B,
                       Onnx_OptionalTensor:$a_zero_point,
                       Onnx_OptionalTensor:$b_zero_point);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_QLinearMatMulOp : Onnx_Op<"QLinearMatMul"> {
  let summary = "Matrix product of quantized tensors with a quantized result";
  let description = [{
    The product of the differences to the zero points is exact in 32 bits,
    scaled by a_scale * b_scale / y_scale, rounded to nearest even, shifted by
    y_zero_point and saturated.
  }];
  let arguments = (ins Onnx_Tensor:$a, Onnx_Tensor:$a_scale,
                       Onnx_Tensor:$a_zero_point, Onnx_Tensor:$b,
                       Onnx_Tensor:$b_scale, Onnx_Tensor:$b_zero_point,
                       Onnx_Tensor:$y_scale, Onnx_Tensor:$y_zero_point);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_EinsumOp : Onnx_Op<"Einsum"> {
  let summary = "Sum of products over the labels missing from the result";
  let description = [{
    `equation` labels the dimensions of each operand; equal labels are equal
    indices, also within one operand (its diagonal). Without `->` the result
    has the labels that occur once, in ASCII order, after the ellipsis.
  }];
  let arguments = (ins Variadic<Onnx_Tensor>:$Inputs, StrAttr:$equation);
  let results = (outs Onnx_Tensor:$Output);
}

def Onnx_DetOp : Onnx_Op<"Det"> {
  let summary = "Determinants of the matrices in the last two dimensions";
  let arguments = (ins Onnx_Tensor:$X);
  let results = (outs Onnx_Tensor:$Y);
}
