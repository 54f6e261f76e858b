//===- Generator.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that make a tensor from sizes and a few scalars.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_ConstantOfShapeOp : Onnx_Op<"ConstantOfShape"> {
  let summary = "A tensor of the given shape filled with one value";
  let description = [{
    `value` is a tensor of one element that also gives the element type; the
    default is a 0 of float.
  }];
  let arguments = (ins Onnx_Int64Tensor:$input,
                       OptionalAttr<ElementsAttr>:$value);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_RangeOp : Onnx_Op<"Range"> {
  let summary = "Numbers from `start` to before `limit` in steps of `delta`";
  let description = [{
    float16 and bfloat16 compute in float, as `stash_type` 1 asks.
  }];
  let arguments = (ins Onnx_Tensor:$start, Onnx_Tensor:$limit,
                       Onnx_Tensor:$delta,
                       DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_EyeLikeOp : Onnx_Op<"EyeLike"> {
  let summary = "A matrix with ones on diagonal `k` and zeros elsewhere";
  let description = [{
    It has the shape of the operand, and its element type unless `dtype` (an
    ONNX TensorProto.DataType) is set.
  }];
  let arguments = (ins Onnx_Tensor:$input, OptionalAttr<I64Attr>:$dtype,
                       DefaultValuedAttr<I64Attr, "0">:$k);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_OneHotOp : Onnx_Op<"OneHot"> {
  let summary = "Marks positions given by indices";
  let description = [{
    A new dimension of size `depth` at `axis` holds the on-value `values`[1] at
    the index and the off-value `values`[0] elsewhere. Indices count from the
    back when negative; one out of range marks nothing.
  }];
  let arguments = (ins Onnx_Tensor:$indices, Onnx_Tensor:$depth,
                       Onnx_Tensor:$values,
                       DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs Onnx_Tensor:$output);
}

class Onnx_WindowOp<string name, string formula> : Onnx_Op<name> {
  let summary = "A " # name # " for signals";
  let description = "Element n of N is " # formula # [{;
    N is `size`, or `size` - 1 unless `periodic`. `output_datatype` is an ONNX
    TensorProto.DataType.
  }];
  let arguments = (ins Onnx_IndexTensor:$size,
                       DefaultValuedAttr<I64Attr, "1">:$output_datatype,
                       DefaultValuedAttr<I64Attr, "1">:$periodic);
  let results = (outs Onnx_Tensor:$output);
}
def Onnx_HannWindowOp
    : Onnx_WindowOp<"HannWindow", "0.5 - 0.5 cos(2 pi n / N)">;
def Onnx_HammingWindowOp
    : Onnx_WindowOp<"HammingWindow", "25/46 - 21/46 cos(2 pi n / N)">;
def Onnx_BlackmanWindowOp
    : Onnx_WindowOp<"BlackmanWindow",
                    "0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)">;

def Onnx_MelWeightMatrixOp : Onnx_Op<"MelWeightMatrix"> {
  let summary = "Weights that bring a spectrum to mel bins";
  let description = [{
    A matrix of `dft_length` / 2 + 1 spectrogram bins by `num_mel_bins`
    triangular filters between the two edges. `output_datatype` is an ONNX
    TensorProto.DataType.
  }];
  let arguments = (ins Onnx_IndexTensor:$num_mel_bins,
                       Onnx_IndexTensor:$dft_length,
                       Onnx_IndexTensor:$sample_rate,
                       Onnx_Tensor:$lower_edge_hertz,
                       Onnx_Tensor:$upper_edge_hertz,
                       DefaultValuedAttr<I64Attr, "1">:$output_datatype);
  let results = (outs Onnx_Tensor:$output);
}
