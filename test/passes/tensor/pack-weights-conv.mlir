// RUN: ingot-opt %s --ingot-pack-weights --split-input-file | FileCheck %s

// Forty filters are two panels of two vectors; the weights of each point and channel
// stand side by side, as the inner loop reads them.
// CHECK-LABEL: @filters_in_panels
// CHECK: ingot.conv {{.*}}panel = 32 : i64{{.*}} (tensor<1x5x5x3xf32>, tensor<1x2x9x3x32xf32>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576>} {
func.func @filters_in_panels(%x: tensor<1x5x5x3xf32>) -> tensor<1x3x3x40xf32> {
  %w = onnx.Constant {value = dense<1.0> : tensor<40x3x3x3xf32>} : tensor<40x3x3x3xf32>
  %0 = ingot.conv %x, %w {dilations = array<i64: 1, 1>, filters = 40 : i64, group = 1 : i64, kernel = array<i64: 3, 3>, pads_begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x3xf32>, tensor<40x3x3x3xf32>) -> tensor<1x3x3x40xf32>
  return %0 : tensor<1x3x3x40xf32>
}
}

// -----

// Columns known at run time only stay where they are.
// CHECK-LABEL: @not_constant
// CHECK: ingot.matmul %arg0, %arg1 {n = 3 : i64}
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576>} {
func.func @not_constant(%a: tensor<20x2xf32>, %b: tensor<2x3xf32>) -> tensor<20x3xf32> {
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<20x2xf32>, tensor<2x3xf32>) -> tensor<20x3xf32>
  return %0 : tensor<20x3xf32>
}
}

// -----

// Half-precision columns stay that: the kernel widens them in registers.
// CHECK-LABEL: @half_precision
// CHECK: ingot.matmul {{.*}} (tensor<20x2xf32>, tensor<1x2x8xf16>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 256, vectorRegisters = 16, masks = false, laneBroadcast = false, l1 = 32768, l2 = 1048576>} {
func.func @half_precision(%a: tensor<20x2xf32>) -> tensor<20x3xf32> {
  %b = onnx.Constant {value = dense<1.0> : tensor<2x3xf16>} : tensor<2x3xf16>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<20x2xf32>, tensor<2x3xf16>) -> tensor<20x3xf32>
  return %0 : tensor<20x3xf32>
}
}

// -----

// Pairs of bf16, where the machine multiplies such: of three depths the last
// has a zero beside it.
// CHECK-LABEL: @pairs
// CHECK: value = dense_resource<packed{{.*}}> : tensor<1x2x16x2xbf16>
// CHECK: ingot.matmul {{.*}} (tensor<20x3xbf16>, tensor<1x2x16x2xbf16>)
// CHECK: value = dense_resource<packed{{.*}}> : tensor<1x1x9x2x16x2xbf16>
// CHECK: ingot.conv {{.*}} (tensor<1x5x5x3xbf16>, tensor<1x1x9x2x16x2xbf16>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, bf16Intrinsic = "llvm.t">} {
func.func @pairs(%a: tensor<20x3xbf16>, %x: tensor<1x5x5x3xbf16>) -> (tensor<20x5xf32>, tensor<1x3x3x4xf32>) {
  %b = onnx.Constant {value = dense<1.0> : tensor<3x5xbf16>} : tensor<3x5xbf16>
  %0 = ingot.matmul %a, %b {n = 5 : i64} : (tensor<20x3xbf16>, tensor<3x5xbf16>) -> tensor<20x5xf32>
  %w = onnx.Constant {value = dense<1.0> : tensor<4x3x3x3xbf16>} : tensor<4x3x3x3xbf16>
  %1 = ingot.conv %x, %w {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = 4 : i64} : (tensor<1x5x5x3xbf16>, tensor<4x3x3x3xbf16>) -> tensor<1x3x3x4xf32>
  return %0, %1 : tensor<20x5xf32>, tensor<1x3x3x4xf32>
}
}
