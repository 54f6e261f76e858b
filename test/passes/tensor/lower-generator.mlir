// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @constant_of_shape
// CHECK: arith.constant 2.500000e+00 : f16
// CHECK-NEXT: linalg.yield
func.func @constant_of_shape(%s: tensor<1xi64>) -> tensor<4xf16> {
  %0 = onnx.ConstantOfShape %s {value = dense<2.5> : tensor<1xf16>} : (tensor<1xi64>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// CHECK-LABEL: @range
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
// CHECK: arith.muli
// CHECK: arith.addi
func.func @range(%s: tensor<i32>, %l: tensor<i32>, %d: tensor<i32>) -> tensor<4xi32> {
  %0 = onnx.Range %s, %l, %d : (tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// CHECK-LABEL: @one_hot
// CHECK: linalg.index 1
// CHECK: arith.select
func.func @one_hot(%i: tensor<2x3xi64>, %d: tensor<i64>, %v: tensor<2xf32>) -> tensor<2x5x3xf32> {
  %0 = onnx.OneHot %i, %d, %v {axis = 1 : i64} : (tensor<2x3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<2x5x3xf32>
  return %0 : tensor<2x5x3xf32>
}

// -----

// CHECK-LABEL: @eye
// CHECK: arith.cmpi eq
func.func @eye(%x: tensor<2x3xi32>) -> tensor<2x3xf32> {
  %0 = onnx.EyeLike %x {dtype = 1 : i64} : (tensor<2x3xi32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: @window
// CHECK: math.cos
func.func @window(%n: tensor<i64>) -> tensor<9xf32> {
  %0 = onnx.BlackmanWindow %n : (tensor<i64>) -> tensor<9xf32>
  return %0 : tensor<9xf32>
}

// -----

// CHECK-LABEL: @mel_weight_matrix
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
// CHECK: math.log10
// CHECK: math.powf
func.func @mel_weight_matrix(%n: tensor<i32>, %d: tensor<i32>, %s: tensor<i32>, %l: tensor<f32>, %h: tensor<f32>) -> tensor<9x8xf32> {
  %0 = onnx.MelWeightMatrix %n, %d, %s, %l, %h : (tensor<i32>, tensor<i32>, tensor<i32>, tensor<f32>, tensor<f32>) -> tensor<9x8xf32>
  return %0 : tensor<9x8xf32>
}
