// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @shapes_differ(%a: tensor<2x3xf32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{shapes do not broadcast: 'tensor<2x3xf32>' and 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Add %a, %b : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @types_differ(%a: tensor<4xf32>, %b: tensor<4xf64>) {
  // expected-error @+2 {{operands have different element types: 'f32' and 'f64'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Mul %a, %b : (tensor<4xf32>, tensor<4xf64>) -> tensor<*xf32>
  return
}

// -----

func.func @sine_of_integers(%x: tensor<4xi32>) {
  // expected-error @+1 {{must be tensor of 16 to 64-bit floats}}
  %0 = onnx.Sin %x : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @negation_of_unsigned(%x: tensor<4xui8>) {
  // expected-error @+1 {{must be tensor of 16 to 64-bit floats or 8 to 64-bit signed integers}}
  %0 = onnx.Neg %x : (tensor<4xui8>) -> tensor<4xui8>
  return
}

// -----

func.func @sum_of_bools(%x: tensor<4xi1>) {
  // expected-error @+1 {{must be tensor of 16 to 64-bit floats or 8 to 64-bit integers}}
  %0 = onnx.Add %x, %x : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return
}

// -----

func.func @bound_is_no_scalar(%x: tensor<4xf32>, %min: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{bound is 'tensor<2xf32>', no scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Clip %x, %min, %none : (tensor<4xf32>, tensor<2xf32>, none) -> tensor<4xf32>
  return
}

// -----

func.func @unknown_mod(%x: tensor<4xf32>) {
  // expected-error @+1 {{fmod is 2, not 0 or 1}}
  %0 = onnx.Mod %x, %x {fmod = 2 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @maximum_of_nothing() {
  // expected-error @+2 {{no operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Max : () -> tensor<4xf32>
  return
}
