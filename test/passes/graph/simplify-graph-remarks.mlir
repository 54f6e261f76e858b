// RUN: ingot-opt %s --ingot-simplify-graph=remarks=true --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @weights
// CHECK: onnx.Conv
// CHECK: onnx.Conv
// CHECK: onnx.Conv
func.func @weights(%x: tensor<1x1x4xf32>, %w: tensor<2x1x1xf32>, %b: tensor<2xf32>)
    -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %none = onnx.None
  %v = onnx.Constant {value = dense<1.0> : tensor<2x1x1xf32>} : tensor<2x1x1xf32>
  %c = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, none) -> tensor<1x2x4xf32>
  // expected-remark@below {{Mul is not made part of Conv: the weights are not constant}}
  %1 = onnx.Mul %0, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %2 = onnx.Conv %x, %v, %none : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, none) -> tensor<1x2x4xf32>
  // expected-remark@below {{Mul is not made part of Conv: the result of Conv has other users}}
  %3 = onnx.Mul %2, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %4 = onnx.Conv %x, %v, %b : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  // expected-remark@below {{Mul is not made part of Conv: the bias is not constant}}
  %5 = onnx.Mul %4, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  return %1, %2, %3, %5 : tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// -----

func.func @overflow(%x: tensor<1x1x4xf16>) -> tensor<1x2x4xf16> {
  %none = onnx.None
  %v = onnx.Constant {value = dense<60000.0> : tensor<2x1x1xf16>} : tensor<2x1x1xf16>
  %c = onnx.Constant {value = dense<2.0> : tensor<f16>} : tensor<f16>
  %0 = onnx.Conv %x, %v, %none : (tensor<1x1x4xf16>, tensor<2x1x1xf16>, none) -> tensor<1x2x4xf16>
  // expected-remark@below {{Mul is not made part of Conv: the weights would overflow their type or 2 GB}}
  %1 = onnx.Mul %0, %c : (tensor<1x2x4xf16>, tensor<f16>) -> tensor<1x2x4xf16>
  return %1 : tensor<1x2x4xf16>
}

// -----

func.func @bias_of_gemm(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<2x2xf32>} : tensor<2x2xf32>
  %b = onnx.Constant {value = dense<[[1.0], [2.0]]> : tensor<2x1xf32>} : tensor<2x1xf32>
  %c = onnx.Constant {value = dense<3.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Gemm %x, %w, %b : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  // expected-remark@below {{Mul is not made part of Gemm: the bias is not one number for each channel}}
  %1 = onnx.Mul %0, %c : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: @batch_norm
func.func @batch_norm(%x: tensor<1x2x3xf32>, %c: tensor<2xf32>) -> (tensor<1x2x3xf32>, tensor<1x2x3xf32>) {
  // expected-remark@below {{BatchNormalization is not simplified: scale, bias, mean and variance are not all constant}}
  %0:3 = onnx.BatchNormalization %x, %c, %c, %c, %c
    : (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>)
  // expected-remark@below {{BatchNormalization is not simplified: it is in training mode}}
  %1:3 = onnx.BatchNormalization %x, %c, %c, %c, %c {training_mode = 1 : i64}
    : (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>)
  return %0#0, %1#0 : tensor<1x2x3xf32>, tensor<1x2x3xf32>
}

// -----

func.func @pads(%x: tensor<1x2x8xf32>, %w: tensor<2x2x3xf32>, %p: tensor<6xi64>)
    -> (tensor<1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x10xf32>) {
  %none = onnx.None
  %one = onnx.Constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  %pads = onnx.Constant {value = dense<[0, 0, 1, 0, 0, 1]> : tensor<6xi64>} : tensor<6xi64>
  %0 = onnx.Pad %x, %pads, %one, %none : (tensor<1x2x8xf32>, tensor<6xi64>, tensor<f32>, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of Conv: it pads with another value}}
  %1 = onnx.Conv %0, %w, %none : (tensor<1x2x10xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x8xf32>
  %2 = onnx.Pad %x, %p, %none, %none : (tensor<1x2x8xf32>, tensor<6xi64>, none, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of Conv: its counts are not constant, negative, or not spatial}}
  %3 = onnx.Conv %2, %w, %none : (tensor<1x2x10xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x8xf32>
  %4 = onnx.Pad %x, %pads, %none, %none : (tensor<1x2x8xf32>, tensor<6xi64>, none, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of Conv: auto_pad already pads}}
  %5 = onnx.Conv %4, %w, %none {auto_pad = "SAME_UPPER"} : (tensor<1x2x10xf32>, tensor<2x2x3xf32>, none) -> tensor<1x2x10xf32>
  return %1, %3, %5 : tensor<1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x10xf32>
}

// -----

func.func @pads_of_pools(%x: tensor<1x2x8xf32>)
    -> (tensor<1x2x5xf32>, tensor<1x2x5xf32>, tensor<1x2x10xf32>, tensor<1x2x9xi64>, tensor<1x2x10xf32>) {
  %none = onnx.None
  %low = onnx.Constant {value = dense<0xFF800000> : tensor<f32>} : tensor<f32>
  %pads = onnx.Constant {value = dense<[0, 0, 1, 0, 0, 1]> : tensor<6xi64>} : tensor<6xi64>
  %far = onnx.Constant {value = dense<[0, 0, 2, 0, 0, 1]> : tensor<6xi64>} : tensor<6xi64>
  %0 = onnx.Pad %x, %pads, %none, %none : (tensor<1x2x8xf32>, tensor<6xi64>, none, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of AveragePool: ceil_mode takes no further padding}}
  %1 = onnx.AveragePool %0 {kernel_shape = array<i64: 2>, strides = array<i64: 2>, ceil_mode = 1 : i64} : (tensor<1x2x10xf32>) -> tensor<1x2x5xf32>
  %2 = onnx.Pad %x, %pads, %low, %none : (tensor<1x2x8xf32>, tensor<6xi64>, tensor<f32>, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of MaxPool: ceil_mode takes no further padding}}
  %3, %i3 = onnx.MaxPool %2 {kernel_shape = array<i64: 2>, strides = array<i64: 2>, ceil_mode = 1 : i64} : (tensor<1x2x10xf32>) -> (tensor<1x2x5xf32>, tensor<1x2x5xi64>)
  %4 = onnx.Pad %x, %pads, %none, %none : (tensor<1x2x8xf32>, tensor<6xi64>, none, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of AveragePool: the pool has padding that does not count}}
  %5 = onnx.AveragePool %4 {kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>} : (tensor<1x2x10xf32>) -> tensor<1x2x10xf32>
  %6 = onnx.Pad %x, %pads, %low, %none : (tensor<1x2x8xf32>, tensor<6xi64>, tensor<f32>, none) -> tensor<1x2x10xf32>
  // expected-remark@below {{Pad is not made part of MaxPool: the pool's indices count padded elements}}
  %7, %i7 = onnx.MaxPool %6 {kernel_shape = array<i64: 2>} : (tensor<1x2x10xf32>) -> (tensor<1x2x9xf32>, tensor<1x2x9xi64>)
  %8 = onnx.Pad %x, %far, %low, %none : (tensor<1x2x8xf32>, tensor<6xi64>, tensor<f32>, none) -> tensor<1x2x11xf32>
  // expected-remark@below {{Pad is not made part of MaxPool: a window would lie in the padding alone}}
  %9, %i9 = onnx.MaxPool %8 {kernel_shape = array<i64: 2>} : (tensor<1x2x11xf32>) -> (tensor<1x2x10xf32>, tensor<1x2x10xi64>)
  return %1, %3, %5, %i7, %9 : tensor<1x2x5xf32>, tensor<1x2x5xf32>, tensor<1x2x10xf32>, tensor<1x2x9xi64>, tensor<1x2x10xf32>
}

// -----

// Remarks stand at the node of the model.
func.func @names(%x: tensor<1x1x4xf32>, %w: tensor<2x1x1xf32>) -> tensor<1x2x4xf32> {
  %none = onnx.None
  %c = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, none) -> tensor<1x2x4xf32> loc("Conv:first")
  // expected-remark@unknown {{graph: Mul is not made part of Conv: the weights are not constant}}
  %1 = onnx.Mul %0, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32> loc("Mul:second")
  return %1 : tensor<1x2x4xf32>
}
