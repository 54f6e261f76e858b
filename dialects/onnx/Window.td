//===- Window.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that slide a window over the spatial dimensions of a tensor
// N x C x D1 x D2 ... : convolutions, pooling and their inverses.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

defvar Onnx_AutoPad = DefaultValuedAttr<StrAttr, "\"NOTSET\"">;
defvar Onnx_Flag = DefaultValuedAttr<I64Attr, "0">;

def Onnx_ConvOp : Onnx_Op<"Conv"> {
  let summary = "Convolution";
  let description = [{
    Y[n, m, y...] = B[m] + sum over c, k of
    X[n, g*C/group + c, y*strides + k*dilations - pads_begin] * W[m, c, k...]
    where g is the group of output channel m. Elements outside X are 0.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$W, Onnx_OptionalTensor:$B,
                       Onnx_AutoPad:$auto_pad,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_ConvIntegerOp : Onnx_Op<"ConvInteger"> {
  let summary = "Convolution of 8-bit integers with an i32 result";
  let description = [{
    Zero points are subtracted first; padding stands for the zero point of x.
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$w,
                       Onnx_OptionalTensor:$x_zero_point,
                       Onnx_OptionalTensor:$w_zero_point,
                       Onnx_AutoPad:$auto_pad,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_QLinearConvOp : Onnx_Op<"QLinearConv"> {
  let summary = "Convolution of quantized tensors with a quantized result";
  let description = [{
    The sum is exact in 32 bits, B included (its scale is x_scale * w_scale);
    it is scaled by x_scale * w_scale / y_scale, rounded to nearest even,
    shifted by y_zero_point and saturated.
  }];
  let arguments = (ins Onnx_Tensor:$x, Onnx_Tensor:$x_scale,
                       Onnx_Tensor:$x_zero_point, Onnx_Tensor:$w,
                       Onnx_Tensor:$w_scale, Onnx_Tensor:$w_zero_point,
                       Onnx_Tensor:$y_scale, Onnx_Tensor:$y_zero_point,
                       Onnx_OptionalTensor:$B,
                       Onnx_AutoPad:$auto_pad,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$y);
}

def Onnx_ConvTransposeOp : Onnx_Op<"ConvTranspose"> {
  let summary = "Transposed convolution";
  let description = [{
    Every element of X adds its multiple of the kernel to Y at
    x*strides + k*dilations - pads_begin. W is C x M/group x k1 x k2 ...
    `output_shape` gives the spatial sizes instead of the pads.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$W, Onnx_OptionalTensor:$B,
                       Onnx_AutoPad:$auto_pad,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$output_padding,
                       OptionalAttr<DenseI64ArrayAttr>:$output_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_DeformConvOp : Onnx_Op<"DeformConv"> {
  let summary = "Convolution whose taps are moved by offsets from data";
  let description = [{
    Each kernel point reads X at its place plus an offset, interpolated
    linearly, times `mask`. Offsets are N x offset_group*k1*k2*2 x oH x oW.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$W, Onnx_Tensor:$offset,
                       Onnx_OptionalTensor:$B, Onnx_OptionalTensor:$mask,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                       DefaultValuedAttr<I64Attr, "1">:$offset_group,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_MaxPoolOp : Onnx_Op<"MaxPool"> {
  let summary = "Maximum over a sliding window";
  let description = [{
    Padding never wins. `Indices` are positions in X flattened (row-major, or
    column-major in the spatial dimensions if storage_order is 1).
  }];
  let arguments = (ins Onnx_Tensor:$X,
                       Onnx_AutoPad:$auto_pad,
                       Onnx_Flag:$ceil_mode,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DenseI64ArrayAttr:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       Onnx_Flag:$storage_order,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y, Onnx_Tensor:$Indices);
}

def Onnx_AveragePoolOp : Onnx_Op<"AveragePool"> {
  let summary = "Mean over a sliding window";
  let description = [{
    Divides by the number of elements of X under the window, or, with
    count_include_pad, by the number of elements of the padded X.
  }];
  let arguments = (ins Onnx_Tensor:$X,
                       Onnx_AutoPad:$auto_pad,
                       Onnx_Flag:$ceil_mode,
                       Onnx_Flag:$count_include_pad,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DenseI64ArrayAttr:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_LpPoolOp : Onnx_Op<"LpPool"> {
  let summary = "p-norm over a sliding window";
  let arguments = (ins Onnx_Tensor:$X,
                       Onnx_AutoPad:$auto_pad,
                       Onnx_Flag:$ceil_mode,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       DenseI64ArrayAttr:$kernel_shape,
                       DefaultValuedAttr<I64Attr, "2">:$p,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$Y);
}

class Onnx_GlobalPoolOp<string name, string what, dag attributes = (ins)>
    : Onnx_Op<name> {
  let summary = what # " over all spatial dimensions, which become 1";
  let arguments = !con((ins Onnx_Tensor:$X), attributes);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_GlobalAveragePoolOp : Onnx_GlobalPoolOp<"GlobalAveragePool", "Mean">;
def Onnx_GlobalMaxPoolOp : Onnx_GlobalPoolOp<"GlobalMaxPool", "Maximum">;
def Onnx_GlobalLpPoolOp : Onnx_GlobalPoolOp<"GlobalLpPool", "p-norm",
    (ins DefaultValuedAttr<I64Attr, "2">:$p)>;

def Onnx_MaxUnpoolOp : Onnx_Op<"MaxUnpool"> {
  let summary = "Puts pooled maxima back where MaxPool found them";
  let description = [{
    All other elements are 0. `output_shape` names the size of the result when
    the window alone leaves it open.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$I,
                       Onnx_OptionalTensor:$output_shape,
                       DenseI64ArrayAttr:$kernel_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_Col2ImOp : Onnx_Op<"Col2Im"> {
  let summary = "Sums column blocks back into an image";
  let description = [{
    Column l of the input is the block at the l-th position of a window of
    `block_shape` sliding over an image of `image_shape`; where blocks overlap,
    their elements add up.
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Tensor:$image_shape,
                       Onnx_Tensor:$block_shape,
                       OptionalAttr<DenseI64ArrayAttr>:$dilations,
                       OptionalAttr<DenseI64ArrayAttr>:$pads,
                       OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Onnx_Tensor:$output);
}
