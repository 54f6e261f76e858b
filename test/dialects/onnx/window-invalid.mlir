// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @zero_stride(%x: tensor<1x1x5x5xf32>, %w: tensor<1x1x3x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{strides 0 is not in [1, 2147483647]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none {strides = array<i64: 1, 0>} : (tensor<1x1x5x5xf32>, tensor<1x1x3x3xf32>, none) -> tensor<1x1x3x3xf32>
  return
}

// -----

func.func @zero_group(%x: tensor<1x1x5x5xf32>, %w: tensor<1x1x3x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{group 0 is less than 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none {group = 0 : i64} : (tensor<1x1x5x5xf32>, tensor<1x1x3x3xf32>, none) -> tensor<1x1x3x3xf32>
  return
}

// -----

func.func @group_does_not_divide(%x: tensor<1x4x5x5xf32>, %w: tensor<5x2x3x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{group 2 does not divide the 5 output channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none {group = 2 : i64} : (tensor<1x4x5x5xf32>, tensor<5x2x3x3xf32>, none) -> tensor<1x5x3x3xf32>
  return
}

// -----

func.func @channels_differ(%x: tensor<1x4x5x5xf32>, %w: tensor<5x3x3x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{the number of input channels per group is 4 but axis 1 of W is 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none : (tensor<1x4x5x5xf32>, tensor<5x3x3x3xf32>, none) -> tensor<1x5x3x3xf32>
  return
}

// -----

func.func @kernel_shape_differs(%x: tensor<1x1x5x5xf32>, %w: tensor<1x1x3x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{kernel_shape 2 differs from size 3 of axis 3 of W}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none {kernel_shape = array<i64: 3, 2>} : (tensor<1x1x5x5xf32>, tensor<1x1x3x3xf32>, none) -> tensor<1x1x3x3xf32>
  return
}

// -----

func.func @ranks_differ(%x: tensor<1x1x5x5xf32>, %w: tensor<1x1x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{X and W must have the same rank, got 'tensor<1x1x5x5xf32>' and 'tensor<1x1x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x5x5xf32>, tensor<1x1x3xf32>, none) -> tensor<1x1x3x3xf32>
  return
}

// -----

func.func @integer_conv(%x: tensor<1x1x5x5xi32>, %w: tensor<1x1x3x3xi32>) {
  %none = onnx.None
  // expected-error @+2 {{X has element type 'i32', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x5x5xi32>, tensor<1x1x3x3xi32>, none) -> tensor<1x1x3x3xi32>
  return
}

// -----

func.func @negative_pads(%x: tensor<1x1x5x5xf32>) {
  // expected-error @+2 {{pads -1 is not in [0, 2147483647]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, -1, 0>} : (tensor<1x1x5x5xf32>) -> (tensor<1x1x3x4xf32>, tensor<1x1x3x4xi64>)
  return
}

// -----

func.func @huge_pads(%x: tensor<1x1x5x5xf32>) {
  // expected-error @+2 {{pads 1099511627776 is not in [0, 2147483647]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0, 1099511627776, 0>} : (tensor<1x1x5x5xf32>) -> (tensor<1x1x3x4xf32>, tensor<1x1x3x4xi64>)
  return
}

// -----

func.func @wrong_number_of_pads(%x: tensor<1x1x5x5xf32>) {
  // expected-error @+2 {{pads has 2 values, expected 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0>} : (tensor<1x1x5x5xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x4x4xi64>)
  return
}

// -----

func.func @window_too_large(%x: tensor<1x1x5x5xf32>) {
  // expected-error @+2 {{a window of 9 elements does not fit the 7 padded elements of spatial axis 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 2, 5>, dilations = array<i64: 1, 2>, pads = array<i64: 0, 1, 0, 1>} : (tensor<1x1x5x5xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @unknown_auto_pad(%x: tensor<1x1x5x5xf32>) {
  // expected-error @+2 {{auto_pad 'SAME' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 2, 5>, auto_pad = "SAME"} : (tensor<1x1x5x5xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @norm_of_order_zero(%x: tensor<1x1x5x5xf32>) {
  // expected-error @+2 {{p 0 is less than 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.LpPool %x {kernel_shape = array<i64: 2, 5>, p = 0 : i64} : (tensor<1x1x5x5xf32>) -> tensor<1x1x4x1xf32>
  return
}

// -----

func.func @output_padding_too_large(%x: tensor<1x1x3xf32>, %w: tensor<1x2x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{output_padding 2 is not less than stride 2 or dilation 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConvTranspose %x, %w, %none {output_padding = array<i64: 2>, strides = array<i64: 2>}
    : (tensor<1x1x3xf32>, tensor<1x2x3xf32>, none) -> tensor<1x2x10xf32>
  return
}

// -----

func.func @bias_differs(%x: tensor<1x1x5x5xf32>, %w: tensor<2x1x3x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{the number of elements of B is 3 but the number of output channels is 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %b : (tensor<1x1x5x5xf32>, tensor<2x1x3x3xf32>, tensor<3xf32>) -> tensor<1x2x3x3xf32>
  return
}

// -----

func.func @blocks_do_not_divide(%x: tensor<2x11x12xf32>) {
  %image = onnx.Constant {value = dense<5> : tensor<2xi64>} : tensor<2xi64>
  %block = onnx.Constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{the product of block_shape, 5 does not divide the 11 rows of input (axis 1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Col2Im %x, %image, %block : (tensor<2x11x12xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2x5x5xf32>
  return
}

// -----

func.func @too_few_offsets(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x2x2xf32>, %offset: tensor<1x4x2x2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{axis 1 of offset is 4 but offset_group times the number of kernel points is 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.DeformConv %x, %w, %offset, %none, %none
    : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>, tensor<1x4x2x2xf32>, none, none) -> tensor<1x1x2x2xf32>
  return
}

// -----

func.func @mask_of_other_rank(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x2x2xf32>, %offset: tensor<1x8x2x2xf32>, %mask: tensor<4x2x2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{mask must have rank 4, got 'tensor<4x2x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.DeformConv %x, %w, %offset, %none, %mask
    : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>, tensor<1x8x2x2xf32>, none, tensor<4x2x2xf32>) -> tensor<1x1x2x2xf32>
  return
}

// -----

func.func @storage_order_unknown(%x: tensor<1x1x3x3xf32>) {
  // expected-error @+2 {{storage_order 2 is neither 0 nor 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>, storage_order = 2 : i64} : (tensor<1x1x3x3xf32>) -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>)
  return
}

// -----

func.func @pools_a_matrix(%x: tensor<3x3xf32>) {
  // expected-error @+2 {{X must have at least 3 dimensions, got 'tensor<3x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 2, 2>} : (tensor<3x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @pools_nothing(%x: tensor<1x1x0xf32>) {
  // expected-error @+2 {{spatial axis 0 of the input is empty}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 2>, pads = array<i64: 1, 1>} : (tensor<1x1x0xf32>) -> tensor<1x1x1xf32>
  return
}

// -----

func.func @no_kernel(%x: tensor<1x1x4x4xf32>) {
  // expected-error @+2 {{kernel_shape has 1 values, expected 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x3x3xf32>
  return
}

// -----

func.func @zero_point_per_nothing(%x: tensor<1x1x4x4xui8>, %w: tensor<2x1x2x2xui8>, %z: tensor<3xui8>) {
  %none = onnx.None
  // expected-error @+2 {{the number of elements of w_zero_point is 3 but the number of output channels is 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConvInteger %x, %w, %none, %z : (tensor<1x1x4x4xui8>, tensor<2x1x2x2xui8>, none, tensor<3xui8>) -> tensor<1x2x3x3xi32>
  return
}

// -----

func.func @zero_point_of_x_per_channel(%x: tensor<1x1x4x4xui8>, %w: tensor<2x1x2x2xui8>, %z: tensor<2xui8>) {
  %none = onnx.None
  // expected-error @+2 {{x_zero_point must have 1 element, got 'tensor<2xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConvInteger %x, %w, %z, %none : (tensor<1x1x4x4xui8>, tensor<2x1x2x2xui8>, tensor<2xui8>, none) -> tensor<1x2x3x3xi32>
  return
}

// -----

func.func @unpools_to_negative(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) {
  %shape = onnx.Constant {value = dense<[1, 1, -4, 4]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+2 {{output_shape -4 is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MaxUnpool %x, %i, %shape {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>, tensor<4xi64>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @columns_of_other_rank(%x: tensor<10x12xf32>, %shape: tensor<2xi64>) {
  // expected-error @+2 {{input must have 3 dimensions, got 'tensor<10x12xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Col2Im %x, %shape, %shape : (tensor<10x12xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2x5x5xf32>
  return
}

// -----

func.func @bias_of_two_dimensions(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4x1xf32>) {
  // expected-error @+2 {{B must have 1 dimension, got 'tensor<4x1xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %b : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4x1xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @kernel_size_unknown(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x?xf32, #onnx.dims<[4, 3, 3, "K"]>>) {
  %none = onnx.None
  // expected-error @+2 {{the kernel size along spatial axis 1 must be known}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Conv %x, %w, %none : (tensor<1x3x8x8xf32>, tensor<4x3x3x?xf32, #onnx.dims<[4, 3, 3, "K"]>>, none) -> tensor<*xf32>
  return
}

// -----

func.func @pads_take_all(%x: tensor<1x3x2x2xf32>, %w: tensor<3x4x2x2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{spatial axis 0 of the result would have size -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConvTranspose %x, %w, %none {pads = array<i64: 2, 0, 2, 0>} : (tensor<1x3x2x2xf32>, tensor<3x4x2x2xf32>, none) -> tensor<*xf32>
  return
}

// -----

func.func @zero_point_of_two_dimensions(%x: tensor<1x3x8x8xui8>, %w: tensor<4x3x3x3xui8>, %z: tensor<1x1xui8>) {
  %none = onnx.None
  // expected-error @+2 {{x_zero_point must have at most 1 dimension, got 'tensor<1x1xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConvInteger %x, %w, %z, %none : (tensor<1x3x8x8xui8>, tensor<4x3x3x3xui8>, tensor<1x1xui8>, none) -> tensor<*xi32>
  return
}

// -----

func.func @blocks_of_another_rank(%x: tensor<1x4x9xf32>) {
  %i = onnx.Constant {value = dense<[4, 4]> : tensor<2xi64>} : tensor<2xi64>
  %b = onnx.Constant {value = dense<[2, 2, 1]> : tensor<3xi64>} : tensor<3xi64>
  // expected-error @+2 {{image_shape and block_shape must have the same length}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Col2Im %x, %i, %b : (tensor<1x4x9xf32>, tensor<2xi64>, tensor<3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @image_of_size_0(%x: tensor<1x4x9xf32>) {
  %i = onnx.Constant {value = dense<[4, 0]> : tensor<2xi64>} : tensor<2xi64>
  %b = onnx.Constant {value = dense<2> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{size 0 of image_shape is less than 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Col2Im %x, %i, %b : (tensor<1x4x9xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @block_of_size_minus_1(%x: tensor<1x4x9xf32>) {
  %i = onnx.Constant {value = dense<4> : tensor<2xi64>} : tensor<2xi64>
  %b = onnx.Constant {value = dense<[2, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{size -1 of block_shape is less than 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Col2Im %x, %i, %b : (tensor<1x4x9xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @block_of_2_to_the_64(%x: tensor<1x4x9xf32>) {
  %i = onnx.Constant {value = dense<4> : tensor<2xi64>} : tensor<2xi64>
  %b = onnx.Constant {value = dense<4294967296> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{block_shape is too large}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Col2Im %x, %i, %b : (tensor<1x4x9xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return
}
