// RUN: ingot-opt %s --split-input-file | FileCheck %s

// CHECK-LABEL: @bidirectional
func.func @bidirectional(%x: tensor<?x3x7xf32, #onnx.dims<["S", 3, 7]>>, %w: tensor<2x24x7xf32>, %r: tensor<2x24x6xf32>) {
  %none = onnx.None
  // CHECK: onnx.LSTM {{.*}} -> (tensor<?x2x3x6xf32, #onnx.dims<["S", 2, 3, 6]>>, tensor<2x3x6xf32>, tensor<2x3x6xf32>)
  %y, %h, %c = onnx.LSTM %x, %w, %r, %none, %none, %none, %none, %none {direction = "bidirectional"} : (tensor<?x3x7xf32, #onnx.dims<["S", 3, 7]>>, tensor<2x24x7xf32>, tensor<2x24x6xf32>, none, none, none, none, none) -> (tensor<?x2x3x6xf32, #onnx.dims<["S", 2, 3, 6]>>, tensor<2x3x6xf32>, tensor<2x3x6xf32>)
  return
}

// -----

// CHECK-LABEL: @batch_first
func.func @batch_first(%x: tensor<3x5x7xf32>, %w: tensor<1x6x7xf32>, %r: tensor<1x6x6xf32>) {
  %none = onnx.None
  // CHECK: onnx.RNN {{.*}} -> (tensor<3x5x1x6xf32>, tensor<3x1x6xf32>)
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %none {layout = 1 : i64} : (tensor<3x5x7xf32>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<3x5x1x6xf32>, tensor<3x1x6xf32>)
  return
}
