// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// The quotient is rounded and limited before the zero point is added, so that
// no intermediate overflows.
// CHECK-DAG: #[[AXIS:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: @quantizes_per_axis
// CHECK: indexing_maps = [#{{.*}}, #[[AXIS]], #[[AXIS]],
// CHECK: %[[Q:.*]] = arith.divf %{{.*}} : f32
// CHECK: %[[R:.*]] = math.roundeven %[[Q]]
// CHECK: %[[L:.*]] = arith.maxnumf %[[R]]
// CHECK: %[[H:.*]] = arith.minnumf %[[L]]
// CHECK: %[[I:.*]] = arith.fptosi %[[H]] : f32 to i32
// CHECK: arith.addi %[[I]]
// CHECK: arith.trunci %{{.*}} : i32 to i8
func.func @quantizes_per_axis(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<3xi8>) -> tensor<2x3xi8> {
  %0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xi8>) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// -----

// Division in half precision rounds the quotient to it.
// CHECK-LABEL: @divides_in_half
// CHECK: arith.divf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: math.roundeven
func.func @divides_in_half(%x: tensor<2x3xf16>, %s: tensor<f16>) -> tensor<2x3xui8> {
  %none = onnx.None
  %0 = onnx.QuantizeLinear %x, %s, %none : (tensor<2x3xf16>, tensor<f16>, none) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// -----

// CHECK-DAG: #[[BLOCK:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 2)>
// CHECK-LABEL: @dequantizes_blocks
// CHECK: indexing_maps = [#{{.*}}, #[[BLOCK]], #[[BLOCK]],
// CHECK: arith.subi %{{.*}} : i32
// CHECK: arith.sitofp %{{.*}} : i32 to f32
// CHECK: arith.mulf
func.func @dequantizes_blocks(%x: tensor<2x5xui8>, %s: tensor<2x3xf32>, %z: tensor<2x3xui8>) -> tensor<2x5xf32> {
  %0 = onnx.DequantizeLinear %x, %s, %z {block_size = 2 : i64} : (tensor<2x5xui8>, tensor<2x3xf32>, tensor<2x3xui8>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

// CHECK-LABEL: @dynamic_range_includes_zero
// CHECK: arith.minnumf
// CHECK: arith.maxnumf
// CHECK: arith.divf
// CHECK: math.roundeven
func.func @dynamic_range_includes_zero(%x: tensor<2x5xf32>) -> tensor<2x5xui8> {
  %0:3 = onnx.DynamicQuantizeLinear %x : (tensor<2x5xf32>) -> (tensor<2x5xui8>, tensor<f32>, tensor<ui8>)
  return %0#0 : tensor<2x5xui8>
}
