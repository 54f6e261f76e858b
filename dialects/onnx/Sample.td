//===- Sample.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that read an image at computed places and interpolate.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_ResizeOp : Onnx_Op<"Resize"> {
  let summary = "Resizes a tensor by sampling it";
  let description = [{
    The result has size floor(size * scale), or `sizes`. Each dimension is
    sampled on its own: coordinate_transformation_mode maps a result index to a
    place in X, `mode` says how its neighbours are weighed.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_OptionalTensor:$roi,
      Onnx_OptionalTensor:$scales, Onnx_OptionalTensor:$sizes,
      DefaultValuedAttr<I64Attr, "0">:$antialias,
      OptionalAttr<DenseI64ArrayAttr>:$axes,
      DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
      DefaultValuedAttr<F32Attr, "-0.75f">:$cubic_coeff_a,
      DefaultValuedAttr<I64Attr, "0">:$exclude_outside,
      DefaultValuedAttr<F32Attr, "0.0f">:$extrapolation_value,
      DefaultValuedAttr<StrAttr, "\"stretch\"">:$keep_aspect_ratio_policy,
      DefaultValuedAttr<StrAttr, "\"nearest\"">:$mode,
      DefaultValuedAttr<StrAttr, "\"round_prefer_floor\"">:$nearest_mode);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_GridSampleOp : Onnx_Op<"GridSample"> {
  let summary = "Samples a tensor at the places a grid names";
  let description = [{
    The last dimension of `grid` is a place in X, innermost coordinate first,
    from -1 to 1 along each spatial dimension.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$grid,
      DefaultValuedAttr<I64Attr, "0">:$align_corners,
      DefaultValuedAttr<StrAttr, "\"linear\"">:$mode,
      DefaultValuedAttr<StrAttr, "\"zeros\"">:$padding_mode);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_AffineGridOp : Onnx_Op<"AffineGrid"> {
  let summary = "The grid of GridSample for an affine map";
  let arguments = (ins Onnx_Tensor:$theta, Onnx_Tensor:$size,
      DefaultValuedAttr<I64Attr, "0">:$align_corners);
  let results = (outs Onnx_Tensor:$grid);
}

def Onnx_RoiAlignOp : Onnx_Op<"RoiAlign"> {
  let summary = "Pools regions of interest at interpolated places";
  let description = [{
    Each region (x1, y1, x2, y2), times spatial_scale, is cut into output_height
    x output_width bins; a bin is the mean or maximum of sampling_ratio^2 points
    in it (adaptive if 0), each interpolated linearly.
  }];
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$rois,
      Onnx_Tensor:$batch_indices,
      DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
      DefaultValuedAttr<StrAttr, "\"avg\"">:$mode,
      DefaultValuedAttr<I64Attr, "1">:$output_height,
      DefaultValuedAttr<I64Attr, "1">:$output_width,
      DefaultValuedAttr<I64Attr, "0">:$sampling_ratio,
      DefaultValuedAttr<F32Attr, "1.0f">:$spatial_scale);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_MaxRoiPoolOp : Onnx_Op<"MaxRoiPool"> {
  let summary = "Maximum over the bins of regions of interest";
  let arguments = (ins Onnx_Tensor:$X, Onnx_Tensor:$rois,
      DenseI64ArrayAttr:$pooled_shape,
      DefaultValuedAttr<F32Attr, "1.0f">:$spatial_scale);
  let results = (outs Onnx_Tensor:$Y);
}
