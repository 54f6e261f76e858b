// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @gelu_with_erf
// CHECK: math.erf
// CHECK-NOT: math.tanh
func.func @gelu_with_erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Gelu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @gelu_with_tanh
// CHECK-NOT: math.erf
// CHECK: math.tanh
func.func @gelu_with_tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Gelu %x {approximate = "tanh"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @attributes_are_constants
// CHECK: arith.constant 2.500000e-01 : f32
// CHECK: arith.select
func.func @attributes_are_constants(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.LeakyRelu %x {alpha = 0.25 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @sigmoid_is_one_quotient
// CHECK: %[[N:.*]] = arith.negf
// CHECK: %[[E:.*]] = math.exp %[[N]]
// CHECK: arith.addf %[[E]]
// CHECK: arith.divf
func.func @sigmoid_is_one_quotient(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @dropout_of_inference_is_its_input
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK: %[[MASK:.*]] = linalg.generic
// CHECK: arith.constant true
// CHECK: return %[[X]], %[[MASK]]
func.func @dropout_of_inference_is_its_input(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi1>) {
  %none = onnx.None
  %0:2 = onnx.Dropout %x, %none, %none : (tensor<4xf32>, none, none) -> (tensor<4xf32>, tensor<4xi1>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xi1>
}
