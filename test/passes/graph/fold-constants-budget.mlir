// RUN: ingot-opt %s --ingot-fold-constants="max-bytes=16 max-steps=200 remarks=true" --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @results_larger_than_the_budget
// CHECK: onnx.Range
func.func @results_larger_than_the_budget() -> tensor<5xi32> {
  %0 = onnx.Constant {value = dense<0> : tensor<i32>} : tensor<i32>
  %1 = onnx.Constant {value = dense<5> : tensor<i32>} : tensor<i32>
  %2 = onnx.Constant {value = dense<1> : tensor<i32>} : tensor<i32>
  // expected-remark@below {{Range of constants is left to run time: the result is larger than the budget}}
  %3 = onnx.Range %0, %1, %2 : (tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<5xi32>
  return %3 : tensor<5xi32>
}

// -----

// It takes no more than the constant that it replaces.
// CHECK-LABEL: @replaces_a_large_constant
// CHECK-NEXT: onnx.Constant
// CHECK-NEXT: return
func.func @replaces_a_large_constant() -> tensor<3x2xi32> {
  %0 = onnx.Constant {value = dense<[[0, 1, 2], [3, 4, 5]]> : tensor<2x3xi32>} : tensor<2x3xi32>
  %1 = onnx.Transpose %0 : (tensor<2x3xi32>) -> tensor<3x2xi32>
  return %1 : tensor<3x2xi32>
}

// -----

// CHECK-LABEL: @too_much_work
// CHECK: onnx.ReduceSum
func.func @too_much_work() -> tensor<f32> {
  %none = onnx.None
  %0 = onnx.Constant {value = dense<1.0> : tensor<1000xf32>} : tensor<1000xf32>
  // expected-remark@below {{ReduceSum of constants is left to run time: it takes longer than the budget}}
  %1 = onnx.ReduceSum %0, %none {keepdims = 0 : i64} : (tensor<1000xf32>, none) -> tensor<f32>
  return %1 : tensor<f32>
}

// -----

func.func @quantized_weights() -> tensor<2xf32> {
  %none = onnx.None
  %0 = onnx.Constant {value = dense<[1, 2]> : tensor<2xi8>} : tensor<2xi8>
  %1 = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  // expected-remark@below {{DequantizeLinear of constants is left to run time: quantized weights are kept for quantized kernels}}
  %2 = onnx.DequantizeLinear %0, %1, %none : (tensor<2xi8>, tensor<f32>, none) -> tensor<2xf32>
  return %2 : tensor<2xf32>
}

// -----

func.func @unknown_last_bit() -> tensor<f32> {
  %0 = onnx.Constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  // expected-remark@below {{Exp of constants is left to run time: 'math.exp' has no value at compile time}}
  %1 = onnx.Exp %0 : (tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
