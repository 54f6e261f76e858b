// RUN: ingot-opt %s --split-input-file -verify-diagnostics

// Grouped heads, keys as a product takes them, a mask that broadcasts.
func.func @valid(%q: tensor<2x5x6x8xf16>, %k: tensor<1x2x8x7xf32>, %v: tensor<2x7x2x9xbf16>, %b: tensor<7xf32>, %m: tensor<2x1x5x7xi1>) -> tensor<2x6x5x9xf32> {
  %0 = ingot.attention %q, %k, %v bias %b mask %m {scale = 0.5 : f32, k_transposed, q_tokens_first, v_tokens_first, causal_offset = #onnx.dims<["P"]>, fill = -1.0e4 : f32} : (tensor<2x5x6x8xf16>, tensor<1x2x8x7xf32>, tensor<2x7x2x9xbf16>, tensor<7xf32>, tensor<2x1x5x7xi1>) -> tensor<2x6x5x9xf32>
  return %0 : tensor<2x6x5x9xf32>
}

// -----

func.func @rank(%q: tensor<6x5x8xf32>, %k: tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{q 'tensor<6x5x8xf32>' should have rank 4}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @elements(%q: tensor<1x6x5x8xf64>, %k: tensor<1x6x7x8xf64>) -> tensor<1x6x5x8xf64> {
  // expected-error @+1 {{q 'tensor<1x6x5x8xf64>' should be of f32, f16 or bf16}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x6x5x8xf64>, tensor<1x6x7x8xf64>, tensor<1x6x7x8xf64>) -> tensor<1x6x5x8xf64>
  return %0 : tensor<1x6x5x8xf64>
}

// -----

func.func @two_orders(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x8x7xf32>, %v: tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{has k both transposed and with its tokens first}}
  %0 = ingot.attention %q, %k, %v {scale = 1.0 : f32, k_transposed, k_tokens_first} : (tensor<1x6x5x8xf32>, tensor<1x6x8x7xf32>, tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @large_heads(%q: tensor<1x6x5x257xf32>, %k: tensor<1x6x7x257xf32>) -> tensor<1x6x5x257xf32> {
  // expected-error @+1 {{the size of a head of q is 257, not a number from 1 to 256}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x6x5x257xf32>, tensor<1x6x7x257xf32>, tensor<1x6x7x257xf32>) -> tensor<1x6x5x257xf32>
  return %0 : tensor<1x6x5x257xf32>
}

// -----

func.func @symbolic_heads(%q: tensor<1x6x5x?xf32, #onnx.dims<[1, 6, 5, "D"]>>, %k: tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{the size of a head of q is D, not a number from 1 to 256}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x6x5x?xf32, #onnx.dims<[1, 6, 5, "D"]>>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @sizes(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x9xf32>) -> tensor<1x6x5x9xf32> {
  // expected-error @+1 {{sizes of q and k differ: 8 and 9}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x6x7x9xf32>, tensor<1x6x7x9xf32>) -> tensor<1x6x5x9xf32>
  return %0 : tensor<1x6x5x9xf32>
}

// -----

func.func @keys(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>, %v: tensor<1x6x8x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{the keys of k and v differ: 7 and 8}}
  %0 = ingot.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x8x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @heads_of_keys(%q: tensor<1x6x5x8xf32>, %k: tensor<1x3x7x8xf32>, %v: tensor<1x2x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{the heads of k and v differ: 3 and 2}}
  %0 = ingot.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x3x7x8xf32>, tensor<1x2x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @groups(%q: tensor<1x6x5x8xf32>, %k: tensor<1x4x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{6 heads of q cannot share 4 of k}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x4x7x8xf32>, tensor<1x4x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @batches(%q: tensor<3x6x5x8xf32>, %k: tensor<2x6x7x8xf32>) -> tensor<3x6x5x8xf32> {
  // expected-error @+1 {{batches differ: 3 and 2}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<3x6x5x8xf32>, tensor<2x6x7x8xf32>, tensor<2x6x7x8xf32>) -> tensor<3x6x5x8xf32>
  return %0 : tensor<3x6x5x8xf32>
}

// -----

func.func @result(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{result 'tensor<1x6x5x8xf32>' should be, as [batch, heads, queries, size], 'tensor<1x6x5x8xf32>'}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32, result_tokens_first} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @bias(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>, %b: tensor<5x6xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{bias 'tensor<5x6xf32>' does not broadcast to scores 'tensor<1x6x5x7xf32>'}}
  %0 = ingot.attention %q, %k, %k bias %b {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>, tensor<5x6xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @integers_added(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>, %b: tensor<5x7xi32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{bias 'tensor<5x7xi32>' is not of floats}}
  %0 = ingot.attention %q, %k, %k bias %b {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>, tensor<5x7xi32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @mask(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>, %m: tensor<5x7xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{mask 'tensor<5x7xf32>' is not of bools}}
  %0 = ingot.attention %q, %k, %k mask %m {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>, tensor<5x7xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @rank_of_mask(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>, %m: tensor<1x1x6x5x7xi1>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{mask 'tensor<1x1x6x5x7xi1>' should have a rank of at most 4}}
  %0 = ingot.attention %q, %k, %k mask %m {scale = 1.0 : f32} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>, tensor<1x1x6x5x7xi1>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}

// -----

func.func @offsets(%q: tensor<1x6x5x8xf32>, %k: tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32> {
  // expected-error @+1 {{has 2 causal offsets, not one}}
  %0 = ingot.attention %q, %k, %k {scale = 1.0 : f32, causal_offset = #onnx.dims<[0, 1]>} : (tensor<1x6x5x8xf32>, tensor<1x6x7x8xf32>, tensor<1x6x7x8xf32>) -> tensor<1x6x5x8xf32>
  return %0 : tensor<1x6x5x8xf32>
}
