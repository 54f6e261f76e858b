// RUN: ingot-opt %s --ingot-simplify-graph --split-input-file | FileCheck %s

// CHECK-LABEL: @into_conv
// CHECK-NOT: onnx.Pad
// CHECK: onnx.Conv %arg0, %arg1, %{{.*}} {pads = array<i64: 1, 3, 2, 5>}
func.func @into_conv(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) -> tensor<1x4x9x14xf32> {
  %none = onnx.None
  %zero = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %pads = onnx.Constant {value = dense<[0, 0, 1, 2, 0, 0, 2, 4]> : tensor<8xi64>} : tensor<8xi64>
  %0 = onnx.Pad %x, %pads, %zero, %none : (tensor<1x2x8x8xf32>, tensor<8xi64>, tensor<f32>, none) -> tensor<1x2x11x14xf32>
  %1 = onnx.Conv %0, %w, %none {pads = array<i64: 0, 1, 0, 1>} : (tensor<1x2x11x14xf32>, tensor<4x2x3x3xf32>, none) -> tensor<1x4x9x14xf32>
  return %1 : tensor<1x4x9x14xf32>
}

// -----

// The elements of the Pad count in the mean.
// CHECK-LABEL: @into_pools
// CHECK-NOT: onnx.Pad
// CHECK: onnx.AveragePool %arg0 {count_include_pad = 1 : i64, kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>}
// CHECK: onnx.MaxPool %arg0 {kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>}
func.func @into_pools(%x: tensor<1x2x8xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %none = onnx.None
  %low = onnx.Constant {value = dense<0xFF800000> : tensor<f32>} : tensor<f32>
  %pads = onnx.Constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  %axes = onnx.Constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Pad %x, %pads, %none, %axes : (tensor<1x2x8xf32>, tensor<2xi64>, none, tensor<1xi64>) -> tensor<1x2x10xf32>
  %1 = onnx.AveragePool %0 {kernel_shape = array<i64: 3>} : (tensor<1x2x10xf32>) -> tensor<1x2x8xf32>
  %2 = onnx.Pad %x, %pads, %low, %axes : (tensor<1x2x8xf32>, tensor<2xi64>, tensor<f32>, tensor<1xi64>) -> tensor<1x2x10xf32>
  %3, %i = onnx.MaxPool %2 {kernel_shape = array<i64: 3>} : (tensor<1x2x10xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x8xi64>)
  return %1, %3 : tensor<1x2x8xf32>, tensor<1x2x8xf32>
}
