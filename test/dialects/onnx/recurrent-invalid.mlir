// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @direction(%x: tensor<5x3x7xf32>, %w: tensor<1x6x7xf32>, %r: tensor<1x6x6xf32>) {
  %none = onnx.None
  // expected-error @+2 {{direction}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %none {direction = "sideways"} : (tensor<5x3x7xf32>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<5x1x3x6xf32>, tensor<1x3x6xf32>)
  return
}

// -----

func.func @layout(%x: tensor<5x3x7xf32>, %w: tensor<1x6x7xf32>, %r: tensor<1x6x6xf32>) {
  %none = onnx.None
  // expected-error @+2 {{layout must be 0 or 1, got 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %none {layout = 2 : i64} : (tensor<5x3x7xf32>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<5x1x3x6xf32>, tensor<1x3x6xf32>)
  return
}

// -----

func.func @ranks(%x: tensor<5x7xf32>, %w: tensor<1x6x7xf32>, %r: tensor<1x6x6xf32>) {
  %none = onnx.None
  // expected-error @+2 {{X, W and R must have 3 dimensions, got 'tensor<5x7xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %none : (tensor<5x7xf32>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<5x1x3x6xf32>, tensor<1x3x6xf32>)
  return
}

// -----

func.func @gates(%x: tensor<5x3x7xf32>, %w: tensor<1x12x7xf32>, %r: tensor<1x18x6xf32>) {
  %none = onnx.None
  // expected-error @+2 {{the second dimension of W is 12 but gates times hidden size is 18}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h = onnx.GRU %x, %w, %r, %none, %none, %none : (tensor<5x3x7xf32>, tensor<1x12x7xf32>, tensor<1x18x6xf32>, none, none, none) -> (tensor<5x1x3x6xf32>, tensor<1x3x6xf32>)
  return
}
