// RUN: ingot-opt %s | ingot-opt | FileCheck %s

// CHECK-LABEL: @zero_point_says_the_type
func.func @zero_point_says_the_type(%x: tensor<?x3xf32, #onnx.dims<["N", 3]>>, %s: tensor<3xf32>, %z: tensor<3xi8>)
    -> tensor<?x3xi8, #onnx.dims<["N", 3]>> {
  // CHECK: onnx.QuantizeLinear
  %0 = onnx.QuantizeLinear %x, %s, %z : (tensor<?x3xf32, #onnx.dims<["N", 3]>>, tensor<3xf32>, tensor<3xi8>) -> tensor<?x3xi8, #onnx.dims<["N", 3]>>
  return %0 : tensor<?x3xi8, #onnx.dims<["N", 3]>>
}

// CHECK-LABEL: @default_is_uint8
func.func @default_is_uint8(%x: tensor<4xf32>, %s: tensor<f32>) -> (tensor<4xui8>, tensor<4xi16>) {
  %none = onnx.None
  %0 = onnx.QuantizeLinear %x, %s, %none : (tensor<4xf32>, tensor<f32>, none) -> tensor<4xui8>
  // CHECK: output_dtype = 5
  %1 = onnx.QuantizeLinear %x, %s, %none {output_dtype = 5 : i64} : (tensor<4xf32>, tensor<f32>, none) -> tensor<4xi16>
  return %0, %1 : tensor<4xui8>, tensor<4xi16>
}

// The last block may be shorter.
// CHECK-LABEL: @blocks_along_an_axis
func.func @blocks_along_an_axis(%x: tensor<2x5xui8>, %s: tensor<2x3xf16>) -> tensor<2x5xf16> {
  %none = onnx.None
  %0 = onnx.DequantizeLinear %x, %s, %none {block_size = 2 : i64} : (tensor<2x5xui8>, tensor<2x3xf16>, none) -> tensor<2x5xf16>
  return %0 : tensor<2x5xf16>
}

// CHECK-LABEL: @dynamic_has_three_results
func.func @dynamic_has_three_results(%x: tensor<2x5xf32>) -> tensor<2x5xui8> {
  %0:3 = onnx.DynamicQuantizeLinear %x : (tensor<2x5xf32>) -> (tensor<2x5xui8>, tensor<f32>, tensor<ui8>)
  return %0#0 : tensor<2x5xui8>
}
