// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @two_values(%s: tensor<1xi64>) {
  // expected-error @+2 {{value must have one element, not 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConstantOfShape %s {value = dense<1> : tensor<2xi64>} : (tensor<1xi64>) -> tensor<2xi64>
  return
}

// -----

func.func @negative_size() {
  %s = onnx.Constant {value = dense<-2> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{result would have the negative size -2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ConstantOfShape %s : (tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @eye_of_rank_3(%x: tensor<2x2x2xf32>) {
  // expected-error @+2 {{needs a matrix, not rank 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.EyeLike %x : (tensor<2x2x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @no_such_type(%x: tensor<2x2xf32>) {
  // expected-error @+2 {{dtype 99 is no element type of this operator}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.EyeLike %x {dtype = 99 : i64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @delta_zero(%l: tensor<i64>) {
  %zero = onnx.Constant {value = dense<0> : tensor<i64>} : tensor<i64>
  // expected-error @+2 {{delta is 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Range %zero, %l, %zero : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2xi64>
  return
}

// -----

func.func @bounds_are_far_apart() {
  %min = onnx.Constant {value = dense<-9223372036854775808> : tensor<i64>} : tensor<i64>
  %one = onnx.Constant {value = dense<1> : tensor<i64>} : tensor<i64>
  // expected-error @+2 {{bounds are too far apart}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Range %min, %one, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2xi64>
  return
}

// -----

func.func @endless() {
  %zero = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %one = onnx.Constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  // expected-error @+2 {{no range leads from 0.000000e+00 to 1.000000e+00 in steps of 0.000000e+00}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Range %zero, %one, %zero : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @three_values(%i: tensor<2xi64>, %d: tensor<i64>, %v: tensor<3xf32>) {
  // expected-error @+2 {{values must have two elements, not 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.OneHot %i, %d, %v : (tensor<2xi64>, tensor<i64>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @depth_is_negative(%i: tensor<2xi64>, %v: tensor<2xf32>) {
  %d = onnx.Constant {value = dense<-1> : tensor<i64>} : tensor<i64>
  // expected-error @+2 {{depth -1 is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.OneHot %i, %d, %v : (tensor<2xi64>, tensor<i64>, tensor<2xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @two_depths(%i: tensor<2xi64>, %d: tensor<2xi64>, %v: tensor<2xf32>) {
  // expected-error @+2 {{depth must be one number, but has 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.OneHot %i, %d, %v : (tensor<2xi64>, tensor<2xi64>, tensor<2xf32>) -> tensor<2x4xf32>
  return
}
