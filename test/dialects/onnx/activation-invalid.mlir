// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @slope_is_larger(%x: tensor<3xf32>, %slope: tensor<2x3xf32>) {
  // expected-error @+2 {{'tensor<2x3xf32>' does not broadcast to 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.PRelu %x, %slope : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @slope_stretches(%x: tensor<2x1xf32>, %slope: tensor<3xf32>) {
  // expected-error @+2 {{'tensor<3xf32>' does not broadcast to 'tensor<2x1xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.PRelu %x, %slope : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @unknown_approximation(%x: tensor<4xf32>) {
  // expected-error @+1 {{approximate is 'erf', not 'none' or 'tanh'}}
  %0 = onnx.Gelu %x {approximate = "erf"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dropout_of_nothing() {
  %none = onnx.None
  // expected-error @+1 {{operand #0 must be tensor of 16 to 64-bit floats, but got 'none'}}
  %0:2 = "onnx.Dropout"(%none, %none, %none) : (none, none, none) -> (tensor<f32>, tensor<i1>)
  return
}
