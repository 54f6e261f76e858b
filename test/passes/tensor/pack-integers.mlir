// RUN: ingot-opt %s --ingot-pack-weights --split-input-file | FileCheck %s

// Four depths of each filter lie side by side, for one instruction.
// CHECK-LABEL: @groups_of_four
// CHECK: ingot.conv {{.*}}panel = 32 : i64{{.*}} (tensor<1x5x5x8xui8>, tensor<1x2x9x2x32x4xi8>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = vnni, dotIntrinsic = "">} {
func.func @groups_of_four(%x: tensor<1x5x5x8xui8>) -> tensor<1x3x3x40xi32> {
  %w = onnx.Constant {value = dense<1> : tensor<40x8x3x3xi8>} : tensor<40x8x3x3xi8>
  %0 = ingot.conv %x, %w {dilations = array<i64: 1, 1>, filters = 40 : i64, group = 1 : i64, kernel = array<i64: 3, 3>, pads_begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x8xui8>, tensor<40x8x3x3xi8>) -> tensor<1x3x3x40xi32>
  return %0 : tensor<1x3x3x40xi32>
}
}

// -----

// Three channels of three taps in a row are one depth of nine, padded to twelve:
// tap by tap they would be padded to four each.
// CHECK-LABEL: @taps_side_by_side
// CHECK: ingot.conv {{.*}}merged_taps, {{.*}}panel = 32 : i64{{.*}} (tensor<1x5x5x3xui8>, tensor<1x2x3x3x32x4xi8>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = vnni, dotIntrinsic = "">} {
func.func @taps_side_by_side(%x: tensor<1x5x5x3xui8>) -> tensor<1x3x3x40xi32> {
  %w = onnx.Constant {value = dense<1> : tensor<40x3x3x3xi8>} : tensor<40x3x3x3xi8>
  %0 = ingot.conv %x, %w {dilations = array<i64: 1, 1>, filters = 40 : i64, group = 1 : i64, kernel = array<i64: 3, 3>, pads_begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x3xui8>, tensor<40x3x3x3xi8>) -> tensor<1x3x3x40xi32>
  return %0 : tensor<1x3x3x40xi32>
}
}

// -----

// Where products are of 16 bits, weights widen here.
// CHECK-LABEL: @wide_factors
// CHECK: ingot.conv {{.*}}panel = 16 : i64{{.*}} (tensor<1x5x5x8xui8>, tensor<1x3x9x2x16x4xi16>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 256, vectorRegisters = 16, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = pairs, dotIntrinsic = "">} {
func.func @wide_factors(%x: tensor<1x5x5x8xui8>) -> tensor<1x3x3x40xi32> {
  %w = onnx.Constant {value = dense<1> : tensor<40x8x3x3xi8>} : tensor<40x8x3x3xi8>
  %0 = ingot.conv %x, %w {dilations = array<i64: 1, 1>, filters = 40 : i64, group = 1 : i64, kernel = array<i64: 3, 3>, pads_begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x8xui8>, tensor<40x8x3x3xi8>) -> tensor<1x3x3x40xi32>
  return %0 : tensor<1x3x3x40xi32>
}
}

// -----

// Pairs of bytes where no sum of two products can leave 16 bits: here it is
// 255 * (64 + 64).
// CHECK-LABEL: @byte_pairs
// CHECK: ingot.matmul {{.*}}byte_pairs{{.*}} (tensor<5x8xui8>, tensor<1x2x8x4xi8>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 256, vectorRegisters = 16, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = pairs, dotIntrinsic = "", byteIntrinsic = "t">} {
func.func @byte_pairs(%a: tensor<5x8xui8>) -> tensor<5x3xi32> {
  %b = onnx.Constant {value = dense<64> : tensor<8x3xi8>} : tensor<8x3xi8>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<5x8xui8>, tensor<8x3xi8>) -> tensor<5x3xi32>
  return %0 : tensor<5x3xi32>
}
}

// -----

// CHECK-LABEL: @too_large_pairs
// CHECK-NOT: byte_pairs
// CHECK: ingot.matmul {{.*}} (tensor<5x8xui8>, tensor<1x2x8x4xi16>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 256, vectorRegisters = 16, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = pairs, dotIntrinsic = "", byteIntrinsic = "t">} {
func.func @too_large_pairs(%a: tensor<5x8xui8>) -> tensor<5x3xi32> {
  %b = onnx.Constant {value = dense<65> : tensor<8x3xi8>} : tensor<8x3xi8>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<5x8xui8>, tensor<8x3xi8>) -> tensor<5x3xi32>
  return %0 : tensor<5x3xi32>
}
}

// -----

// The order within a group: each column's depths in turn; of pairs, depths 0 and 2
// of all columns of a vector, then 1 and 3.
// CHECK-LABEL: @order_of_groups
// CHECK: ingot.matmul {{.*}} (tensor<5x3xi8>, tensor<1x1x4x4xi8>)
// CHECK: packed{{.*}}: "0x{{[0-9A-F]+}}01040700020508000306090000000000"
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = sdot, dotIntrinsic = "">} {
func.func @order_of_groups(%a: tensor<5x3xi8>) -> tensor<5x3xi32> {
  %b = onnx.Constant {value = dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9]]> : tensor<3x3xi8>} : tensor<3x3xi8>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<5x3xi8>, tensor<3x3xi8>) -> tensor<5x3xi32>
  return %0 : tensor<5x3xi32>
}
}

// -----

// A matrix that is computed is packed at run time.
// CHECK-LABEL: @run_time
// CHECK: linalg.generic
// CHECK: ingot.matmul {{.*}} (tensor<2x5x6xi8>, tensor<2x1x2x4x4xi8>) -> tensor<2x5x3xi32>
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 128, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = sdot, dotIntrinsic = "">} {
func.func @run_time(%a: tensor<2x5x6xi8>, %b: tensor<2x6x3xi8>) -> tensor<2x5x3xi32> {
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<2x5x6xi8>, tensor<2x6x3xi8>) -> tensor<2x5x3xi32>
  return %0 : tensor<2x5x3xi32>
}
}

// -----

// For tile registers: 64 depths of 16 columns are a tile, four of them side by
// side, and two tiles a step of a panel. All taps and channels are one depth.
// CHECK-LABEL: @tiles
// CHECK: ingot.conv {{.*}}panel = 32 : i64{{.*}}tiled{{.*}} (tensor<1x9x9x32xui8>, tensor<1x2x10x16x64xi8>)
// CHECK: ingot.matmul {{.*}}tiled{{.*}} (tensor<64x100xui8>, tensor<2x4x16x64xi8>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = vnni, dotIntrinsic = "", tileIntrinsics = "t">} {
func.func @tiles(%x: tensor<1x9x9x32xui8>, %a: tensor<64x100xui8>) -> (tensor<1x7x7x40xi32>, tensor<64x40xi32>) {
  %w = onnx.Constant {value = dense<1> : tensor<40x32x3x3xi8>} : tensor<40x32x3x3xi8>
  %b = onnx.Constant {value = dense<1> : tensor<100x40xi8>} : tensor<100x40xi8>
  %0 = ingot.conv %x, %w {dilations = array<i64: 1, 1>, filters = 40 : i64, group = 1 : i64, kernel = array<i64: 3, 3>, pads_begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x9x9x32xui8>, tensor<40x32x3x3xi8>) -> tensor<1x7x7x40xi32>
  %1 = ingot.matmul %a, %b {n = 40 : i64} : (tensor<64x100xui8>, tensor<100x40xi8>) -> tensor<64x40xi32>
  return %0, %1 : tensor<1x7x7x40xi32>, tensor<64x40xi32>
}

// Few rows are faster on vectors.
// CHECK-LABEL: @few_rows
// CHECK-NOT: tiled
func.func @few_rows(%a: tensor<2x100xui8>) -> tensor<2x40xi32> {
  %b = onnx.Constant {value = dense<1> : tensor<100x40xi8>} : tensor<100x40xi8>
  %0 = ingot.matmul %a, %b {n = 40 : i64} : (tensor<2x100xui8>, tensor<100x40xi8>) -> tensor<2x40xi32>
  return %0 : tensor<2x40xi32>
}
}
