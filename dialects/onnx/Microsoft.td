//===- Microsoft.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators of the domain com.microsoft, in which ONNX Runtime writes quantized
// and optimised models, as its ContribOperators.md spells them. They are
// rewritten as operators of ONNX before anything else looks at them. Those that
// are no more than an operator of ONNX become that one in the importer.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

class Onnx_MicrosoftOp<string name> : Onnx_Op<"com.microsoft." # name>;

//===----------------------------------------------------------------------===//
// Functions of quantized tensors
//===----------------------------------------------------------------------===//

// Operands are dequantized, the function is taken, the result is quantized.

class Onnx_QLinearBinaryOp<string name> : Onnx_MicrosoftOp<name> {
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$A_scale,
                       Onnx_OptionalTensor:$A_zero_point, Onnx_Tensor:$B,
                       Onnx_Tensor:$B_scale, Onnx_OptionalTensor:$B_zero_point,
                       Onnx_Tensor:$C_scale,
                       Onnx_OptionalTensor:$C_zero_point);
  let results = (outs Onnx_Tensor:$C);
}

def Onnx_QLinearAddOp : Onnx_QLinearBinaryOp<"QLinearAdd"> {
  let summary = "Sum of quantized tensors, which broadcast";
}

def Onnx_QLinearMulOp : Onnx_QLinearBinaryOp<"QLinearMul"> {
  let summary = "Product of quantized tensors, which broadcast";
}

class Onnx_QLinearUnaryOp<string name, dag attributes = (ins)>
    : Onnx_MicrosoftOp<name> {
  let arguments = !con((ins Onnx_Tensor:$X, Onnx_Tensor:$X_scale,
                            Onnx_OptionalTensor:$X_zero_point,
                            Onnx_Tensor:$Y_scale,
                            Onnx_OptionalTensor:$Y_zero_point), attributes);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_QLinearSigmoidOp : Onnx_QLinearUnaryOp<"QLinearSigmoid"> {
  let summary = "Logistic function of a quantized tensor";
}

def Onnx_QLinearLeakyReluOp : Onnx_QLinearUnaryOp<"QLinearLeakyRelu",
    (ins DefaultValuedAttr<F32Attr, "0.01f">:$alpha)> {
  let summary = "Rectifier of a quantized tensor with a slope below 0";
}

def Onnx_QLinearSoftmaxOp : Onnx_MicrosoftOp<"QLinearSoftmax"> {
  let summary = "Softmax of a quantized tensor";
  let description = [{
    `opset` is that of the Softmax meant: before 13 the tensor counts as a
    matrix whose columns are all dimensions from `axis` on.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$X_scale,
                       Onnx_OptionalTensor:$x_zero_point, Onnx_Tensor:$y_scale,
                       Onnx_Tensor:$y_zero_point,
                       DefaultValuedAttr<I64Attr, "-1">:$axis, I64Attr:$opset);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_QLinearReduceMeanOp : Onnx_MicrosoftOp<"QLinearReduceMean"> {
  let summary = "Mean of a quantized tensor over axes";
  let arguments = (ins Onnx_Tensor:$data, Onnx_Tensor:$data_scale,
                       Onnx_OptionalTensor:$data_zero_point,
                       Onnx_Tensor:$reduced_scale,
                       Onnx_OptionalTensor:$reduced_zero_point,
                       DenseI64ArrayAttr:$axes, I64Attr:$keepdims);
  let results = (outs Onnx_Tensor:$reduced);
}

def Onnx_QLinearGlobalAveragePoolOp
    : Onnx_MicrosoftOp<"QLinearGlobalAveragePool"> {
  let summary = "Mean of a quantized tensor over all spatial dimensions";
  let description = "With `channels_last` these stand before the channels.";
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$x_scale,
                       Onnx_Tensor:$x_zero_point, Onnx_Tensor:$y_scale,
                       Onnx_Tensor:$y_zero_point,
                       DefaultValuedAttr<I64Attr, "0">:$channels_last);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_QLinearAveragePoolOp : Onnx_MicrosoftOp<"QLinearAveragePool"> {
  let summary = "Mean of a quantized tensor over a sliding window";
  let description = [{
    As AveragePool; with `channels_last` the spatial dimensions stand before the
    channels.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$x_scale,
                       Onnx_OptionalTensor:$x_zero_point, Onnx_Tensor:$y_scale,
                       Onnx_OptionalTensor:$y_zero_point,
                       DefaultValuedStrAttr<StrAttr, "NOTSET">:$auto_pad,
                       DefaultValuedAttr<I64Attr, "0">:$ceil_mode,
                       DefaultValuedAttr<I64Attr, "0">:$channels_last,
                       DefaultValuedAttr<I64Attr, "0">:$count_include_pad,
                       DenseI64ArrayAttr:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_QLinearConcatOp : Onnx_MicrosoftOp<"QLinearConcat"> {
  let summary = "Joins quantized tensors along an axis";
  let description = [{
    `inputs` are triples: a tensor, its scale and its zero point.
  }];
  let arguments = (ins Onnx_Tensor:$Y_scale, Onnx_Tensor:$Y_zero_point,
                       Variadic<Onnx_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_QLinearWhereOp : Onnx_MicrosoftOp<"QLinearWhere"> {
  let summary = "Elements of one quantized tensor or another";
  let description = "All three tensors broadcast.";
  let arguments = (ins Onnx_BoolTensor:$condition, Onnx_Tensor:$X,
                       Onnx_Tensor:$x_scale, Onnx_Tensor:$x_zero_point,
                       Onnx_Tensor:$Y, Onnx_Tensor:$y_scale,
                       Onnx_Tensor:$y_zero_point, Onnx_Tensor:$z_scale,
                       Onnx_Tensor:$z_zero_point);
  let results = (outs Onnx_Tensor:$Z);
}

//===----------------------------------------------------------------------===//
// Quantized matrix products
//===----------------------------------------------------------------------===//

def Onnx_QGemmOp : Onnx_MicrosoftOp<"QGemm"> {
  let summary = "alpha * A' * B' + C of quantized matrices";
  let description = [{
    C has scale alpha * a_scale * b_scale and zero point 0. The result is
    quantized if y_scale is given, else float.
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$a_scale,
                       Onnx_Tensor:$a_zero_point, Onnx_Tensor:$B,
                       Onnx_Tensor:$b_scale, Onnx_Tensor:$b_zero_point,
                       Onnx_OptionalTensor:$C, Onnx_OptionalTensor:$y_scale,
                       Onnx_OptionalTensor:$y_zero_point,
                       DefaultValuedAttr<F32Attr, "1.0f">:$alpha,
                       DefaultValuedAttr<I64Attr, "0">:$transA,
                       DefaultValuedAttr<I64Attr, "0">:$transB);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_MatMulIntegerToFloatOp : Onnx_MicrosoftOp<"MatMulIntegerToFloat"> {
  let summary = "MatMulInteger times both scales, plus bias";
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, Onnx_Tensor:$a_scale,
                       Onnx_Tensor:$b_scale, Onnx_OptionalTensor:$a_zero_point,
                       Onnx_OptionalTensor:$b_zero_point,
                       Onnx_OptionalTensor:$bias);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_DynamicQuantizeMatMulOp : Onnx_MicrosoftOp<"DynamicQuantizeMatMul"> {
  let summary = "MatMulIntegerToFloat of A quantized by its range";
  let description = "A is quantized as by DynamicQuantizeLinear.";
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, Onnx_Tensor:$b_scale,
                       Onnx_OptionalTensor:$b_zero_point,
                       Onnx_OptionalTensor:$bias);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_MatMulNBitsOp : Onnx_MicrosoftOp<"MatMulNBits"> {
  let summary = "Product with a matrix of 2, 4 or 8-bit numbers in blocks";
  let description = [{
    B holds column n of the K x N matrix as B[n], in blocks of `block_size`
    numbers packed into bytes, low bits first. Each block has a scale and a zero
    point: 2^(bits - 1) if there are none, packed like B if uint8, else of A's
    type. `accuracy_level` permits, but does not demand, less than the
    arithmetic of A's type.
  }];
  let arguments = (ins Onnx_Tensor:$A, Onnx_Tensor:$B, Onnx_Tensor:$scales,
                       Onnx_OptionalTensor:$zero_points,
                       Onnx_OptionalTensor:$g_idx, Onnx_OptionalTensor:$bias,
                       I64Attr:$K, I64Attr:$N,
                       DefaultValuedAttr<I64Attr, "0">:$accuracy_level,
                       DefaultValuedAttr<I64Attr, "4">:$bits,
                       I64Attr:$block_size,
                       DefaultValuedAttr<I64Attr, "0">:$weight_prepacked);
  let results = (outs Onnx_Tensor:$Y);
}

//===----------------------------------------------------------------------===//
// Fused float operators
//===----------------------------------------------------------------------===//

def Onnx_BiasGeluOp : Onnx_MicrosoftOp<"BiasGelu"> {
  let summary = "Gelu of A + B";
  let arguments = (ins Onnx_FloatTensor:$A, Onnx_FloatTensor:$B);
  let results = (outs Onnx_FloatTensor:$C);
}

def Onnx_FastGeluOp : Onnx_MicrosoftOp<"FastGelu"> {
  let summary = "Gelu of X + bias, approximated by tanh";
  let arguments = (ins Onnx_FloatTensor:$X,
                       Onnx_Optional<Onnx_FloatTensor>:$bias);
  let results = (outs Onnx_FloatTensor:$Y);
}

def Onnx_FusedMatMulOp : Onnx_MicrosoftOp<"FusedMatMul"> {
  let summary = "alpha * A' * B' of stacks of matrices";
  let description = [{
    `transBatchA` moves the first dimension of A behind its batch dimensions;
    `transA` then swaps the last two. Likewise for B.
  }];
  let arguments = (ins Onnx_FloatTensor:$A, Onnx_FloatTensor:$B,
                       DefaultValuedAttr<F32Attr, "1.0f">:$alpha,
                       DefaultValuedAttr<I64Attr, "0">:$transA,
                       DefaultValuedAttr<I64Attr, "0">:$transB,
                       DefaultValuedAttr<I64Attr, "0">:$transBatchA,
                       DefaultValuedAttr<I64Attr, "0">:$transBatchB);
  let results = (outs Onnx_FloatTensor:$Y);
}

def Onnx_FusedConvOp : Onnx_MicrosoftOp<"FusedConv"> {
  let summary = "An activation of a convolution, to which Z is added";
  let arguments = (ins Onnx_FloatTensor:$X, Onnx_FloatTensor:$W,
                       Onnx_Optional<Onnx_FloatTensor>:$B,
                       Onnx_Optional<Onnx_FloatTensor>:$Z,
                       OptionalAttr<StrAttr>:$activation,
                       OptionalAttr<DenseF32ArrayAttr>:$activation_params,
                       DefaultValuedStrAttr<StrAttr, "NOTSET">:$auto_pad,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_FloatTensor:$Y);
}

def Onnx_SkipLayerNormalizationOp
    : Onnx_MicrosoftOp<"SkipLayerNormalization"> {
  let summary = "LayerNormalization of input + skip + bias";
  let description = "The sum is a result too, behind the statistics.";
  let arguments = (ins Onnx_FloatTensor:$input, Onnx_FloatTensor:$skip,
                       Onnx_FloatTensor:$gamma,
                       Onnx_Optional<Onnx_FloatTensor>:$beta,
                       Onnx_Optional<Onnx_FloatTensor>:$bias,
                       DefaultValuedAttr<F32Attr, "1e-12f">:$epsilon);
  let results = (outs Onnx_FloatTensor:$output, Onnx_FloatTensor:$mean,
                      Onnx_FloatTensor:$inv_std_var,
                      Onnx_FloatTensor:$input_skip_bias_sum);
}
