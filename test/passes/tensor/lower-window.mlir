// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// Without padding, maps read both operands; groups divide the channel loop.
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, (d1 floordiv 3) * 2 + d4, d2 * 2 + d5, d3 * 2 + d6 * 3)>
// CHECK-LABEL: @unpadded_conv_is_affine
// CHECK: linalg.generic {indexing_maps = [#[[W]], #[[X]],
// CHECK-SAME: iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]
// CHECK-NOT: tensor.extract
func.func @unpadded_conv_is_affine(%x: tensor<1x4x9x9xf32>, %w: tensor<6x2x3x3xf32>) -> tensor<1x6x4x2xf32> {
  %none = onnx.None
  %0 = onnx.Conv %x, %w, %none {group = 2 : i64, strides = array<i64: 2, 2>, dilations = array<i64: 1, 3>}
    : (tensor<1x4x9x9xf32>, tensor<6x2x3x3xf32>, none) -> tensor<1x6x4x2xf32>
  return %0 : tensor<1x6x4x2xf32>
}

// -----

// Only the padded axis is limited to the input; its terms outside are 0.
// CHECK-LABEL: @padded_conv_selects
// CHECK: linalg.generic
// CHECK: %[[IN:.*]] = arith.cmpi ult
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK-NOT: arith.maxsi
// CHECK: tensor.extract
// CHECK: %[[TERM:.*]] = arith.mulf
// CHECK: %[[KEPT:.*]] = arith.select %[[IN]], %[[TERM]], %{{.*}} : f32
// CHECK: arith.addf %{{.*}}, %[[KEPT]]
// The bias follows.
// CHECK: linalg.generic
// CHECK: arith.addf
func.func @padded_conv_selects(%x: tensor<1x4x9x9xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<6xf32>) -> tensor<1x6x9x7xf32> {
  %0 = onnx.Conv %x, %w, %b {pads = array<i64: 1, 0, 1, 0>} : (tensor<1x4x9x9xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<1x6x9x7xf32>
  return %0 : tensor<1x6x9x7xf32>
}

// -----

// CHECK-LABEL: @half_conv_accumulates_in_single
// CHECK: linalg.generic
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half_conv_accumulates_in_single(%x: tensor<1x4x9xf16>, %w: tensor<6x4x3xf16>) -> tensor<1x6x7xf16> {
  %none = onnx.None
  %0 = onnx.Conv %x, %w, %none : (tensor<1x4x9xf16>, tensor<6x4x3xf16>, none) -> tensor<1x6x7xf16>
  return %0 : tensor<1x6x7xf16>
}

// -----

// CHECK-LABEL: @transposed_tries_only_its_phase
// CHECK: kernel.empty : tensor<4x2xi8>
// CHECK: arith.remui
// CHECK: arith.divui
func.func @transposed_tries_only_its_phase(%x: tensor<1x4x5xf32>, %w: tensor<4x2x4xf32>) -> tensor<1x2x12xf32> {
  %none = onnx.None
  %0 = onnx.ConvTranspose %x, %w, %none {strides = array<i64: 2>} : (tensor<1x4x5xf32>, tensor<4x2x4xf32>, none) -> tensor<1x2x12xf32>
  return %0 : tensor<1x2x12xf32>
}

// -----

// CHECK-LABEL: @quantized_conv_rounds_in_double
// CHECK: arith.muli %{{.*}} : i32
// CHECK: math.roundeven %{{.*}} : f64
// CHECK: arith.fptosi %{{.*}} : f64 to i32
func.func @quantized_conv_rounds_in_double(%x: tensor<1x1x7x7xui8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<2x1x1x1xui8>, %sw: tensor<2xf32>, %zw: tensor<2xui8>) -> tensor<1x2x7x7xui8> {
  %none = onnx.None
  %0 = onnx.QLinearConv %x, %s, %z, %w, %sw, %zw, %s, %z, %none
    : (tensor<1x1x7x7xui8>, tensor<f32>, tensor<ui8>, tensor<2x1x1x1xui8>, tensor<2xf32>, tensor<2xui8>, tensor<f32>, tensor<ui8>, none) -> tensor<1x2x7x7xui8>
  return %0 : tensor<1x2x7x7xui8>
}

// -----

// CHECK-LABEL: @unsigned_max
// CHECK: %[[LEAST:.*]] = arith.constant 0 : i8
// CHECK: arith.maxui
func.func @unsigned_max(%x: tensor<1x1x4x4xui8>) -> tensor<1x1x3x3xui8> {
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x4x4xui8>) -> (tensor<1x1x3x3xui8>, tensor<1x1x3x3xi64>)
  return %0#0 : tensor<1x1x3x3xui8>
}

// -----

// Both results come from one reduction.
// CHECK-LABEL: @max_with_indices
// CHECK: linalg.generic
// CHECK: %[[WINS:.*]] = arith.ori
// CHECK: arith.select %[[WINS]], %{{.*}} : f32
// CHECK: arith.select %[[WINS]], %{{.*}} : i64
// CHECK: -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xi64>)
func.func @max_with_indices(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x3x3xi64> {
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xi64>)
  return %0#1 : tensor<1x1x3x3xi64>
}

// -----

// CHECK-LABEL: @unpadded_mean_divides_by_constant
// CHECK: %[[COUNT:.*]] = arith.constant 6.000000e+00 : f32
// CHECK: arith.divf %{{.*}}, %[[COUNT]]
func.func @unpadded_mean_divides_by_constant(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x3x2xf32> {
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 2, 3>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x3x2xf32>
  return %0 : tensor<1x1x3x2xf32>
}

// -----

// CHECK-LABEL: @global_mean_of_symbolic_size
// CHECK: kernel.extent <["H * 4"]>
// CHECK: arith.divf
func.func @global_mean_of_symbolic_size(%x: tensor<1x8x?x4xf32, #onnx.dims<[1, 8, "H", 4]>>) -> tensor<1x8x1x1xf32> {
  %0 = onnx.GlobalAveragePool %x : (tensor<1x8x?x4xf32, #onnx.dims<[1, 8, "H", 4]>>) -> tensor<1x8x1x1xf32>
  return %0 : tensor<1x8x1x1xf32>
}

// -----

// A foreign index is a fault, not a store.
// CHECK-LABEL: @unpool_checks_indices
// CHECK: kernel.foreach in <[1]>
// CHECK: kernel.fault %{{.*}} {code = 1 : i64}
// CHECK: scf.if
// CHECK: kernel.store
func.func @unpool_checks_indices(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) -> tensor<1x1x4x4xf32> {
  %none = onnx.None
  %0 = onnx.MaxUnpool %x, %i, %none {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>}
    : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>, none) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

// Taps are interpolated between four elements, then masked.
// CHECK-LABEL: @deformed_taps_are_interpolated
// CHECK: tensor.extract %arg3
// CHECK-COUNT-2: tensor.extract %arg2
// CHECK-COUNT-4: tensor.extract %arg0
func.func @deformed_taps_are_interpolated(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x2x2xf32>, %offset: tensor<1x8x2x2xf32>, %mask: tensor<1x4x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %none = onnx.None
  %0 = onnx.DeformConv %x, %w, %offset, %none, %mask
    : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>, tensor<1x8x2x2xf32>, none, tensor<1x4x2x2xf32>) -> tensor<1x1x2x2xf32>
  return %0 : tensor<1x1x2x2xf32>
}
