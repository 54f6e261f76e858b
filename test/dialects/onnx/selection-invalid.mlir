// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @more_than_there_are(%x: tensor<3xf32>) {
  %k = onnx.Constant {value = dense<4> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{K is 4 for axis 0 of size 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.TopK %x, %k : (tensor<3xf32>, tensor<1xi64>) -> (tensor<4xf32>, tensor<4xi64>)
  return
}

// -----

func.func @two_counts(%x: tensor<3xf32>, %k: tensor<2xi64>) {
  // expected-error @+2 {{K must be one number, but has 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.TopK %x, %k : (tensor<3xf32>, tensor<2xi64>) -> (tensor<2xf32>, tensor<2xi64>)
  return
}

// -----

func.func @condition_is_a_matrix(%x: tensor<3xf32>, %c: tensor<1x3xi1>) {
  // expected-error @+2 {{condition must have rank 1, not 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Compress %x, %c : (tensor<3xf32>, tensor<1x3xi1>) -> tensor<2xf32>
  return
}

// -----

func.func @unique_axis(%x: tensor<3xf32>) {
  // expected-error @+2 {{axis -2 is out of range for rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Unique %x {axis = -2 : i64} : (tensor<3xf32>) -> (tensor<2xf32>, tensor<2xi64>, tensor<3xi64>, tensor<2xi64>)
  return
}
