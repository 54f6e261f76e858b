// RUN: ingot-opt %s | ingot-opt | FileCheck %s

// CHECK-LABEL: @round_trips
// CHECK: onnx.Reshape %{{.*}}, %{{.*}} {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
// CHECK: onnx.Shape %{{.*}} {end = -1 : i64, start = 1 : i64} : (tensor<2x3xf32>) -> tensor<0xi64>
// CHECK: onnx.Flatten %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<1x6xf32>
func.func @round_trips(%x: tensor<2x3xf32>, %s: tensor<2xi64>) {
  %none = onnx.None
  %0 = onnx.Reshape %x, %s {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  %1 = onnx.Shape %x {start = 1 : i64, end = -1 : i64} : (tensor<2x3xf32>) -> tensor<0xi64>
  %2 = onnx.Size %x : (tensor<2x3xf32>) -> tensor<i64>
  %3 = onnx.Flatten %x {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<1x6xf32>
  %4 = onnx.Squeeze %3, %none : (tensor<1x6xf32>, none) -> tensor<6xf32>
  %5 = onnx.Expand %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}
