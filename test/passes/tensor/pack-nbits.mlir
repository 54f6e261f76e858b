// RUN: ingot-opt %s --ingot-pack-weights --split-input-file | FileCheck %s

// Blocks of three of K, two columns, one vector of four lanes. Each block has
// the scales of four columns in half precision (1.0 and 2.0 are numbers of it)
// and a word for each column, with 8 added to the codes: 1, 2, 3 are 0x9, 0xa,
// 0xb at bits 0, 8 and 16; the last block has one element.
// CHECK-LABEL: @blocks
// CHECK: ingot.matmul_nbits %arg0, %{{.*}} {bits = 4 : i64, block_size = 3 : i64, half_scales, k = 4 : i64, n = 2 : i64, panel = 4 : i64, zero_point = 8 : i64} : (tensor<5x4xf32>, tensor<48xi8>) -> tensor<5x2xf32>
// CHECK: packed: "0x40000000003C00400000000009
// CHECK-SAME: 0A0B000C0D0E000000000000000000003C00420000000007000000
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = true, l1 = 32768, l2 = 1048576>} {
func.func @blocks(%a: tensor<5x4xf32>) -> tensor<5x2xf32> {
  %w = onnx.Constant {value = dense<[[1, 4], [2, 5], [3, 6], [-1, 7]]> : tensor<4x2xi4>} : tensor<4x2xi4>
  %s = onnx.Constant {value = dense<[[1.0, 2.0], [1.0, 3.0]]> : tensor<2x2xf32>} : tensor<2x2xf32>
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 4 : i64, block_size = 3 : i64, k = 4 : i64, n = 2 : i64} : (tensor<5x4xf32>, tensor<4x2xi4>, tensor<2x2xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}
}

// -----

// 0.1 is no number of half precision; unequal zero points come after the scales.
// CHECK-LABEL: @zero_points
// CHECK: ingot.matmul_nbits %arg0, %{{.*}} {bits = 8 : i64, k = 2 : i64, n = 2 : i64, panel = 4 : i64, transpose_b} : (tensor<5x2xf32>, tensor<36xi8>)
// CHECK: packed{{.*}}: "0x40000000CDCCCC3DCDCCCC3D0000000000000000070900000102000003040000
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = true, l1 = 32768, l2 = 1048576>} {
func.func @zero_points(%a: tensor<5x2xf32>) -> tensor<5x2xf32> {
  %w = onnx.Constant {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xui8>} : tensor<2x2xui8>
  %s = onnx.Constant {value = dense<0.1> : tensor<2xf32>} : tensor<2xf32>
  %z = onnx.Constant {value = dense<[7, 9]> : tensor<2xui8>} : tensor<2xui8>
  %0 = ingot.matmul_nbits %a, %w, %s, %z {bits = 8 : i64, k = 2 : i64, n = 2 : i64, transpose_b} : (tensor<5x2xf32>, tensor<2x2xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}
}

// -----

// Processors widen rows once, before the product.
// CHECK-LABEL: @halves_on_processors
// CHECK: %[[WIDE:.*]] = linalg.generic
// CHECK: ingot.matmul_nbits %[[WIDE]], %{{.*}} : (tensor<5x2xf32>,
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = true, l1 = 32768, l2 = 1048576>} {
func.func @halves_on_processors(%a: tensor<5x2xf16>) -> tensor<5x2xf32> {
  %w = onnx.Constant {value = dense<1> : tensor<2x2xui8>} : tensor<2x2xui8>
  %s = onnx.Constant {value = dense<0.5> : tensor<2xf32>} : tensor<2xf32>
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 8 : i64, k = 2 : i64, n = 2 : i64} : (tensor<5x2xf16>, tensor<2x2xui8>, tensor<2xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}
}

// -----

// GPUs multiply them as they are.
// CHECK-LABEL: @halves_on_gpus
// CHECK: ingot.matmul_nbits %arg0, %{{.*}} : (tensor<5x2xf16>,
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = true, l1 = 32768, l2 = 1048576, warp = 32>} {
func.func @halves_on_gpus(%a: tensor<5x2xf16>) -> tensor<5x2xf32> {
  %w = onnx.Constant {value = dense<1> : tensor<2x2xui8>} : tensor<2x2xui8>
  %s = onnx.Constant {value = dense<0.5> : tensor<2xf32>} : tensor<2xf32>
  %0 = ingot.matmul_nbits %a, %w, %s {bits = 8 : i64, k = 2 : i64, n = 2 : i64} : (tensor<5x2xf16>, tensor<2x2xui8>, tensor<2xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}
}
