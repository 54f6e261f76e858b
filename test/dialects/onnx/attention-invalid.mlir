// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @mode(%q: tensor<1x2x3x4xf32>) {
  %none = onnx.None
  // expected-error @+2 {{qk_matmul_output_mode must be 0 to 3, got 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %none, %none, %none {qk_matmul_output_mode = 4 : i64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, none, none, none, none) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x3xf32>)
  return
}

// -----

func.func @window(%q: tensor<1x2x3x4xf32>) {
  %none = onnx.None
  // expected-error @+2 {{a window size is less than -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %none, %none, %none {left_window_size = -2 : i64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, none, none, none, none) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x3xf32>)
  return
}

// -----

func.func @half_a_past(%q: tensor<1x2x3x4xf32>) {
  %none = onnx.None
  // expected-error @+2 {{past_key and past_value must be given together}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %q, %none, %none : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, none, tensor<1x2x3x4xf32>, none, none) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x3xf32>)
  return
}

// -----

func.func @two_caches(%q: tensor<1x2x3x4xf32>, %n: tensor<1xi64>) {
  %none = onnx.None
  // expected-error @+2 {{nonpad_kv_seqlen cannot be given together with past_key}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %q, %q, %n : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, none, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1xi64>) -> (tensor<1x2x3x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x3x6xf32>)
  return
}

// -----

func.func @ranks(%q: tensor<1x2x3x4xf32>, %k: tensor<1x3x8xf32>) {
  %none = onnx.None
  // expected-error @+2 {{Q, K and V must have 3 or 4 dimensions all, got 'tensor<1x2x3x4xf32>', 'tensor<1x3x8xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %k, %k, %none, %none, %none, %none : (tensor<1x2x3x4xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>, none, none, none, none) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x3xf32>)
  return
}

// -----

func.func @heads_not_given(%q: tensor<1x3x8xf32>) {
  %none = onnx.None
  // expected-error @+2 {{Q has 3 dimensions, so q_num_heads and kv_num_heads must be given}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %none, %none, %none : (tensor<1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>, none, none, none, none) -> (tensor<1x3x8xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x3xf32>)
  return
}

// -----

func.func @heads_do_not_divide(%q: tensor<1x3x8xf32>) {
  %none = onnx.None
  // expected-error @+2 {{3 heads do not divide the 8 elements of Q}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %none, %none, %none {q_num_heads = 3 : i64, kv_num_heads = 3 : i64} : (tensor<1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>, none, none, none, none) -> (tensor<1x3x8xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x3xf32>)
  return
}

// -----

func.func @heads_of_keys(%q: tensor<1x3x5x4xf32>, %k: tensor<1x2x5x4xf32>) {
  %none = onnx.None
  // expected-error @+2 {{3 heads of Q are no multiple of 2 heads of K}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %k, %k, %none, %none, %none, %none : (tensor<1x3x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, none, none, none, none) -> (tensor<1x3x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x3x5x5xf32>)
  return
}

// -----

func.func @past_rank(%q: tensor<1x2x3x4xf32>, %p: tensor<2x3x4xf32>) {
  %none = onnx.None
  // expected-error @+2 {{past_key must have 4 dimensions, got 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Attention %q, %q, %q, %none, %p, %p, %none : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, none, tensor<2x3x4xf32>, tensor<2x3x4xf32>, none) -> (tensor<1x2x3x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x3x6xf32>)
  return
}
