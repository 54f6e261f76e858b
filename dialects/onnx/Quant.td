//===- Quant.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators between real numbers and their quantized form. Quantized matrix
// products are in Linear.td and convolutions in Window.td, beside the others.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_QuantizeLinearOp : Onnx_Op<"QuantizeLinear"> {
  let summary = "saturate(round(x / y_scale) + y_zero_point)";
  let description = [{
    Rounds to nearest even. Scale and zero point are scalars, one per index of
    `axis`, or (block_size > 0) one per block along `axis`.
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$y_scale,
                       Onnx_OptionalTensor:$y_zero_point,
                       DefaultValuedAttr<I64Attr, "1">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block_size,
                       DefaultValuedAttr<I64Attr, "0">:$output_dtype,
                       DefaultValuedAttr<I64Attr, "0">:$precision,
                       DefaultValuedAttr<I64Attr, "1">:$saturate);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_DequantizeLinearOp : Onnx_Op<"DequantizeLinear"> {
  let summary = "(x - x_zero_point) * x_scale";
  let description = [{
    Scale and zero point as in QuantizeLinear.
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$x_scale,
                       Onnx_OptionalTensor:$x_zero_point,
                       DefaultValuedAttr<I64Attr, "1">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block_size,
                       DefaultValuedAttr<I64Attr, "0">:$output_dtype);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_DynamicQuantizeLinearOp : Onnx_Op<"DynamicQuantizeLinear"> {
  let summary = "Quantizes to uint8 by the range of the data";
  let description = [{
    The range of x, extended to hold 0, is spread over 0 to 255; scale and zero
    point are results.
  }];
  let arguments = (ins Onnx_Tensor:$x);
  let results = (outs Onnx_Tensor:$y, Onnx_Tensor:$y_scale,
                      Onnx_Tensor:$y_zero_point);
}
