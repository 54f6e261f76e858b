// RUN: ingot-opt %s --ingot-pack-weights --split-input-file | FileCheck %s

// A row for each column, whose depth is padded to four. In tf32 numbers are
// rounded: 1 + 2^-11 up, 2 + 2^-11 down, -1 - 2^-11 away from zero, and
// infinity stays.
// CHECK-LABEL: @rounded
// CHECK: ingot.matmul {{.*}}panel = 4 : i64{{.*}} (tensor<20x2xf32>, tensor<1x1x4x4xf32>)
// CHECK: packed: "0x400000000020803F0000803F000000000000000000000040000000400000000000000000002080BF0000807F{{0+}}"
module attributes {ingot.fp32_products = "tf32", ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 32768, l2 = 1048576, warp = 32, sharedBytes = 49152, asyncCopies = true, tensorCores = true>} {
func.func @rounded(%a: tensor<20x2xf32>) -> tensor<20x3xf32> {
  %b = onnx.Constant {value = dense<[[0x3F801000, 0x40000800, 0xBF801000], [1.0, 2.0, 0x7F800000]]> : tensor<2x3xf32>} : tensor<2x3xf32>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<20x2xf32>, tensor<2x3xf32>) -> tensor<20x3xf32>
  return %0 : tensor<20x3xf32>
}
}

// -----

// Parts of bf16 are made in registers, of numbers as they are. All taps and
// channels of a filter are one row, channels innermost.
// CHECK-LABEL: @as_they_are
// CHECK: ingot.conv {{.*}}panel = 4 : i64{{.*}} (tensor<4x3x3x3xf32>, tensor<1x1x1x1x4x12xf32>)
// CHECK: packed: "0x400000000010803F0000004000004040000080400000E0400000803F{{.*}}
module attributes {ingot.fp32_products = "bf16x3", ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 32768, l2 = 1048576, warp = 32, sharedBytes = 49152, asyncCopies = true, tensorCores = true>} {
func.func @as_they_are(%x: tensor<4x3x3x3xf32>) -> tensor<4x2x2x1xf32> {
  %w = onnx.Constant {value = dense<[[[[0x3F801000, 4.0], [5.0, 6.0]], [[2.0, 7.0], [8.0, 9.0]], [[3.0, 1.0], [1.0, 1.0]]]]> : tensor<1x3x2x2xf32>} : tensor<1x3x2x2xf32>
  %0 = ingot.conv %x, %w {dilations = array<i64: 1, 1>, filters = 1 : i64, group = 1 : i64, kernel = array<i64: 2, 2>, pads_begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<4x3x3x3xf32>, tensor<1x3x2x2xf32>) -> tensor<4x2x2x1xf32>
  return %0 : tensor<4x2x2x1xf32>
}
}

// -----

// Few rows wait for the right factor: it stays in rows of all columns.
// CHECK-LABEL: @few_rows
// CHECK: ingot.matmul {{.*}}panel = 4 : i64{{.*}} (tensor<8x2xf32>, tensor<1x2x4xf32>)
module attributes {ingot.fp32_products = "tf32", ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 32768, l2 = 1048576, warp = 32, sharedBytes = 49152, asyncCopies = true, tensorCores = true>} {
func.func @few_rows(%a: tensor<8x2xf32>) -> tensor<8x3xf32> {
  %b = onnx.Constant {value = dense<1.0> : tensor<2x3xf32>} : tensor<2x3xf32>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}
}
