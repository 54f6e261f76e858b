// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @shift_without_direction(%x: tensor<4xui8>) {
  // expected-error @+1 {{direction is 'UP', not 'LEFT' or 'RIGHT'}}
  %0 = onnx.BitShift %x, %x {direction = "UP"} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return
}

// -----

func.func @and_of_integers(%x: tensor<4xi8>) {
  // expected-error @+1 {{must be tensor of bool}}
  %0 = onnx.And %x, %x : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return
}

// -----

func.func @bits_of_floats(%x: tensor<4xf32>) {
  // expected-error @+1 {{must be tensor of 8 to 64-bit integers}}
  %0 = onnx.BitwiseNot %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @branches_differ(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf16>) {
  // expected-error @+2 {{operands have different element types: 'f32' and 'f16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Where %c, %x, %y : (tensor<4xi1>, tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  return
}

// -----

func.func @cast_to_nothing(%x: tensor<4xf32>) {
  // expected-error @+2 {{to is 0, which is no element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Cast %x {to = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @bits_as_nothing(%x: tensor<4xf32>) {
  // expected-error @+2 {{to is 99, which is no element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.BitCast %x {to = 99 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @bits_of_another_width(%x: tensor<4xf32>) {
  // expected-error @+2 {{elements of 'f32' and 'f64' differ in width}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.BitCast %x {to = 11 : i64} : (tensor<4xf32>) -> tensor<4xf64>
  return
}

// -----

func.func @wrong_result_type(%x: tensor<4xf32>) {
  // expected-error @+2 {{op inferred type(s) 'tensor<4xi32>' are incompatible with return type(s) of operation 'tensor<4xi64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Cast %x {to = 6 : i64} : (tensor<4xf32>) -> tensor<4xi64>
  return
}

// -----

func.func @cast_rounds_no_such_way(%x: tensor<4xf32>) -> tensor<4xf8E8M0FNU> {
  // expected-error @+2 {{round_mode}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Cast %x {to = 24 : i64, round_mode = "sideways"} : (tensor<4xf32>) -> tensor<4xf8E8M0FNU>
  return %0 : tensor<4xf8E8M0FNU>
}
