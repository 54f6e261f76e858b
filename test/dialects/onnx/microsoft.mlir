// RUN: ingot-opt %s | ingot-opt | FileCheck %s

// Names have the domain in front.
// CHECK-LABEL: @sum_broadcasts
func.func @sum_broadcasts(%a: tensor<?x3xui8, #onnx.dims<["N", 3]>>, %b: tensor<1x3xui8>, %s: tensor<1xf32>, %z: tensor<ui8>) -> tensor<?x3xui8, #onnx.dims<["N", 3]>> {
  %n = onnx.None
  // CHECK: onnx.com.microsoft.QLinearAdd {{.*}} -> tensor<?x3xui8, #onnx.dims<["N", 3]>>
  %0 = onnx.com.microsoft.QLinearAdd %a, %s, %z, %b, %s, %n, %s, %z : (tensor<?x3xui8, #onnx.dims<["N", 3]>>, tensor<1xf32>, tensor<ui8>, tensor<1x3xui8>, tensor<1xf32>, none, tensor<1xf32>, tensor<ui8>) -> tensor<?x3xui8, #onnx.dims<["N", 3]>>
  return %0 : tensor<?x3xui8, #onnx.dims<["N", 3]>>
}

// CHECK-LABEL: @pool_of_symbolic_size
func.func @pool_of_symbolic_size(%x: tensor<1x?x?x8xi8, #onnx.dims<[1, "H", "W", 8]>>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<1x?x?x8xi8, #onnx.dims<[1, "H + -1", "W + -1", 8]>> {
  %0 = onnx.com.microsoft.QLinearAveragePool %x, %s, %z, %s, %z {channels_last = 1 : i64, kernel_shape = array<i64: 2, 2>} : (tensor<1x?x?x8xi8, #onnx.dims<[1, "H", "W", 8]>>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<1x?x?x8xi8, #onnx.dims<[1, "H + -1", "W + -1", 8]>>
  return %0 : tensor<1x?x?x8xi8, #onnx.dims<[1, "H + -1", "W + -1", 8]>>
}

// CHECK-LABEL: @gemm_is_float_without_y_scale
func.func @gemm_is_float_without_y_scale(%a: tensor<?x3xui8, #onnx.dims<["N", 3]>>, %s: tensor<f32>, %z: tensor<ui8>, %b: tensor<4x3xui8>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>> {
  %n = onnx.None
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %s, %z, %n, %n, %n {transB = 1 : i64} : (tensor<?x3xui8, #onnx.dims<["N", 3]>>, tensor<f32>, tensor<ui8>, tensor<4x3xui8>, tensor<f32>, tensor<ui8>, none, none, none) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  return %0 : tensor<?x4xf32, #onnx.dims<["N", 4]>>
}

// Scales and zero points may be flat.
// CHECK-LABEL: @nbits_of_a_stack
func.func @nbits_of_a_stack(%a: tensor<2x?x40xf16, #onnx.dims<[2, "S", 40]>>, %b: tensor<3x2x16xui8>, %s: tensor<6xf16>, %z: tensor<3xui8>) -> tensor<2x?x3xf16, #onnx.dims<[2, "S", 3]>> {
  %n = onnx.None
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %z, %n, %n {K = 40 : i64, N = 3 : i64, block_size = 32 : i64} : (tensor<2x?x40xf16, #onnx.dims<[2, "S", 40]>>, tensor<3x2x16xui8>, tensor<6xf16>, tensor<3xui8>, none, none) -> tensor<2x?x3xf16, #onnx.dims<[2, "S", 3]>>
  return %0 : tensor<2x?x3xf16, #onnx.dims<[2, "S", 3]>>
}

// Nothing is known of tensors without rank but their element type.
// CHECK-LABEL: @without_rank
func.func @without_rank(%x: tensor<*xui8>, %b: tensor<*xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> (tensor<*xui8>, tensor<*xui8>, tensor<*xf32>) {
  %n = onnx.None
  %0 = onnx.com.microsoft.QLinearGlobalAveragePool %x, %s, %z, %s, %z : (tensor<*xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  %1 = onnx.com.microsoft.QLinearReduceMean %x, %s, %z, %s, %z {axes = array<i64: 1>, keepdims = 1 : i64} : (tensor<*xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  %2 = onnx.com.microsoft.MatMulIntegerToFloat %x, %b, %s, %s, %n, %n, %n : (tensor<*xui8>, tensor<*xui8>, tensor<f32>, tensor<f32>, none, none, none) -> tensor<*xf32>
  return %0, %1, %2 : tensor<*xui8>, tensor<*xui8>, tensor<*xf32>
}
