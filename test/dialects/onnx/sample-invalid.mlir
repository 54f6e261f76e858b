// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @scales_and_sizes(%x: tensor<1x4xf32>, %scales: tensor<2xf32>, %sizes: tensor<2xi64>) {
  %none = onnx.None
  // expected-error @+2 {{exactly one of scales and sizes must be given}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %sizes : (tensor<1x4xf32>, none, tensor<2xf32>, tensor<2xi64>) -> tensor<1x8xf32>
  return
}

// -----

func.func @zero_scale(%x: tensor<1x4xf32>) {
  %none = onnx.None
  %scales = onnx.Constant {value = dense<[1.0, 0.0]> : tensor<2xf32>} : tensor<2xf32>
  // expected-error @+2 {{of axis 1 is not a positive number of sensible size}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none : (tensor<1x4xf32>, none, tensor<2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @infinite_scale(%x: tensor<1x4xf32>) {
  %none = onnx.None
  %scales = onnx.Constant {value = dense<[1.0, 0x7F800000]> : tensor<2xf32>} : tensor<2xf32>
  // expected-error @+2 {{of axis 1 is not a positive number of sensible size}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none : (tensor<1x4xf32>, none, tensor<2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @negative_size(%x: tensor<1x4xf32>) {
  %none = onnx.None
  %sizes = onnx.Constant {value = dense<[1, -8]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{size -8 of axis 1 is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %none, %sizes : (tensor<1x4xf32>, none, none, tensor<2xi64>) -> tensor<1x8xf32>
  return
}

// -----

func.func @from_nothing(%x: tensor<1x0xf32>) {
  %none = onnx.None
  %sizes = onnx.Constant {value = dense<[1, 8]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{cannot resize an empty dimension to 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %none, %sizes : (tensor<1x0xf32>, none, none, tensor<2xi64>) -> tensor<1x8xf32>
  return
}

// -----

func.func @too_few_scales(%x: tensor<1x4xf32>, %scales: tensor<1xf32>) {
  %none = onnx.None
  // expected-error @+2 {{scales has 1 elements, expected 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none : (tensor<1x4xf32>, none, tensor<1xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @scales_not_a_list(%x: tensor<1x4xf32>, %scales: tensor<1x2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{scales must have 1 dimension, got 'tensor<1x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none : (tensor<1x4xf32>, none, tensor<1x2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @repeated_axis(%x: tensor<1x4xf32>, %scales: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{axes has axis 1 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none {axes = array<i64: 1, -1>} : (tensor<1x4xf32>, none, tensor<2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @axis_out_of_range(%x: tensor<1x4xf32>, %scales: tensor<1xf32>) {
  %none = onnx.None
  // expected-error @+2 {{axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none {axes = array<i64: 2>} : (tensor<1x4xf32>, none, tensor<1xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @unknown_mode(%x: tensor<1x4xf32>, %scales: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{mode 'lanczos' is none of nearest, linear, cubic}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none {mode = "lanczos"} : (tensor<1x4xf32>, none, tensor<2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @crop_without_region(%x: tensor<1x4xf32>, %scales: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{tf_crop_and_resize needs roi}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none {coordinate_transformation_mode = "tf_crop_and_resize"} : (tensor<1x4xf32>, none, tensor<2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @antialias_of_nearest(%x: tensor<1x4xf32>, %scales: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{antialias needs mode linear or cubic}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Resize %x, %none, %scales, %none {antialias = 1 : i64} : (tensor<1x4xf32>, none, tensor<2xf32>, none) -> tensor<1x8xf32>
  return
}

// -----

func.func @grid_of_other_rank(%x: tensor<1x1x4x4xf32>, %grid: tensor<1x4x2xf32>) {
  // expected-error @+2 {{X and grid must have one rank of at least 3, got 'tensor<1x1x4x4xf32>' and 'tensor<1x4x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GridSample %x, %grid : (tensor<1x1x4x4xf32>, tensor<1x4x2xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @grid_of_other_coordinates(%x: tensor<1x1x4x4xf32>, %grid: tensor<1x4x4x3xf32>) {
  // expected-error @+2 {{the last dimension of grid is 3 but the number of spatial dimensions of X is 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GridSample %x, %grid : (tensor<1x1x4x4xf32>, tensor<1x4x4x3xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @samples_nothing(%x: tensor<1x1x0x4xf32>, %grid: tensor<1x4x4x2xf32>) {
  // expected-error @+2 {{axis 2 of X is empty}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GridSample %x, %grid : (tensor<1x1x0x4xf32>, tensor<1x4x4x2xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @theta_of_wrong_shape(%theta: tensor<2x2x4xf32>, %size: tensor<4xi64>) {
  // expected-error @+2 {{theta must be N x 2 x 3 or N x 3 x 4, got 'tensor<2x2x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AffineGrid %theta, %size : (tensor<2x2x4xf32>, tensor<4xi64>) -> tensor<2x5x6x2xf32>
  return
}

// -----

func.func @negative_grid(%theta: tensor<2x2x3xf32>) {
  %size = onnx.Constant {value = dense<[2, 1, -5, 6]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+2 {{size -5 is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AffineGrid %theta, %size : (tensor<2x2x3xf32>, tensor<4xi64>) -> tensor<2x5x6x2xf32>
  return
}

// -----

func.func @region_of_wrong_size(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x5xf32>, %batch: tensor<5xi64>) {
  // expected-error @+2 {{the number of columns of rois is 5 but the size of a region is 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RoiAlign %x, %rois, %batch : (tensor<1x3x9x9xf32>, tensor<5x5xf32>, tensor<5xi64>) -> tensor<5x3x1x1xf32>
  return
}

// -----

func.func @regions_of_a_volume(%x: tensor<1x3x9x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<5xi64>) {
  // expected-error @+2 {{X must have 4 and rois 2 dimensions, got 'tensor<1x3x9x9x9xf32>' and 'tensor<5x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RoiAlign %x, %rois, %batch : (tensor<1x3x9x9x9xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x3x1x1xf32>
  return
}

// -----

func.func @no_bins(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<5xi64>) {
  // expected-error @+2 {{output size 0 is not in [1, 2147483647]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RoiAlign %x, %rois, %batch {output_height = 0 : i64} : (tensor<1x3x9x9xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x3x1x1xf32>
  return
}

// -----

func.func @negative_sampling_ratio(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<5xi64>) {
  // expected-error @+2 {{sampling_ratio -1 is not in [0, 1048576]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RoiAlign %x, %rois, %batch {sampling_ratio = -1 : i64} : (tensor<1x3x9x9xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x3x1x1xf32>
  return
}

// -----

func.func @too_few_batches(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<4xi64>) {
  // expected-error @+2 {{the number of batch_indices is 4 but the number of rois is 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RoiAlign %x, %rois, %batch : (tensor<1x3x9x9xf32>, tensor<5x4xf32>, tensor<4xi64>) -> tensor<5x3x1x1xf32>
  return
}

// -----

func.func @batches_not_a_list(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<5x1xi64>) {
  // expected-error @+2 {{batch_indices must have 1 dimension, got 'tensor<5x1xi64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RoiAlign %x, %rois, %batch : (tensor<1x3x9x9xf32>, tensor<5x4xf32>, tensor<5x1xi64>) -> tensor<5x3x1x1xf32>
  return
}

// -----

func.func @one_pooled_size(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x5xf32>) {
  // expected-error @+2 {{pooled_shape must have 2 values, got 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MaxRoiPool %x, %rois {pooled_shape = array<i64: 2>} : (tensor<1x3x9x9xf32>, tensor<5x5xf32>) -> tensor<5x3x2x2xf32>
  return
}
