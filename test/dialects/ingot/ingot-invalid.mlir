// RUN: ingot-opt %s --split-input-file -verify-diagnostics

func.func @groups_divide_channels(%x: tensor<1x5x5x8xf32>, %w: tensor<16x8x1x1xf32>) -> tensor<1x5x5x16xf32> {
  // expected-error @+1 {{group 3 does not divide 8 channels and 16 filters}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 3 : i64, filters = 16 : i64} : (tensor<1x5x5x8xf32>, tensor<16x8x1x1xf32>) -> tensor<1x5x5x16xf32>
  return %0 : tensor<1x5x5x16xf32>
}

// -----

func.func @one_stride_per_dimension(%x: tensor<1x5x5x8xf32>, %w: tensor<16x8x1x1xf32>) -> tensor<1x5x5x16xf32> {
  // expected-error @+1 {{needs one stride, pad and dilation per spatial dimension}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<1x5x5x8xf32>, tensor<16x8x1x1xf32>) -> tensor<1x5x5x16xf32>
  return %0 : tensor<1x5x5x16xf32>
}

// -----

func.func @weights_fit(%x: tensor<1x5x5x8xf32>, %w: tensor<16x4x1x1xf32>) -> tensor<1x5x5x16xf32> {
  // expected-error @+1 {{weights 'tensor<16x4x1x1xf32>' should have 128 elements}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<1x5x5x8xf32>, tensor<16x4x1x1xf32>) -> tensor<1x5x5x16xf32>
  return %0 : tensor<1x5x5x16xf32>
}

// -----

func.func @filters_are_the_last_dimension(%x: tensor<1x5x5x8xf32>, %w: tensor<16x8x1x1xf32>) -> tensor<1x5x5x12xf32> {
  // expected-error @+1 {{has 16 filters, but result 'tensor<1x5x5x12xf32>'}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<1x5x5x8xf32>, tensor<16x8x1x1xf32>) -> tensor<1x5x5x12xf32>
  return %0 : tensor<1x5x5x12xf32>
}

// -----

func.func @spatial_rank(%x: tensor<1x5x8xf32>, %w: tensor<16x8x1x1xf32>) -> tensor<1x5x16xf32> {
  // expected-error @+1 {{has 2 spatial dimensions, but input}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<1x5x8xf32>, tensor<16x8x1x1xf32>) -> tensor<1x5x16xf32>
  return %0 : tensor<1x5x16xf32>
}

// -----

func.func @inner_sizes(%a: tensor<4x8xf32>, %b: tensor<9x16xf32>) -> tensor<4x16xf32> {
  // expected-error @+1 {{inner sizes differ: 8 and 9}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<4x8xf32>, tensor<9x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

func.func @columns(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
  // expected-error @+1 {{result 'tensor<4x16xf32>' has not 15 columns}}
  %0 = ingot.matmul %a, %b {n = 15 : i64} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

func.func @ranks(%a: tensor<8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
  // expected-error @+1 {{needs matrices with a rank}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

func.func @ranked(%x: tensor<*xf32>, %w: tensor<16x8x1x1xf32>) -> tensor<1x5x5x16xf32> {
  // expected-error @+1 {{needs operands with a rank}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<*xf32>, tensor<16x8x1x1xf32>) -> tensor<1x5x5x16xf32>
  return %0 : tensor<1x5x5x16xf32>
}

// -----

func.func @signed_weights(%x: tensor<1x5x5x8xui8>, %w: tensor<16x8x1x1xui8>) -> tensor<1x5x5x16xi32> {
  // expected-error @+1 {{multiplies 8-bit integers, the right ones signed, but got 'tensor<1x5x5x8xui8>' and 'tensor<16x8x1x1xui8>'}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<1x5x5x8xui8>, tensor<16x8x1x1xui8>) -> tensor<1x5x5x16xi32>
  return %0 : tensor<1x5x5x16xi32>
}

// -----

func.func @channels_last(%x: tensor<1x8x5x5xui8>, %w: tensor<16x8x1x1xi8>) -> tensor<1x5x5x16xi32> {
  // expected-error @+1 {{of integers takes channels-last tensors}}
  %0 = ingot.conv %x, %w {input_channels_first, kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64} : (tensor<1x8x5x5xui8>, tensor<16x8x1x1xi8>) -> tensor<1x5x5x16xi32>
  return %0 : tensor<1x5x5x16xi32>
}

// -----

func.func @transposed_integers(%a: tensor<8x4xui8>, %b: tensor<8x16xi8>) -> tensor<4x16xi32> {
  // expected-error @+1 {{takes no transposed matrix of integers}}
  %0 = ingot.matmul %a, %b {n = 16 : i64, transpose_a} : (tensor<8x4xui8>, tensor<8x16xi8>) -> tensor<4x16xi32>
  return %0 : tensor<4x16xi32>
}

// -----

func.func @packed_integers(%a: tensor<4x8xui8>, %b: tensor<8x16xi8>) -> tensor<4x16xi32> {
  // expected-error @+1 {{has a panel, but b is 'tensor<8x16xi8>'}}
  %0 = ingot.matmul %a, %b {n = 16 : i64, panel = 16 : i64} : (tensor<4x8xui8>, tensor<8x16xi8>) -> tensor<4x16xi32>
  return %0 : tensor<4x16xi32>
}

// -----

func.func @tiles_of_floats(%x: tensor<1x5x5x8xf32>, %w: tensor<1x1x2x16x64xf32>) -> tensor<1x5x5x16xf32> {
  // expected-error @+1 {{on tiles multiplies 8-bit integers in panels of 32}}
  %0 = ingot.conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 16 : i64, panel = 32 : i64, tiled} : (tensor<1x5x5x8xf32>, tensor<1x1x2x16x64xf32>) -> tensor<1x5x5x16xf32>
  return %0 : tensor<1x5x5x16xf32>
}

// -----

func.func @tiles_of_other_panels(%a: tensor<16x64xui8>, %b: tensor<1x2x16x64xi8>) -> tensor<16x16xi32> {
  // expected-error @+1 {{on tiles multiplies 8-bit integers in panels of 32}}
  %0 = ingot.matmul %a, %b {n = 16 : i64, panel = 16 : i64, tiled} : (tensor<16x64xui8>, tensor<1x2x16x64xi8>) -> tensor<16x16xi32>
  return %0 : tensor<16x16xi32>
}

// -----

func.func @depth_on_tiles(%a: tensor<16x100xui8>, %b: tensor<1x2x16x64xi8>) -> tensor<16x16xi32> {
  // expected-error @+1 {{inner sizes differ: 100 and 64}}
  %0 = ingot.matmul %a, %b {n = 16 : i64, panel = 32 : i64, tiled} : (tensor<16x100xui8>, tensor<1x2x16x64xi8>) -> tensor<16x16xi32>
  return %0 : tensor<16x16xi32>
}
