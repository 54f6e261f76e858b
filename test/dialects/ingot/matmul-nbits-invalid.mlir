// RUN: ingot-opt %s --split-input-file -verify-diagnostics

func.func @weight_bits(%a: tensor<4x8xf32>, %w: tensor<8x6xi3>, %s: tensor<6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{has weights of 3 bits, not 2, 4 or 8}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 3 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf32>, tensor<8x6xi3>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @weight_sizes(%a: tensor<4x8xf32>, %w: tensor<8x6xi4>, %s: tensor<6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{weights 'tensor<8x6xi4>' should be 6 x 8 integers of 4 bits}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, k = 8 : i64, n = 6 : i64, transpose_b} : (tensor<4x8xf32>, tensor<8x6xi4>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @sizes_of_the_product(%a: tensor<4x9xf32>, %w: tensor<8x6xi4>, %s: tensor<6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{is a product with 8 x 6 weights, but a is 'tensor<4x9xf32>' and the result 'tensor<4x6xf32>'}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x9xf32>, tensor<8x6xi4>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @block_scales(%a: tensor<4x8xf32>, %w: tensor<8x6xi4>, %s: tensor<2x6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{scales 'tensor<2x6xf32>' should have the shape 'tensor<3x6xf32>'}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, block_size = 3 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf32>, tensor<8x6xi4>, tensor<2x6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @types_of_zero_points(%a: tensor<4x8xf32>, %w: tensor<8x6xi4>, %s: tensor<6xf32>, %z: tensor<6xui4>) -> tensor<4x6xf32> {
  // expected-error @+1 {{zero points 'tensor<6xui4>' should be of type 'i4'}}
  %0 = ingot.matmul_nbits %a, %w, %s, %z {bits = 4 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf32>, tensor<8x6xi4>, tensor<6xf32>, tensor<6xui4>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @no_scales(%a: tensor<4x8xf32>, %w: tensor<8x6xi4>) -> tensor<4x6xf32> {
  // expected-error @+1 {{needs scales and at most zero points, got 0 parameters}}
  %0 = ingot.matmul_nbits %a, %w {bits = 4 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf32>, tensor<8x6xi4>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// Two panels of four columns with a word and a scale each, 16 + 16 bytes.
func.func @packed_bytes(%a: tensor<4x8xf32>, %w: tensor<63xi8>) -> tensor<4x6xf32> {
  // expected-error @+1 {{packed weights 'tensor<63xi8>' should be 64 bytes}}
  %0 = ingot.matmul_nbits %a, %w {bits = 4 : i64, k = 8 : i64, n = 6 : i64, panel = 4 : i64, zero_point = 8 : i64} : (tensor<4x8xf32>, tensor<63xi8>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @accumulates_in_f32(%a: tensor<4x8xf64>, %w: tensor<8x6xi4>, %s: tensor<6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{computes in f32, but a is 'tensor<4x8xf64>' and the result 'tensor<4x6xf32>'}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf64>, tensor<8x6xi4>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @run_time_scales(%a: tensor<4x8xf32>, %w: tensor<8x6xi4>, %s: tensor<?xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{scales 'tensor<?xf32>' should have a static shape}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf32>, tensor<8x6xi4>, tensor<?xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @block_size(%a: tensor<4x8xf32>, %w: tensor<8x6xi4>, %s: tensor<6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{has sizes k 8, n 6 and block_size -1}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, block_size = -1 : i64, k = 8 : i64, n = 6 : i64} : (tensor<4x8xf32>, tensor<8x6xi4>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @packed_with_scales(%a: tensor<4x8xf32>, %w: tensor<64xi8>, %s: tensor<6xf32>) -> tensor<4x6xf32> {
  // expected-error @+1 {{is packed in panels of 4 columns beside 1 parameters}}
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, k = 8 : i64, n = 6 : i64, panel = 4 : i64, zero_point = 8 : i64} : (tensor<4x8xf32>, tensor<64xi8>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}
