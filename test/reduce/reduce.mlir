// RUN: ingot-reduce %s -reduction-tree='traversal-mode=0 test=%S/Inputs/softmax-of-conv.sh' -o %t
// RUN: FileCheck %s --input-file=%t
// RUN: ingot-opt %t -o /dev/null

// What the script looks for is left, and little else: the convolution and the
// Softmax, on constants.
// CHECK-LABEL: func.func @main
// CHECK-NOT: onnx.{{Relu|Add|Mul|MaxPool|Exp|Transpose}}
// CHECK: onnx.Conv
// CHECK-NOT: onnx.{{Relu|Add|Mul|MaxPool|Exp|Transpose}}
// CHECK: onnx.Softmax
// CHECK-NOT: onnx.{{Relu|Add|Mul|MaxPool|Exp|Transpose}}
// CHECK: return
func.func @main(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<0.5> : tensor<4x3x1x1xf32>} : tensor<4x3x1x1xf32>
  %two = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Relu %x : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %1 = onnx.Mul %0, %two : (tensor<1x3x8x8xf32>, tensor<f32>) -> tensor<1x3x8x8xf32>
  %2 = onnx.Transpose %1 {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %3 = onnx.Conv %2, %w, %none : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>, none) -> tensor<1x4x8x8xf32>
  %4 = onnx.Softmax %3 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %5 = onnx.Exp %4 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %6 = onnx.Add %5, %two : (tensor<1x4x8x8xf32>, tensor<f32>) -> tensor<1x4x8x8xf32>
  %7 = onnx.Add %6, %4 : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %8 = onnx.Relu %7 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  return %8 : tensor<1x4x8x8xf32>
}
